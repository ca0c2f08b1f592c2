package socket

import (
	"encoding/binary"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// GetOpt is getsockopt(2): the whole value, of which the caller gets what fits.
func (s *Socket) GetOpt(level, name int) ([]byte, error) {
	s.st.mu.Lock()
	defer s.st.unlock()
	level = s.level(level)
	if v, done, err := s.getSpecial(level, name); done {
		return v, err
	}
	t := s.table(level)
	if t == nil {
		return nil, s.noLevel(false)
	}
	o, ok := t[name]
	if !ok {
		return nil, linux.ENOPROTOOPT
	}
	n, set := s.opt.ints[optKey{level, name}]
	if !set {
		n = o.start
	}
	return int4(n), nil
}

func int4(n int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }

func bool4(b bool) []byte {
	if b {
		return int4(1)
	}
	return int4(0)
}

func timeval(d time.Duration) []byte {
	d = d.Truncate(time.Microsecond)
	b := binary.LittleEndian.AppendUint64(nil, uint64(d/time.Second))
	return binary.LittleEndian.AppendUint64(b, uint64(d%time.Second/time.Microsecond))
}

func (s *Socket) getSpecial(level, name int) ([]byte, bool, error) {
	inet := s.domain == linux.AF_INET || s.domain == linux.AF_INET6
	switch {
	case level == linux.SOL_SOCKET:
		return s.getSocket(name)
	case level == linux.IPPROTO_TCP && s.table(level) != nil:
		switch name {
		case linux.TCP_INFO:
			return s.tcpInfo(), true, nil
		case linux.TCP_CONGESTION:
			return append([]byte(s.opt.congestion), make([]byte, 16-len(s.opt.congestion))...), true, nil
		}
	case level == linux.IPPROTO_IP && inet:
		switch name {
		case linux.IP_FREEBIND:
			return bool4(s.opt.freebind), true, nil
		case linux.IP_MTU:
			if s.state != connected {
				return nil, true, linux.ENOTCONN
			}
			return int4(mtu(s.remote)), true, nil
		case linux.IP_MULTICAST_IF:
			return int4(0), true, nil
		case linux.IP_OPTIONS:
			return nil, true, nil
		}
	case level == linux.IPPROTO_IPV6 && s.domain == linux.AF_INET6:
		switch name {
		case linux.IPV6_V6ONLY:
			return bool4(s.opt.v6only), true, nil
		case linux.IPV6_FREEBIND:
			return bool4(s.opt.freebind), true, nil
		case linux.IPV6_MTU:
			if s.state != connected {
				return nil, true, linux.ENOTCONN
			}
			return int4(mtu(s.remote)), true, nil
		}
	}
	return nil, false, nil
}

func mtu(to linux.Sockaddr) int32 {
	if to.Addr.Unmap().IsLoopback() {
		return loMTU
	}
	return ethMTU
}

// getSocket reads an option of SOL_SOCKET.
func (s *Socket) getSocket(name int) ([]byte, bool, error) {
	o := &s.opt
	var v []byte
	switch name {
	case linux.SO_TYPE:
		v = int4(int32(s.typ))
	case linux.SO_PROTOCOL:
		v = int4(int32(s.num))
	case linux.SO_DOMAIN:
		v = int4(int32(s.domain))
	case linux.SO_ERROR:
		if w := s.wire.Load(); w != nil && s.err == 0 {
			s.err = w.takeErr()
		}
		v = int4(int32(s.err))
		s.err = 0
	case linux.SO_ACCEPTCONN:
		v = bool4(s.state == listening)
	case linux.SO_REUSEADDR:
		v = bool4(o.reuseaddr)
	case linux.SO_REUSEPORT:
		v = bool4(o.reuseport)
	case linux.SO_BROADCAST:
		v = bool4(o.broadcast)
	case linux.SO_PASSCRED:
		v = bool4(o.passcred)
	case linux.SO_RCVLOWAT:
		v = int4(int32(o.rcvlowat))
	case linux.SO_SNDLOWAT:
		v = int4(1)
	case linux.SO_SNDBUF:
		v = int4(int32(o.sndbuf))
	case linux.SO_RCVBUF:
		v = int4(int32(o.rcvbuf))
	case linux.SO_LINGER:
		v = append(bool4(o.linger), int4(o.lingerTime)...)
	case linux.SO_RCVTIMEO, linux.SO_RCVTIMEO_NEW:
		v = timeval(o.rcvtimeo)
	case linux.SO_SNDTIMEO, linux.SO_SNDTIMEO_NEW:
		v = timeval(o.sndtimeo)
	case linux.SO_BINDTODEVICE:
		if o.device != "" {
			v = append([]byte(o.device), 0)
		}
	case linux.SO_PEERCRED:
		if s.domain != linux.AF_UNIX || s.peerCred == (linux.Ucred{}) {
			v = linux.Ucred{UID: ^uint32(0), GID: ^uint32(0)}.Encode()
		} else {
			v = s.peerCred.Encode()
		}
	case linux.SO_PEERGROUPS:
		return nil, true, linux.ENODATA
	case linux.SO_PEERSEC:
		return nil, true, linux.ENOPROTOOPT
	default:
		return nil, false, nil
	}
	return v, true, nil
}

// tcpInfo is struct tcp_info as far as it means something here.
func (s *Socket) tcpInfo() []byte {
	le := binary.LittleEndian
	b := make([]byte, 232)
	b[0] = byte(s.tcpState())
	b[5] = 7<<4 | 7 // window scales, with bit fields of four
	b[6] = 1        // timestamps
	le.PutUint32(b[8:], 200000)
	le.PutUint32(b[12:], 40000)
	mss := uint32(mtu(s.remote) - 52)
	le.PutUint32(b[16:], mss) // snd_mss, rcv_mss
	le.PutUint32(b[20:], min(mss, 536))
	if s.state == listening {
		le.PutUint32(b[24:], uint32(len(s.accepts)))
		le.PutUint32(b[28:], uint32(s.backlog))
	}
	le.PutUint32(b[60:], uint32(mtu(s.remote))) // pmtu
	le.PutUint32(b[64:], 65535)                 // rcv_ssthresh
	le.PutUint32(b[68:], 50)                    // rtt and its variance, in microseconds
	le.PutUint32(b[72:], 25)
	le.PutUint32(b[76:], 1<<31-1) // snd_ssthresh
	le.PutUint32(b[80:], 10)      // snd_cwnd
	le.PutUint32(b[84:], mss)
	le.PutUint32(b[88:], 3)
	le.PutUint32(b[96:], uint32(s.opt.rcvbuf)) // rcv_space
	return b
}

func (s *Socket) tcpState() int {
	switch s.state {
	case listening:
		return linux.TCP_LISTEN
	case connecting:
		return linux.TCP_SYN_SENT
	case connected:
		if w := s.wire.Load(); w != nil {
			return w.tcpState()
		}
		switch {
		case s.done:
			return linux.TCP_CLOSE_WAIT
		case s.shutW:
			return linux.TCP_FIN_WAIT2
		}
		return linux.TCP_ESTABLISHED
	}
	return linux.TCP_CLOSE
}

// Unread is FIONREAD: the bytes, or those of the next message.
func (s *Socket) Unread() (int, error) {
	if w := s.wire.Load(); w != nil {
		return w.unread()
	}
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	switch {
	case s.state == listening:
		return 0, linux.EINVAL
	case s.rx.empty():
		return 0, nil
	case s.typ == linux.SOCK_STREAM || s.typ == linux.SOCK_SEQPACKET:
		if s.urg.state != notUrgent && !s.inline() && s.urg.ahead < s.rx.bytes {
			return s.urg.ahead, nil
		}
		return s.rx.bytes, nil
	}
	return len(s.rx.first().data), nil
}

// Unsent is SIOCOUTQ.
func (s *Socket) Unsent() (int, error) {
	if w := s.wire.Load(); w != nil {
		return w.unsent()
	}
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	if s.state == listening {
		return 0, linux.EINVAL
	}
	if o := s.peer; o != nil && (o.host || s.domain == linux.AF_UNIX) {
		return s.wmem, nil
	}
	return 0, nil // what loopback took is acknowledged
}
