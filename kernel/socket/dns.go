package socket

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolver looks names up for guests; *net.Resolver is one. A *net.DNSError
// with IsNotFound says that there is no such name.
type Resolver interface {
	// LookupNetIP finds the addresses of a name; network is "ip4" or "ip6".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	// LookupAddr finds the names of an address.
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

const (
	maxAsking  = 128 // requests under way
	dnsTimeout = 20 * time.Second
	dnsTTL     = 30
	dnsUDP     = 512
	dnsMax     = 65535
)

// ask answers a datagram to the name server.
func (st *Stack) ask(s *Socket, from, to netip.AddrPort, query []byte) {
	if st.asking >= maxAsking {
		return
	}
	st.asking++
	q := append([]byte(nil), query...)
	st.cfg.Go(func() {
		ctx, cancel := context.WithTimeout(st.cfg.Context, dnsTimeout)
		defer cancel()
		answer := st.answer(ctx, q, dnsUDP)
		st.mu.Lock()
		defer st.unlock()
		st.asking--
		if answer != nil && s.state != dead {
			s.arrive(to, from, answer, fromOutside)
		}
	})
}

// serveNames answers on a TCP connection to the name server.
func (st *Stack) serveNames(s *Socket) {
	h := s.farEnd()
	st.cfg.Go(func() {
		stop := context.AfterFunc(st.cfg.Context, func() { _ = h.Close() })
		defer stop()
		defer h.Close()
		head := make([]byte, 2)
		for {
			if _, err := io.ReadFull(h, head); err != nil {
				return
			}
			q := make([]byte, binary.BigEndian.Uint16(head))
			if _, err := io.ReadFull(h, q); err != nil {
				return
			}
			ctx, cancel := context.WithTimeout(st.cfg.Context, dnsTimeout)
			answer := st.answer(ctx, q, dnsMax)
			cancel()
			if answer == nil {
				return
			}
			if _, err := h.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
				return
			}
		}
	})
}

// answer makes the reply to a query; nil when it is none.
func (st *Stack) answer(ctx context.Context, query []byte, limit int) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return nil
	}
	reply := dnsmessage.Header{
		ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true,
	}
	qs, err := p.AllQuestions()
	if err != nil || len(qs) != 1 {
		reply.RCode = dnsmessage.RCodeFormatError
		return build(reply, nil, nil, limit)
	}
	if h.OpCode != 0 {
		reply.RCode = dnsmessage.RCodeNotImplemented
		return build(reply, qs, nil, limit)
	}
	if size, ok := ednsSize(&p); ok && limit == dnsUDP {
		limit = max(dnsUDP, min(size, 4096))
	}
	rs, code := st.lookup(ctx, qs[0])
	reply.RCode = code
	return build(reply, qs, rs, limit)
}

// ednsSize finds what a client that speaks EDNS takes in a datagram.
func ednsSize(p *dnsmessage.Parser) (int, bool) {
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return 0, false
	}
	for {
		h, err := p.AdditionalHeader()
		if err != nil {
			return 0, false
		}
		if h.Type == dnsmessage.TypeOPT {
			return int(h.Class), true
		}
		if p.SkipAdditional() != nil {
			return 0, false
		}
	}
}

// build packs a reply; one that does not fit says so and is empty.
func build(h dnsmessage.Header, qs []dnsmessage.Question, rs []dnsmessage.Resource, limit int) []byte {
	m := dnsmessage.Message{Header: h, Questions: qs, Answers: rs}
	b, err := m.Pack()
	if err == nil && len(b) <= limit {
		return b
	}
	m.Answers, m.Truncated = nil, err == nil
	if err != nil {
		m.RCode = dnsmessage.RCodeServerFailure
	}
	if b, err = m.Pack(); err != nil {
		return nil
	}
	return b
}

// lookup asks the host's resolver.
func (st *Stack) lookup(ctx context.Context, q dnsmessage.Question) (rs []dnsmessage.Resource, code dnsmessage.RCode) {
	defer func() {
		if recover() != nil {
			rs, code = nil, dnsmessage.RCodeServerFailure
		}
	}()
	if q.Class != dnsmessage.ClassINET {
		return nil, dnsmessage.RCodeNotImplemented
	}
	host := strings.TrimSuffix(q.Name.String(), ".")
	switch q.Type {
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		return st.lookupHost(ctx, q, host)
	case dnsmessage.TypePTR:
		return st.lookupPTR(ctx, q, host)
	case dnsmessage.TypeALL, dnsmessage.TypeAXFR:
		return nil, dnsmessage.RCodeNotImplemented
	}
	return nil, dnsmessage.RCodeSuccess // none of this type that we would know
}

// lookupHost answers A and AAAA. A name with addresses of the other family only
// exists: that is an empty answer.
func (st *Stack) lookupHost(ctx context.Context, q dnsmessage.Question, host string) ([]dnsmessage.Resource, dnsmessage.RCode) {
	if host == "" {
		return nil, dnsmessage.RCodeSuccess
	}
	network, other := "ip4", "ip6"
	if q.Type == dnsmessage.TypeAAAA {
		network, other = other, network
	}
	ips, err := st.cfg.Resolver.LookupNetIP(ctx, network, host)
	if err != nil {
		if code := failure(err); code != dnsmessage.RCodeNameError {
			return nil, code
		}
		found, err := st.cfg.Resolver.LookupNetIP(ctx, other, host)
		if err == nil && len(found) > 0 {
			return nil, dnsmessage.RCodeSuccess
		}
		if err == nil {
			return nil, dnsmessage.RCodeNameError
		}
		return nil, failure(err)
	}
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type, TTL: dnsTTL}
	var rs []dnsmessage.Resource
	for _, ip := range ips {
		ip = ip.Unmap().WithZone("")
		switch {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			rs = append(rs, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			rs = append(rs, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	return rs, dnsmessage.RCodeSuccess
}

// failure makes a response code of an error.
func failure(err error) dnsmessage.RCode {
	var d *net.DNSError
	if errors.As(err, &d) && d.IsNotFound {
		return dnsmessage.RCodeNameError
	}
	return dnsmessage.RCodeServerFailure
}

// lookupPTR answers the names of an address.
func (st *Stack) lookupPTR(ctx context.Context, q dnsmessage.Question, host string) ([]dnsmessage.Resource, dnsmessage.RCode) {
	ip, ok := reverse(host)
	if !ok {
		return nil, dnsmessage.RCodeNameError
	}
	names, err := st.cfg.Resolver.LookupAddr(ctx, ip.String())
	if err != nil {
		return nil, failure(err)
	}
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type, TTL: dnsTTL}
	var rs []dnsmessage.Resource
	for _, n := range names {
		if !strings.HasSuffix(n, ".") {
			n += "."
		}
		name, err := dnsmessage.NewName(n)
		if err != nil {
			continue
		}
		rs = append(rs, dnsmessage.Resource{Header: h, Body: &dnsmessage.PTRResource{PTR: name}})
	}
	return rs, dnsmessage.RCodeSuccess
}

// reverse reads the address in a name of in-addr.arpa or ip6.arpa.
func reverse(name string) (netip.Addr, bool) {
	name = strings.ToLower(name)
	if rest, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		p := strings.Split(rest, ".")
		if len(p) != 4 {
			return netip.Addr{}, false
		}
		a, err := netip.ParseAddr(p[3] + "." + p[2] + "." + p[1] + "." + p[0])
		return a, err == nil
	}
	rest, ok := strings.CutSuffix(name, ".ip6.arpa")
	p := strings.Split(rest, ".")
	if !ok || len(p) != 32 {
		return netip.Addr{}, false
	}
	var b [16]byte
	for i, s := range p {
		c := strings.Index("0123456789abcdef", s)
		if len(s) != 1 || c < 0 {
			return netip.Addr{}, false
		}
		at := 31 - i
		b[at/2] |= byte(c << (4 * (1 - at%2)))
	}
	return netip.AddrFrom16(b), true
}
