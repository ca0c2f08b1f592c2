package mqueue

import (
	"slices"
	"sort"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/ipc"
	"github.com/sbxrun/sbx/vfs"
)

const (
	// PrioMax is one more than the highest priority, MQ_PRIO_MAX.
	PrioMax = 32768

	messageBytes = 64 // what a message is charged for, beside its bytes
)

// Message is one of a queue.
type Message struct {
	Prio uint32
	Data []byte
}

func (m *Message) charge() int64 { return int64(len(m.Data) + messageBytes) }

// Queue is a message queue. All but its sizes is guarded by FS.mu.
type Queue struct {
	fs              *FS
	maxMsg, msgSize int
	maker           uint32
	allowance       uint64

	attr    vfs.Attr
	pins    int
	list    []Message // by priority, then by age
	size    int       // bytes
	readers []*Receive
	writers []*send
	note    Notify
	watch   map[*func(bits uint32)]struct{}
}

// send is a message that waits for room.
type send struct {
	*ipc.Wait
	m    Message
	from Sender
}

// Receive waits for a message.
type Receive struct {
	*ipc.Wait
	got Message
}

// Message is what was received, once the wait is over without an error.
func (r *Receive) Message() Message { return r.got }

// Sender is who sends, for who is told of it.
type Sender struct {
	PID int
	UID uint32 // real
}

// Notify is what mq_notify(3) asks for. The zero value is nothing.
type Notify struct {
	Owner  any // who may take it back; nil: nobody asked
	PID    int
	Notify int // linux.SIGEV_*
	Signo  linux.Signal
	Value  uint64
	// Thread is told how a notification of SIGEV_THREAD ends; it is called once,
	// without locks, by whoever gets the Notice.
	Thread func(removed bool)
}

// Notice is a notification that is due.
type Notice struct {
	Notify
	From    Sender
	Removed bool // it will not come any more: only Thread has to hear
}

// Size is the longest message of the queue.
func (q *Queue) Size() int { return q.msgSize }

// Watch has f called with the POLL* bits that may have come to hold, with the lock of
// the filesystem, until cancel is called.
func (q *Queue) Watch(f func(bits uint32)) (cancel func()) {
	q.fs.mu.Lock()
	defer q.fs.mu.Unlock()
	if q.watch == nil {
		q.watch = map[*func(uint32)]struct{}{}
	}
	q.watch[&f] = struct{}{}
	return func() {
		q.fs.mu.Lock()
		defer q.fs.mu.Unlock()
		delete(q.watch, &f)
	}
}

func (q *Queue) changed(bits uint32) {
	for f := range q.watch {
		(*f)(bits)
	}
}

// Counts tells the limit of messages, that of their size, and how many there are.
func (q *Queue) Counts() (maxMsg, msgSize, n int) {
	q.fs.mu.Lock()
	defer q.fs.mu.Unlock()
	return q.maxMsg, q.msgSize, len(q.list)
}

// Send is mq_send(3) of a message that is not too long. It keeps m's bytes. Without
// room it waits, or with now gives EAGAIN.
func (q *Queue) Send(m Message, from Sender, now bool, wake func()) (*ipc.Wait, *Notice, error) {
	f := q.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	full := len(q.list) >= q.maxMsg
	if full && now {
		return nil, nil, linux.EAGAIN
	}
	if !f.cfg.Charge(m.charge()) {
		return nil, nil, linux.ENOMEM
	}
	if !full {
		return nil, q.put(m, from), nil
	}
	w := &send{m: m, from: from}
	w.Wait = ipc.NewWait(&f.mu, wake, func() {
		f.cfg.Charge(-m.charge())
		q.writers = slices.DeleteFunc(q.writers, func(o *send) bool { return o == w })
	})
	q.writers = append(q.writers, w)
	return w.Wait, nil, nil
}

// put gives a message to who waits for one, or keeps it. The first in an empty queue
// is what somebody may want to be told of.
func (q *Queue) put(m Message, from Sender) *Notice {
	now := q.fs.now()
	q.attr.Atime, q.attr.Mtime, q.attr.Ctime = now, now, now
	if len(q.readers) > 0 {
		r := q.readers[0]
		q.readers = slices.Delete(q.readers, 0, 1)
		q.fs.cfg.Charge(-m.charge())
		r.got = m
		r.Finish(nil)
		return nil
	}
	at := sort.Search(len(q.list), func(i int) bool { return q.list[i].Prio < m.Prio })
	q.list = slices.Insert(q.list, at, m)
	q.size += len(m.Data)
	q.changed(linux.POLLIN | linux.POLLRDNORM)
	if len(q.list) > 1 || q.note.Owner == nil {
		return nil
	}
	n := &Notice{Notify: q.note, From: from}
	q.note = Notify{}
	return n
}

// Receive is mq_receive(3). It returns a message, or who waits for one, or with now
// EAGAIN.
func (q *Queue) Receive(now bool, wake func()) (Message, *Receive, *Notice, error) {
	f := q.fs
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(q.list) > 0 {
		m, n := q.take()
		return m, nil, n, nil
	}
	if now {
		return Message{}, nil, nil, linux.EAGAIN
	}
	r := &Receive{}
	r.Wait = ipc.NewWait(&f.mu, wake, func() {
		q.readers = slices.DeleteFunc(q.readers, func(o *Receive) bool { return o == r })
	})
	q.readers = append(q.readers, r)
	return Message{}, r, nil, nil
}

// take takes the first message, and lets one in that waits.
func (q *Queue) take() (Message, *Notice) {
	m := q.list[0]
	q.list = slices.Delete(q.list, 0, 1)
	q.size -= len(m.Data)
	q.fs.cfg.Charge(-m.charge())
	now := q.fs.now()
	q.attr.Atime, q.attr.Ctime = now, now
	if len(q.writers) == 0 {
		q.changed(linux.POLLOUT | linux.POLLWRNORM)
		return m, nil
	}
	w := q.writers[0]
	q.writers = slices.Delete(q.writers, 0, 1)
	n := q.put(w.m, w.from)
	w.Finish(nil)
	return m, n
}

// Register is mq_notify(3): EBUSY when somebody has asked already.
func (q *Queue) Register(n Notify) error {
	q.fs.mu.Lock()
	defer q.fs.mu.Unlock()
	if q.note.Owner != nil {
		return linux.EBUSY
	}
	q.note = n
	now := q.fs.now()
	q.attr.Atime, q.attr.Ctime = now, now
	return nil
}

// Unregister takes back what owner asked for, if it did.
func (q *Queue) Unregister(owner any) *Notice {
	q.fs.mu.Lock()
	defer q.fs.mu.Unlock()
	if q.note.Owner == nil || q.note.Owner != owner {
		return nil
	}
	n := &Notice{Notify: q.note, Removed: true}
	q.note = Notify{}
	return n
}
