package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/mqueue"
)

// MqCookieLen is how many bytes SIGEV_THREAD of mq_notify(2) sends.
const MqCookieLen = 32

// MqNotify is mq_notify(2): a nil event takes back what the process asked for. cookie
// are the bytes that SIGEV_THREAD sends over the netlink socket sock.
func (t *Task) MqNotify(fd int, ev *Sigevent, sock int, cookie [MqCookieLen]byte) error {
	if ev == nil {
		f, q, err := t.mqFile(fd)
		if err == nil {
			t.k.notifyQueue(q.Unregister(t.proc))
			f.decref(t)
		}
		return err
	}
	n := mqueue.Notify{Owner: t.proc, PID: t.proc.pid, Notify: ev.Notify, Signo: ev.Signo, Value: ev.Value}
	drop := func() {}
	switch ev.Notify {
	case linux.SIGEV_NONE:
	case linux.SIGEV_SIGNAL:
		if ev.Signo >= linux.NSIG {
			return linux.EINVAL
		}
	case linux.SIGEV_THREAD:
		f, o, err := t.sockFile(sock)
		if err != nil {
			return err
		}
		drop = func() { f.decref(nil) }
		if o.s.Domain() != linux.AF_NETLINK {
			drop()
			return linux.EINVAL
		}
		n.Thread = func(removed bool) {
			sendCookie(o, cookie, removed)
			drop()
		}
	default:
		return linux.EINVAL
	}
	f, q, err := t.mqFile(fd)
	if err != nil {
		drop()
		return err
	}
	defer f.decref(t)
	if err = q.Register(n); err != nil {
		drop()
	}
	return err
}

// sendCookie tells the C library's thread what it waits for: that there is a message,
// or that it need not wait any more.
func sendCookie(o *sock, cookie [MqCookieLen]byte, removed bool) {
	const wokenUp, isRemoved = 1, 2
	cookie[MqCookieLen-1] = wokenUp
	if removed {
		cookie[MqCookieLen-1] = isRemoved
	}
	o.s.Tell(cookie[:])
}

// notifyQueue does what a change of a queue made due.
func (k *Kernel) notifyQueue(n *mqueue.Notice) {
	switch {
	case n == nil:
	case n.Thread != nil:
		n.Thread(n.Removed)
	case n.Notify.Notify == linux.SIGEV_SIGNAL && !n.Removed && n.Signo != 0:
		k.mu.Lock()
		defer k.mu.Unlock()
		n.Owner.(*Process).sendLocked(nil, SigInfo{Signo: n.Signo, Code: SI_MESGQ, PID: n.From.PID, UID: n.From.UID, Value: n.Value}, false)
	}
}
