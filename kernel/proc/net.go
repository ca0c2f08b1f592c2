package proc

import (
	"fmt"
	"strings"
)

// netFiles is /proc/PID/net of a sandbox whose only interface is lo: tables
// with nothing but their headings. A view is not needed.
func netFiles() []file {
	table := func(name, heading string, width int) file {
		return file{path: name, render: func(*view) string {
			if heading == "" {
				return ""
			}
			return fmt.Sprintf("%-*s\n", width, heading)
		}}
	}
	const (
		addr4  = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
		addr6  = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
		dgram  = " ref pointer drops"
		ifaces = "Inter-|   Receive                                                |  Transmit\n" +
			" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
			"    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0"
		sockets = "sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0"
	)
	return []file{
		table("arp", "IP address       HW type     Flags       HW address            Mask     Device", 0),
		table("dev", ifaces, 0),
		table("if_inet6", "00000000000000000000000000000001 01 80 10 80       lo", 0),
		table("igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter", 0),
		table("ipv6_route", "", 0),
		table("netlink", "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode", 0),
		table("packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode", 0),
		table("raw", " "+strings.TrimPrefix(addr4, " ")+dgram, 0),
		table("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT", 127),
		table("sockstat", sockets, 0),
		table("tcp", addr4, 149),
		table("tcp6", addr6, 0),
		table("udp", " "+addr4+dgram, 127),
		table("udp6", addr6+dgram, 0),
		table("unix", "Num       RefCount Protocol Flags    Type St Inode Path", 0),
		table("wireless", "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"+
			" face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22", 0),
	}
}
