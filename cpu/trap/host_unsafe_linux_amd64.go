package trap

import (
	"encoding/binary"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	pageSize = 4096
	// maxStates bounds the threads of all guests of the process.
	maxStates = 1 << 16
	statePad  = 11
	// stride is from one State to the next: a page that is never mapped, a stack for the host's clock, the State.
	stride   = 4 * pageSize
	mapped   = 3 * pageSize
	stackTop = -64 // from a State's start
)

var _ = [1]byte{}[unsafe.Offsetof(State{}.Xsave)%64]    // XSAVE's alignment
var _ = [1]byte{}[unsafe.Offsetof(State{}.clean)%64]    // likewise
var _ = [1]byte{}[unsafe.Offsetof(State{}.interrupt)%8] // looked at as one
var _ = [1]byte{}[unsafe.Offsetof(State{}.interrupt)+4-unsafe.Offsetof(State{}.wanted)]
var _ = [1]byte{}[unsafe.Offsetof(State{}.GPR)+15*8-origin] // where RSP points
var _ = [pageSize - unsafe.Sizeof(State{})]byte{}           // one page each
var _ = [1]byte{}[unsafe.Offsetof(State{}.Flags)-offFlags]
var _ = [1]byte{}[unsafe.Offsetof(State{}.FSBase)-origin-OffFSBase]
var _ = [1]byte{}[unsafe.Offsetof(State{}.Spill)-origin-OffSpill]
var _ = [1]byte{}[unsafe.Offsetof(State{}.ExitLink)-origin-OffExitLink]
var _ = [1]byte{}[unsafe.Offsetof(State{}.Window)-origin-OffWindow]
var _ = [1]byte{}[unsafe.Offsetof(State{}.Kept)-origin-OffKept]

var states struct {
	mu   sync.Mutex
	base uintptr
	used int      // of the range, from its start
	free []int    // given back
	kept []*State // likewise, with their memory
}

// maxKept bounds how many States keep their memory when they are given back.
const maxKept = 64

// reserveStates takes the range that tells guest mode, with a page on either
// side that is never touched.
func reserveStates() error {
	p, err := unix.MmapPtr(-1, 0, nil, (maxStates+2)*stride, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return err
	}
	states.base = (uintptr(p) + 2*stride - 1) &^ (stride - 1)
	statesLo, statesHi = states.base, states.base+maxStates*stride
	return nil
}

// NewState makes a State with registers of zero and vectors as a new process
// has them. ENOMEM when there are too many. Init must have succeeded.
func NewState() (*State, error) {
	states.mu.Lock()
	defer states.mu.Unlock()
	if n := len(states.kept); n > 0 {
		s := states.kept[n-1]
		states.kept = states.kept[:n-1]
		*s = State{}
		s.setUp()
		return s, nil
	}
	var i int
	if n := len(states.free); n > 0 {
		i = states.free[n-1]
		states.free = states.free[:n-1]
	} else if states.used == maxStates {
		return nil, unix.ENOMEM
	} else {
		i = states.used
		states.used++
	}
	p := hostPointer(states.base + uintptr(i+1)*stride - mapped)
	if _, err := unix.MmapPtr(-1, 0, p, mapped, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED); err != nil {
		states.free = append(states.free, i)
		return nil, err
	}
	s := (*State)(unsafe.Add(p, mapped-pageSize))
	s.setUp()
	return s, nil
}

// setUp makes a State of zeros one of a new thread.
func (s *State) setUp() {
	s.ExitLink, s.ExitSyscall, s.ExitStop = entries.exitLink, entries.exitSyscall, entries.exitStop
	s.features = feats
	s.Flags = 0x202
	s.ResetVectors()
}

// Free gives the State back. Nobody may use it any more.
func (s *State) Free() {
	p := unsafe.Add(unsafe.Pointer(s), pageSize-mapped)
	states.mu.Lock()
	defer states.mu.Unlock()
	if len(states.kept) < maxKept {
		states.kept = append(states.kept, s)
		return
	}
	_, _ = unix.MmapPtr(-1, 0, p, mapped, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED|unix.MAP_NORESERVE)
	states.free = append(states.free, int((uintptr(p)-states.base)/stride))
}

// ResetVectors gives x87, SSE and AVX the state of a new process.
func (s *State) ResetVectors() {
	clear(s.Xsave[:])
	s.light, s.handed = 0, true
	binary.LittleEndian.PutUint16(s.Xsave[0:], initialFCW)
	binary.LittleEndian.PutUint32(s.Xsave[24:], 0x1f80) // MXCSR
	binary.LittleEndian.PutUint64(s.Xsave[512:], 3)     // XSTATE_BV: the two above hold
}

func rtSigaction(sig unix.Signal, act, old *sigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

var auxvBytes = sync.OnceValue(func() []byte {
	b, _ := os.ReadFile("/proc/self/auxv")
	return b
})

// auxv returns a value of the auxiliary vector, or 0.
func auxv(tag uint64) uint64 {
	for b := auxvBytes(); len(b) >= 16; b = b[16:] {
		if binary.LittleEndian.Uint64(b) == tag {
			return binary.LittleEndian.Uint64(b[8:])
		}
	}
	return 0
}

func curm() uintptr

// procidOff is where the runtime keeps a thread's id in its m, or 0. It is found
// by looking, on several threads, and is worth a system call at each entry.
var procidOff uintptr

func findProcid() {
	const span = 256
	var votes [span / 8]int
	const threads = 4
	var wg, all sync.WaitGroup
	var mu sync.Mutex
	all.Add(threads)
	for range threads {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait() // so that they are different threads
			tid := uint64(unix.Gettid())
			m := curm()
			mu.Lock()
			defer mu.Unlock()
			for i := range votes {
				if *(*uint64)(hostPointer(m + uintptr(i)*8)) == tid {
					votes[i]++
				}
			}
		})
	}
	wg.Wait()
	for i, n := range votes {
		if n == threads {
			procidOff = uintptr(i) * 8
		}
	}
}

// hostPointer makes a pointer to memory that is not Go's heap.
func hostPointer(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }
