/* sbx.h: what WASI preview 1 lacks and the tools need, as module "sbx".
 *
 * Every tool uses these functions and never struct stat, getuid, fork and the like. Built for wasm they are imports of
 * module "sbx"; built by a native compiler they map to POSIX, so that the tools can be tested against GNU's without wasm.
 * The sbx_ functions return 0 (or a value) on success, and -1 with errno set on failure, as POSIX does.
 * Modes, device numbers, signals and wait statuses are Linux's in both builds. */
#ifndef SBX_H
#define SBX_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __wasm__
#undef S_IFMT
#undef S_IFIFO
#undef S_IFSOCK
#undef S_ISFIFO
#undef S_ISSOCK
#undef S_ISBLK
#undef S_ISCHR
#undef S_ISDIR
#undef S_ISLNK
#undef S_ISREG
#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFSOCK 0140000
#define S_ISFIFO(m) (((m)&S_IFMT) == 0010000)
#define S_ISCHR(m) (((m)&S_IFMT) == 0020000)
#define S_ISDIR(m) (((m)&S_IFMT) == 0040000)
#define S_ISBLK(m) (((m)&S_IFMT) == 0060000)
#define S_ISREG(m) (((m)&S_IFMT) == 0100000)
#define S_ISLNK(m) (((m)&S_IFMT) == 0120000)
#define S_ISSOCK(m) (((m)&S_IFMT) == 0140000)
#endif

struct sbx_stat {
	uint64_t dev, ino, rdev;
	uint32_t mode, nlink, uid, gid;
	int64_t size, blocks; /* blocks of 512 bytes */
	uint32_t blksize, pad;
	int64_t atime, mtime, ctime, btime; /* seconds; the _ns follow below */
	uint32_t atime_ns, mtime_ns, ctime_ns, btime_ns;
};
_Static_assert(sizeof(struct sbx_stat) == 112, "sbx_stat is 112 bytes");

struct sbx_ids {
	uint32_t uid, euid, gid, egid, pid, ppid, pgid, sid, umask, ngroups, tty_nr, nproc;
};

struct sbx_sysinfo {
	uint64_t total, free, buffers, swap_total, swap_free, uptime, procs, total_high;
};

struct sbx_statfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen;
};

/* Linux struct termios, as the ioctl TCGETS has it with 19 control characters and the two speeds. */
struct sbx_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[32], pad[3];
	uint32_t ispeed, ospeed;
};
_Static_assert(sizeof(struct sbx_termios) == 60, "sbx_termios is 60 bytes");

struct sbx_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

#define SBX_NOFOLLOW 1
#define SBX_TIME_NOW 0x3fffffff
#define SBX_TIME_OMIT 0x3ffffffe
#define SBX_WNOHANG 1
#define SBX_WUNTRACED 2
#define SBX_INHERIT (-1)

/* Open flags for sbx_open: Linux's values. */
#define SBX_O_RDONLY 0
#define SBX_O_WRONLY 01
#define SBX_O_RDWR 02
#define SBX_O_CREAT 0100
#define SBX_O_EXCL 0200
#define SBX_O_TRUNC 01000
#define SBX_O_APPEND 02000
#define SBX_O_NONBLOCK 04000
#define SBX_O_DIRECTORY 0200000
#define SBX_O_NOFOLLOW 0400000

/* Files. Paths are absolute or relative to the real current directory. flags is 0 or SBX_NOFOLLOW. */
int sbx_stat(const char *path, int flags, struct sbx_stat *out);
int sbx_fstat(int fd, struct sbx_stat *out);
int sbx_open(const char *path, int flags, uint32_t mode); /* a file descriptor; honours mode and umask */
int sbx_mkdir(const char *path, uint32_t mode);           /* honours mode and umask */
int sbx_chmod(const char *path, int flags, uint32_t mode);
int sbx_fchmod(int fd, uint32_t mode);
int sbx_chown(const char *path, int flags, uint32_t uid, uint32_t gid); /* (uint32_t)-1 keeps */
int sbx_access(const char *path, int mode);
int sbx_mknod(const char *path, uint32_t mode, uint64_t rdev);
uint32_t sbx_umask(uint32_t mask); /* the old one */
/* ts: atime s, atime ns, mtime s, mtime ns; a ns may be SBX_TIME_NOW or SBX_TIME_OMIT. */
int sbx_utimens(const char *path, int flags, const int64_t ts[4]);
int sbx_statfs(const char *path, struct sbx_statfs *out);
char *sbx_getcwd(char *buf, size_t n); /* the real one; NULL with errno */
int sbx_chdir(const char *path);       /* the real one and libc's */
int sbx_pipe(int fds[2]);
int sbx_dup2(int from, int to);

/* Processes. */
int sbx_ids(struct sbx_ids *out);
int sbx_groups(uint32_t *ids, int max); /* how many */
int sbx_kill(int pid, int sig);         /* sig: Linux numbers */
/* Starts argv[0]-named program at path (looked up in PATH of the environment when it has no slash).
 * fds are the child's 0, 1 and 2, or SBX_INHERIT. flags: SBX_NEWPGRP its own process group, SBX_UNMASK with no signal
 * blocked. The pid, or -1. env NULL: ours. */
#define SBX_NEWPGRP 1
#define SBX_UNMASK 2
int sbx_spawn(const char *path, char *const argv[], char *const env[], const int fds[3], int flags);
int sbx_wait(int pid, int options, uint32_t *status); /* the pid; 0 with SBX_WNOHANG and nothing to report */
/* Replaces this process. Looks in PATH of env when path has no slash. Returns only on failure. env NULL: ours. */
int sbx_exec(const char *path, char *const argv[], char *const env[]);
int sbx_signal(int sig, int ignore); /* ignore 0: default action */
/* Blocks signals (bit N-1 is signal N) for good and waits ms for one of them, below 0 for ever: the signal, or -1 EAGAIN. */
int sbx_sigwait(uint64_t set, int64_t ms);
int sbx_nice(int add, int *now); /* adds to the niceness; now may be NULL */

/* The machine. */
int sbx_uname(struct sbx_utsname *out);
int sbx_sysinfo(struct sbx_sysinfo *out);
int sbx_winsize(int fd, uint16_t *rows, uint16_t *cols);
int sbx_set_winsize(int fd, uint16_t rows, uint16_t cols);
int sbx_tcget(int fd, struct sbx_termios *out);
int sbx_tcset(int fd, int when, const struct sbx_termios *t); /* when: 0 now, 1 drain, 2 flush */
/* A connected TCP stream, with TLS if asked: roots are certificates in PEM that may sign the server's. timeout in ms, 0: none.
 * EACCES: the certificate is not trusted, EPROTO: another failure of TLS; text then says why. ENOSYS: no TLS in this build. */
#define SBX_TLS 1
#define SBX_TLS_ANY 2 /* any certificate will do */
int sbx_connect(const char *host, uint32_t port, int flags, uint32_t timeout, const char *roots, char text[256]);

/* Wait statuses and device numbers, as Linux has them. */
#define SBX_WIFEXITED(s) (((s)&0x7f) == 0)
#define SBX_WEXITSTATUS(s) (((s) >> 8) & 0xff)
#define SBX_WIFSTOPPED(s) (((s)&0xff) == 0x7f)
#define SBX_WIFSIGNALED(s) (((s)&0x7f) != 0 && ((s)&0x7f) != 0x7f)
#define SBX_WTERMSIG(s) ((s)&0x7f)

static inline uint32_t sbx_major(uint64_t d) { return (uint32_t)(((d >> 8) & 0xfff) | ((d >> 32) & ~0xfffU)); }
static inline uint32_t sbx_minor(uint64_t d) { return (uint32_t)((d & 0xff) | ((d >> 12) & ~0xffU)); }
static inline uint64_t sbx_makedev(uint32_t ma, uint32_t mi) {
	return (mi & 0xff) | ((uint64_t)(ma & 0xfff) << 8) | ((uint64_t)(mi & ~0xffU) << 12) | ((uint64_t)(ma & ~0xfffU) << 32);
}

#endif
