package ipc

import (
	"math"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// msgSend is a message that waits for room.
type msgSend struct {
	*Wait
	m   *Message
	pid int
}

// Receive is a msgrcv(2) that waits.
type Receive struct {
	*Wait
	want want
	pid  int
	got  *Message
}

// Message is what was received, once the wait is over without an error.
func (r *Receive) Message() *Message { return r.got }

// want says which message will do.
type want struct {
	size  uint64
	typ   int64
	flags int
}

func (w *want) is(m *Message) bool {
	switch {
	case w.typ == 0:
		return true
	case w.typ < 0:
		return m.Type <= -max(w.typ, -math.MaxInt64)
	case w.flags&linux.MSG_EXCEPT != 0:
		return m.Type != w.typ
	}
	return m.Type == w.typ
}

func (w *want) tooLong(m *Message) bool {
	return uint64(len(m.Data)) > w.size && w.flags&linux.MSG_NOERROR == 0
}

// Msgsnd is msgsnd(2) with a message that has been read. It keeps m's bytes. When
// there is no room there is a Wait.
func (ns *Namespace) Msgsnd(c *Caller, id int, m *Message, flags int, wake func()) (*Wait, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	q, err := ns.msg.permitted(c, id, writeable)
	if err != nil {
		return nil, err
	}
	room := q.fits(m)
	if !room && flags&linux.IPC_NOWAIT != 0 {
		return nil, linux.EAGAIN
	}
	if !ns.cfg.Charge(m.charge()) {
		return nil, linux.ENOMEM
	}
	if room {
		q.put(ns, m, c.PID)
		return nil, nil
	}
	w := &msgSend{m: m, pid: c.PID}
	w.Wait = NewWait(&ns.mu, wake, func() {
		ns.cfg.Charge(-m.charge())
		q.writers = slices.DeleteFunc(q.writers, func(o *msgSend) bool { return o == w })
	})
	q.writers = append(q.writers, w)
	return w.Wait, nil
}

func (q *queue) fits(m *Message) bool {
	return q.bytes+uint64(len(m.Data)) <= q.limit && uint64(len(q.list))+1 <= q.limit
}

// put gives a message to the first who waits for one like it, or keeps it.
func (q *queue) put(ns *Namespace, m *Message, pid int) {
	q.lspid, q.stime = pid, ns.now()
	for i := 0; i < len(q.readers); {
		r := q.readers[i]
		if !r.want.is(m) {
			i++
			continue
		}
		q.readers = slices.Delete(q.readers, i, i+1)
		if r.want.tooLong(m) {
			r.Finish(linux.E2BIG)
			continue
		}
		q.lrpid, q.rtime = r.pid, ns.now()
		r.got = m
		ns.cfg.Charge(-m.charge())
		r.Finish(nil)
		return
	}
	q.list = append(q.list, m)
	q.bytes += uint64(len(m.Data))
	ns.messages++
	ns.msgBytes += uint64(len(m.Data))
}

// admit lets those in who wait for room, in order.
func (q *queue) admit(ns *Namespace) {
	for len(q.writers) > 0 && q.fits(q.writers[0].m) {
		w := q.writers[0]
		q.writers = slices.Delete(q.writers, 0, 1)
		q.put(ns, w.m, w.pid)
		w.Finish(nil)
	}
}

// Msgrcv is msgrcv(2). It returns a message, or who waits for one.
func (ns *Namespace) Msgrcv(c *Caller, id int, size uint64, typ int64, flags int, wake func()) (*Message, *Receive, error) {
	if id < 0 || int64(size) < 0 {
		return nil, nil, linux.EINVAL
	}
	if flags&linux.MSG_COPY != 0 && (flags&linux.MSG_EXCEPT != 0 || flags&linux.IPC_NOWAIT == 0) {
		return nil, nil, linux.EINVAL
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	q, err := ns.msg.permitted(c, id, readable)
	if err != nil {
		return nil, nil, err
	}
	w := want{size, typ, flags}
	i := q.search(&w)
	switch {
	case i >= 0:
		m, err := q.take(ns, i, &w, c.PID)
		return m, nil, err
	case flags&linux.IPC_NOWAIT != 0:
		return nil, nil, linux.ENOMSG
	}
	r := &Receive{want: w, pid: c.PID}
	r.Wait = NewWait(&ns.mu, wake, func() {
		q.readers = slices.DeleteFunc(q.readers, func(o *Receive) bool { return o == r })
	})
	q.readers = append(q.readers, r)
	return nil, r, nil
}

// search returns the index of the message that a reader gets, or -1: the first that
// will do, of those with a negative type the first of the lowest type.
func (q *queue) search(w *want) int {
	if w.flags&linux.MSG_COPY != 0 {
		if w.typ >= 0 && w.typ < int64(len(q.list)) {
			return int(w.typ)
		}
		return -1
	}
	best := -1
	for i, m := range q.list {
		if !w.is(m) || best >= 0 && m.Type >= q.list[best].Type {
			continue
		}
		if best = i; w.typ >= 0 {
			break
		}
	}
	return best
}

// take gives a reader a message of the queue.
func (q *queue) take(ns *Namespace, i int, w *want, pid int) (*Message, error) {
	m := q.list[i]
	if w.tooLong(m) {
		return nil, linux.E2BIG
	}
	if w.flags&linux.MSG_COPY != 0 {
		if uint64(len(m.Data)) > w.size {
			return nil, linux.EINVAL
		}
		return &Message{m.Type, slices.Clone(m.Data)}, nil
	}
	q.list = slices.Delete(q.list, i, i+1)
	q.bytes -= uint64(len(m.Data))
	ns.messages--
	ns.msgBytes -= uint64(len(m.Data))
	ns.cfg.Charge(-m.charge())
	q.lrpid, q.rtime = pid, ns.now()
	q.admit(ns)
	return m, nil
}
