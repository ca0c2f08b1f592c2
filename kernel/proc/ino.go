package proc

import "github.com/sbxrun/sbx/vfs"

// An inode number of a process's folder is, from the top: a 1, the id (22 bits),
// the low bits of the process's serial number (9), whether it is below task/
// (1), the kind of file (7), and an argument (24), the descriptor.
const (
	inoDynamic  = vfs.Ino(1) << 63
	serialBits  = 9
	kindBits    = 7
	argBits     = 24
	taskShift   = kindBits + argBits
	serialShift = taskShift + 1
	idShift     = serialShift + serialBits
	maxID       = 1<<22 - 1
	maxArg      = 1<<argBits - 1
)

// ref is a decoded inode number.
type ref struct {
	id     int
	serial uint64 // low bits only
	task   bool
	kind   kind
	arg    int
}

func (r ref) ino() vfs.Ino {
	n := inoDynamic | vfs.Ino(r.id)<<idShift | vfs.Ino(r.serial&(1<<serialBits-1))<<serialShift |
		vfs.Ino(r.kind)<<argBits | vfs.Ino(r.arg)
	if r.task {
		n |= 1 << taskShift
	}
	return n
}

func decode(ino vfs.Ino) ref {
	return ref{
		id:     int(ino >> idShift & maxID),
		serial: uint64(ino >> serialShift & (1<<serialBits - 1)),
		task:   ino>>taskShift&1 != 0,
		kind:   kind(ino >> argBits & (1<<kindBits - 1)),
		arg:    int(ino & maxArg),
	}
}

// with is another inode of the same folder.
func (r ref) with(k kind, arg int) ref {
	r.kind, r.arg = k, arg
	return r
}
