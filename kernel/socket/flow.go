package socket

import (
	"context"
	"net"
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	maxFlows  = 64 // destinations outside that one UDP socket talks with
	flowQueue = 64 // datagrams that wait for a destination to be dialled
)

// flows are the destinations of a UDP socket outside of the sandbox.
type flows struct {
	m    map[netip.AddrPort]*flow
	tick uint64
}

// flow is one destination.
type flow struct {
	to     netip.AddrPort
	out    chan []byte
	cancel context.CancelFunc
	used   uint64
}

// sendOut sends a datagram to the outside; like the network, it may lose it.
func (s *Socket) sendOut(to netip.AddrPort, data []byte) (int, error) {
	if s.host || to.Addr().IsMulticast() || to.Addr() == broadcast {
		return len(data), nil
	}
	if s.out == nil {
		s.out = &flows{m: map[netip.AddrPort]*flow{}}
	}
	f := s.out.m[to]
	if f == nil {
		s.out.evict()
		ctx, cancel := context.WithCancel(s.st.cfg.Context)
		f = &flow{to: to, out: make(chan []byte, flowQueue), cancel: cancel}
		s.out.m[to] = f
		from := unmap(s.local.AddrPort())
		s.st.cfg.Go(func() { defer cancel(); s.runFlow(ctx, from, f) })
	}
	s.out.tick++
	f.used = s.out.tick
	select {
	case f.out <- append([]byte(nil), data...):
		s.st.out.Add(int64(len(data)))
	default:
	}
	return len(data), nil
}

// evict makes room for one more destination.
func (o *flows) evict() {
	if len(o.m) < maxFlows {
		return
	}
	var oldest *flow
	for _, f := range o.m {
		if oldest == nil || f.used < oldest.used {
			oldest = f
		}
	}
	oldest.cancel()
	delete(o.m, oldest.to)
}

func (s *Socket) closeFlows() {
	if s.out == nil {
		return
	}
	for _, f := range s.out.m {
		f.cancel()
	}
	s.out = nil
}

// runFlow talks with a destination until the socket is closed.
func (s *Socket) runFlow(ctx context.Context, from netip.AddrPort, f *flow) {
	c, err := s.st.dialOut(ctx, "udp", from, f.to)
	if err != nil {
		s.flowFailed(f, Errno(err))
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	done := make(chan struct{})
	s.st.cfg.Go(func() { defer close(done); s.readFlow(ctx, f, c) })
	for {
		select {
		case b := <-f.out:
			if err := writeConn(c, b); err != nil && ctx.Err() == nil {
				s.flowError(linux.ErrnoOf(err))
			}
		case <-ctx.Done():
			_ = c.Close()
			<-done
			return
		case <-done:
			s.flowFailed(f, 0)
			return
		}
	}
}

// readFlow queues what a destination answers.
func (s *Socket) readFlow(ctx context.Context, f *flow, c net.Conn) {
	b := make([]byte, 65536)
	for failed := 0; failed < 16; {
		n, err := readConn(c, b)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			failed++
			s.flowError(linux.ErrnoOf(err))
			if linux.ErrnoOf(err) != linux.ECONNREFUSED {
				return
			}
			continue
		}
		failed = 0
		s.st.in.Add(int64(n))
		s.st.mu.Lock()
		if s.state != dead && (s.state != connected || s.remote.AddrPort() == f.to) {
			to := unmap(s.local.AddrPort())
			if src, err := s.st.source(f.to.Addr()); err == nil && to.Addr().IsUnspecified() {
				to = netip.AddrPortFrom(src, to.Port())
			}
			s.arrive(f.to, to, b[:n], fromOutside)
		}
		s.st.unlock()
	}
}

// flowFailed forgets a destination.
func (s *Socket) flowFailed(f *flow, err linux.Errno) {
	s.st.mu.Lock()
	if s.out != nil && s.out.m[f.to] == f {
		delete(s.out.m, f.to)
	}
	s.st.unlock()
	if err != 0 {
		s.flowError(err)
	}
}

// flowError is an ICMP message: only connected sockets hear of it.
func (s *Socket) flowError(err linux.Errno) {
	s.st.mu.Lock()
	defer s.st.unlock()
	if s.state == connected {
		s.err = err
		s.notify(linux.POLLERR)
	}
}
