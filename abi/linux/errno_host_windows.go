package linux

import "syscall"

// hostNative maps the system error codes of Windows (winerror.h) that file and
// socket calls answer with.
func hostNative(h syscall.Errno) Errno {
	switch h {
	case 2, 3, 53, 67, 123, 126, 161: // FILE, PATH, BAD_NETPATH, NET_NAME, INVALID_NAME, MOD, BAD_PATHNAME
		return ENOENT
	case 4: // TOO_MANY_OPEN_FILES
		return EMFILE
	case 5, 65: // ACCESS_DENIED
		return EACCES
	case 1314, 1326: // PRIVILEGE_NOT_HELD, LOGON_FAILURE
		return EPERM
	case 6: // INVALID_HANDLE
		return EBADF
	case 8, 14: // NOT_ENOUGH_MEMORY
		return ENOMEM
	case 17: // NOT_SAME_DEVICE
		return EXDEV
	case 19: // WRITE_PROTECT
		return EROFS
	case 32, 33, 170: // SHARING_VIOLATION, LOCK_VIOLATION, BUSY
		return EBUSY
	case 39, 112: // HANDLE_DISK_FULL, DISK_FULL
		return ENOSPC
	case 1, 50, 120: // INVALID_FUNCTION, NOT_SUPPORTED, CALL_NOT_IMPLEMENTED
		return EOPNOTSUPP
	case 80, 183: // FILE_EXISTS, ALREADY_EXISTS
		return EEXIST
	case 87, 131: // INVALID_PARAMETER, NEGATIVE_SEEK
		return EINVAL
	case 109, 232, 233: // BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED
		return EPIPE
	case 145: // DIR_NOT_EMPTY
		return ENOTEMPTY
	case 206: // FILENAME_EXCED_RANGE
		return ENAMETOOLONG
	case 267: // DIRECTORY
		return ENOTDIR
	case 995: // OPERATION_ABORTED
		return EINTR
	case 1142: // TOO_MANY_LINKS
		return EMLINK
	case 1921: // CANT_RESOLVE_FILENAME
		return ELOOP
	case 10048:
		return EADDRINUSE
	case 10049:
		return EADDRNOTAVAIL
	case 10051:
		return ENETUNREACH
	case 10053:
		return ECONNABORTED
	case 10054:
		return ECONNRESET
	case 10060:
		return ETIMEDOUT
	case 10061:
		return ECONNREFUSED
	case 10065:
		return EHOSTUNREACH
	}
	return 0
}
