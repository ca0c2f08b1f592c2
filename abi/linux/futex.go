package linux

// Operations of futex(2) and what may be in them.
const (
	FUTEX_WAIT            = 0
	FUTEX_WAKE            = 1
	FUTEX_REQUEUE         = 3
	FUTEX_CMP_REQUEUE     = 4
	FUTEX_WAKE_OP         = 5
	FUTEX_LOCK_PI         = 6
	FUTEX_UNLOCK_PI       = 7
	FUTEX_TRYLOCK_PI      = 8
	FUTEX_WAIT_BITSET     = 9
	FUTEX_WAKE_BITSET     = 10
	FUTEX_WAIT_REQUEUE_PI = 11
	FUTEX_CMP_REQUEUE_PI  = 12
	FUTEX_LOCK_PI2        = 13
	FUTEX_PRIVATE_FLAG    = 128
	FUTEX_CLOCK_REALTIME  = 256
	FUTEX_CMD_MASK        = ^(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)

	FUTEX_WAITERS          = 0x80000000
	FUTEX_OWNER_DIED       = 0x40000000
	FUTEX_TID_MASK         = 0x3fffffff
	FUTEX_BITSET_MATCH_ANY = 0xffffffff
	FUTEX_WAITV_MAX        = 128

	FUTEX_OP_SET         = 0
	FUTEX_OP_ADD         = 1
	FUTEX_OP_OR          = 2
	FUTEX_OP_ANDN        = 3
	FUTEX_OP_XOR         = 4
	FUTEX_OP_OPARG_SHIFT = 8
	FUTEX_OP_CMP_EQ      = 0
	FUTEX_OP_CMP_NE      = 1
	FUTEX_OP_CMP_LT      = 2
	FUTEX_OP_CMP_LE      = 3
	FUTEX_OP_CMP_GT      = 4
	FUTEX_OP_CMP_GE      = 5
)

// FutexOp is the packed operation of FUTEX_WAKE_OP.
type FutexOp uint32

// Apply computes the new value of the word.
func (o FutexOp) Apply(old uint32) (uint32, error) {
	arg := o.arg(12)
	if uint32(o)>>31 != 0 { // FUTEX_OP_OPARG_SHIFT
		arg = 1 << (uint32(arg) & 31)
	}
	v := uint32(arg)
	switch uint32(o) >> 28 & 7 {
	case FUTEX_OP_SET:
		return v, nil
	case FUTEX_OP_ADD:
		return old + v, nil
	case FUTEX_OP_OR:
		return old | v, nil
	case FUTEX_OP_ANDN:
		return old &^ v, nil
	case FUTEX_OP_XOR:
		return old ^ v, nil
	}
	return old, ENOSYS
}

// Compare compares the old value of the word.
func (o FutexOp) Compare(old uint32) (bool, error) {
	a, b := int32(old), o.arg(0)
	switch uint32(o) >> 24 & 15 {
	case FUTEX_OP_CMP_EQ:
		return a == b, nil
	case FUTEX_OP_CMP_NE:
		return a != b, nil
	case FUTEX_OP_CMP_LT:
		return a < b, nil
	case FUTEX_OP_CMP_LE:
		return a <= b, nil
	case FUTEX_OP_CMP_GT:
		return a > b, nil
	case FUTEX_OP_CMP_GE:
		return a >= b, nil
	}
	return false, ENOSYS
}

// arg is a signed field of twelve bits.
func (o FutexOp) arg(shift uint) int32 { return int32(uint32(o)<<(20-shift)) >> 20 }
