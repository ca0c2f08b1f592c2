package socket

import (
	"encoding/binary"
	"maps"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// options are the socket options that mean something here; the rest is kept in
// ints.
type options struct {
	sndbuf, rcvbuf int
	sndlock        bool // SO_SNDBUF was set
	rcvlowat       int
	reuseaddr      bool
	reuseport      bool
	broadcast      bool
	passcred       bool
	v6only         bool
	freebind       bool
	linger         bool
	lingerTime     int32
	acceptconn     bool
	rcvtimeo       time.Duration // 0 is none
	sndtimeo       time.Duration
	congestion     string
	device         string
	auto           bool // the port was chosen by connect
	anyAddr        bool // the address was
	ints           map[optKey]int32
}

type optKey struct{ level, name int }

// inherit returns the options of a socket that is accepted of a listener.
func (o options) inherit() options {
	o.acceptconn = false
	o.ints = maps.Clone(o.ints)
	return o
}

func defaults(domain, typ int) options {
	o := options{sndbuf: linux.SOCK_DEFAULT_BUF, rcvbuf: linux.SOCK_DEFAULT_BUF, rcvlowat: 1, congestion: "cubic"}
	if domain != linux.AF_UNIX && typ == linux.SOCK_STREAM {
		o.sndbuf, o.rcvbuf = linux.TCP_DEFAULT_SNDBUF, linux.TCP_DEFAULT_RCVBUF
	}
	return o
}

// intOption is an option that is kept and given back, with its range.
type intOption struct {
	start, low, high int32
	wrong            linux.Errno
	flag             bool // any value but 0 is 1
	unset            bool // -1 is start again
}

var yesNo = intOption{low: -1 << 31, high: 1<<31 - 1, flag: true}
var anyInt = intOption{low: -1 << 31, high: 1<<31 - 1}

var socketInts = map[int]intOption{
	linux.SO_DEBUG: yesNo, linux.SO_DONTROUTE: yesNo, linux.SO_KEEPALIVE: yesNo, linux.SO_OOBINLINE: yesNo,
	linux.SO_NO_CHECK: yesNo, linux.SO_PRIORITY: {low: 0, high: 6, wrong: linux.EPERM}, linux.SO_TIMESTAMP: yesNo,
	linux.SO_RXQ_OVFL: yesNo, linux.SO_INCOMING_CPU: anyInt, linux.SO_MARK: {low: 0, high: 0, wrong: linux.EPERM},
	linux.SO_BUSY_POLL: {low: 0, high: 1<<31 - 1, wrong: linux.EINVAL}, linux.SO_PREFER_BUSY_POLL: yesNo,
	linux.SO_BUSY_POLL_BUDGET: {start: 0, low: 0, high: 65535, wrong: linux.EINVAL},
}

var tcpInts = map[int]intOption{
	linux.TCP_NODELAY: yesNo, linux.TCP_CORK: yesNo, linux.TCP_QUICKACK: {start: 1, low: -1 << 31, high: 1<<31 - 1, flag: true},
	linux.TCP_MAXSEG:   {start: 536, low: 88, high: 32767, wrong: linux.EINVAL},
	linux.TCP_KEEPIDLE: {start: 7200, low: 1, high: 32767, wrong: linux.EINVAL}, linux.TCP_KEEPINTVL: {start: 75, low: 1, high: 32767, wrong: linux.EINVAL},
	linux.TCP_KEEPCNT: {start: 9, low: 1, high: 127, wrong: linux.EINVAL}, linux.TCP_SYNCNT: {start: 6, low: 1, high: 127, wrong: linux.EINVAL},
	linux.TCP_LINGER2: {start: 60, low: -1 << 31, high: 1<<31 - 1}, linux.TCP_DEFER_ACCEPT: anyInt, linux.TCP_WINDOW_CLAMP: anyInt,
	linux.TCP_USER_TIMEOUT: {low: 0, high: 1<<31 - 1, wrong: linux.EINVAL}, linux.TCP_FASTOPEN: {low: 0, high: 1<<31 - 1, wrong: linux.EINVAL},
	linux.TCP_NOTSENT_LOWAT: anyInt, linux.TCP_FASTOPEN_CONNECT: {low: 0, high: 0, wrong: linux.EOPNOTSUPP},
}

var ip4Ints = map[int]intOption{
	linux.IP_TOS: {low: 0, high: 255, wrong: linux.EINVAL}, linux.IP_TTL: {start: 64, low: 1, high: 255, wrong: linux.EINVAL, unset: true},
	linux.IP_PKTINFO: yesNo, linux.IP_MTU_DISCOVER: {start: 1, low: 0, high: 5, wrong: linux.EINVAL}, linux.IP_RECVERR: yesNo,
	linux.IP_RECVTTL: yesNo, linux.IP_RECVTOS: yesNo, linux.IP_RECVOPTS: yesNo, linux.IP_TRANSPARENT: {low: 0, high: 0, wrong: linux.EPERM},
	linux.IP_BIND_ADDRESS_NO_PORT: yesNo, linux.IP_MULTICAST_TTL: {start: 1, low: 0, high: 255, wrong: linux.EINVAL},
	linux.IP_MULTICAST_LOOP: {start: 1, low: -1 << 31, high: 1<<31 - 1, flag: true}, linux.IP_LOCAL_PORT_RANGE: anyInt,
}

var ip6Ints = map[int]intOption{
	linux.IPV6_UNICAST_HOPS: {start: 64, low: 0, high: 255, wrong: linux.EINVAL, unset: true}, linux.IPV6_MULTICAST_HOPS: {start: 1, low: -1, high: 255, wrong: linux.EINVAL},
	linux.IPV6_MULTICAST_LOOP: {start: 1, low: 0, high: 1, wrong: linux.EINVAL}, linux.IPV6_MTU_DISCOVER: {start: 1, low: 0, high: 5, wrong: linux.EINVAL},
	linux.IPV6_RECVERR: yesNo, linux.IPV6_RECVPKTINFO: yesNo, linux.IPV6_RECVHOPLIMIT: yesNo, linux.IPV6_RECVTCLASS: yesNo,
	linux.IPV6_TCLASS: {low: 0, high: 255, wrong: linux.EINVAL, unset: true}, linux.IPV6_AUTOFLOWLABEL: {start: 1, low: -1 << 31, high: 1<<31 - 1, flag: true},
	linux.IPV6_MULTICAST_IF: anyInt,
}

var udpLiteInts = map[int]intOption{linux.UDPLITE_SEND_CSCOV: anyInt, linux.UDPLITE_RECV_CSCOV: anyInt}

// udpInts cannot be set.
var udpInts = map[int]intOption{
	linux.UDPLITE_SEND_CSCOV: {low: 1, high: 0, wrong: linux.ENOPROTOOPT}, linux.UDPLITE_RECV_CSCOV: {low: 1, high: 0, wrong: linux.ENOPROTOOPT},
}

// level is that where an option is kept: UDP and UDP-Lite have the same.
func (s *Socket) level(level int) int {
	if level == linux.IPPROTO_UDP && s.datagrams() {
		return linux.IPPROTO_UDPLITE
	}
	return level
}

// table finds the plain options of a level.
func (s *Socket) table(level int) map[int]intOption {
	inet := s.domain == linux.AF_INET || s.domain == linux.AF_INET6
	switch {
	case level == linux.SOL_SOCKET:
		return socketInts
	case level == linux.IPPROTO_TCP && inet && s.num == linux.IPPROTO_TCP:
		return tcpInts
	case level == linux.IPPROTO_UDPLITE && inet && s.num == linux.IPPROTO_UDPLITE:
		return udpLiteInts
	case level == linux.IPPROTO_UDPLITE && inet && s.num == linux.IPPROTO_UDP:
		return udpInts
	case level == linux.IPPROTO_IP && inet:
		return ip4Ints
	case level == linux.IPPROTO_IPV6 && s.domain == linux.AF_INET6:
		return ip6Ints
	}
	return nil
}

// SetOpt is setsockopt(2). privileged is CAP_NET_ADMIN.
func (s *Socket) SetOpt(level, name int, v []byte, privileged bool) error {
	s.st.mu.Lock()
	level = s.level(level)
	err := s.setOpt(level, name, v, privileged)
	w, n := s.carries(level, name)
	s.st.unlock()
	if err == nil && w != nil {
		w.setInt(level, name, n) // it may send what TCP_CORK held back
	}
	return err
}

func (s *Socket) setOpt(level, name int, v []byte, privileged bool) error {
	if done, err := s.setSpecial(level, name, v, privileged); done {
		return err
	}
	t := s.table(level)
	if t == nil {
		return s.noLevel(true)
	}
	o, ok := t[name]
	if !ok {
		return linux.ENOPROTOOPT
	}
	n, err := optInt(level, v)
	if err != nil {
		return err
	}
	if o.unset && n == -1 {
		n = o.start
	}
	if level == linux.IPPROTO_UDPLITE && n != 0 {
		n = min(max(n, 8), 65535) // the header always is; what is below 0 as well
	}
	if n < o.low || n > o.high {
		if privileged && o.wrong == linux.EPERM {
			return linux.EOPNOTSUPP
		}
		return o.wrong
	}
	if o.flag && n != 0 {
		n = 1
	}
	if s.opt.ints == nil {
		s.opt.ints = map[optKey]int32{}
	}
	s.opt.ints[optKey{level, name}] = n
	return nil
}

// noLevel is the error of a level that the socket does not have.
func (s *Socket) noLevel(set bool) error {
	if s.domain == linux.AF_UNIX || s.domain == linux.AF_INET && !set {
		return linux.EOPNOTSUPP
	}
	return linux.ENOPROTOOPT
}

// optInt reads a value; IP takes a byte too.
func optInt(level int, v []byte) (int32, error) {
	switch {
	case len(v) >= 4:
		return int32(binary.LittleEndian.Uint32(v)), nil
	case level == linux.IPPROTO_IP && len(v) >= 1:
		return int32(v[0]), nil
	}
	return 0, linux.EINVAL
}

// setSpecial sets what is not just kept.
func (s *Socket) setSpecial(level, name int, v []byte, privileged bool) (bool, error) {
	switch level {
	case linux.SOL_SOCKET:
		return s.setSocket(name, v, privileged)
	case linux.IPPROTO_TCP:
		if name == linux.TCP_CONGESTION && s.table(level) != nil {
			switch string(cstring(v)) {
			case "cubic", "reno":
				s.opt.congestion = string(cstring(v))
				return true, nil
			}
			return true, linux.ENOENT
		}
	case linux.IPPROTO_IP:
		switch name {
		case linux.IP_FREEBIND:
			n, err := optInt(level, v)
			s.opt.freebind = n != 0
			return true, err
		case linux.IP_ADD_MEMBERSHIP, linux.IP_DROP_MEMBERSHIP:
			return true, linux.ENODEV // no interface has multicast
		case linux.IP_MULTICAST_IF, linux.IP_OPTIONS:
			return true, nil
		}
	case linux.IPPROTO_IPV6:
		if s.domain != linux.AF_INET6 {
			return false, nil
		}
		switch name {
		case linux.IPV6_V6ONLY:
			n, err := optInt(level, v)
			if err == nil && s.bound {
				err = linux.EINVAL
			}
			if err == nil {
				s.opt.v6only = n != 0
			}
			return true, err
		case linux.IPV6_FREEBIND:
			n, err := optInt(level, v)
			s.opt.freebind = n != 0
			return true, err
		case linux.IPV6_ADD_MEMBERSHIP, linux.IPV6_DROP_MEMBERSHIP:
			return true, linux.ENODEV
		}
	case linux.SOL_NETLINK:
		if s.domain == linux.AF_NETLINK {
			return true, s.setNetlink(name, v)
		}
	}
	return false, nil
}

func cstring(v []byte) []byte {
	for i, c := range v {
		if c == 0 {
			return v[:i]
		}
	}
	return v
}

// setSocket sets an option of SOL_SOCKET.
func (s *Socket) setSocket(name int, v []byte, privileged bool) (bool, error) {
	if name == linux.SO_BINDTODEVICE {
		s.opt.device = string(cstring(v))
		if s.opt.device != "" && s.st.named(s.opt.device) == nil {
			return true, linux.ENODEV
		}
		return true, nil
	}
	if len(v) < 4 {
		return true, linux.EINVAL
	}
	n := int32(binary.LittleEndian.Uint32(v))
	o := &s.opt
	switch name {
	case linux.SO_REUSEADDR:
		o.reuseaddr = n != 0
	case linux.SO_REUSEPORT:
		if s.domain != linux.AF_INET && s.domain != linux.AF_INET6 {
			return true, linux.EOPNOTSUPP
		}
		o.reuseport = n != 0
	case linux.SO_BROADCAST:
		o.broadcast = n != 0
	case linux.SO_PASSCRED:
		o.passcred = n != 0
	case linux.SO_RCVLOWAT:
		if n < 0 {
			n = 1<<31 - 1
		}
		o.rcvlowat = max(int(n), 1)
	case linux.SO_SNDBUF, linux.SO_SNDBUFFORCE:
		if name == linux.SO_SNDBUFFORCE && !privileged {
			return true, linux.EPERM
		}
		o.sndbuf = max(double(n), linux.SOCK_MIN_SNDBUF)
		s.notify(pollOut)
	case linux.SO_RCVBUF, linux.SO_RCVBUFFORCE:
		if name == linux.SO_RCVBUFFORCE && !privileged {
			return true, linux.EPERM
		}
		o.rcvbuf = max(double(n), linux.SOCK_MIN_RCVBUF)
	case linux.SO_LINGER:
		if len(v) < 8 {
			return true, linux.EINVAL
		}
		o.linger = n != 0
		if o.linger {
			o.lingerTime = int32(binary.LittleEndian.Uint32(v[4:]))
		}
	case linux.SO_RCVTIMEO, linux.SO_RCVTIMEO_NEW:
		return true, setTimeout(&o.rcvtimeo, v)
	case linux.SO_SNDTIMEO, linux.SO_SNDTIMEO_NEW:
		return true, setTimeout(&o.sndtimeo, v)
	case linux.SO_TYPE, linux.SO_PROTOCOL, linux.SO_DOMAIN, linux.SO_ERROR, linux.SO_ACCEPTCONN, linux.SO_PEERCRED,
		linux.SO_SNDLOWAT, linux.SO_COOKIE, linux.SO_PEERSEC, linux.SO_PEERGROUPS:
		return true, linux.ENOPROTOOPT
	case linux.SO_ATTACH_FILTER, linux.SO_DETACH_FILTER:
		return true, linux.ENOPROTOOPT
	default:
		return false, nil
	}
	return true, nil
}

// double is what Linux makes of a buffer size, net.core.rmem_max at most.
func double(n int32) int { return 2 * int(min(uint32(n), linux.SOCK_DEFAULT_BUF)) }

// setTimeout reads a struct timeval.
func setTimeout(d *time.Duration, v []byte) error {
	if len(v) < 16 {
		return linux.EINVAL
	}
	sec, usec := int64(binary.LittleEndian.Uint64(v)), int64(binary.LittleEndian.Uint64(v[8:]))
	if usec < 0 || usec >= 1e6 {
		return linux.EDOM
	}
	if sec < 0 {
		*d = 1 // Linux: do not wait
		return nil
	}
	if sec > 1<<32 {
		sec, usec = 0, 0
	}
	*d = time.Duration(sec)*time.Second + time.Duration(usec)*time.Microsecond
	return nil
}

// Timeouts returns SO_RCVTIMEO and SO_SNDTIMEO; 0 is none.
func (s *Socket) Timeouts() (recv, send time.Duration) {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	return s.opt.rcvtimeo, s.opt.sndtimeo
}

// PassCred reports SO_PASSCRED.
func (s *Socket) PassCred() bool {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	return s.opt.passcred
}
