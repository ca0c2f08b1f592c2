package ipc

import "github.com/sbxrun/sbx/abi/linux"

// What a queue and a message are charged for, beside their bytes.
const (
	queueBytes   = 256
	messageBytes = 64
)

// Message is one of a queue.
type Message struct {
	Type int64
	Data []byte
}

func (m *Message) charge() int64 { return int64(len(m.Data) + messageBytes) }

// queue is a message queue, msgget(2).
type queue struct {
	header
	stime, rtime, ctime int64
	bytes, limit        uint64
	lspid, lrpid        int
	list                []*Message
	readers             []*Receive
	writers             []*msgSend
}

// Msgget is msgget(2).
func (ns *Namespace) Msgget(c *Caller, key int32, flags int) (int, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.msg.get(c, key, flags, func(*queue) bool { return true }, func(h header) error {
		if !ns.cfg.Charge(queueBytes) {
			return linux.ENOMEM
		}
		ns.msg.add(&queue{header: h, ctime: ns.now(), limit: MsgMNB})
		return nil
	})
}

// removeQueue ends a queue: those who wait get EIDRM.
func (ns *Namespace) removeQueue(q *queue) {
	ns.msg.remove(q)
	readers, writers := q.readers, q.writers
	q.readers, q.writers = nil, nil
	for _, r := range readers {
		r.Finish(linux.EIDRM)
	}
	for _, w := range writers {
		ns.cfg.Charge(-w.m.charge())
		w.Finish(linux.EIDRM)
	}
	for _, m := range q.list {
		ns.cfg.Charge(-m.charge())
	}
	ns.messages -= len(q.list)
	ns.msgBytes -= q.bytes
	q.list = nil
	ns.cfg.Charge(-queueBytes)
}

// MsgRemove is IPC_RMID.
func (ns *Namespace) MsgRemove(c *Caller, id int) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	q, err := ns.msg.owned(c, id)
	if err == nil {
		ns.removeQueue(q)
	}
	return err
}

// MsgSet is IPC_SET, with a limit of bytes.
func (ns *Namespace) MsgSet(c *Caller, id int, uid, gid, mode uint32, limit uint64) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	q, err := ns.msg.owned(c, id)
	if err != nil {
		return err
	}
	if limit > MsgMNB && !c.has(linux.CAP_SYS_RESOURCE) {
		return linux.EPERM
	}
	q.change(uid, gid, mode)
	q.limit, q.ctime = limit, ns.now()
	// Who waits may have lost the right to, and who waits for room may have it now.
	readers := q.readers
	q.readers = nil
	for _, r := range readers {
		r.Finish(linux.EAGAIN)
	}
	q.admit(ns)
	return nil
}

// MsgStat is IPC_STAT, or by index MSG_STAT and MSG_STAT_ANY. It returns the
// identifier too.
func (ns *Namespace) MsgStat(c *Caller, id int, byIndex, anybody bool) (int, linux.MsqidDs, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	q, err := ns.msg.stat(c, id, byIndex, anybody)
	if err != nil {
		return 0, linux.MsqidDs{}, err
	}
	return q.id, linux.MsqidDs{Perm: q.perm, Stime: q.stime, Rtime: q.rtime, Ctime: q.ctime, Cbytes: q.bytes,
		Qnum: uint64(len(q.list)), Qbytes: q.limit, LSPID: q.lspid, LRPID: q.lrpid}, nil
}

// MsgUsage is MSG_INFO: queues, the messages in them, their bytes, and the highest
// index.
func (ns *Namespace) MsgUsage() (queues, messages int, bytes uint64, highest int) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return len(ns.msg.items), ns.messages, ns.msgBytes, ns.msg.highest()
}
