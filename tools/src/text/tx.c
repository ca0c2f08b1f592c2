#include "tx.h"

const char *tx_prog = "";
int tx_fail_code = 1;

void tx_begin(const char *prog, int fail_code) {
	tx_prog = prog;
	tx_fail_code = fail_code;
}

const char *errtext(int e); // lib: glibc's words, whatever the libc

const char *tx_strerror(int err) { return errtext(err); }

static void message(int err, const char *fmt, va_list ap) {
	fflush(stdout);
	fprintf(stderr, "%s: ", tx_prog);
	vfprintf(stderr, fmt, ap);
	if (err)
		fprintf(stderr, ": %s", tx_strerror(err));
	fputc('\n', stderr);
}

void tx_warn(int err, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	message(err, fmt, ap);
	va_end(ap);
}

void tx_die(int err, const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	message(err, fmt, ap);
	va_end(ap);
	exit(tx_fail_code);
}

void tx_try(void) {
	fprintf(stderr, "Try '%s --help' for more information.\n", tx_prog);
	exit(tx_fail_code);
}

void tx_usage(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	message(0, fmt, ap);
	va_end(ap);
	tx_try();
}

void re_fail(const char *msg);
void re_fail(const char *msg) { tx_die(0, "%s", msg); }

int tx_end(int status) {
	if (fflush(stdout) || ferror(stdout)) {
		int e = errno;
		clearerr(stdout); // said once
		fprintf(stderr, "%s: write error: %s\n", tx_prog, tx_strerror(e));
		return tx_fail_code;
	}
	return status;
}

void *tx_alloc(size_t n) {
	void *p = calloc(1, n ? n : 1);
	if (!p)
		tx_die(0, "memory exhausted");
	return p;
}

void *tx_realloc(void *p, size_t n) {
	p = realloc(p, n ? n : 1);
	if (!p)
		tx_die(0, "memory exhausted");
	return p;
}

void *tx_array(void *p, size_t *cap, size_t need, size_t size) {
	if (need <= *cap)
		return p;
	size_t c = *cap ? *cap + *cap / 2 + 1 : 16;
	if (c < need)
		c = need;
	if (c > SIZE_MAX / size)
		tx_die(0, "memory exhausted");
	*cap = c;
	return tx_realloc(p, c * size);
}

char *tx_memdup(const char *s, size_t n) {
	char *p = tx_realloc(NULL, n + 1);
	if (n)
		memcpy(p, s, n);
	p[n] = 0;
	return p;
}

char *tx_strdup(const char *s) { return tx_memdup(s, strlen(s)); }

static void buf_room(buf *b, size_t n) {
	if (n > SIZE_MAX - b->n - 1)
		tx_die(0, "memory exhausted");
	if (b->n + n + 1 > b->cap)
		b->p = tx_array(b->p, &b->cap, b->n + n + 1, 1);
}

void buf_add(buf *b, const void *s, size_t n) {
	if (!n)
		return;
	buf_room(b, n);
	memcpy(b->p + b->n, s, n);
	b->n += n;
}

void buf_str(buf *b, const char *s) { buf_add(b, s, strlen(s)); }

void buf_chr(buf *b, int c) {
	buf_room(b, 1);
	b->p[b->n++] = (char)c;
}

char *buf_z(buf *b) {
	buf_room(b, 0);
	b->p[b->n] = 0;
	return b->p;
}

void buf_free(buf *b) {
	free(b->p);
	memset(b, 0, sizeof *b);
}

void tx_opt_start(tx_opts *o, int argc, char **argv, const char *shorts, const tx_long *longs) {
	memset(o, 0, sizeof *o);
	o->argc = argc;
	o->argv = argv;
	o->i = 1;
	if (*shorts == '+') {
		o->inorder = 1;
		shorts++;
	}
	o->shorts = shorts;
	o->longs = longs;
	o->rest = tx_alloc(((size_t)argc + 1) * sizeof *o->rest);
}

// wrong ends the tool after a message about an option.
static void wrong(const tx_opts *o) {
	if (o->usage)
		o->usage();
	tx_try();
}

static int short_opt(tx_opts *o) {
	int c = (unsigned char)*o->cluster++;
	const char *p = c == ':' ? NULL : strchr(o->shorts, c);
	if (!p) {
		tx_warn(0, "invalid option -- '%c'", c);
		wrong(o);
	}
	o->arg = NULL;
	if (p[1] == ':') {
		if (*o->cluster)
			o->arg = o->cluster;
		else if (p[2] != ':') {
			if (o->i >= o->argc) {
				tx_warn(0, "option requires an argument -- '%c'", c);
				wrong(o);
			}
			o->arg = o->argv[o->i++];
		}
		o->cluster = NULL;
	}
	if (o->cluster && !*o->cluster)
		o->cluster = NULL;
	return c;
}

static void ambiguous(const tx_opts *o, const char *a, size_t n) {
	fprintf(stderr, "%s: option '--%s' is ambiguous; possibilities:", tx_prog, a);
	for (const tx_long *l = o->longs; l->name; l++)
		if (!strncmp(l->name, a, n))
			fprintf(stderr, " '--%s'", l->name);
	fputc('\n', stderr);
	tx_try();
}

const char *applet_help(void); // of the multi-call main

// common handles --help and --version.
static void common(const char *a) {
	if (!strcmp(a, "help")) {
		printf("Usage: %s%s", tx_prog, applet_help());
		exit(tx_end(0));
	}
	if (!strcmp(a, "version")) {
		printf("%s (sbx tools) 1.0\n", tx_prog);
		exit(tx_end(0));
	}
}

static int long_opt(tx_opts *o, char *a) {
	common(a);
	char *eq = strchr(a, '=');
	size_t n = eq ? (size_t)(eq - a) : strlen(a);
	const tx_long *hit = NULL;
	int many = 0;
	for (const tx_long *l = o->longs; l && l->name; l++) {
		if (strncmp(l->name, a, n))
			continue;
		if (strlen(l->name) == n) {
			hit = l;
			many = 0;
			break;
		}
		if (hit && (hit->val != l->val || hit->arg != l->arg))
			many = 1;
		hit = hit ? hit : l;
	}
	if (many)
		ambiguous(o, a, n);
	if (!hit) {
		tx_warn(0, "unrecognized option '--%s'", a);
		wrong(o);
		return 0;
	}
	o->longname = hit->name;
	o->arg = eq ? eq + 1 : NULL;
	if (eq && !hit->arg) {
		tx_warn(0, "option '--%s' doesn't allow an argument", hit->name);
		wrong(o);
	}
	if (hit->arg == 1 && !eq) {
		if (o->i >= o->argc) {
			tx_warn(0, "option '--%s' requires an argument", hit->name);
			wrong(o);
		}
		o->arg = o->argv[o->i++];
	}
	return hit->val;
}

int tx_opt(tx_opts *o) {
	o->longname = NULL;
	if (o->cluster)
		return short_opt(o);
	while (o->i < o->argc) {
		char *a = o->argv[o->i++];
		if (o->ended || a[0] != '-' || !a[1]) {
			if (o->inorder)
				o->ended = 1;
			o->rest[o->nrest++] = a;
			continue;
		}
		if (a[1] != '-') {
			o->cluster = a + 1;
			return short_opt(o);
		}
		if (!a[2]) {
			o->ended = 1;
			continue;
		}
		return long_opt(o, a + 2);
	}
	o->rest[o->nrest] = NULL;
	return -1;
}

void tx_fdin(tx_in *in, int fd) {
	memset(in, 0, sizeof *in);
	in->fd = fd;
}

int tx_open(tx_in *in, const char *name) {
	int fd = 0;
	if (strcmp(name, "-")) {
		fd = sbx_open(name, SBX_O_RDONLY, 0);
		if (fd < 0)
			return -1;
	}
	tx_fdin(in, fd);
	return 0;
}

void tx_close(tx_in *in) {
	if (in->fd > 0)
		close(in->fd);
	free(in->b);
	in->b = NULL;
	in->fd = -1;
}

int tx_fill(tx_in *in) {
	if (in->eof)
		return 0;
	if (in->r > 0 && (in->r == in->w || in->cap - in->w < 4096)) {
		memmove(in->b, in->b + in->r, in->w - in->r);
		in->w -= in->r;
		in->r = 0;
	}
	if (in->cap - in->w < 4096) {
		size_t need = in->cap ? in->cap * 2 : 65536;
		in->b = tx_array(in->b, &in->cap, need, 1);
	}
	ssize_t k;
	do
		k = read(in->fd, in->b + in->w, in->cap - in->w);
	while (k < 0 && errno == EINTR);
	if (k <= 0) {
		in->eof = 1;
		if (k < 0)
			in->err = errno;
		return 0;
	}
	in->w += (size_t)k;
	return 1;
}

int tx_line(tx_in *in, int delim, char **s, size_t *n, int *nl) {
	size_t from = in->r;
	for (;;) {
		char *p = in->w > from ? memchr(in->b + from, delim, in->w - from) : NULL;
		if (p) {
			*s = in->b + in->r;
			*n = (size_t)(p - *s);
			in->r += *n + 1;
			if (nl)
				*nl = 1;
			return 1;
		}
		size_t seen = in->w - in->r;
		if (!tx_fill(in))
			break;
		from = in->r + seen;
	}
	if (in->r == in->w)
		return 0;
	*s = in->b + in->r;
	*n = in->w - in->r;
	in->r = in->w;
	if (nl)
		*nl = 0;
	return 1;
}

int tx_getc(tx_in *in) {
	if (in->r == in->w && !tx_fill(in))
		return -1;
	return (unsigned char)in->b[in->r++];
}

void tx_slurp(tx_in *in, buf *out) {
	do {
		buf_add(out, in->b + in->r, in->w - in->r);
		in->r = in->w;
	} while (tx_fill(in));
}

int tx_read_all(const char *name, buf *out) {
	tx_in in;
	if (tx_open(&in, name))
		return -1;
	tx_slurp(&in, out);
	int e = in.err;
	tx_close(&in);
	errno = e;
	return e ? -1 : 0;
}

void tx_out(const char *s, size_t n) {
	if (n)
		fwrite(s, 1, n, stdout);
}

int tx_num(const char *s, uint64_t *v) {
	uint64_t r = 0;
	int over = 0;
	if (!tx_isdigit((unsigned char)*s))
		return -1;
	for (; tx_isdigit((unsigned char)*s); s++) {
		unsigned d = (unsigned)(*s - '0');
		if (r > (UINT64_MAX - d) / 10)
			over = 1;
		else
			r = r * 10 + d;
	}
	*v = over ? UINT64_MAX : r;
	return *s ? -1 : over;
}

int tx_fopen_w(const char *name, int append, FILE **f) {
	int fd = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | (append ? SBX_O_APPEND : SBX_O_TRUNC), 0666);
	if (fd < 0)
		return -1;
	*f = fdopen(fd, append ? "a" : "w");
	return *f ? 0 : -1;
}

char *tx_quote(const char *s) {
	buf b = {0};
	int plain = *s != 0;
	for (const char *p = s; *p; p++)
		if (!tx_isalnum((unsigned char)*p) && !strchr("%+,-./:@_]{}", *p) && (unsigned char)*p < 128)
			plain = 0;
	if (plain)
		return tx_strdup(s);
	buf_chr(&b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_str(&b, "'\\'");
		buf_chr(&b, *s);
	}
	buf_chr(&b, '\'');
	buf_z(&b);
	return b.p;
}
