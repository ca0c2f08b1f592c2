package linux

import "encoding/binary"

// Flags of eventfd2, timerfd_create, signalfd4, memfd_create and pidfd_open.
const (
	EFD_SEMAPHORE           = 1
	EFD_CLOEXEC             = O_CLOEXEC
	EFD_NONBLOCK            = O_NONBLOCK
	TFD_CLOEXEC             = O_CLOEXEC
	TFD_NONBLOCK            = O_NONBLOCK
	TFD_TIMER_ABSTIME       = 1
	TFD_TIMER_CANCEL_ON_SET = 2
	SFD_CLOEXEC             = O_CLOEXEC
	SFD_NONBLOCK            = O_NONBLOCK
	MFD_CLOEXEC             = 1
	MFD_ALLOW_SEALING       = 2
	MFD_NOEXEC_SEAL         = 8
	MFD_EXEC                = 16
	PIDFD_NONBLOCK          = O_NONBLOCK
	F_SEAL_SEAL             = 1
	F_SEAL_SHRINK           = 2
	F_SEAL_GROW             = 4
	F_SEAL_WRITE            = 8
	F_SEAL_FUTURE_WRITE     = 16
	F_SEAL_EXEC             = 32
	SIGEV_SIGNAL            = 0
	SIGEV_NONE              = 1
	SIGEV_THREAD            = 2
	SIGEV_THREAD_ID         = 4
	P_ALL                   = 0
	P_PID                   = 1
	P_PGID                  = 2
	P_PIDFD                 = 3
)

// SignalfdSize is sizeof(struct signalfd_siginfo).
const SignalfdSize = 128

// InotifyEventSize is sizeof(struct inotify_event) without a name.
const InotifyEventSize = 16

// AppendInotify appends a struct inotify_event. The name is padded with NULs to
// a multiple of 16 bytes, and absent when it is empty.
func AppendInotify(b []byte, wd int32, mask, cookie uint32, name string) []byte {
	le := binary.LittleEndian
	n := InotifyLen(name) - InotifyEventSize
	b = le.AppendUint32(b, uint32(wd))
	b = le.AppendUint32(b, mask)
	b = le.AppendUint32(b, cookie)
	b = le.AppendUint32(b, uint32(n))
	b = append(b, name...)
	return append(b, make([]byte, n-len(name))...)
}

// InotifyLen is the size of an event with a name.
func InotifyLen(name string) int {
	if name == "" {
		return InotifyEventSize
	}
	return InotifyEventSize + (len(name)+1+15)&^15
}
