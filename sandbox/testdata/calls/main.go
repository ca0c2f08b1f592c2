//go:build linux && amd64

// Command calls makes system calls by their numbers and prints what they answer, so
// that the answers of sbx and of Linux can be compared.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

var le = binary.LittleEndian

// keep holds what the kernel was given the address of.
var keep []any

// ptr is the address of bytes; of none it is 0.
func ptr(b []byte) uintptr {
	if len(b) == 0 {
		return 0
	}
	keep = append(keep, b)
	return uintptr(unsafe.Pointer(&b[0]))
}

func str(s string) uintptr { return ptr(append([]byte(s), 0)) }

// call makes a call and returns its answer, an errno as a negative number.
func call(n uintptr, a ...uintptr) int {
	var p [6]uintptr
	copy(p[:], a)
	r, _, e := syscall.Syscall6(n, p[0], p[1], p[2], p[3], p[4], p[5])
	if e != 0 {
		return -int(e)
	}
	return int(r)
}

func show(name string, v ...any) { fmt.Println(append([]any{name}, v...)...) }

// none is -1 as an argument.
const none = ^uintptr(0)

func u64(v ...uint64) []byte {
	var b []byte
	for _, x := range v {
		b = le.AppendUint64(b, x)
	}
	return b
}

func u32(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = le.AppendUint32(b, x)
	}
	return b
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		os.Stdin.Read(make([]byte, 1))
		return
	}
	if len(os.Args) > 1 {
		show("run", os.Args[1:])
		return
	}
	runtime.LockOSThread()
	dir, err := os.MkdirTemp("", "calls")
	if err != nil {
		panic(err)
	}
	self := uintptr(call(2, str("/proc/self/exe"), 0, 0))
	if err := os.Chdir(dir); err != nil {
		panic(err)
	}
	children()
	unixSockets()
	inetSockets()
	polling()
	timers()
	signals()
	files()
	scheduling()
	os.Chdir("/")
	os.RemoveAll(dir)
	argv := u64(uint64(str("calls")), uint64(str("again")), 0)
	show("execveat", call(322, self, str(""), ptr(argv), 0, 0), call(322, self, str("x"), ptr(argv), 0, 0x1000), call(322, 99, str(""), ptr(argv), 0, 0x1000), call(322, self, str(""), ptr(argv), 0, 1))
	show("execveat", call(322, self, str(""), ptr(argv), 0, 0x1000))
}

func unixSockets() {
	sv := make([]byte, 8)
	show("socketpair", call(53, 1, 2, 0, ptr(sv)), call(53, 99, 1, 0, ptr(make([]byte, 8))), call(53, 1, 1, 0, 8))
	a, b := uintptr(le.Uint32(sv)), uintptr(le.Uint32(sv[4:]))
	msg := []byte("hello, datagram")
	show("sendto", call(44, a, ptr(msg), uintptr(len(msg)), 0, 0, 0), call(44, a, 8, 4, 0, 0, 0), call(44, 99, ptr(msg), 1, 0, 0, 0))
	in := make([]byte, 8)
	n := call(45, b, ptr(in), 8, 0x20, 0, 0) // MSG_TRUNC: the whole length
	show("recvfrom", n, string(in), call(45, b, ptr(in), 8, 0x40, 0, 0))

	// A descriptor goes across.
	p := make([]byte, 8)
	show("pipe2", call(293, ptr(p), 0x80000))
	control := append(u64(20), u32(1, 1, le.Uint32(p), 0)...)
	iov := u64(uint64(ptr(msg)), 5, uint64(ptr(msg[7:])), 4)
	hdr := u64(0, 0, uint64(ptr(iov)), 2, uint64(ptr(control)), 24, 0)
	show("sendmsg", call(46, a, ptr(hdr), 0))
	in2, space := make([]byte, 9), make([]byte, 64)
	iov2 := u64(uint64(ptr(in2)), 5, uint64(ptr(in2[5:])), 4)
	hdr2 := u64(0, 0, uint64(ptr(iov2)), 2, uint64(ptr(space)), 64, 0)
	show("recvmsg", call(47, b, ptr(hdr2), 0), string(in2), "control", le.Uint64(hdr2[40:]), "flags", le.Uint32(hdr2[48:]), le.Uint64(space), le.Uint32(space[8:]))
	got := uintptr(le.Uint32(space[16:]))
	show("through", call(1, uintptr(le.Uint32(p[4:])), ptr(msg), 5), call(0, got, ptr(in2), 9), call(3, got))

	batch := append(append(append([]byte{}, hdr[:32]...), u64(0, 0, 0)...), u64(0)...)
	batch = append(batch, batch...)
	show("sendmmsg", call(307, a, ptr(batch), 2, 0), le.Uint32(batch[56:]), le.Uint32(batch[120:]))
	batch2 := append(append(append([]byte{}, u64(0, 0, uint64(ptr(iov2)), 2)...), u64(0, 0, 0)...), u64(0)...)
	batch2 = append(batch2, batch2...)
	show("recvmmsg", call(299, b, ptr(batch2), 2, 0x40, 0), le.Uint32(batch2[56:]), le.Uint32(batch2[120:]), call(299, b, ptr(batch2), 2, 0x40, 0))
	show("shutdown", call(48, a, 1), call(48, a, 9), call(44, a, ptr(msg), 1, 0x4000, 0, 0))

	l := uintptr(call(41, 1, 1|0x80000, 0))
	addr := append([]byte{1, 0}, "./socket\x00"...)
	show("bind", call(49, l, ptr(addr), uintptr(len(addr))), call(49, uintptr(call(41, 1, 1, 0)), ptr(addr), uintptr(len(addr))), call(49, l, ptr(addr), 999))
	show("listen", call(50, l, 5))
	c := uintptr(call(41, 1, 1, 0))
	show("connect", call(42, c, ptr(addr), uintptr(len(addr))), call(42, c, ptr(addr), uintptr(len(addr))))
	name, size := make([]byte, 64), u32(64)
	s := call(288, l, ptr(name), ptr(size), 0x800)
	show("accept4", s > 2, le.Uint32(size), call(43, 99, 0, 0))
	size = u32(4)
	show("getsockname", call(51, l, ptr(name), ptr(size)), le.Uint32(size), string(name[2:4]), call(51, l, 0, ptr(size)))
	size = u32(64)
	show("getpeername", call(52, c, ptr(name), ptr(size)), le.Uint32(size), string(name[2:10]), call(52, l, ptr(name), ptr(size)))
	v, size := make([]byte, 12), u32(12)
	show("peercred", call(55, c, 1, 17, ptr(v), ptr(size)), le.Uint32(size), le.Uint32(v) == uint32(os.Getpid()))
	show("options", call(54, c, 1, 9, ptr(u32(1)), 4), call(54, c, 1, 9, ptr(u32(1)), 2), call(54, c, 1, 9999, ptr(u32(1)), 4), call(55, c, 1, 9999, ptr(v), ptr(size)))
	size = u32(2)
	show("getsockopt", call(55, c, 1, 3, ptr(v), ptr(size)), le.Uint32(size), v[0], v[1])
}

func inetSockets() {
	l := uintptr(call(41, 2, 1, 0))
	addr := append([]byte{2, 0, 0, 0, 127, 0, 0, 1}, make([]byte, 8)...)
	show("tcp bind", call(49, l, ptr(addr), 16), call(49, l, ptr(addr), 4), call(50, l, 1))
	size := u32(16)
	show("tcp name", call(51, l, ptr(addr), ptr(size)), le.Uint32(size), addr[0], addr[4:8])
	c := uintptr(call(41, 2, 1|0x800, 0))
	show("tcp connect", call(42, c, ptr(addr), 16) == -115)
	s := uintptr(call(43, l, 0, 0))
	fds := append(u32(uint32(c)), 4, 0, 0, 0)
	show("poll", call(7, ptr(fds), 1, 1000), fds[6])
	show("tcp nodelay", call(54, c, 6, 1, ptr(u32(1)), 4), call(54, c, 6, 3, ptr(u32(1)), 4))
	msg := []byte("over tcp")
	show("tcp write", call(1, c, ptr(msg), 8))
	in := make([]byte, 16)
	show("tcp peek", call(45, s, ptr(in), 16, 2, 0, 0), string(in[:8]), call(45, s, ptr(in), 4, 0, 0, 0), call(0, s, ptr(in), 16))
	show("tcp again", call(0, c, ptr(in), 16), call(45, c, ptr(in), 16, 0x40, 0, 0))
	n := u32(77)
	show("FIONREAD", call(16, s, 0x541b, ptr(n)), le.Uint32(n), call(16, s, 0x5411, ptr(n)), call(16, s, 0x5452, ptr(u32(1))))
	show("eof", call(48, c, 1), call(0, s, ptr(in), 16), call(3, s), call(3, c))

	u := uintptr(call(41, 2, 2, 0))
	ua := append([]byte{2, 0, 0, 0, 127, 0, 0, 1}, make([]byte, 8)...)
	show("udp", call(49, u, ptr(ua), 16), call(51, u, ptr(ua), ptr(u32(16))), call(44, u, ptr(msg), 8, 0, ptr(ua), 16))
	from, size := make([]byte, 16), u32(16)
	show("udp in", call(45, u, ptr(in), 16, 0, ptr(from), ptr(size)), bytes.Equal(from[:8], ua[:8]), le.Uint32(size))
	show("bad socket", call(41, 77, 1, 0), call(41, 2, 77, 0), call(41, 2, 1, 17), call(50, uintptr(call(2, str("."), 0, 0)), 1), call(50, 999, 1))
}

func polling() {
	ep := uintptr(call(291, 0x80000))
	ev := uintptr(call(290, 3, 0x800))
	show("epoll", call(213, 0), call(291, 1), call(233, ep, 1, ev, ptr(append(u32(1), u64(42)...))), call(233, ep, 1, ev, ptr(append(u32(1), u64(42)...))), call(233, ep, 9, ev, 8))
	out := make([]byte, 48)
	show("epoll_wait", call(232, ep, ptr(out), 4, 0), le.Uint32(out), le.Uint64(out[4:]), call(232, ep, ptr(out), 0, 0), call(232, ep, 8, 4, 0), call(232, ev, ptr(out), 4, 0))
	v := make([]byte, 8)
	show("eventfd", call(0, ev, ptr(v), 8), le.Uint64(v), call(0, ev, ptr(v), 8), call(0, ev, ptr(v), 4), call(290, 0, 4))
	show("epoll_pwait", call(281, ep, ptr(out), 4, 0, ptr(u64(1<<9)), 8), call(281, ep, ptr(out), 4, 0, ptr(u64(1<<9)), 4))
	show("epoll_pwait2", call(441, ep, ptr(out), 4, ptr(u64(0, 1000)), 0, 8), call(441, ep, ptr(out), 4, ptr(u64(0, 2e9)), 0, 8))
	call(1, ev, ptr(u64(1)), 8)
	set := make([]byte, 128)
	set[ev/8] |= 1 << (ev % 8)
	tv := u64(5, 0)
	show("select", call(23, ev+1, ptr(set), 0, 0, ptr(tv)), set[ev/8] == 1<<(ev%8), le.Uint64(tv) <= 5, call(23, none, 0, 0, 0, 0))
	call(0, ev, ptr(v), 8)
	tv = u64(0, 1500)
	show("select", call(23, ev+1, ptr(set), 0, 0, ptr(tv)), set[ev/8], le.Uint64(tv), le.Uint64(tv[8:]))

	in := uintptr(call(294, 0x800))
	os.Mkdir("watched", 0o755)
	show("inotify", call(254, in, str("watched"), 0x100) > 0, call(254, in, str("absent"), 0x100), call(255, in, 99), call(294, 1))
	os.WriteFile("watched/file", nil, 0o644)
	b := make([]byte, 64)
	show("inotify", call(0, in, ptr(b), 64), le.Uint32(b[4:]), string(b[16:20]))
}

func timers() {
	tf := uintptr(call(283, 1, 0x800))
	spec, old := u64(0, 0, 0, 2e6), make([]byte, 32)
	show("timerfd", call(286, tf, 0, ptr(spec), ptr(old)), le.Uint64(old[24:]), call(286, tf, 0, ptr(u64(0, 2e9, 0, 0)), 0), call(283, 77, 0), call(283, 1, 1))
	fds := append(u32(uint32(tf)), 1, 0, 0, 0)
	v := make([]byte, 8)
	show("timerfd", call(7, ptr(fds), 1, 2000), call(0, tf, ptr(v), 8), le.Uint64(v), call(287, tf, ptr(old)), le.Uint64(old[24:]))
	id := make([]byte, 4)
	event := append(append(u64(7), u32(14, 1)...), make([]byte, 48)...) // SIGEV_NONE
	show("timer_create", call(222, 1, ptr(event), ptr(id)), call(222, 99, 0, ptr(id)))
	t := uintptr(le.Uint32(id))
	show("timer_settime", call(223, t, 0, ptr(u64(0, 0, 1000, 0)), 0), call(224, t, ptr(old)), le.Uint64(old[16:]) > 900, call(225, t), call(226, t), call(226, t))
	it := make([]byte, 32)
	show("setitimer", call(38, 0, ptr(u64(0, 0, 1000, 0)), 0), call(36, 0, ptr(it)), le.Uint64(it[16:]) >= 999, call(38, 0, ptr(u64(0, 0, 0, 0)), ptr(it)), call(38, 9, ptr(it), 0), call(38, 0, ptr(u64(0, 1e7, 0, 0)), 0))
}

func signals() {
	mask := u64(1<<(12-1) | 1<<(34-1))
	show("block", call(14, 0, ptr(mask), 0, 8))
	pid, tid := uintptr(os.Getpid()), uintptr(syscall.Gettid())
	info := make([]byte, 128)
	le.PutUint32(info[8:], uint32(0xffffffff)) // SI_QUEUE
	le.PutUint64(info[24:], 4711)
	show("tgsigqueueinfo", call(297, pid, tid, 34, ptr(info)), call(297, pid, 0, 34, ptr(info)), call(297, pid, tid, 99, ptr(info)))
	out := make([]byte, 128)
	show("sigtimedwait", call(128, ptr(mask), ptr(out), ptr(u64(1, 0)), 8), le.Uint32(out), int32(le.Uint32(out[8:])), le.Uint64(out[24:]))
	show("sigtimedwait", call(128, ptr(mask), ptr(out), ptr(u64(0, 1000)), 8), call(128, ptr(mask), ptr(out), ptr(u64(0, 1000)), 4), call(128, ptr(mask), ptr(out), ptr(u64(0, 2e9)), 8))
	sf := uintptr(call(289, none, ptr(mask), 8, 0x800))
	show("signalfd", call(234, pid, tid, 12), call(0, sf, ptr(out), 128), le.Uint32(out), call(0, sf, ptr(out), 128), call(289, none, ptr(mask), 4, 0))
	pf := uintptr(call(434, pid, 0))
	show("pidfd", call(424, pf, 0, 0, 0), call(424, pf, 0, 0, 64), call(434, 0, 0), call(434, pid, 1), call(424, 0, 0, 0, 0))
	show("waitid", call(247, 0, 0, ptr(out), 4|1, 0), call(247, 0, 0, 0, 0, 0), call(247, 9, 0, 0, 4, 0))
	b := make([]byte, 16)
	show("owner", call(72, sf, 8, pid), call(72, sf, 9, 0) == int(pid), call(72, sf, 10, 10), call(72, sf, 11, 0), call(72, sf, 16, ptr(b)), le.Uint32(b), call(72, sf, 10, 99), call(72, sf, 8, 999999))
}

func files() {
	os.WriteFile("a", []byte("0123456789"), 0o644)
	a, b := uintptr(call(2, str("a"), 2, 0)), uintptr(call(2, str("b"), 0o102, 0o644))
	off := u64(2)
	show("sendfile", call(40, b, a, ptr(off), 3), le.Uint64(off), call(40, b, a, 0, 100), call(40, b, a, 0, 100), call(40, b, 99, 0, 1))
	off2 := u64(1)
	show("copy_file_range", call(326, a, ptr(off2), b, 0, 4, 0), le.Uint64(off2), call(326, a, 0, b, 0, 4, 1), call(326, a, 0, 99, 0, 1, 0))
	show("size", call(8, b, 0, 2))
	show("copy_file_range of one file", call(8, a, 0, 0), call(326, a, 0, a, 0, 5, 0), call(326, a, ptr(u64(0)), a, ptr(u64(4)), 5, 0),
		call(326, a, ptr(u64(0)), a, ptr(u64(5)), 5, 0), call(326, a, ptr(u64(8)), a, ptr(u64(4)), 5, 0), call(326, a, ptr(u64(99)), a, ptr(u64(99)), 5, 0), call(8, a, 0, 0))
	in := make([]byte, 10)
	iov := u64(uint64(ptr(in)), 4, uint64(ptr(in[4:])), 6)
	show("preadv", call(295, a, ptr(iov), 2, 3), string(in[:7]), call(327, a, ptr(iov), 2, 8, 0, 0), call(327, a, ptr(iov), 2, 0, 0, 0x1000), call(295, a, ptr(iov), 2, none))
	show("pwritev", call(296, a, ptr(iov), 1, 20), call(328, a, ptr(iov), 1, 30, 0, 0), call(8, a, 0, 2))
	show("fallocate", call(285, a, 0, 0, 100), call(8, a, 0, 2), call(285, a, 0, 0, 0), call(285, a, 0, none, 1))
	show("sync", call(306, a), call(306, 99), call(277, a, 0, 0, 0), call(277, a, 0, 0, 99), call(187, a, 0, 10), call(187, 99, 0, 1))
	show("times", call(132, str("a"), ptr(u64(100, 200))), call(235, str("a"), ptr(u64(300, 5, 400, 6))), call(261, uintptr(0xffffff9c), str("absent"), 0), call(235, str("a"), ptr(u64(1, 1e6, 1, 1))))
	var st syscall.Stat_t
	syscall.Stat("a", &st)
	show("stat", st.Atim, st.Mtim)
	show("mknod", call(133, str("fifo"), 0o10644, 0), call(133, str("fifo"), 0o10644, 0), call(259, uintptr(0xffffff9c), str("plain"), 0o100600, 0), call(133, str("dir"), 0o40755, 0))
	how := u64(0o2, 0, 0x8)
	os.Symlink("a", "link")
	fd := call(437, uintptr(0xffffff9c), str("a"), ptr(how), 24)
	show("openat2", fd > 2, call(437, uintptr(0xffffff9c), str("../x"), ptr(how), 24), call(437, uintptr(0xffffff9c), str("link"), ptr(u64(0, 0, 4)), 24),
		call(437, uintptr(0xffffff9c), str("a"), ptr(how), 8), call(437, uintptr(0xffffff9c), str("a"), ptr(u64(0, 0o600, 0)), 24), call(437, uintptr(0xffffff9c), str("a"), ptr(u64(0, 0, 0, 1)), 32), call(437, uintptr(0xffffff9c), str("a"), ptr(u64(0, 0, 1<<40)), 24))
	show("memfd", call(319, str("m"), 1) > 2, call(319, str("m"), 0x100))
	show("xattr", call(188, str("a"), str("user.one"), str("v1"), 2, 0), call(188, str("a"), str("user.one"), str("v1"), 2, 1), call(188, str("a"), str("user.two"), str("v1"), 2, 2), call(188, str("a"), str(""), str("v1"), 2, 0))
	show("xattr", call(191, str("a"), str("user.one"), ptr(in), 10), string(in[:2]), call(191, str("a"), str("user.one"), ptr(in), 1), call(193, a, str("user.one"), 0, 0), call(192, str("a"), str("user.no"), ptr(in), 10))
	show("xattr", call(194, str("a"), ptr(in), 10), string(in[:8]), call(196, a, 0, 0), call(197, str("a"), str("user.one")), call(199, a, str("user.one")), call(195, str("a"), ptr(in), 10))
}

func scheduling() {
	hdr := u32(0x20080522, 0)
	show("capget", call(125, ptr(hdr), 0), call(125, ptr(u32(1, 0)), 0), call(125, ptr(u32(1, 0)), ptr(make([]byte, 24))), call(125, 8, 0))
	p := make([]byte, 4)
	show("sched", call(145, 0), call(143, 0, ptr(p)), call(146, 1), call(147, 2), call(146, 0), call(146, 77), call(142, 0, ptr(u32(1))), call(144, 0, 0, ptr(u32(0))), call(144, 0, 0, ptr(u32(5))), call(144, 0, 77, ptr(p)), call(145, 999999), call(24))
	show("priority", call(141, 0, 0, 16), call(140, 0, 0), call(141, 0, 0, 17), call(140, 0, 0), call(140, 9, 0), call(140, 0, 999999))
	show("memory", call(149, ptr(p)&^4095, 4096), call(150, ptr(p)&^4095, 4096), call(149, 1<<40, 4096), call(151, 0), call(152))
	show("personality", call(135, 0xffffffff))
	show("unshare", call(272, 0x200), call(272, 0x400), call(272, 1<<40))
	show("robust", call(274, 0, ptr(make([]byte, 8)), ptr(make([]byte, 8))))
	cpu := make([]byte, 8)
	show("getcpu", call(309, ptr(cpu), ptr(cpu[4:]), 0))
	waiter := append(u64(5, uint64(ptr(p))), u32(2|128, 0)...)
	show("futex_waitv", call(449, ptr(waiter), 1, 0, 0, 1), call(449, ptr(waiter), 0, 0, 0, 1), call(449, ptr(waiter), 1, 1, 0, 1), call(449, ptr(waiter), 200, 0, 0, 1))
	show("closed", call(3, 999), call(16, 999, 0x541b, 0), call(72, 999, 9, 0))
}
