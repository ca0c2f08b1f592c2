package kernel

import (
	"errors"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/proc"
	"github.com/sbxrun/sbx/vfs"
)

// openElsewhere opens a pipe or another file without a place in the tree, to which
// a walk has led through /proc/PID/fd. The new descriptor shares the description: a
// pipe has no offset that would tell the difference. O_PATH is ENOENT.
func (t *Task) openElsewhere(walk error, flags int) (*File, error) {
	f, err := t.elsewhere(walk)
	if err != nil {
		return nil, err
	}
	have, want := f.Flags()&linux.O_ACCMODE, flags&linux.O_ACCMODE
	switch {
	case flags&linux.O_PATH != 0:
		err = linux.ENOENT
	case flags&linux.O_DIRECTORY != 0:
		err = linux.ENOTDIR
	case flags&(linux.O_CREAT|linux.O_EXCL) == linux.O_CREAT|linux.O_EXCL:
		err = linux.EEXIST
	case !f.reopens():
		err = linux.ENXIO
	case have != linux.O_RDWR && have != want:
		err = linux.EACCES
	default:
		return f, nil
	}
	f.decref(t)
	return nil, err
}

// reopens reports whether a file without a place can be opened by its name: pipes
// and what stands for them can, sockets and the like cannot.
func (f *File) reopens() bool {
	var a vfs.Attr
	return f.ops.attr(f, &a) == nil && (linux.S_ISFIFO(a.Mode) || linux.S_ISCHR(a.Mode))
}

// elsewhere is a reference to the file to which a walk has led, if that is why it
// failed; walk itself when it is not.
func (t *Task) elsewhere(walk error) (*File, error) {
	var e *vfs.Elsewhere
	if !errors.As(walk, &e) {
		return nil, walk
	}
	at, ok := e.File.(proc.OpenFile)
	if !ok {
		return nil, linux.ENOENT
	}
	p, ok := at.Task.(procTask)
	if !ok {
		return nil, linux.ENOENT
	}
	if !t.ProcAccess(p.t.proc.pid) {
		return nil, linux.EACCES
	}
	f, err := p.t.theirFiles().get(at.FD)
	if err != nil {
		return nil, linux.ENOENT
	}
	return f, nil
}

// statElsewhere is stat(2) of what a walk has led to.
func (t *Task) statElsewhere(walk error, a *vfs.Attr) error {
	f, err := t.elsewhere(walk)
	if err != nil {
		return err
	}
	defer f.decref(t)
	return f.ops.attr(f, a)
}
