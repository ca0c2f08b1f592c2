package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// connector is what a publisher needs of a kernel.
type connector interface {
	Connect(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error)
	// Adopt makes c the guest's own; false where that is not possible.
	Adopt(ctx context.Context, c net.Conn, from, to netip.AddrPort) (bool, error)
}

// publisher holds the open ports of a container. It stands between the host's
// network and the guests': each connection becomes a socket of a guest's, or, on hosts
// where that is not possible, is one of the kernel's, whose bytes it moves.
type publisher struct {
	k       connector
	guest   netip.Addr // the container's address
	gateway netip.Addr // what the guests see clients of this host come from
	ports   []PublishedPort
	sockets []hostSocket // one for each of ports
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	mu      sync.Mutex
	open    map[io.Closer]bool // nil once closed
}

// hostSocket is an open port of the host, and what answers there.
type hostSocket struct {
	c     io.Closer
	serve func()
}

// newPublisher opens ports on the host; nothing answers there before start. A nil
// publisher has none.
func newPublisher(k connector, eps []Endpoint, want []Publish) (*publisher, error) {
	if len(want) == 0 {
		return nil, nil
	}
	p := &publisher{k: k, guest: netip.AddrFrom4([4]byte{127, 0, 0, 1}), open: map[io.Closer]bool{}}
	p.gateway = p.guest
	for _, ep := range eps {
		if len(ep.Gateways) > 0 {
			p.guest, p.gateway = ep.Addresses[0].Addr(), ep.Gateways[0]
			break
		}
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for _, w := range want {
		if err := p.publish(w); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

// anyPortTries is how many ports that are free in IPv4 are tried for IPv6.
const anyPortTries = 20

// publish opens one port, in IPv4 and IPv6 when no address is named.
func (p *publisher) publish(w Publish) error {
	last := max(w.HostPort, w.HostPortEnd)
	tries := 1
	if w.HostPort == 0 {
		tries = anyPortTries
	}
	var err error
	for port := w.HostPort; port <= last; port++ {
		for range tries {
			if err = p.publishAt(w, port); err == nil || !isAddrInUse(err) {
				break
			}
		}
		if err == nil {
			return nil
		}
		if !isAddrInUse(err) {
			break
		}
	}
	host := net.JoinHostPort(firstOf(w.HostIP, "0.0.0.0"), strconv.Itoa(w.HostPort))
	switch {
	case isAddrInUse(err) && last > w.HostPort:
		return fail(ErrConflict, "Bind for %s-%d failed: all ports are allocated", host, last)
	case isAddrInUse(err):
		return fail(ErrConflict, "Bind for %s failed: port is already allocated", host)
	}
	var oe *net.OpError
	if errors.As(err, &oe) {
		err = oe.Err
	}
	return fail(ErrConflict, "Bind for %s failed: %v", host, reasonOf(err))
}

// publishAt opens both sockets of a port, or none.
func (p *publisher) publishAt(w Publish, port int) error {
	if w.HostIP != "" {
		family := "4"
		if a, err := netip.ParseAddr(w.HostIP); err == nil && a.Is6() {
			family = "6"
		}
		_, err := p.bind(w, family, w.HostIP, port)
		return err
	}
	bound, err := p.bind(w, "4", "0.0.0.0", port)
	if err != nil {
		return err
	}
	if _, err := p.bind(w, "6", "::", bound); isAddrInUse(err) {
		p.unbind()
		return err
	}
	return nil // a host without IPv6 has IPv4 alone
}

// bind opens one socket and returns its port.
func (p *publisher) bind(w Publish, family, ip string, port int) (int, error) {
	at := net.JoinHostPort(ip, strconv.Itoa(port))
	done := PublishedPort{HostIP: ip, Port: w.Port, Protocol: w.Protocol}
	var lc net.ListenConfig
	if w.Protocol == "udp" {
		c, err := lc.ListenPacket(p.ctx, "udp"+family, at)
		if err != nil {
			return 0, err
		}
		done.HostPort = c.LocalAddr().(*net.UDPAddr).Port
		p.add(done, c, func() { p.serveUDP(c, uint16(w.Port)) })
	} else {
		l, err := lc.Listen(p.ctx, "tcp"+family, at)
		if err != nil {
			return 0, err
		}
		done.HostPort = l.Addr().(*net.TCPAddr).Port
		p.add(done, l, func() { p.serveTCP(l, uint16(w.Port)) })
	}
	return done.HostPort, nil
}

func (p *publisher) add(done PublishedPort, c io.Closer, serve func()) {
	p.ports = append(p.ports, done)
	p.sockets = append(p.sockets, hostSocket{c, serve})
	p.open[c] = true
}

// unbind closes the socket that was opened last.
func (p *publisher) unbind() {
	n := len(p.ports) - 1
	p.drop(p.sockets[n].c)
	p.ports, p.sockets = p.ports[:n], p.sockets[:n]
}

// published are the ports that are open.
func (p *publisher) published() []PublishedPort {
	if p == nil {
		return nil
	}
	return p.ports
}

// start begins to answer.
func (p *publisher) start() {
	if p == nil {
		return
	}
	for _, s := range p.sockets {
		p.wg.Go(s.serve)
	}
}

// close ends all connections, whose guests are dead, and gives the ports back.
func (p *publisher) close() {
	if p == nil {
		return
	}
	p.cancel()
	p.mu.Lock()
	open := p.open
	p.open = nil
	p.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
	p.wg.Wait()
}

// track remembers what close closes; false when it is too late.
func (p *publisher) track(c io.Closer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *publisher) drop(c io.Closer) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// source is where a guest sees a client come from: its own address, or the
// gateway when that is of this host or of the other family.
func (p *publisher) source(client netip.AddrPort) netip.AddrPort {
	a := client.Addr().Unmap().WithZone("")
	if a.IsLoopback() || a.Is4() != p.guest.Is4() || a == p.guest {
		return netip.AddrPortFrom(p.gateway, 0)
	}
	return netip.AddrPortFrom(a, client.Port())
}

// acceptPause is what a host that is out of files is given.
const acceptPause = 20 * time.Millisecond

func (p *publisher) serveTCP(l net.Listener, port uint16) {
	for {
		c, err := l.Accept()
		if err != nil {
			if p.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(acceptPause)
			continue
		}
		p.wg.Go(func() {
			defer c.Close()
			p.connect(c.(*net.TCPConn), port)
		})
	}
}

// connect gives a client to the guest, or moves what they tell each other.
func (p *publisher) connect(c *net.TCPConn, port uint16) {
	addr, _ := c.RemoteAddr().(*net.TCPAddr)
	from, to := p.source(addr.AddrPort()), netip.AddrPortFrom(p.guest, port)
	if done, _ := p.k.Adopt(p.ctx, c, from, to); done {
		return
	}
	g, err := p.k.Connect(p.ctx, "tcp", from, to)
	if err != nil {
		_ = c.SetLinger(0)
		return
	}
	defer g.Close()
	splice(p.ctx, c, g, false)
}

// halfCloser is a connection whose sides end one by one.
type halfCloser interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// splice moves bytes between a connection and a guest's until both sides are done, or ctx ends, which is when the guest is
// dead. Datagrams know no end: with them one side is enough. A side that fails takes the other along, by a reset where it can be told;
// but what a guest had said when it went arrives first, if that takes no longer than closeTimeout.
func splice(ctx context.Context, host, guest net.Conn, datagrams bool) {
	said := make(chan struct{}) // the guest says nothing more, or nobody hears it
	hearOut := func() {
		if datagrams {
			return
		}
		select {
		case <-said:
		case <-time.After(closeTimeout):
		}
	}
	end := func() {
		hearOut()
		_ = host.Close()
		_ = guest.Close()
	}
	defer context.AfterFunc(ctx, end)()
	var wg sync.WaitGroup
	wg.Go(func() {
		if !pass(host, guest, datagrams) {
			abort(guest)
		}
		close(said)
		if datagrams {
			end()
		}
	})
	if !pass(guest, host, datagrams) {
		hearOut()
		abort(host)
	}
	if datagrams {
		end()
	}
	wg.Wait()
}

var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// pass moves bytes one way, those of a guest from where they are, and tells the end. It is false if to takes no more.
func pass(to, from net.Conn, datagrams bool) bool {
	out := &writer{Conn: to}
	var err error
	_, host := from.(syscall.Conn)
	if guest, ok := from.(io.WriterTo); ok && !host && !datagrams {
		_, err = guest.WriteTo(out)
	} else {
		buf := copyBuffers.Get().(*[64 << 10]byte)
		_, err = io.CopyBuffer(out, struct{ io.Reader }{from}, buf[:])
		copyBuffers.Put(buf)
	}
	switch d, ok := to.(halfCloser); {
	case out.err != nil:
		return false
	case ok && err == nil:
		_ = d.CloseWrite()
	default:
		abort(to)
	}
	return true
}

// writer remembers whether it was the writing that failed.
type writer struct {
	net.Conn
	err error
}

func (w *writer) Write(p []byte) (n int, err error) {
	n, w.err = w.Conn.Write(p)
	return n, w.err
}

// abort ends a connection at once.
func abort(c net.Conn) {
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

func isAddrInUse(err error) bool { return err != nil && linux.ErrnoOf(err) == linux.EADDRINUSE }
