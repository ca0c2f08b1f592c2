package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

func sysMmap(c *call) (int64, error) {
	prot, flags := c.int(2), c.int(3)
	var f *mm.File
	if flags&mm.MapAnonymous == 0 {
		file, err := c.t.GetFile(c.fd(4))
		if err != nil {
			return 0, err
		}
		defer file.Close()
		access, kind := file.Flags()&linux.O_ACCMODE, flags&mm.MapSharedValidate
		if kind != 0 && access == linux.O_WRONLY || kind&mm.MapShared != 0 && prot&mm.ProtWrite != 0 && access != linux.O_RDWR {
			return 0, linux.EACCES
		}
		if file.Zero() { // memory of nobody else's, or shared with who has it by fork
			at, err := c.mm.Mmap(c.a[0], c.a[1], prot, flags|mm.MapAnonymous, nil, 0)
			return int64(at), err
		}
		m, err := file.Map(c.t)
		if err != nil {
			return 0, err
		}
		defer m.Unref()
		f = &mm.File{Name: m.Name(), Dev: m.Dev(), Ino: m.Ino(), Readable: access != linux.O_WRONLY, Writable: access == linux.O_RDWR, Backing: m}
		if how := flags & mm.MapSharedValidate; how != mm.MapPrivate && f.Writable && !m.MayStore() {
			if prot&mm.ProtWrite != 0 {
				return 0, linux.EPERM
			}
			f.Writable = false
		}
	}
	return c.room(func() (int64, error) {
		at, err := c.mm.Mmap(c.a[0], c.a[1], prot, flags, f, int64(c.a[5]))
		return int64(at), err
	})
}

// room does what takes memory and changes nothing when there is none, and makes room by
// ending a process until it can be done.
func (c *call) room(do func() (int64, error)) (int64, error) {
	for {
		v, err := do()
		if err != kernel.ErrFull || !c.t.OutOfMemory() {
			return v, err
		}
	}
}

func sysMprotect(c *call) (int64, error) {
	return c.room(func() (int64, error) { return 0, c.mm.Mprotect(c.a[0], c.a[1], c.int(2)) })
}

func sysMunmap(c *call) (int64, error)  { return 0, c.mm.Munmap(c.a[0], c.a[1]) }
func sysMadvise(c *call) (int64, error) { return 0, c.mm.Madvise(c.a[0], c.a[1], c.int(2)) }
func sysMsync(c *call) (int64, error)   { return 0, c.mm.Msync(c.a[0], c.a[1], c.int(2)) }

func sysMremap(c *call) (int64, error) {
	at, err := c.mm.Mremap(c.a[0], c.a[1], c.a[2], c.int(3), c.a[4])
	return int64(at), err
}

func sysMincore(c *call) (int64, error) {
	v, err := c.mm.Mincore(c.a[0], c.a[1])
	if err != nil {
		return 0, err
	}
	return 0, c.mm.Write(c.a[2], v)
}

func sysBrk(c *call) (int64, error) {
	l, err := c.t.Getrlimit(linux.RLIMIT_DATA)
	if err != nil {
		return 0, err
	}
	return int64(c.mm.Brk(c.a[0], l.Cur)), nil
}

// sysMlock has nothing to do: what guests have is in memory. A range that is not
// mapped is ENOMEM.
func sysMlock(c *call) (int64, error) {
	const page = 4096
	start := c.a[0] &^ (page - 1)
	end := c.a[0] + c.a[1]
	if end < c.a[0] {
		return 0, linux.EINVAL
	}
	if end == start {
		return 0, nil
	}
	_, err := c.mm.Mincore(start, end-start)
	return 0, err
}

func sysMlock2(c *call) (int64, error) {
	if c.int(2)&^1 != 0 {
		return 0, linux.EINVAL
	}
	return sysMlock(c)
}

func sysMlockall(c *call) (int64, error) {
	if f := c.int(0); f == 0 || f&^7 != 0 || f == 4 {
		return 0, linux.EINVAL
	}
	return 0, nil
}

func sysRemapFilePages(c *call) (int64, error) {
	return 0, c.mm.RemapFilePages(c.a[0], c.a[1], c.int(2), c.a[3])
}
