/* The functions of sbx.h over POSIX and Linux, for native builds (tests, sanitizers). */
#ifndef __wasm__
#include "sbx.h"

#include <grp.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>

static int convert(int rc, const struct statx *s, struct sbx_stat *o) {
	if (rc)
		return -1;
	*o = (struct sbx_stat){
	    .dev = makedev(s->stx_dev_major, s->stx_dev_minor), .ino = s->stx_ino,
	    .rdev = makedev(s->stx_rdev_major, s->stx_rdev_minor), .mode = s->stx_mode, .nlink = s->stx_nlink,
	    .uid = s->stx_uid, .gid = s->stx_gid, .size = (int64_t)s->stx_size, .blocks = (int64_t)s->stx_blocks,
	    .blksize = s->stx_blksize, .atime = s->stx_atime.tv_sec, .atime_ns = s->stx_atime.tv_nsec,
	    .mtime = s->stx_mtime.tv_sec, .mtime_ns = s->stx_mtime.tv_nsec, .ctime = s->stx_ctime.tv_sec,
	    .ctime_ns = s->stx_ctime.tv_nsec, .btime = s->stx_btime.tv_sec, .btime_ns = s->stx_btime.tv_nsec};
	return 0;
}

static int at_flags(int flags) { return flags & SBX_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0; }

int sbx_stat(const char *path, int flags, struct sbx_stat *out) {
	struct statx s;
	return convert(statx(AT_FDCWD, path, at_flags(flags), STATX_BASIC_STATS | STATX_BTIME, &s), &s, out);
}
int sbx_fstat(int fd, struct sbx_stat *out) {
	struct statx s;
	return convert(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &s), &s, out);
}
int sbx_open(const char *path, int flags, uint32_t mode) { return open(path, flags, mode); }
int sbx_mkdir(const char *path, uint32_t mode) { return mkdir(path, mode); }
int sbx_chmod(const char *path, int flags, uint32_t mode) { return fchmodat(AT_FDCWD, path, mode, at_flags(flags)); }
int sbx_fchmod(int fd, uint32_t mode) { return fchmod(fd, mode); }
int sbx_chown(const char *path, int flags, uint32_t uid, uint32_t gid) {
	return fchownat(AT_FDCWD, path, uid, gid, at_flags(flags));
}
int sbx_access(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, AT_EACCESS); }
int sbx_mknod(const char *path, uint32_t mode, uint64_t rdev) { return mknod(path, mode, rdev); }
uint32_t sbx_umask(uint32_t mask) { return umask(mask); }
int sbx_utimens(const char *path, int flags, const int64_t ts[4]) {
	struct timespec t[2] = {{ts[0], ts[1]}, {ts[2], ts[3]}};
	return utimensat(AT_FDCWD, path, t, at_flags(flags));
}
int sbx_statfs(const char *path, struct sbx_statfs *o) {
	struct statfs s;
	if (statfs(path, &s))
		return -1;
	*o = (struct sbx_statfs){(uint64_t)s.f_type, (uint64_t)s.f_bsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files,
	    s.f_ffree, (uint64_t)s.f_namelen};
	return 0;
}
char *sbx_getcwd(char *buf, size_t n) { return getcwd(buf, n); }
int sbx_chdir(const char *path) { return chdir(path); }
int sbx_pipe(int fds[2]) { return pipe(fds); }
int sbx_dup2(int from, int to) { return dup2(from, to); }

int sbx_ids(struct sbx_ids *o) {
	uint32_t mask = umask(0);
	umask(mask);
	*o = (struct sbx_ids){getuid(), geteuid(), getgid(), getegid(), (uint32_t)getpid(), (uint32_t)getppid(),
	    (uint32_t)getpgrp(), (uint32_t)getsid(0), mask, (uint32_t)getgroups(0, NULL), 0,
	    (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)};
	return 0;
}
int sbx_groups(uint32_t *ids, int max) { return getgroups(max, ids); }
int sbx_kill(int pid, int sig) { return kill(pid, sig); }

int sbx_spawn(const char *path, char *const argv[], char *const env[], const int fds[3], int flags) {
	int p[2], e = 0;
	if (pipe2(p, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		int hold[3];
		for (int i = 0; i < 3; i++)
			hold[i] = fds && fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, 10) : -1;
		for (int i = 0; i < 3; i++)
			if (hold[i] >= 0)
				dup2(hold[i], i);
		if (flags & SBX_NEWPGRP)
			setpgid(0, 0);
		sigset_t none;
		sigemptyset(&none);
		if (flags & SBX_UNMASK)
			sigprocmask(SIG_SETMASK, &none, NULL);
		execvpe(path, argv, env ? env : environ);
		e = errno;
		_exit(write(p[1], &e, sizeof e) < 0);
	}
	close(p[1]);
	if (pid > 0 && read(p[0], &e, sizeof e) == sizeof e) {
		waitpid(pid, NULL, 0);
		pid = -1;
		errno = e;
	}
	close(p[0]);
	return pid;
}

int sbx_wait(int pid, int options, uint32_t *status) {
	int st = 0, got = waitpid(pid, &st, options);
	if (status)
		*status = (uint32_t)st;
	return got;
}
int sbx_exec(const char *path, char *const argv[], char *const env[]) { return execvpe(path, argv, env ? env : environ); }
int sbx_signal(int sig, int ignore) { return signal(sig, ignore ? SIG_IGN : SIG_DFL) == SIG_ERR ? -1 : 0; }

int sbx_sigwait(uint64_t set, int64_t ms) {
	sigset_t s;
	sigemptyset(&s);
	for (int i = 1; i <= 64; i++)
		if (set >> (i - 1) & 1)
			sigaddset(&s, i);
	sigprocmask(SIG_BLOCK, &s, NULL);
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	return sigtimedwait(&s, NULL, ms < 0 ? NULL : &t);
}
int sbx_nice(int add, int *now) {
	errno = 0;
	int n = nice(add);
	if (n == -1 && errno) {
		errno = errno == EPERM ? EACCES : errno;
		return -1;
	}
	if (now)
		*now = n;
	return 0;
}

int sbx_uname(struct sbx_utsname *o) {
	struct utsname u;
	if (uname(&u))
		return -1;
	memset(o, 0, sizeof *o);
	strncpy(o->sysname, u.sysname, 64);
	strncpy(o->nodename, u.nodename, 64);
	strncpy(o->release, u.release, 64);
	strncpy(o->version, u.version, 64);
	strncpy(o->machine, u.machine, 64);
	strncpy(o->domainname, u.domainname, 64);
	return 0;
}
int sbx_sysinfo(struct sbx_sysinfo *o) {
	struct sysinfo s;
	if (sysinfo(&s))
		return -1;
	*o = (struct sbx_sysinfo){s.totalram * s.mem_unit, s.freeram * s.mem_unit, s.bufferram * s.mem_unit,
	    s.totalswap * s.mem_unit, s.freeswap * s.mem_unit, (uint64_t)s.uptime, s.procs, s.totalhigh * s.mem_unit};
	return 0;
}
int sbx_winsize(int fd, uint16_t *rows, uint16_t *cols) {
	struct winsize w;
	if (ioctl(fd, TIOCGWINSZ, &w))
		return -1;
	*rows = w.ws_row;
	*cols = w.ws_col;
	return 0;
}
int sbx_set_winsize(int fd, uint16_t rows, uint16_t cols) {
	struct winsize w;
	if (ioctl(fd, TIOCGWINSZ, &w))
		return -1;
	w.ws_row = rows;
	w.ws_col = cols;
	return ioctl(fd, TIOCSWINSZ, &w);
}
int sbx_tcget(int fd, struct sbx_termios *o) {
	struct termios t;
	if (tcgetattr(fd, &t))
		return -1;
	memset(o, 0, sizeof *o);
	o->iflag = t.c_iflag, o->oflag = t.c_oflag, o->cflag = t.c_cflag, o->lflag = t.c_lflag, o->line = t.c_line;
	memcpy(o->cc, t.c_cc, sizeof o->cc);
	o->ispeed = t.c_ispeed, o->ospeed = t.c_ospeed;
	return 0;
}
int sbx_tcset(int fd, int when, const struct sbx_termios *s) {
	struct termios t;
	if (tcgetattr(fd, &t))
		return -1;
	t.c_iflag = s->iflag, t.c_oflag = s->oflag, t.c_cflag = s->cflag, t.c_lflag = s->lflag, t.c_line = s->line;
	memcpy(t.c_cc, s->cc, sizeof s->cc);
	t.c_ispeed = s->ispeed, t.c_ospeed = s->ospeed;
	return tcsetattr(fd, when == 0 ? TCSANOW : when == 1 ? TCSADRAIN : TCSAFLUSH, &t);
}
int sbx_connect(const char *host, uint32_t port, int flags, uint32_t timeout, const char *roots, char text[256]) {
	char service[16];
	struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM};
	struct timeval tv = {timeout / 1000, timeout % 1000 * 1000};
	if (flags & SBX_TLS) {
		errno = ENOSYS;
		return -1;
	}
	snprintf(service, sizeof service, "%u", port);
	if (getaddrinfo(host, service, &hints, &list)) {
		errno = EHOSTUNREACH;
		return -1;
	}
	int fd = -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0 && timeout)
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen)) {
			int e = errno == EINPROGRESS ? ETIMEDOUT : errno;
			close(fd);
			errno = e;
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return fd;
}
#endif
