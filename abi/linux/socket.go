package linux

// Address families of socket(2).
const (
	AF_UNSPEC  = 0
	AF_UNIX    = 1
	AF_INET    = 2
	AF_INET6   = 10
	AF_NETLINK = 16
	AF_PACKET  = 17
	AF_VSOCK   = 40
	AF_MAX     = 46
)

// Types of socket(2) and the flags that may be in them.
const (
	SOCK_STREAM    = 1
	SOCK_DGRAM     = 2
	SOCK_RAW       = 3
	SOCK_RDM       = 4
	SOCK_SEQPACKET = 5
	SOCK_PACKET    = 10
	SOCK_MAX       = 11
	SOCK_TYPE_MASK = 0xf
	SOCK_NONBLOCK  = O_NONBLOCK
	SOCK_CLOEXEC   = O_CLOEXEC
)

// Protocols, and levels of setsockopt(2).
const (
	IPPROTO_IP      = 0
	IPPROTO_ICMP    = 1
	IPPROTO_TCP     = 6
	IPPROTO_UDP     = 17
	IPPROTO_IPV6    = 41
	IPPROTO_ICMPV6  = 58
	IPPROTO_UDPLITE = 136
	IPPROTO_MPTCP   = 262
	SOL_SOCKET      = 1
	SOL_NETLINK     = 270
)

// Options of SOL_SOCKET, socket(7).
const (
	SO_DEBUG            = 1
	SO_REUSEADDR        = 2
	SO_TYPE             = 3
	SO_ERROR            = 4
	SO_DONTROUTE        = 5
	SO_BROADCAST        = 6
	SO_SNDBUF           = 7
	SO_RCVBUF           = 8
	SO_KEEPALIVE        = 9
	SO_OOBINLINE        = 10
	SO_NO_CHECK         = 11
	SO_PRIORITY         = 12
	SO_LINGER           = 13
	SO_REUSEPORT        = 15
	SO_PASSCRED         = 16
	SO_PEERCRED         = 17
	SO_RCVLOWAT         = 18
	SO_SNDLOWAT         = 19
	SO_RCVTIMEO         = 20
	SO_SNDTIMEO         = 21
	SO_BINDTODEVICE     = 25
	SO_ATTACH_FILTER    = 26
	SO_DETACH_FILTER    = 27
	SO_TIMESTAMP        = 29
	SO_ACCEPTCONN       = 30
	SO_PEERSEC          = 31
	SO_SNDBUFFORCE      = 32
	SO_RCVBUFFORCE      = 33
	SO_MARK             = 36
	SO_PROTOCOL         = 38
	SO_DOMAIN           = 39
	SO_RXQ_OVFL         = 40
	SO_BUSY_POLL        = 46
	SO_INCOMING_CPU     = 49
	SO_COOKIE           = 57
	SO_PEERGROUPS       = 59
	SO_RCVTIMEO_NEW     = 66
	SO_SNDTIMEO_NEW     = 67
	SO_PREFER_BUSY_POLL = 69
	SO_BUSY_POLL_BUDGET = 70
	SOMAXCONN           = 4096
	SCM_RIGHTS          = 1
	SCM_CREDENTIALS     = 2
	SCM_MAX_FD          = 253
	SHUT_RD             = 0
	SHUT_WR             = 1
	SHUT_RDWR           = 2
	UNIX_MAX_DGRAM_QLEN = 10
	SOCK_MIN_SNDBUF     = 4608
	SOCK_MIN_RCVBUF     = 2304
	SOCK_DEFAULT_BUF    = 212992
	TCP_DEFAULT_SNDBUF  = 16384
	TCP_DEFAULT_RCVBUF  = 131072
	UDP_MAX_PAYLOAD     = 65507
	IP_LOCAL_PORT_FIRST = 32768
	IP_LOCAL_PORT_LAST  = 60999
)

// Flags of send(2) and recv(2).
const (
	MSG_OOB          = 0x1
	MSG_PEEK         = 0x2
	MSG_DONTROUTE    = 0x4
	MSG_CTRUNC       = 0x8
	MSG_TRUNC        = 0x20
	MSG_DONTWAIT     = 0x40
	MSG_EOR          = 0x80
	MSG_WAITALL      = 0x100
	MSG_CONFIRM      = 0x800
	MSG_ERRQUEUE     = 0x2000
	MSG_NOSIGNAL     = 0x4000
	MSG_MORE         = 0x8000
	MSG_WAITFORONE   = 0x10000
	MSG_FASTOPEN     = 0x20000000
	MSG_CMSG_CLOEXEC = 0x40000000
)

// Options of TCP, tcp(7).
const (
	TCP_NODELAY          = 1
	TCP_MAXSEG           = 2
	TCP_CORK             = 3
	TCP_KEEPIDLE         = 4
	TCP_KEEPINTVL        = 5
	TCP_KEEPCNT          = 6
	TCP_SYNCNT           = 7
	TCP_LINGER2          = 8
	TCP_DEFER_ACCEPT     = 9
	TCP_WINDOW_CLAMP     = 10
	TCP_INFO             = 11
	TCP_QUICKACK         = 12
	TCP_CONGESTION       = 13
	TCP_USER_TIMEOUT     = 18
	TCP_FASTOPEN         = 23
	TCP_NOTSENT_LOWAT    = 25
	TCP_FASTOPEN_CONNECT = 30
)

// States of TCP_INFO.
const (
	TCP_ESTABLISHED = 1
	TCP_SYN_SENT    = 2
	TCP_FIN_WAIT2   = 5
	TCP_CLOSE       = 7
	TCP_CLOSE_WAIT  = 8
	TCP_LISTEN      = 10
)

// Options of IP, ip(7).
const (
	IP_TOS                  = 1
	IP_TTL                  = 2
	IP_OPTIONS              = 4
	IP_RECVOPTS             = 6
	IP_PKTINFO              = 8
	IP_MTU_DISCOVER         = 10
	IP_RECVERR              = 11
	IP_RECVTTL              = 12
	IP_RECVTOS              = 13
	IP_MTU                  = 14
	IP_FREEBIND             = 15
	IP_TRANSPARENT          = 19
	IP_BIND_ADDRESS_NO_PORT = 24
	IP_MULTICAST_IF         = 32
	IP_MULTICAST_TTL        = 33
	IP_MULTICAST_LOOP       = 34
	IP_ADD_MEMBERSHIP       = 35
	IP_DROP_MEMBERSHIP      = 36
	IP_LOCAL_PORT_RANGE     = 51
)

// Options of UDP-Lite, udplite(7).
const (
	UDPLITE_SEND_CSCOV = 10
	UDPLITE_RECV_CSCOV = 11
)

// Options of IPv6, ipv6(7).
const (
	IPV6_UNICAST_HOPS    = 16
	IPV6_MULTICAST_IF    = 17
	IPV6_MULTICAST_HOPS  = 18
	IPV6_MULTICAST_LOOP  = 19
	IPV6_ADD_MEMBERSHIP  = 20
	IPV6_DROP_MEMBERSHIP = 21
	IPV6_MTU_DISCOVER    = 23
	IPV6_MTU             = 24
	IPV6_RECVERR         = 25
	IPV6_V6ONLY          = 26
	IPV6_RECVPKTINFO     = 49
	IPV6_PKTINFO         = 50
	IPV6_RECVHOPLIMIT    = 51
	IPV6_HOPLIMIT        = 52
	IPV6_RECVTCLASS      = 66
	IPV6_TCLASS          = 67
	IPV6_AUTOFLOWLABEL   = 70
	IPV6_FREEBIND        = 78
)

// Requests of ioctl(2) on sockets and other files, netdevice(7).
const (
	SIOCOUTQ       = TIOCOUTQ
	SIOCINQ        = FIONREAD
	FIOSETOWN      = 0x8901
	SIOCSPGRP      = 0x8902
	FIOGETOWN      = 0x8903
	SIOCGPGRP      = 0x8904
	SIOCATMARK     = 0x8905
	SIOCGIFNAME    = 0x8910
	SIOCGIFCONF    = 0x8912
	SIOCGIFFLAGS   = 0x8913
	SIOCGIFADDR    = 0x8915
	SIOCGIFDSTADDR = 0x8917
	SIOCGIFBRDADDR = 0x8919
	SIOCGIFNETMASK = 0x891b
	SIOCGIFMETRIC  = 0x891d
	SIOCGIFMTU     = 0x8921
	SIOCGIFHWADDR  = 0x8927
	SIOCGIFINDEX   = 0x8933
	SIOCGIFTXQLEN  = 0x8942

	IFNAMSIZ   = 16
	IfreqSize  = 40 // sizeof(struct ifreq) on 64-bit machines
	IfconfSize = 16
)

// Flags of an interface, netdevice(7), and hardware types.
const (
	IFF_UP          = 0x1
	IFF_BROADCAST   = 0x2
	IFF_LOOPBACK    = 0x8
	IFF_RUNNING     = 0x40
	IFF_MULTICAST   = 0x1000
	IFF_LOWER_UP    = 0x10000
	ARPHRD_ETHER    = 1
	ARPHRD_LOOPBACK = 772
)
