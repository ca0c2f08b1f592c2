package wasi

import "github.com/sbxrun/sbx/abi/linux"

// wasiErrnos is preview 1's numbering of errors, in its order from 1.
var wasiErrnos = [...]linux.Errno{
	linux.E2BIG, linux.EACCES, linux.EADDRINUSE, linux.EADDRNOTAVAIL, linux.EAFNOSUPPORT, linux.EAGAIN, linux.EALREADY,
	linux.EBADF, linux.EBADMSG, linux.EBUSY, linux.ECANCELED, linux.ECHILD, linux.ECONNABORTED, linux.ECONNREFUSED,
	linux.ECONNRESET, linux.EDEADLK, linux.EDESTADDRREQ, linux.EDOM, linux.EDQUOT, linux.EEXIST, linux.EFAULT, linux.EFBIG,
	linux.EHOSTUNREACH, linux.EIDRM, linux.EILSEQ, linux.EINPROGRESS, linux.EINTR, linux.EINVAL, linux.EIO, linux.EISCONN,
	linux.EISDIR, linux.ELOOP, linux.EMFILE, linux.EMLINK, linux.EMSGSIZE, linux.EMULTIHOP, linux.ENAMETOOLONG,
	linux.ENETDOWN, linux.ENETRESET, linux.ENETUNREACH, linux.ENFILE, linux.ENOBUFS, linux.ENODEV, linux.ENOENT,
	linux.ENOEXEC, linux.ENOLCK, linux.ENOLINK, linux.ENOMEM, linux.ENOMSG, linux.ENOPROTOOPT, linux.ENOSPC, linux.ENOSYS,
	linux.ENOTCONN, linux.ENOTDIR, linux.ENOTEMPTY, linux.ENOTRECOVERABLE, linux.ENOTSOCK, linux.EOPNOTSUPP, linux.ENOTTY,
	linux.ENXIO, linux.EOVERFLOW, linux.EOWNERDEAD, linux.EPERM, linux.EPIPE, linux.EPROTO, linux.EPROTONOSUPPORT,
	linux.EPROTOTYPE, linux.ERANGE, linux.EROFS, linux.ESPIPE, linux.ESRCH, linux.ESTALE, linux.ETIMEDOUT, linux.ETXTBSY,
	linux.EXDEV,
}

// wasiIO is EIO's number: what an error without a number of its own becomes.
const wasiIO = 29

// wasiErrno is preview 1's number of an error, 0 for nil.
func wasiErrno(err error) uint16 {
	if err == nil {
		return 0
	}
	e := linux.ErrnoOf(err)
	for i, x := range wasiErrnos {
		if x == e {
			return uint16(i + 1)
		}
	}
	return wasiIO
}
