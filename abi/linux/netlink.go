package linux

import "encoding/binary"

// Protocols of AF_NETLINK, netlink(7).
const (
	NETLINK_ROUTE          = 0
	NETLINK_USERSOCK       = 2
	NETLINK_SOCK_DIAG      = 4
	NETLINK_AUDIT          = 9
	NETLINK_NETFILTER      = 12
	NETLINK_KOBJECT_UEVENT = 15
	NETLINK_GENERIC        = 16
)

// Message types and flags of netlink(7).
const (
	NLMSG_NOOP    = 1
	NLMSG_ERROR   = 2
	NLMSG_DONE    = 3
	NLMSG_HDRLEN  = 16
	NLM_F_REQUEST = 0x1
	NLM_F_MULTI   = 0x2
	NLM_F_ACK     = 0x4
	NLM_F_ROOT    = 0x100
	NLM_F_MATCH   = 0x200
	NLM_F_DUMP    = NLM_F_ROOT | NLM_F_MATCH

	NETLINK_ADD_MEMBERSHIP  = 1
	NETLINK_DROP_MEMBERSHIP = 2
	NETLINK_PKTINFO         = 3
	NETLINK_EXT_ACK         = 11
	NETLINK_GET_STRICT_CHK  = 12
)

// Messages and attributes of rtnetlink(7).
const (
	RTM_NEWLINK  = 16
	RTM_GETLINK  = 18
	RTM_NEWADDR  = 20
	RTM_GETADDR  = 22
	RTM_NEWROUTE = 24
	RTM_GETROUTE = 26
	RTM_GETNEIGH = 30
	RTM_GETRULE  = 34

	IFLA_ADDRESS   = 1
	IFLA_BROADCAST = 2
	IFLA_IFNAME    = 3
	IFLA_MTU       = 4
	IFLA_QDISC     = 6
	IFLA_TXQLEN    = 13
	IFLA_OPERSTATE = 16
	IFLA_LINKMODE  = 17
	IFLA_GROUP     = 27

	IFA_ADDRESS   = 1
	IFA_LOCAL     = 2
	IFA_LABEL     = 3
	IFA_BROADCAST = 4
	IFA_CACHEINFO = 6
	IFA_FLAGS     = 8

	IFA_F_PERMANENT = 0x80

	RTA_DST     = 1
	RTA_OIF     = 4
	RTA_GATEWAY = 5
	RTA_PREFSRC = 7
	RTA_TABLE   = 15

	RT_TABLE_MAIN     = 254
	RT_TABLE_LOCAL    = 255
	RTPROT_KERNEL     = 2
	RTPROT_BOOT       = 3
	RT_SCOPE_UNIVERSE = 0
	RT_SCOPE_LINK     = 253
	RT_SCOPE_HOST     = 254
	RTN_UNICAST       = 1
	RTN_LOCAL         = 2
)

// NlHeader is struct nlmsghdr.
type NlHeader struct {
	Len         uint32
	Type, Flags uint16
	Seq, PID    uint32
}

// DecodeNl takes the first message of b apart; more is what follows it. EINVAL
// when the header lies about the length.
func DecodeNl(b []byte) (h NlHeader, body, more []byte, err error) {
	if len(b) < NLMSG_HDRLEN {
		return h, nil, nil, EINVAL
	}
	le := binary.LittleEndian
	h = NlHeader{le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), le.Uint32(b[8:]), le.Uint32(b[12:])}
	if h.Len < NLMSG_HDRLEN || uint64(h.Len) > uint64(len(b)) {
		return h, nil, nil, EINVAL
	}
	n := int(h.Len)
	return h, b[NLMSG_HDRLEN:n], b[min((n+3)&^3, len(b)):], nil
}

// AppendNl appends a message; its length is computed.
func AppendNl(b []byte, h NlHeader, body []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(NLMSG_HDRLEN+len(body)))
	b = le.AppendUint16(b, h.Type)
	b = le.AppendUint16(b, h.Flags)
	b = le.AppendUint32(b, h.Seq)
	b = le.AppendUint32(b, h.PID)
	b = append(b, body...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// AppendRta appends a struct rtattr with its value.
func AppendRta(b []byte, typ uint16, v []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(4+len(v)))
	b = binary.LittleEndian.AppendUint16(b, typ)
	b = append(b, v...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// AppendRta32 appends an attribute of four bytes.
func AppendRta32(b []byte, typ uint16, v uint32) []byte {
	return AppendRta(b, typ, binary.LittleEndian.AppendUint32(nil, v))
}
