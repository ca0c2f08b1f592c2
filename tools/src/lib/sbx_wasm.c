/* The functions of sbx.h over the imports of module "sbx". */
#ifdef __wasm__
#include "sbx.h"

#include <stdlib.h>
#include <string.h>

#define IMPORT(n) __attribute__((import_module("sbx"), import_name(#n)))

int imp_stat(const char *p, size_t n, uint32_t flags, void *out) IMPORT(stat);
int imp_fstat(int fd, void *out) IMPORT(fstat);
int imp_open(const char *p, size_t n, uint32_t flags, uint32_t mode, int32_t *fd) IMPORT(open);
int imp_mkdir(const char *p, size_t n, uint32_t mode) IMPORT(mkdir);
int imp_chmod(const char *p, size_t n, uint32_t flags, uint32_t mode) IMPORT(chmod);
int imp_fchmod(int fd, uint32_t mode) IMPORT(fchmod);
int imp_chown(const char *p, size_t n, uint32_t flags, uint32_t uid, uint32_t gid) IMPORT(chown);
int imp_access(const char *p, size_t n, uint32_t mode) IMPORT(access);
int imp_mknod(const char *p, size_t n, uint32_t mode, uint64_t rdev) IMPORT(mknod);
int imp_umask(uint32_t mask, uint32_t *old) IMPORT(umask);
int imp_utimens(const char *p, size_t n, uint32_t flags, const int64_t *ts) IMPORT(utimens);
int imp_ids(void *out) IMPORT(ids);
int imp_groups(uint32_t *ids, uint32_t max, uint32_t *n) IMPORT(groups);
int imp_kill(int pid, int sig) IMPORT(kill);
int imp_spawn(const void *req, int32_t *pid) IMPORT(spawn);
int imp_wait(int pid, uint32_t options, uint32_t *status, int32_t *got) IMPORT(wait);
int imp_exec(const char *p, size_t n, const char *argv, size_t alen, const char *env, size_t elen) IMPORT(exec);
int imp_getcwd(char *buf, size_t len, uint32_t *n) IMPORT(getcwd);
int imp_chdir(const char *p, size_t n) IMPORT(chdir);
int imp_uname(void *buf) IMPORT(uname);
int imp_sysinfo(void *out) IMPORT(sysinfo);
int imp_statfs(const char *p, size_t n, void *out) IMPORT(statfs);
int imp_winsize(int fd, uint16_t *rows, uint16_t *cols) IMPORT(winsize);
int imp_set_winsize(int fd, uint32_t rows, uint32_t cols) IMPORT(set_winsize);
int imp_tcget(int fd, void *out) IMPORT(tcget);
int imp_tcset(int fd, uint32_t when, const void *in) IMPORT(tcset);
int imp_signal(int sig, int disp) IMPORT(signal);
int imp_pipe(uint32_t *fds) IMPORT(pipe);
int imp_dup2(int from, int to) IMPORT(dup2);
int imp_connect(const void *req, void *out) IMPORT(connect);
int imp_sigwait(uint64_t set, int64_t ms, int32_t *sig) IMPORT(sigwait);
int imp_nice(int add, int32_t *now) IMPORT(nice);

static int ret(int e) {
	if (e == 0)
		return 0;
	errno = e;
	return -1;
}

int sbx_stat(const char *path, int flags, struct sbx_stat *out) {
	return ret(imp_stat(path, strlen(path), (uint32_t)flags, out));
}
int sbx_fstat(int fd, struct sbx_stat *out) { return ret(imp_fstat(fd, out)); }
int sbx_open(const char *path, int flags, uint32_t mode) {
	int32_t fd;
	return ret(imp_open(path, strlen(path), (uint32_t)flags, mode, &fd)) ? -1 : fd;
}
int sbx_mkdir(const char *path, uint32_t mode) { return ret(imp_mkdir(path, strlen(path), mode)); }
int sbx_chmod(const char *path, int flags, uint32_t mode) {
	return ret(imp_chmod(path, strlen(path), (uint32_t)flags, mode));
}
int sbx_fchmod(int fd, uint32_t mode) { return ret(imp_fchmod(fd, mode)); }
int sbx_chown(const char *path, int flags, uint32_t uid, uint32_t gid) {
	return ret(imp_chown(path, strlen(path), (uint32_t)flags, uid, gid));
}
int sbx_access(const char *path, int mode) { return ret(imp_access(path, strlen(path), (uint32_t)mode)); }
int sbx_mknod(const char *path, uint32_t mode, uint64_t rdev) {
	return ret(imp_mknod(path, strlen(path), mode, rdev));
}
uint32_t sbx_umask(uint32_t mask) {
	uint32_t old = 022;
	imp_umask(mask, &old);
	return old;
}
int sbx_utimens(const char *path, int flags, const int64_t ts[4]) {
	return ret(imp_utimens(path, strlen(path), (uint32_t)flags, ts));
}
int sbx_statfs(const char *path, struct sbx_statfs *out) { return ret(imp_statfs(path, strlen(path), out)); }

char *sbx_getcwd(char *buf, size_t n) {
	uint32_t got;
	if (n == 0 || ret(imp_getcwd(buf, n - 1, &got)))
		return NULL;
	buf[got] = 0;
	return buf;
}

int sbx_chdir(const char *path) {
	char buf[4097];
	if (ret(imp_chdir(path, strlen(path))))
		return -1;
	if (sbx_getcwd(buf, sizeof buf))
		chdir(buf);
	return 0;
}

int sbx_pipe(int fds[2]) { return ret(imp_pipe((uint32_t *)fds)); }
int sbx_dup2(int from, int to) { return ret(imp_dup2(from, to)) ? -1 : to; }
int sbx_ids(struct sbx_ids *out) { return ret(imp_ids(out)); }

int sbx_groups(uint32_t *ids, int max) {
	uint32_t n = 0;
	return ret(imp_groups(ids, (uint32_t)max, &n)) ? -1 : (int)n;
}
int sbx_kill(int pid, int sig) { return ret(imp_kill(pid, sig)); }

/* flat puts the strings of v one after another, each with its NUL. */
static char *flat(char *const v[], size_t *n) {
	size_t len = 0;
	for (int i = 0; v[i]; i++)
		len += strlen(v[i]) + 1;
	char *b = malloc(len + 1), *p = b;
	if (!b)
		return NULL;
	for (int i = 0; v[i]; i++)
		p = stpcpy(p, v[i]) + 1;
	*n = len;
	return b;
}

extern char **environ;
char **__wasilibc_get_environ(void);

int sbx_spawn(const char *path, char *const argv[], char *const env[], const int fds[3], int flags) {
	size_t alen, elen;
	char *a = flat(argv, &alen), *e = flat(env ? env : __wasilibc_get_environ(), &elen);
	int32_t pid = -1;
	uint32_t req[10] = {(uint32_t)path, strlen(path), (uint32_t)a, alen, (uint32_t)e, elen,
	    (uint32_t)(fds ? fds[0] : -1), (uint32_t)(fds ? fds[1] : -1), (uint32_t)(fds ? fds[2] : -1), (uint32_t)flags};
	int rc = a && e ? imp_spawn(req, &pid) : ENOMEM;
	free(a);
	free(e);
	return ret(rc) ? -1 : pid;
}

int sbx_wait(int pid, int options, uint32_t *status) {
	int32_t got = 0;
	uint32_t st = 0;
	if (ret(imp_wait(pid, (uint32_t)options, &st, &got)))
		return -1;
	if (status)
		*status = st;
	return got;
}

int sbx_exec(const char *path, char *const argv[], char *const env[]) {
	size_t alen, elen;
	char *a = flat(argv, &alen), *e = flat(env ? env : __wasilibc_get_environ(), &elen);
	int rc = a && e ? imp_exec(path, strlen(path), a, alen, e, elen) : ENOMEM;
	free(a);
	free(e);
	return ret(rc);
}

int sbx_signal(int sig, int ignore) { return ret(imp_signal(sig, ignore)); }
int sbx_uname(struct sbx_utsname *out) { return ret(imp_uname(out)); }
int sbx_sysinfo(struct sbx_sysinfo *out) { return ret(imp_sysinfo(out)); }
int sbx_winsize(int fd, uint16_t *rows, uint16_t *cols) { return ret(imp_winsize(fd, rows, cols)); }
int sbx_set_winsize(int fd, uint16_t rows, uint16_t cols) { return ret(imp_set_winsize(fd, rows, cols)); }
int sbx_tcget(int fd, struct sbx_termios *out) { return ret(imp_tcget(fd, out)); }
int sbx_tcset(int fd, int when, const struct sbx_termios *t) { return ret(imp_tcset(fd, (uint32_t)when, t)); }
int sbx_sigwait(uint64_t set, int64_t ms) {
	int32_t sig = 0;
	return ret(imp_sigwait(set, ms, &sig)) ? -1 : sig;
}

int sbx_nice(int add, int *now) {
	int32_t n = 0;
	if (ret(imp_nice(add, &n)))
		return -1;
	if (now)
		*now = n;
	return 0;
}

int sbx_connect(const char *host, uint32_t port, int flags, uint32_t timeout, const char *roots, char text[256]) {
	uint32_t req[9] = {(uint32_t)host, strlen(host), port, (uint32_t)flags, timeout, (uint32_t)roots,
	    roots ? strlen(roots) : 0, (uint32_t)text, text ? 255 : 0};
	struct { int32_t fd; uint32_t len; } out = {-1, 0};
	int e = imp_connect(req, &out);
	if (text)
		text[out.len < 255 ? out.len : 255] = 0;
	return ret(e) ? -1 : out.fd;
}
#endif
