package kernel

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/mqueue"
	"github.com/sbxrun/sbx/vfs"
)

// mqFile is an open message queue. As a file it is what its filesystem says.
type mqFile struct {
	*regular
	q *mqueue.Queue
}

func (m *mqFile) ready(*File) (bits uint32) {
	most, _, n := m.q.Counts()
	if n > 0 {
		bits |= pollIn
	}
	if n < most {
		bits |= pollOut
	}
	return bits
}

func (m *mqFile) watch(_ *File, w *waker) func() { return m.q.Watch(w.pokeBits) }

// MqAttr is struct mq_attr, mq_getattr(3).
type MqAttr struct {
	Flags                    int // O_NONBLOCK
	MaxMsg, MsgSize, CurMsgs int64
}

// mqWalker finds queues for the task.
func (t *Task) mqWalker(name string) (walker, error) {
	root := t.k.mqNS.RootLoc()
	t.fs.mu.Lock()
	umask := t.fs.umask
	t.fs.mu.Unlock()
	w := walker{Walker: vfs.Walker{NS: t.k.mqNS, Root: root, Cwd: root, Umask: umask, Cred: t.cred.Load().fs, Caller: t}}
	switch {
	case name == "":
		return w, linux.ENOENT
	case strings.Contains(name, "/"), name == ".", name == "..":
		return w, linux.EACCES
	}
	return w, nil
}

// MqOpen is mq_open(2): the name is without a slash. A nil attr is the usual size.
func (t *Task) MqOpen(name string, flags int, mode uint32, attr *MqAttr) (int, error) {
	if err := t.enter(); err != nil {
		return -1, err
	}
	w, err := t.mqWalker(name)
	if err != nil {
		return -1, err
	}
	for {
		o, err := t.mqFind(&w, name, flags, mode, attr)
		if err == linux.ENOENT && flags&linux.O_CREAT != 0 {
			continue // it went away meanwhile
		}
		if err != nil {
			return -1, err
		}
		f, err := t.fileOf(&w, o, flags&(linux.O_ACCMODE|linux.O_NONBLOCK))
		if err != nil {
			_ = o.Handle.Close()
			o.Loc.Unref()
			return -1, err
		}
		f.loc, f.parent, f.base = o.Loc, o.Parent, o.Name
		return t.install(f, 0, true)
	}
}

// mqFind opens a queue, and makes it first if it is to. Who made it may open it
// whatever its mode says.
func (t *Task) mqFind(w *walker, name string, flags int, mode uint32, attr *MqAttr) (vfs.Opened, error) {
	made := false
	if flags&linux.O_CREAT != 0 {
		err := t.mqMake(w, name, mode, attr)
		if made = err == nil; !made && (err != linux.EEXIST || flags&linux.O_EXCL != 0) {
			return vfs.Opened{}, err
		}
	}
	by := w.Walker
	switch {
	case made:
		by.Cred = vfs.RootCred()
	case flags&linux.O_ACCMODE == linux.O_ACCMODE:
		if _, err := t.k.mq.Lookup(w.Root.Ino, name); err != nil {
			return vfs.Opened{}, err
		}
		return vfs.Opened{}, linux.EINVAL
	}
	return by.OpenFile(w.Root, name, flags&linux.O_ACCMODE, 0, 0)
}

// mqMake makes a queue if the directory lets the task.
func (t *Task) mqMake(w *walker, name string, mode uint32, attr *MqAttr) error {
	if _, err := t.k.mq.Lookup(w.Root.Ino, name); err == nil {
		return linux.EEXIST
	}
	if len(name) > linux.NAME_MAX {
		return linux.ENAMETOOLONG
	}
	if err := w.AccessLoc(w.Root, linux.W_OK|linux.X_OK); err != nil {
		return err
	}
	m := mqueue.Maker{MaxMsg: mqueue.MsgDefault, MsgSize: mqueue.MsgSizeDefault,
		Limit: t.rlimit(linux.RLIMIT_MSGQUEUE), Privileged: t.cred.Load().Has(linux.CAP_SYS_RESOURCE)}
	if attr != nil {
		m.MaxMsg, m.MsgSize = attr.MaxMsg, attr.MsgSize
	}
	return t.k.mq.Make(name, vfs.CreateOpts{Mode: linux.S_IFREG | mode&0o7777&^w.Umask, UID: w.Cred.UID, GID: w.Cred.GID}, m)
}

// MqUnlink is mq_unlink(2).
func (t *Task) MqUnlink(name string) error {
	if err := t.enter(); err != nil {
		return err
	}
	w, err := t.mqWalker(name)
	if err == nil {
		err = w.Unlink(w.Root, name)
	}
	return err
}

// mqFile starts a call on a queue: EBADF for what is none.
func (t *Task) mqFile(fd int) (*File, *mqueue.Queue, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	if m, ok := f.ops.(*mqFile); ok {
		return f, m.q, nil
	}
	f.decref(t)
	return nil, nil, linux.EBADF
}

// MqSend is mq_timedsend(2) of a message of n bytes, which data reads once it is known
// that it may be sent.
func (t *Task) MqSend(fd int, prio uint32, n uint64, data func() ([]byte, error), end Deadline) error {
	if prio >= mqueue.PrioMax {
		return linux.EINVAL
	}
	f, q, err := t.mqFile(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	switch {
	case !f.writable():
		return linux.EBADF
	case n > uint64(q.Size()):
		return linux.EMSGSIZE
	}
	b, err := data()
	if err != nil {
		return err
	}
	from := mqueue.Sender{PID: t.proc.pid, UID: t.cred.Load().UID}
	w, note, err := q.Send(mqueue.Message{Prio: prio, Data: b}, from, f.nonblock(), t.waker.poke)
	t.k.notifyQueue(note)
	if err != nil {
		return err
	}
	return t.settleIPC(w, end.left(t.k))
}

// MqReceive is mq_timedreceive(2) with a buffer of n bytes.
func (t *Task) MqReceive(fd int, n uint64, end Deadline) (mqueue.Message, error) {
	f, q, err := t.mqFile(fd)
	if err != nil {
		return mqueue.Message{}, err
	}
	defer f.decref(t)
	switch {
	case !f.readable():
		return mqueue.Message{}, linux.EBADF
	case n < uint64(q.Size()):
		return mqueue.Message{}, linux.EMSGSIZE
	}
	m, r, note, err := q.Receive(f.nonblock(), t.waker.poke)
	t.k.notifyQueue(note)
	if r == nil {
		return m, err
	}
	if err := t.settleIPC(r.Wait, end.left(t.k)); err != nil {
		return mqueue.Message{}, err
	}
	return r.Message(), nil
}

// MqAttr is mq_getsetattr(2): it tells of a queue, and with set changes O_NONBLOCK.
func (t *Task) MqAttr(fd int, set *MqAttr) (MqAttr, error) {
	if set != nil && set.Flags&^linux.O_NONBLOCK != 0 {
		return MqAttr{}, linux.EINVAL
	}
	f, q, err := t.mqFile(fd)
	if err != nil {
		return MqAttr{}, err
	}
	defer f.decref(t)
	most, size, n := q.Counts()
	a := MqAttr{Flags: f.Flags() & linux.O_NONBLOCK, MaxMsg: int64(most), MsgSize: int64(size), CurMsgs: int64(n)}
	if set != nil {
		f.setFlags(linux.O_NONBLOCK, set.Flags)
	}
	return a, nil
}
