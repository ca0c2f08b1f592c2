/* Buffered reading by lines of any length and any bytes, and whole reads and writes. */
#include "tool.h"

enum { CHUNK = 65536 };

void rd_init(struct rd *r, int fd) { *r = (struct rd){.fd = fd}; }

void rd_free(struct rd *r) {
	free(r->buf);
	r->buf = NULL;
	r->cap = r->pos = r->end = 0;
}

/* Reads more behind what is buffered. */
static bool fill(struct rd *r) {
	if (r->eof || r->err)
		return false;
	if (r->pos == r->end)
		r->pos = r->end = 0;
	if (r->end == r->cap && r->pos > r->cap / 2) {
		memmove(r->buf, r->buf + r->pos, r->end - r->pos);
		r->end -= r->pos;
		r->pos = 0;
	}
	if (r->cap - r->end < CHUNK / 2) {
		r->cap = r->cap ? r->cap * 2 : CHUNK;
		r->buf = xrealloc(r->buf, r->cap);
	}
	ssize_t n;
	do
		n = read(r->fd, r->buf + r->end, r->cap - r->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		r->err = errno;
	else if (n == 0)
		r->eof = true;
	else
		r->end += (size_t)n;
	return n > 0;
}

char *rd_line(struct rd *r, int delim, size_t *len) {
	size_t seen = 0;
	for (;;) {
		char *start = r->buf + r->pos;
		size_t have = r->end - r->pos;
		char *d = have > seen ? memchr(start + seen, delim, have - seen) : NULL;
		if (!d) {
			seen = have;
			if (fill(r))
				continue;
			if (have == 0)
				return NULL;
			start = r->buf + r->pos;
			d = start + have - 1;
		}
		*len = (size_t)(d - start) + 1;
		r->pos += *len;
		return start;
	}
}

ssize_t rd_peek(struct rd *r, char **p) {
	if (r->pos == r->end && !fill(r)) {
		errno = r->err;
		return r->err ? -1 : 0;
	}
	*p = r->buf + r->pos;
	return (ssize_t)(r->end - r->pos);
}

void rd_skip(struct rd *r, size_t n) { r->pos += n; }

ssize_t full_read(int fd, void *p, size_t n) {
	size_t got = 0;
	while (got < n) {
		ssize_t k = read(fd, (char *)p + got, n - got);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

int full_write(int fd, const void *p, size_t n) {
	while (n > 0) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return 0;
}

int open_input(const char *name) { return strcmp(name, "-") == 0 ? 0 : sbx_open(name, SBX_O_RDONLY, 0); }

char *read_all(int fd, size_t *len) {
	size_t cap = 0, n = 0;
	char *b = NULL;
	for (;;) {
		if (cap - n < 4097)
			b = xrealloc(b, cap = cap ? cap * 2 : 16384);
		ssize_t k = full_read(fd, b + n, cap - n - 1);
		if (k < 0) {
			free(b);
			return NULL;
		}
		n += (size_t)k;
		if (k == 0)
			break;
	}
	b[n] = 0;
	if (len)
		*len = n;
	return b;
}

char *slurp(const char *path, size_t *len) {
	int fd = sbx_open(path, SBX_O_RDONLY, 0);
	if (fd < 0)
		return NULL;
	char *b = read_all(fd, len);
	int e = errno;
	close(fd);
	errno = e;
	return b;
}

int copy_fd(int in, int out) {
	static char buf[CHUNK];
	for (;;) {
		ssize_t n = read(in, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		if (full_write(out, buf, (size_t)n))
			return -2;
	}
}
