package kernel

import (
	gopath "path"
	"strconv"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/dev"
	"github.com/sbxrun/sbx/kernel/tty"
	"github.com/sbxrun/sbx/vfs"
)

// device is an open character device.
type device struct {
	d    dev.Device
	rdev uint64
}

// openDevice opens a character device by its number; a mount may forbid that.
func (t *Task) openDevice(loc vfs.Loc, rdev uint64, flags int) (*File, error) {
	if loc.Mount.Flags()&linux.ST_NODEV != 0 {
		return nil, linux.EACCES
	}
	d, err := t.k.devices.Open(rdev, flags, caller{t})
	if err != nil {
		return nil, err
	}
	f, err := t.k.newFile(&device{d: d, rdev: rdev}, flags)
	if err != nil {
		_ = d.Close()
	}
	return f, err
}

// waitFunc is nil for a description that must not block.
func (t *Task) waitFunc(f *File) tty.WaitFunc {
	if f.nonblock() {
		return nil
	}
	return t.waitReady
}

func (d *device) read(t *Task, f *File, p []byte) (n int, err error) {
	err = t.restarting(func() (err error) {
		n, err = d.d.Read(caller{t}, p, t.waitFunc(f))
		return err
	})
	return n, err
}

func (d *device) write(t *Task, f *File, p []byte) (n int, err error) {
	err = t.restarting(func() (err error) {
		n, err = d.d.Write(caller{t}, p, t.waitFunc(f))
		return err
	})
	return n, err
}

// restarting repeats a call of a background process that a terminal stopped,
// once it goes on.
func (t *Task) restarting(call func() error) error {
	for {
		err := call()
		if err != linux.ERESTART {
			return err
		}
		if _, err := t.attend(); err != nil {
			return err
		}
	}
}

func (d *device) pread(t *Task, f *File, p []byte, _ int64) (int, error) {
	if d.end() != nil {
		return 0, linux.ESPIPE
	}
	return d.read(t, f, p)
}

func (d *device) pwrite(t *Task, f *File, p []byte, _ int64) (int, error) {
	if d.end() != nil {
		return 0, linux.ESPIPE
	}
	return d.write(t, f, p)
}

// seek does nothing on devices without a position, and is an error on terminals.
func (d *device) seek(*Task, *File, int64, int) (int64, error) {
	if d.end() != nil {
		return 0, linux.ESPIPE
	}
	return 0, nil
}

func (d *device) ready(*File) uint32 { return d.d.Readiness() }

func (d *device) watch(_ *File, w *waker) func() { return d.d.Watch(w.poke) }

func (d *device) attr(f *File, a *vfs.Attr) error {
	if f.loc.Mount != nil {
		if err := f.loc.Getattr(a); err == nil {
			return nil
		}
	}
	err := f.anonAttr(a, linux.S_IFCHR|0o620)
	a.Rdev = d.rdev
	return err
}

func (d *device) release(f *File) {
	f.k.notifyClose(f)
	_ = d.d.Close()
}

// end returns the terminal's side, nil when the device is none.
func (d *device) end() *tty.End {
	e, _ := d.d.(*tty.End)
	return e
}

func (d *device) readable() (int, error) {
	if e := d.end(); e != nil {
		return e.InputQueued()
	}
	return 0, linux.ENOTTY
}

func ptsName(n int) string { return "/dev/pts/" + strconv.Itoa(n) }

// DevNull makes a file that is /dev/null. The caller owns one reference.
func (k *Kernel) DevNull() *File {
	f := &File{k: k, ops: &device{d: dev.Null{}, rdev: linux.Makedev(1, 3)}, ino: k.nextIno.Add(1), name: "/dev/null"}
	f.refs.Store(1)
	f.flags.Store(linux.O_RDWR)
	k.openFiles.Add(1)
	k.place(f, "/dev/null")
	return f
}

// place gives a file of the host's its path, if that is in the tree.
func (k *Kernel) place(f *File, path string) {
	root := k.ns.RootLoc()
	w := vfs.Walker{NS: k.ns, Root: root, Cwd: root, Cred: vfs.RootCred()}
	f.name = path
	dir, base := gopath.Split(path)
	parent, err := w.Resolve(root, dir, vfs.Directory)
	if err != nil {
		return
	}
	loc, err := w.Resolve(parent, base, 0)
	if err != nil {
		return
	}
	var a vfs.Attr
	if loc.Getattr(&a) != nil || a.Rdev != f.ops.(*device).rdev {
		return
	}
	loc.Ref()
	f.name, f.loc, f.parent, f.base, f.refed = "", loc, parent, base, true
}
