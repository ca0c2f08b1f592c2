package linux

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// Errno is an error number of Linux, whatever the host is. Zero is no error and
// must never be returned as an error value.
type Errno uint16

// Error returns Linux's text in lower case: "no such file or directory".
func (e Errno) Error() string {
	if int(e) < len(errnoTable) && errnoTable[e].text != "" {
		return errnoTable[e].text
	}
	return "errno " + strconv.Itoa(int(e))
}

// Strerror returns the text as strerror(3) of glibc gives it, with a capital:
// "No such file or directory".
func (e Errno) Strerror() string {
	if int(e) >= len(errnoTable) || errnoTable[e].text == "" {
		return "Unknown error " + strconv.Itoa(int(e))
	}
	b := []byte(errnoTable[e].text)
	if b[0] >= 'a' && b[0] <= 'z' {
		b[0] -= 'a' - 'A'
	}
	return string(b)
}

// Name returns the symbol, "ENOENT", or "" when Linux has no such number.
func (e Errno) Name() string {
	if int(e) < len(errnoTable) {
		return errnoTable[e].name
	}
	return ""
}

// Is reports whether e belongs to one of io/fs's error classes, so that
// errors.Is(ENOENT, fs.ErrNotExist) holds as it does for syscall.Errno.
func (e Errno) Is(target error) bool {
	switch target {
	case fs.ErrPermission:
		return e == EACCES || e == EPERM
	case fs.ErrExist:
		return e == EEXIST || e == ENOTEMPTY
	case fs.ErrNotExist:
		return e == ENOENT
	case fs.ErrInvalid:
		return e == EINVAL
	case fs.ErrClosed:
		return e == EBADF
	case errors.ErrUnsupported:
		return e == ENOSYS || e == EOPNOTSUPP
	case os.ErrDeadlineExceeded:
		return e == ETIMEDOUT || e == EAGAIN
	}
	return false
}

// Timeout reports whether e means that a wait ended too early, as net.Error asks.
func (e Errno) Timeout() bool { return e == EAGAIN || e == ETIMEDOUT }

// Temporary reports whether trying again may help.
func (e Errno) Temporary() bool {
	return e == EINTR || e == EMFILE || e == ENFILE || e.Timeout()
}

// ErrnoOf finds the Linux number of any error: an Errno in its chain, an error
// of the host, or one of the classes of io/fs. A cancelled context is EINTR, an
// unknown error EIO, nil is 0.
func ErrnoOf(err error) Errno {
	if err == nil {
		return 0
	}
	var e Errno
	if errors.As(err, &e) {
		return e
	}
	var h syscall.Errno
	if errors.As(err, &h) {
		if e := hostErrno(h); e != 0 {
			return e
		}
	}
	return classErrno(err)
}

// classErrno maps the errors that carry no number.
func classErrno(err error) Errno {
	for _, c := range []struct {
		err error
		e   Errno
	}{
		{fs.ErrNotExist, ENOENT},
		{fs.ErrExist, EEXIST},
		{fs.ErrPermission, EACCES},
		{fs.ErrInvalid, EINVAL},
		{fs.ErrClosed, EBADF},
		{context.Canceled, EINTR},
		{context.DeadlineExceeded, ETIMEDOUT},
		{os.ErrDeadlineExceeded, ETIMEDOUT},
		{io.ErrClosedPipe, EPIPE},
		{errors.ErrUnsupported, EOPNOTSUPP},
	} {
		if errors.Is(err, c.err) {
			return c.e
		}
	}
	return EIO
}
