package mm

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// memoryBudget is how many memories there may be: each is a descriptor of the Go
// process, which needs some for itself.
var memoryBudget = sync.OnceValue(func() int64 {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 256
	}
	return int64(min(l.Cur, 1<<20) / 2)
})

// newSharedMemory makes memory that several windows can map, zeroed.
func newSharedMemory(n int64) (*os.File, error) {
	if memories.Add(1) > memoryBudget() {
		memories.Add(-1)
		return nil, unix.EMFILE
	}
	fd, err := unix.MemfdCreate("sbx-shared", unix.MFD_CLOEXEC)
	if err != nil {
		memories.Add(-1)
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "memory")
	if err := f.Truncate(n); err != nil {
		freeSharedMemory(f)
		return nil, err
	}
	return f, nil
}

// residentBytes is how much of a memory was ever touched.
func residentBytes(f *os.File) int64 {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil {
		return 0
	}
	return st.Blocks * 512
}

func (m *fileMemory) Punch(off, n int64) error {
	return memoryErr(unix.Fallocate(int(m.f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n))
}

func (m *fileMemory) Data(off int64) (from, to int64, ok bool) {
	fd := int(m.f.Fd())
	from, err := unix.Seek(fd, off, unix.SEEK_DATA)
	if err != nil {
		return 0, 0, false
	}
	if to, err = unix.Seek(fd, from, unix.SEEK_HOLE); err != nil {
		return 0, 0, false
	}
	return from, to, true
}
