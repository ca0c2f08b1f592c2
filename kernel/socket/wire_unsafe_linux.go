package socket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls here never wait, so Go's scheduler is not told of them: it would take long ones
// for some that do, and have another thread go on, for which there is no processor.

// sendto is send(2).
func sendto(fd int, p []byte, flags int) (int, error) {
	return result(unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags), 0, 0))
}

// recvfrom is recv(2).
func recvfrom(fd int, p []byte, flags int) (int, error) {
	return result(unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(flags), 0, 0))
}

// setsockopt sets an option that is an int.
func setsockopt(fd, level, name int, v int32) {
	_, _, _ = unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
}

// pollNow is poll(2) of one file without waiting.
func pollNow(p *unix.PollFd) error {
	var none unix.Timespec
	_, err := result(unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(p)), 1, uintptr(unsafe.Pointer(&none)), 0, 0, 0))
	return err
}

// epollNow is epoll_wait(2) without waiting.
func epollNow(fd int, events []unix.EpollEvent) (int, error) {
	return result(unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0))
}

func result(n, _ uintptr, e unix.Errno) (int, error) {
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
