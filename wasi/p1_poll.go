package wasi

import (
	"encoding/binary"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// maxSubscriptions bounds one poll_oneoff.
const maxSubscriptions = 4096

// Kinds of subscriptions and events.
const (
	eventClock = iota
	eventRead
	eventWrite
)

const (
	subscriptionSize = 48
	eventSize        = 32
	clockAbsolute    = 1
)

// poll is one poll_oneoff while it is prepared and answered.
type poll struct {
	p      *proc
	subs   []byte
	out    []byte
	events int
	fds    []kernel.PollFd
	owner  []int // of fds: its subscription
	clocks []clockWait
	wait   time.Duration // of the first clock; -1 is for ever
}

type clockWait struct {
	sub  int
	wait time.Duration
}

func (q *poll) sub(i int) []byte { return q.subs[i*subscriptionSize:][:subscriptionSize] }

// event appends one event for a subscription.
func (q *poll) event(sub int, err error, ready int, hangup bool) {
	s, b := q.sub(sub), q.out[q.events*eventSize:][:eventSize]
	q.events++
	userdata, kind := binary.LittleEndian.Uint64(s), s[8]
	clear(b)
	binary.LittleEndian.PutUint64(b, userdata)
	binary.LittleEndian.PutUint16(b[8:], wasiErrno(err))
	b[10] = kind
	binary.LittleEndian.PutUint64(b[16:], uint64(ready))
	if hangup {
		b[24] = 1
	}
}

// add takes one subscription in. What is wrong with it is an event at once.
func (q *poll) add(i int) {
	s := q.sub(i)
	switch s[8] {
	case eventClock:
		d := saturate(binary.LittleEndian.Uint64(s[24:]))
		if s[40]&clockAbsolute != 0 {
			var err error
			if d, err = q.p.until(binary.LittleEndian.Uint32(s[16:]), binary.LittleEndian.Uint64(s[24:])); err != nil {
				q.event(i, err, 0, false)
				return
			}
		}
		q.clocks = append(q.clocks, clockWait{i, d})
		if q.wait < 0 || d < q.wait {
			q.wait = d
		}
	case eventRead, eventWrite:
		fd, err := q.p.fd(binary.LittleEndian.Uint32(s[16:]))
		if err != nil {
			q.event(i, err, 0, false)
			return
		}
		want := uint16(linux.POLLIN)
		if s[8] == eventWrite {
			want = linux.POLLOUT
		}
		q.fds = append(q.fds, kernel.PollFd{FD: fd, Events: want})
		q.owner = append(q.owner, i)
	default:
		q.event(i, linux.EINVAL, 0, false)
	}
}

func (q *poll) collect() {
	for i, f := range q.fds {
		if f.Revents == 0 {
			continue
		}
		var err error
		if f.Revents&linux.POLLNVAL != 0 {
			err = linux.EBADF
		}
		ready := 1
		if n, rerr := q.p.t.Readable(f.FD); rerr == nil && f.Events == linux.POLLIN {
			ready = n
		}
		q.event(q.owner[i], err, ready, f.Revents&linux.POLLHUP != 0)
	}
	if q.events > 0 {
		return
	}
	for _, c := range q.clocks {
		if c.wait <= q.wait {
			q.event(c.sub, nil, 0, false)
		}
	}
}

// pollOneoff waits for the first of its subscriptions. It is how a guest sleeps.
func pollOneoff(p *proc, a []uint64) error {
	n := uint32(a[2])
	if n == 0 {
		return linux.EINVAL
	}
	if n > maxSubscriptions {
		return linux.ENOMEM
	}
	subs, err := p.array(uint32(a[0]), n, subscriptionSize)
	if err != nil {
		return err
	}
	out, err := p.array(uint32(a[1]), n, eventSize)
	if err != nil {
		return err
	}
	// in and out may overlap
	q := &poll{p: p, subs: append([]byte(nil), subs...), out: out, wait: -1}
	for i := range int(n) {
		q.add(i)
	}
	if q.events > 0 {
		q.wait = 0
	}
	if len(q.fds) == 0 && q.events == 0 {
		_, err = p.t.Nanosleep(q.wait)
	} else {
		_, err = p.t.Poll(q.fds, q.wait)
	}
	if err != nil {
		return err
	}
	q.collect()
	return p.putU32(uint32(a[3]), uint32(q.events))
}
