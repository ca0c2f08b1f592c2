package sandbox

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	maxClients = 1024             // of one port
	clientIdle = 90 * time.Second // after which one is forgotten, as docker's proxy does
	maxPacket  = 65535
)

// udpClients are those that a UDP port has answers for.
type udpClients struct {
	mu sync.Mutex
	m  map[netip.AddrPort]net.Conn
}

// serveUDP gives a guest the datagrams of a port, each client as a machine of its
// own, and the clients the answers.
func (p *publisher) serveUDP(c net.PacketConn, port uint16) {
	conn := c.(*net.UDPConn)
	clients := &udpClients{m: map[netip.AddrPort]net.Conn{}}
	buf := make([]byte, maxPacket)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if p.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			continue // an ICMP error of some client
		}
		if g := p.client(clients, conn, from, port); g != nil {
			_, _ = g.Write(buf[:n]) // a guest without room loses it
		}
	}
}

// client finds the guest's connection for a client, or makes it; nil when the
// datagram is lost.
func (p *publisher) client(clients *udpClients, conn *net.UDPConn, from netip.AddrPort, port uint16) net.Conn {
	clients.mu.Lock()
	defer clients.mu.Unlock()
	if g := clients.m[from]; g != nil {
		return g
	}
	if len(clients.m) >= maxClients {
		return nil
	}
	g, err := p.k.Connect(p.ctx, "udp", p.source(from), netip.AddrPortFrom(p.guest, port))
	if err != nil || !p.track(g) {
		return nil
	}
	clients.m[from] = g
	p.wg.Go(func() {
		reply(conn, from, g)
		clients.mu.Lock()
		delete(clients.m, from)
		clients.mu.Unlock()
		p.drop(g)
	})
	return g
}

// reply sends a client what the guest says, until that is quiet.
func reply(conn *net.UDPConn, to netip.AddrPort, g net.Conn) {
	buf := make([]byte, maxPacket)
	for {
		_ = g.SetReadDeadline(time.Now().Add(clientIdle))
		n, err := g.Read(buf)
		if errors.Is(err, linux.ECONNREFUSED) {
			continue // the guest is not there yet
		}
		if err != nil {
			return
		}
		_, _ = conn.WriteToUDPAddrPort(buf[:n], to)
	}
}
