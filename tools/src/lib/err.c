/* Messages in GNU's form. */
#include "tool.h"

#include <stdarg.h>

static void message(const char *fmt, va_list ap, int e) {
	fflush(stdout);
	fprintf(stderr, "%s: ", prog);
	vfprintf(stderr, fmt, ap);
	if (e)
		fprintf(stderr, ": %s", errtext(e));
	fputc('\n', stderr);
}

void warn(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	message(fmt, ap, 0);
	va_end(ap);
}

void warn_errno(const char *fmt, ...) {
	int e = errno;
	va_list ap;
	va_start(ap, fmt);
	message(fmt, ap, e);
	va_end(ap);
}

void die(int status, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	message(fmt, ap, 0);
	va_end(ap);
	exit(status);
}

void die_errno(int status, const char *fmt, ...) {
	int e = errno;
	va_list ap;
	va_start(ap, fmt);
	message(fmt, ap, e);
	va_end(ap);
	exit(status);
}

const char *usage_text;

void usage(int status) {
	fflush(stdout);
	if (usage_text)
		fputs(usage_text, stderr);
	else
		fprintf(stderr, "Try '%s --help' for more information.\n", prog);
	exit(status);
}

void missing_operand(int status) {
	warn("missing operand");
	usage(status);
}

void missing_after(int status, const char *last) {
	warn("missing operand after %s", quote(last));
	usage(status);
}

void extra_operand(int status, const char *arg) {
	warn("extra operand %s", quote(arg));
	usage(status);
}

static const struct {
	short e;
	const char *text;
} texts[] = {
    {E2BIG, "Argument list too long"}, {EACCES, "Permission denied"}, {EAGAIN, "Resource temporarily unavailable"},
    {EBADF, "Bad file descriptor"}, {EBUSY, "Device or resource busy"}, {ECHILD, "No child processes"},
    {ECONNREFUSED, "Connection refused"}, {ECONNRESET, "Connection reset by peer"}, {EDOM, "Numerical argument out of domain"},
    {EEXIST, "File exists"}, {EFAULT, "Bad address"}, {EFBIG, "File too large"}, {EHOSTUNREACH, "No route to host"},
    {EILSEQ, "Invalid or incomplete multibyte or wide character"}, {EINTR, "Interrupted system call"},
    {EINVAL, "Invalid argument"}, {EIO, "Input/output error"}, {EISDIR, "Is a directory"},
    {ELOOP, "Too many levels of symbolic links"}, {EMFILE, "Too many open files"}, {EMLINK, "Too many links"},
    {ENAMETOOLONG, "File name too long"}, {ENETUNREACH, "Network is unreachable"}, {ENODEV, "No such device"},
    {ENOENT, "No such file or directory"}, {ENOEXEC, "Exec format error"}, {ENOMEM, "Cannot allocate memory"},
    {ENOSPC, "No space left on device"}, {ENOSYS, "Function not implemented"}, {ENOTDIR, "Not a directory"},
    {ENOTEMPTY, "Directory not empty"}, {ENOTSUP, "Operation not supported"}, {ENOTTY, "Inappropriate ioctl for device"},
    {ENXIO, "No such device or address"}, {EOVERFLOW, "Value too large for defined data type"},
    {EPERM, "Operation not permitted"}, {EPIPE, "Broken pipe"}, {ERANGE, "Numerical result out of range"},
    {EROFS, "Read-only file system"}, {ESPIPE, "Illegal seek"}, {ESRCH, "No such process"}, {EDQUOT, "Disk quota exceeded"},
    {ETIMEDOUT, "Connection timed out"}, {ETXTBSY, "Text file busy"}, {EXDEV, "Invalid cross-device link"},
};

const char *errtext(int e) {
	static char buf[32];
	for (size_t i = 0; i < LEN(texts); i++)
		if (texts[i].e == e)
			return texts[i].text;
	snprintf(buf, sizeof buf, "Unknown error %d", e);
	return buf;
}
