package socket

import (
	"encoding/binary"
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
)

// netlinkProto is AF_NETLINK, netlink(7): the kernel answers in the queue of who
// asks.
type netlinkProto struct{}

func (netlinkProto) bind(s *Socket, sa linux.Sockaddr, _ any) error {
	if sa.Family != linux.AF_NETLINK {
		return linux.EINVAL
	}
	if s.bound && sa.PID != s.local.PID {
		return linux.EINVAL
	}
	if !s.bound {
		if err := s.nlPort(sa.PID); err != nil {
			return err
		}
	}
	s.local.Groups = sa.Groups
	return nil
}

// nlPort gives a socket its number: its process's when that is free.
func (s *Socket) nlPort(pid uint32) error {
	want := pid
	if want == 0 {
		want = s.owner.PID
	}
	for o := range s.st.all {
		if o.domain == linux.AF_NETLINK && o.num == s.num && o.bound && o.local.PID == want {
			if pid != 0 {
				return linux.EADDRINUSE
			}
			s.st.nlPID++
			want = s.st.nlPID
			break
		}
	}
	s.bound, s.local.PID = true, want
	return nil
}

func (netlinkProto) connect(s *Socket, sa linux.Sockaddr, _ any) error {
	if sa.Family == linux.AF_UNSPEC {
		s.state, s.remote = idle, linux.Sockaddr{Family: linux.AF_NETLINK}
		return nil
	}
	if sa.Family != linux.AF_NETLINK {
		return linux.EINVAL
	}
	if !s.bound {
		if err := s.nlPort(0); err != nil {
			return err
		}
	}
	s.state, s.remote = connected, sa
	return nil
}

func (n netlinkProto) send(s *Socket, m *Message) (int, error) {
	if m.Flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	to := s.remote
	if m.HasTo {
		if m.Name.Family != linux.AF_NETLINK {
			return 0, linux.EINVAL
		}
		to = m.Name
	}
	if to.PID != 0 || to.Groups != 0 {
		return 0, linux.ECONNREFUSED
	}
	if !s.bound {
		if err := s.nlPort(0); err != nil {
			return 0, err
		}
	}
	if len(m.Data) > s.opt.sndbuf-32 {
		return 0, linux.EMSGSIZE
	}
	for rest := m.Data; len(rest) >= linux.NLMSG_HDRLEN; {
		h, body, more, err := linux.DecodeNl(rest)
		if err != nil {
			break
		}
		if h.Flags&linux.NLM_F_REQUEST != 0 && h.Type > linux.NLMSG_DONE {
			n.answer(s, h, body, rest)
		}
		rest = more
	}
	return len(m.Data), nil
}

// answer queues the replies to one request.
func (n netlinkProto) answer(s *Socket, h linux.NlHeader, body, raw []byte) {
	var msgs [][]byte
	var typ uint16
	err := linux.EOPNOTSUPP
	dump := h.Flags&linux.NLM_F_DUMP == linux.NLM_F_DUMP
	switch {
	case s.num == linux.NETLINK_SOCK_DIAG:
		err = linux.ENOENT
	case s.num != linux.NETLINK_ROUTE || len(body) < 1:
	case h.Type == linux.RTM_GETLINK:
		typ, msgs, err = linux.RTM_NEWLINK, s.st.links(body, dump), 0
		if !dump && len(msgs) == 0 {
			err = linux.ENODEV
		}
	case h.Type == linux.RTM_GETADDR && dump:
		typ, msgs, err = linux.RTM_NEWADDR, s.st.addresses(body[0]), 0
	case h.Type == linux.RTM_GETROUTE && dump:
		typ, msgs, err = linux.RTM_NEWROUTE, s.st.routes(body[0]), 0
	case (h.Type == linux.RTM_GETNEIGH || h.Type == linux.RTM_GETRULE) && dump:
		err = 0
	case (h.Type-16)%4 != 2: // a change
		err = linux.EPERM
	}
	reply := linux.NlHeader{Seq: h.Seq, PID: s.local.PID, Type: typ}
	if err != 0 {
		s.nlError(h, err, raw)
		return
	}
	if dump {
		reply.Flags = linux.NLM_F_MULTI
	}
	var out []byte
	for _, m := range msgs {
		if len(out)+len(m) > 4000 {
			s.nlQueue(out)
			out = nil
		}
		out = linux.AppendNl(out, reply, m)
	}
	if dump {
		s.nlQueue(out)
		reply.Type = linux.NLMSG_DONE
		s.nlQueue(linux.AppendNl(nil, reply, make([]byte, 4)))
		return
	}
	s.nlQueue(out)
	if h.Flags&linux.NLM_F_ACK != 0 {
		s.nlError(h, 0, raw)
	}
}

// nlError queues an NLMSG_ERROR.
func (s *Socket) nlError(h linux.NlHeader, err linux.Errno, raw []byte) {
	body := binary.LittleEndian.AppendUint32(nil, uint32(-int32(err)))
	if err == 0 {
		body = append(body, raw[:linux.NLMSG_HDRLEN]...)
	} else {
		body = append(body, raw[:min(int(h.Len), len(raw))]...)
	}
	s.nlQueue(linux.AppendNl(nil, linux.NlHeader{Type: linux.NLMSG_ERROR, Seq: h.Seq, PID: s.local.PID}, body))
}

func (s *Socket) nlQueue(b []byte) {
	if len(b) == 0 {
		return
	}
	if s.rx.bytes+len(b) > s.opt.rcvbuf {
		s.err = linux.ENOBUFS
		s.notify(linux.POLLERR)
		return
	}
	if s.enqueue(packet{from: linux.Sockaddr{Family: linux.AF_NETLINK}}, b, 0) == nil {
		s.notify(pollIn)
	}
}

// Tell queues bytes for who reads a netlink socket, as the kernel does by itself.
func (s *Socket) Tell(b []byte) {
	s.st.mu.Lock()
	defer s.st.unlock()
	if s.domain == linux.AF_NETLINK && s.state != dead {
		s.nlQueue(b)
	}
}

func (netlinkProto) recv(s *Socket, m *Message, flags int) (int, error) {
	if flags&linux.MSG_OOB != 0 {
		return 0, linux.EOPNOTSUPP
	}
	if err := s.takeErr(); err != nil {
		return 0, err
	}
	if s.rx.empty() {
		return 0, linux.EAGAIN
	}
	return s.recvMessage(m, flags)
}

func (netlinkProto) ready(s *Socket) uint32 {
	if !s.rx.empty() {
		return pollIn | pollOut
	}
	return pollOut
}

func (netlinkProto) close(*Socket) {}

// setNetlink sets an option of SOL_NETLINK.
func (s *Socket) setNetlink(name int, v []byte) error {
	if len(v) < 4 {
		return linux.EINVAL
	}
	switch name {
	case linux.NETLINK_ADD_MEMBERSHIP, linux.NETLINK_DROP_MEMBERSHIP, linux.NETLINK_PKTINFO,
		linux.NETLINK_EXT_ACK, linux.NETLINK_GET_STRICT_CHK:
		return nil // nothing here changes that groups would be told of
	}
	return linux.ENOPROTOOPT
}

// links answers RTM_GETLINK: all of them, or the one that is asked for by index
// or name.
func (st *Stack) links(body []byte, dump bool) (out [][]byte) {
	le := binary.LittleEndian
	index, name := 0, ""
	if len(body) >= 16 {
		index = int(int32(le.Uint32(body[4:])))
		for a := body[16:]; len(a) >= 4; {
			n := int(le.Uint16(a))
			if n < 4 || n > len(a) {
				break
			}
			if le.Uint16(a[2:]) == linux.IFLA_IFNAME {
				name = string(cstring(a[4:n]))
			}
			a = a[min((n+3)&^3, len(a)):]
		}
	}
	for _, i := range st.nics {
		if !dump && i.index != index && (name == "" || i.name != name) {
			continue
		}
		b := make([]byte, 16)
		le.PutUint16(b[2:], i.kind)
		le.PutUint32(b[4:], uint32(i.index))
		le.PutUint32(b[8:], i.flags|linux.IFF_LOWER_UP)
		b = linux.AppendRta(b, linux.IFLA_IFNAME, append([]byte(i.name), 0))
		b = linux.AppendRta32(b, linux.IFLA_TXQLEN, 1000)
		b = linux.AppendRta(b, linux.IFLA_OPERSTATE, []byte{map[bool]byte{true: 0, false: 6}[i.index == 1]})
		b = linux.AppendRta(b, linux.IFLA_LINKMODE, []byte{0})
		b = linux.AppendRta32(b, linux.IFLA_MTU, uint32(i.mtu))
		b = linux.AppendRta32(b, linux.IFLA_GROUP, 0)
		b = linux.AppendRta(b, linux.IFLA_QDISC, []byte("noqueue\x00"))
		b = linux.AppendRta(b, linux.IFLA_ADDRESS, i.hw)
		brd := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		if i.index == 1 {
			brd = i.hw
		}
		out = append(out, linux.AppendRta(b, linux.IFLA_BROADCAST, brd))
	}
	return out
}

// addresses answers RTM_GETADDR.
func (st *Stack) addresses(family byte) (out [][]byte) {
	le := binary.LittleEndian
	for _, i := range st.nics {
		for _, p := range i.addrs {
			f := familyOf(p.Addr())
			if family != 0 && family != f {
				continue
			}
			scope := byte(linux.RT_SCOPE_UNIVERSE)
			if i.index == 1 {
				scope = linux.RT_SCOPE_HOST
			}
			b := []byte{f, byte(p.Bits()), linux.IFA_F_PERMANENT, scope}
			b = le.AppendUint32(b, uint32(i.index))
			a := p.Addr().AsSlice()
			b = linux.AppendRta(b, linux.IFA_ADDRESS, a)
			if f == linux.AF_INET {
				b = linux.AppendRta(b, linux.IFA_LOCAL, a)
				if i.index != 1 {
					b = linux.AppendRta(b, linux.IFA_BROADCAST, broadcast4(p).AsSlice())
				}
				b = linux.AppendRta(b, linux.IFA_LABEL, append([]byte(i.name), 0))
			}
			b = linux.AppendRta32(b, linux.IFA_FLAGS, linux.IFA_F_PERMANENT)
			cache := make([]byte, 16)
			le.PutUint64(cache, ^uint64(0)) // preferred and valid for ever
			out = append(out, linux.AppendRta(b, linux.IFA_CACHEINFO, cache))
		}
	}
	return out
}

func familyOf(a netip.Addr) byte {
	if a.Is4() {
		return linux.AF_INET
	}
	return linux.AF_INET6
}

// routes answers RTM_GETROUTE: the rest through the gateways, and the networks of
// the interfaces.
func (st *Stack) routes(family byte) (out [][]byte) {
	route := func(f, bits, scope, proto byte) []byte {
		b := []byte{f, bits, 0, 0, linux.RT_TABLE_MAIN, proto, scope, linux.RTN_UNICAST, 0, 0, 0, 0}
		return linux.AppendRta32(b, linux.RTA_TABLE, linux.RT_TABLE_MAIN)
	}
	wanted := func(a netip.Addr) bool { return family == 0 || family == familyOf(a) }
	for _, v6 := range []bool{false, true} {
		_, gateway, _ := st.own(v6)
		if !gateway.IsValid() || !wanted(gateway) {
			continue
		}
		i, _, _ := st.link(gateway)
		b := route(familyOf(gateway), 0, linux.RT_SCOPE_UNIVERSE, linux.RTPROT_BOOT)
		b = linux.AppendRta(b, linux.RTA_GATEWAY, gateway.AsSlice())
		out = append(out, linux.AppendRta32(b, linux.RTA_OIF, uint32(i.index)))
	}
	for _, i := range st.nics[1:] {
		for _, p := range i.addrs {
			if !wanted(p.Addr()) {
				continue
			}
			b := route(familyOf(p.Addr()), byte(p.Bits()), linux.RT_SCOPE_LINK, linux.RTPROT_KERNEL)
			b = linux.AppendRta(b, linux.RTA_DST, p.Masked().Addr().AsSlice())
			b = linux.AppendRta(b, linux.RTA_PREFSRC, p.Addr().AsSlice())
			out = append(out, linux.AppendRta32(b, linux.RTA_OIF, uint32(i.index)))
		}
	}
	return out
}
