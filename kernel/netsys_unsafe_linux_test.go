package kernel

import (
	"time"
	"unsafe"

	"github.com/sbxrun/sbx/abi/linux"
	"golang.org/x/sys/unix"
)

// hostSys are the calls of the host's Linux.
type hostSys struct{ dir string }

func ptr(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(&b[0])
}

func call(nr uintptr, a ...uintptr) (int, error) {
	var v [6]uintptr
	copy(v[:], a)
	n, _, e := unix.Syscall6(nr, v[0], v[1], v[2], v[3], v[4], v[5])
	if e != 0 {
		return -1, linux.Errno(e)
	}
	return int(n), nil
}

func host(err error) error {
	if e, ok := err.(unix.Errno); ok {
		return linux.Errno(e)
	}
	return err
}

func (hostSys) Socket(d, t, p int) (int, error) {
	return call(unix.SYS_SOCKET, uintptr(d), uintptr(t)|unix.SOCK_CLOEXEC, uintptr(p))
}

func (hostSys) Socketpair(d, t, p int) (int, int, error) {
	f, err := unix.Socketpair(d, t|unix.SOCK_CLOEXEC, p)
	return f[0], f[1], host(err)
}

func (hostSys) Bind(fd int, sa []byte) error {
	_, _, e := unix.Syscall(unix.SYS_BIND, uintptr(fd), uintptr(ptr(sa)), uintptr(len(sa)))
	return errnoOrNil(e)
}

func errnoOrNil(e unix.Errno) error {
	if e != 0 {
		return linux.Errno(e)
	}
	return nil
}

func (hostSys) Connect(fd int, sa []byte) error {
	_, _, e := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(ptr(sa)), uintptr(len(sa)))
	return errnoOrNil(e)
}

func (hostSys) Listen(fd, n int) error { return host(unix.Listen(fd, n)) }

func (hostSys) Accept(fd, flags int) (int, []byte, error) {
	b, n := make([]byte, 128), uint32(128)
	r, _, e := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(ptr(b)), uintptr(unsafe.Pointer(&n)), uintptr(flags|unix.SOCK_CLOEXEC), 0, 0)
	if e != 0 {
		return -1, nil, linux.Errno(e)
	}
	return int(r), b[:n], nil
}

func (hostSys) Name(fd int) ([]byte, error) { return hostName(unix.SYS_GETSOCKNAME, fd) }
func (hostSys) Peer(fd int) ([]byte, error) { return hostName(unix.SYS_GETPEERNAME, fd) }

func hostName(nr uintptr, fd int) ([]byte, error) {
	b, n := make([]byte, 128), uint32(128)
	_, _, e := unix.Syscall(nr, uintptr(fd), uintptr(ptr(b)), uintptr(unsafe.Pointer(&n)))
	if e != 0 {
		return nil, linux.Errno(e)
	}
	return b[:n], nil
}

func message(name, data, control []byte) (*unix.Msghdr, *unix.Iovec) {
	iov := &unix.Iovec{Base: (*byte)(ptr(data))}
	iov.SetLen(len(data))
	m := &unix.Msghdr{Name: (*byte)(ptr(name)), Namelen: uint32(len(name)), Iov: iov, Control: (*byte)(ptr(control))}
	m.SetIovlen(1)
	m.SetControllen(len(control))
	return m, iov
}

func (hostSys) Send(fd int, data, to, control []byte, flags int) (int, error) {
	m, _ := message(to, data, control)
	n, _, e := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(m)), uintptr(flags))
	if e != 0 {
		return 0, linux.Errno(e)
	}
	return int(n), nil
}

func (hostSys) Recv(fd, n, room, flags int) (data, control, from []byte, out int, err error) {
	from, data, control = make([]byte, 128), make([]byte, n), make([]byte, room)
	m, _ := message(from, data, control)
	got, _, e := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(m)), uintptr(flags))
	if e != 0 {
		return nil, nil, nil, 0, linux.Errno(e)
	}
	return data[:min(int(got), n)], control[:m.Controllen], from[:m.Namelen], int(m.Flags), nil
}

func (hostSys) Shutdown(fd, how int) error { return host(unix.Shutdown(fd, how)) }
func (hostSys) Close(fd int) error         { return host(unix.Close(fd)) }

func (hostSys) Poll(fd int) uint16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: pollEvents}}
	_, _ = unix.Poll(fds, 0)
	return uint16(fds[0].Revents)
}

func (hostSys) Getopt(fd, level, name int) ([]byte, error) {
	b, n := make([]byte, 256), uint32(256)
	_, _, e := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(ptr(b)), uintptr(unsafe.Pointer(&n)), 0)
	if e != 0 {
		return nil, linux.Errno(e)
	}
	return b[:n], nil
}

func (hostSys) Setopt(fd, level, name int, v []byte) error {
	_, _, e := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(ptr(v)), uintptr(len(v)), 0)
	return errnoOrNil(e)
}

func (hostSys) Ioctl(fd int, req uint32, buf []byte) error {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(ptr(buf)))
	return errnoOrNil(e)
}

func (hostSys) Read(fd, n int) ([]byte, error) {
	b := make([]byte, n)
	m, err := unix.Read(fd, b)
	return b[:max(m, 0)], host(err)
}

func (hostSys) Write(fd int, p []byte) (int, error) {
	n, err := unix.Write(fd, p)
	return max(n, 0), host(err)
}

func (hostSys) Pipe() (int, int, error) {
	var p [2]int
	err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC)
	return p[0], p[1], host(err)
}

func (hostSys) EpollCreate() (int, error) {
	n, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return n, host(err)
}

func (hostSys) EpollCtl(ep, op, fd int, ev EpollEvent) error {
	return host(unix.EpollCtl(ep, op, fd, &unix.EpollEvent{Events: ev.Events, Fd: int32(ev.Data)}))
}

func (hostSys) EpollWait(ep, n int) ([]EpollEvent, error) {
	ev := make([]unix.EpollEvent, max(n, 1))
	m, err := unix.EpollWait(ep, ev[:max(n, 0)], 0)
	var out []EpollEvent
	for i := range max(m, 0) {
		out = append(out, EpollEvent{ev[i].Events, uint64(ev[i].Fd)})
	}
	return out, host(err)
}

func (hostSys) Eventfd(n uint32, flags int) (int, error) {
	fd, err := unix.Eventfd(uint(n), flags)
	return fd, host(err)
}

func (hostSys) Timerfd(clock int) (int, error) {
	fd, err := unix.TimerfdCreate(clock, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	return fd, host(err)
}

func (hostSys) TimerfdSet(fd, flags int, value, interval time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(value)), Interval: unix.NsecToTimespec(int64(interval))}
	return host(unix.TimerfdSettime(fd, flags, &spec, nil))
}

func (hostSys) Memfd(name string, flags int) (int, error) {
	fd, err := unix.MemfdCreate(name, flags)
	return fd, host(err)
}

func (hostSys) Seals(fd int) (int, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	return max(n, 0), host(err)
}

func (hostSys) AddSeals(fd, set int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, set)
	return host(err)
}

func (hostSys) Ftruncate(fd int, n int64) error { return host(unix.Ftruncate(fd, n)) }

func (hostSys) Dup(fd int) (int, error) {
	n, err := unix.Dup(fd)
	return n, host(err)
}

func (hostSys) Inotify() (int, error) {
	n, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	return n, host(err)
}

func (hostSys) AddWatch(fd int, path string, mask uint32) (int, error) {
	n, err := unix.InotifyAddWatch(fd, path, mask)
	return max(n, 0), host(err)
}

func (hostSys) RmWatch(fd, wd int) error {
	_, err := unix.InotifyRmWatch(fd, uint32(wd))
	return host(err)
}

func (hostSys) File(path, text string) error {
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return host(err)
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return host(err)
}

func (hostSys) Mkdir(path string) error  { return host(unix.Mkdir(path, 0o755)) }
func (hostSys) Rename(a, b string) error { return host(unix.Rename(a, b)) }
func (hostSys) Unlink(path string) error { return host(unix.Unlink(path)) }
func (hostSys) Rmdir(path string) error  { return host(unix.Rmdir(path)) }
func (h hostSys) Dir() string            { return h.dir }
