package kernel

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// signalfd reads pending signals, signalfd(2). A read takes those of the reader;
// readiness is that of the process that made it, also in a child that shares it.
type signalfd struct {
	mask atomic.Uint64
	t    *Task
}

// Signalfd is signalfd4(2): fd is -1 for a new one, or one whose mask is to change.
func (t *Task) Signalfd(fd int, mask linux.SigSet, flags int) (int, error) {
	if flags&^(linux.SFD_NONBLOCK|linux.SFD_CLOEXEC) != 0 {
		return -1, linux.EINVAL
	}
	mask &^= unblockable
	if fd == -1 {
		o := &signalfd{t: t}
		o.mask.Store(uint64(mask))
		return t.anonFile(o, "anon_inode:[signalfd]", linux.O_RDWR|flags&linux.O_NONBLOCK, flags&linux.SFD_CLOEXEC != 0)
	}
	f, err := t.file(fd)
	if err != nil {
		return -1, err
	}
	defer f.decref(t)
	o, ok := f.ops.(*signalfd)
	if !ok {
		return -1, linux.EINVAL
	}
	o.mask.Store(uint64(mask))
	t.proc.sigQ.Wake()
	return fd, nil
}

func (o *signalfd) read(t *Task, f *File, p []byte) (int, error) {
	if len(p) < linux.SignalfdSize {
		return 0, linux.EINVAL
	}
	n := 0
	err := t.untilReady(&t.proc.sigQ, f, func() bool {
		t.k.mu.Lock()
		defer t.k.mu.Unlock()
		not := ^linux.SigSet(o.mask.Load())
		for len(p)-n >= linux.SignalfdSize {
			info, ok := t.pending.take(not)
			if !ok {
				info, ok = t.proc.pending.take(not)
			}
			if !ok {
				break
			}
			info.signalfd(p[n : n+linux.SignalfdSize])
			n += linux.SignalfdSize
		}
		if n > 0 {
			t.recalcLocked()
		}
		return n > 0
	})
	return n, err
}

// signalfd fills in a struct signalfd_siginfo.
func (i *SigInfo) signalfd(b []byte) {
	clear(b)
	le := binary.LittleEndian
	le.PutUint32(b, uint32(i.Signo))
	le.PutUint32(b[8:], uint32(i.Code))
	switch {
	case i.IO:
		le.PutUint32(b[20:], uint32(i.FD))
		le.PutUint32(b[28:], uint32(i.Band))
	case i.timer != nil:
		le.PutUint32(b[24:], uint32(i.TimerID))
		le.PutUint32(b[32:], uint32(i.timer.overrun))
	default:
		le.PutUint32(b[12:], uint32(i.PID))
		le.PutUint32(b[16:], i.UID)
	}
	le.PutUint32(b[40:], uint32(i.Status))
	le.PutUint32(b[44:], uint32(i.Value))
	le.PutUint64(b[48:], i.Value)
	le.PutUint64(b[72:], i.Addr)
}

func (o *signalfd) write(*Task, *File, []byte) (int, error) { return 0, linux.EINVAL }

func (o *signalfd) ready(f *File) uint32 {
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	if (o.t.pending.set|o.t.proc.pending.set)&linux.SigSet(o.mask.Load()) != 0 {
		return linux.POLLIN
	}
	return 0
}

func (o *signalfd) watch(_ *File, w *waker) func()  { return watchQueue(&o.t.proc.sigQ, w) }
func (o *signalfd) attr(f *File, a *vfs.Attr) error { return f.anonAttr(a, 0o600) }
func (o *signalfd) release(*File)                   {}
