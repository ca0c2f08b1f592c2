/* head, tail */
#include "tool.h"

const char head_help[] = " [OPTION]... [FILE]...\nPrint the first 10 lines of each FILE to standard output.\n\n"
    "  -c, --bytes=[-]NUM       print the first NUM bytes; with the leading '-', all but the last NUM\n"
    "  -n, --lines=[-]NUM       print the first NUM lines instead of the first 10; with the leading '-', all but the last NUM\n"
    "  -q, --quiet, --silent    never print headers giving file names\n  -v, --verbose            always print headers giving file names\n"
    "  -z, --zero-terminated    line delimiter is NUL, not newline\n";
const char tail_help[] = " [OPTION]... [FILE]...\nPrint the last 10 lines of each FILE to standard output.\n\n"
    "  -c, --bytes=[+]NUM       output the last NUM bytes; or use -c +NUM to output starting with byte NUM\n"
    "  -f, --follow[={name|descriptor}]  output appended data as the file grows\n"
    "  -F                       same as --follow=name --retry\n  -n, --lines=[+]NUM       output the last NUM lines, or use -n +NUM to start with line NUM\n"
    "      --pid=PID            with -f, terminate after process ID, PID dies\n  -q, --quiet, --silent    never output headers giving file names\n"
    "      --retry              keep trying to open a file if it is inaccessible\n"
    "  -s, --sleep-interval=N   with -f, sleep for approximately N seconds (default 1.0) between iterations\n"
    "  -v, --verbose            always output headers giving file names\n  -z, --zero-terminated    line delimiter is NUL, not newline\n";

static struct {
	bool bytes, from_end, from_start; /* from_end: head -n -N; from_start: tail -n +N */
	uint64_t count;
	int headers; /* -1 never, 0 if many, 1 always */
	char delim;
	bool follow, by_name, retry;
	int pid;
	double interval;
} o;

static bool first_header = true;

static void header(const char *name, bool many) {
	if (o.headers < 0 || (o.headers == 0 && !many))
		return;
	printf("%s==> %s <==\n", first_header ? "" : "\n", strcmp(name, "-") == 0 ? "standard input" : name);
	first_header = false;
}

static void emit(const char *p, size_t n) {
	if (n && fwrite(p, 1, n, stdout) != n)
		exit(1);
}

static int failed(const char *name) {
	errno = errno;
	warn_errno("error reading %s", quoteaf(strcmp(name, "-") == 0 ? "standard input" : name));
	return 1;
}

/* head's options of the old form: -5, -5c */
static void obsolete(int *argc, char **argv, const char *units) {
	if (*argc < 2 || argv[1][0] != '-' || argv[1][1] < '0' || argv[1][1] > '9')
		return;
	size_t d = strspn(argv[1] + 1, "0123456789");
	char *unit = argv[1] + 1 + d;
	if (unit[0] && (unit[1] || !strchr(units, unit[0])))
		return;
	argv[1] = xasprintf("-%c%.*s%s", *unit == 'c' ? 'c' : 'n', (int)d, argv[1] + 1, *unit && *unit != 'c' && *unit != 'l' ? unit : "");
}

static int head_all_but(struct rd *r, const char *name) {
	size_t len;
	char *all = read_all(r->fd, &len);
	if (!all)
		return failed(name);
	size_t keep = len;
	if (o.bytes) {
		keep = o.count > len ? 0 : len - (size_t)o.count;
	} else if (o.count) {
		uint64_t left = o.count + (len && all[len - 1] != o.delim ? 0 : 1);
		keep = len;
		while (keep > 0 && left > 0)
			if (all[--keep] == o.delim)
				left--;
		keep = left == 0 ? keep + 1 : 0;
	}
	emit(all, keep);
	free(all);
	return 0;
}

static int head_file(int fd, const char *name) {
	struct rd r;
	char *p;
	size_t n;
	rd_init(&r, fd);
	if (o.from_end)
		return head_all_but(&r, name);
	uint64_t left = o.count;
	while (left > 0) {
		if (o.bytes) {
			ssize_t k = rd_peek(&r, &p);
			if (k <= 0)
				break;
			n = (uint64_t)k < left ? (size_t)k : (size_t)left;
			rd_skip(&r, n);
			left -= n;
		} else {
			if (!(p = rd_line(&r, o.delim, &n)))
				break;
			left--;
		}
		emit(p, n);
	}
	if (r.pos < r.end)
		lseek(fd, -(off_t)(r.end - r.pos), SEEK_CUR);
	rd_free(&r);
	errno = r.err;
	return r.err ? failed(name) : 0;
}

static void number(const char *arg, char sign, bool *flag, const char *what) {
	*flag = *arg == sign;
	if (*arg == '-' || *arg == '+')
		arg++;
	o.count = need_size(arg, "bkKmMGTPEZY0", what);
}

int head_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"bytes", 1, 'c'}, {"lines", 1, 'n'}, {"quiet", 0, 'q'}, {"silent", 0, 'q'},
	    {"verbose", 0, 'v'}, {"zero-terminated", 0, 'z'}, {0, 0, 0}};
	int c, rc = 0;
	o.count = 10, o.delim = '\n';
	obsolete(&argc, argv, "cklmbqv");
	while ((c = opt_next(argc, argv, "c:n:qvz", longs)) != -1) {
		switch (c) {
		case 'c': case 'n':
			o.bytes = c == 'c';
			number(opt_arg, '-', &o.from_end, o.bytes ? "number of bytes" : "number of lines");
			break;
		case 'q': o.headers = -1; break;
		case 'v': o.headers = 1; break;
		case 'z': o.delim = 0; break;
		}
	}
	char *in[] = {"-", NULL};
	bool many = argc - opt_ind > 1;
	for (char **f = opt_ind < argc ? argv + opt_ind : in; *f; f++) {
		int fd = open_input(*f);
		if (fd < 0) {
			warn_errno("cannot open %s for reading", quoteaf(*f));
			rc = 1;
			continue;
		}
		header(*f, many);
		rc |= head_file(fd, *f);
		if (fd > 2)
			close(fd);
	}
	return rc;
}

/* ---- tail */

struct followed {
	const char *name;
	int fd;
	int64_t size;
	uint64_t dev, ino;
	bool regular;
};

static int tail_from(struct rd *r, const char *name) {
	char *p;
	size_t n;
	ssize_t k;
	uint64_t skip = o.count ? o.count - 1 : 0;
	while (skip > 0) {
		if (o.bytes) {
			if ((k = rd_peek(r, &p)) <= 0)
				break;
			n = (uint64_t)k < skip ? (size_t)k : (size_t)skip;
			rd_skip(r, n);
			skip -= n;
		} else {
			if (!rd_line(r, o.delim, &n))
				break;
			skip--;
		}
	}
	while ((k = rd_peek(r, &p)) > 0) {
		emit(p, (size_t)k);
		rd_skip(r, (size_t)k);
	}
	errno = r->err;
	return r->err ? failed(name) : 0;
}

/* Where the last count lines of all[0..len) begin. */
static size_t last_lines(const char *all, size_t len, uint64_t count) {
	size_t at = len;
	if (count == 0)
		return len;
	if (at && all[at - 1] == o.delim)
		at--;
	while (at > 0) {
		if (all[at - 1] == o.delim && --count == 0)
			return at;
		at--;
	}
	return 0;
}

/* The last lines of a seekable file are found from its end, block by block. */
static bool seek_to_lines(int fd, int64_t size) {
	static char block[65536];
	int64_t at = size;
	uint64_t left = o.count;
	bool last = true;
	if (left == 0)
		return lseek(fd, 0, SEEK_END) >= 0;
	while (at > 0) {
		size_t n = at < (int64_t)sizeof block ? (size_t)at : sizeof block;
		at -= (int64_t)n;
		if (lseek(fd, at, SEEK_SET) < 0 || full_read(fd, block, n) != (ssize_t)n)
			return false;
		for (size_t i = n; i > 0; i--) {
			bool end = block[i - 1] == o.delim && !(last && i == n);
			if (end && --left == 0)
				return lseek(fd, at + (int64_t)i, SEEK_SET) >= 0;
		}
		last = false;
	}
	return lseek(fd, 0, SEEK_SET) >= 0;
}

static int tail_file(int fd, const char *name) {
	struct rd r;
	struct sbx_stat st;
	rd_init(&r, fd);
	if (o.from_start) {
		int rc = tail_from(&r, name);
		rd_free(&r);
		return rc;
	}
	bool file = sbx_fstat(fd, &st) == 0 && S_ISREG(st.mode) && st.size > 0 && lseek(fd, 0, SEEK_CUR) == 0;
	if (file && o.bytes && (uint64_t)st.size > o.count)
		file = lseek(fd, st.size - (int64_t)o.count, SEEK_SET) >= 0;
	else if (file && !o.bytes)
		file = seek_to_lines(fd, st.size);
	if (file) {
		int rc = copy_fd(fd, (fflush(stdout), 1));
		return rc == -1 ? failed(name) : rc ? 1 : 0;
	}
	size_t len;
	char *all = read_all(fd, &len);
	if (!all)
		return failed(name);
	size_t from = o.bytes ? (o.count > len ? 0 : len - (size_t)o.count) : last_lines(all, len, o.count);
	emit(all + from, len - from);
	free(all);
	return 0;
}

static void remember(struct followed *f) {
	struct sbx_stat st;
	if (sbx_fstat(f->fd, &st))
		return;
	f->size = st.size, f->dev = st.dev, f->ino = st.ino, f->regular = S_ISREG(st.mode);
	if (f->regular)
		lseek(f->fd, 0, SEEK_CUR);
}

/* With --follow=name: opens the file that the name means now, if it is another. */
static void reopen(struct followed *f) {
	struct sbx_stat st;
	if (sbx_stat(f->name, 0, &st)) {
		if (f->fd >= 0) {
			warn_errno("%s has become inaccessible", quoteaf(f->name));
			close(f->fd);
			f->fd = -1;
		}
		return;
	}
	if (f->fd >= 0 && st.dev == f->dev && st.ino == f->ino)
		return;
	int fd = sbx_open(f->name, SBX_O_RDONLY, 0);
	if (fd < 0)
		return;
	warn(f->fd >= 0 ? "%s has been replaced;  following new file" : "%s has appeared;  following new file", quoteaf(f->name));
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	remember(f);
}

static void pause_for(double s) {
	struct timespec ts = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
	nanosleep(&ts, NULL);
}

static void follow(struct followed *list, int n) {
	static char buf[65536];
	int shown = n - 1;
	for (;;) {
		bool any = false;
		for (int i = 0; i < n; i++) {
			struct followed *f = &list[i];
			struct sbx_stat st;
			if (o.by_name && strcmp(f->name, "-"))
				reopen(f);
			if (f->fd < 0)
				continue;
			if (f->regular && sbx_fstat(f->fd, &st) == 0) {
				if (st.size < f->size) {
					warn("%s: file truncated", quotef(f->name));
					lseek(f->fd, 0, SEEK_SET);
				}
				f->size = st.size;
			}
			ssize_t k;
			while ((k = read(f->fd, buf, sizeof buf)) > 0) {
				if (shown != i)
					header(f->name, n > 1);
				shown = i, any = true;
				emit(buf, (size_t)k);
				if (!f->regular)
					fflush(stdout);
			}
			if (k == 0 && !f->regular && strcmp(f->name, "-") == 0)
				f->fd = -1;
		}
		if (fflush(stdout))
			exit(1);
		int alive = 0;
		for (int i = 0; i < n; i++)
			alive += list[i].fd >= 0 || o.by_name;
		if (!alive)
			return;
		if (o.pid && sbx_kill(o.pid, 0) && errno == ESRCH)
			return;
		if (!any)
			pause_for(o.interval);
	}
}

int tail_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"bytes", 1, 'c'}, {"follow", 2, 'f'}, {"lines", 1, 'n'}, {"pid", 1, 1}, {"quiet", 0, 'q'},
	    {"silent", 0, 'q'}, {"retry", 0, 2}, {"sleep-interval", 1, 's'}, {"verbose", 0, 'v'}, {"zero-terminated", 0, 'z'},
	    {"max-unchanged-stats", 1, 3}, {0, 0, 0}};
	static const char *const hows[] = {"descriptor", "name", NULL};
	int c, rc = 0, n = 0;
	o.count = 10, o.delim = '\n', o.interval = 1;
	obsolete(&argc, argv, "clb");
	if (argc > 1 && argv[1][0] == '+' && argv[1][1] >= '0' && argv[1][1] <= '9' && !argv[1][strspn(argv[1] + 1, "0123456789") + 1])
		argv[1] = xasprintf("-n%s", argv[1]);
	while ((c = opt_next(argc, argv, "c:fFn:qs:vz", longs)) != -1) {
		switch (c) {
		case 'c': case 'n':
			o.bytes = c == 'c';
			number(opt_arg, '+', &o.from_start, o.bytes ? "number of bytes" : "number of lines");
			break;
		case 'f':
			o.follow = true;
			o.by_name = opt_arg && argmatch("--follow", opt_arg, hows) == 1;
			break;
		case 'F': o.follow = o.by_name = o.retry = true; break;
		case 1: o.pid = (int)need_size(opt_arg, "", "PID"); break;
		case 2: o.retry = true; break;
		case 's': {
			char *end;
			o.interval = strtod(opt_arg, &end);
			if (*end || end == opt_arg || !(o.interval >= 0))
				die(1, "invalid number of seconds: %s", quote(opt_arg));
			break;
		}
		case 'q': o.headers = -1; break;
		case 'v': o.headers = 1; break;
		case 'z': o.delim = 0; break;
		}
	}
	char *in[] = {"-", NULL};
	bool many = argc - opt_ind > 1;
	struct followed *list = xcalloc((size_t)argc + 1, sizeof *list);
	for (char **f = opt_ind < argc ? argv + opt_ind : in; *f; f++) {
		struct followed *w = &list[n++];
		*w = (struct followed){.name = *f, .fd = open_input(*f)};
		if (w->fd < 0) {
			warn_errno("cannot open %s for reading", quoteaf(*f));
			rc = 1;
			if (!o.retry)
				n--;
			continue;
		}
		header(*f, many);
		rc |= tail_file(w->fd, *f);
		remember(w);
		if (!o.follow && w->fd > 2)
			close(w->fd);
	}
	if (o.follow && n == 0)
		warn("no files remaining");
	if (o.follow && n > 0) {
		fflush(stdout);
		follow(list, n);
		if (!o.by_name && !(n == 1 && strcmp(list[0].name, "-") == 0))
			return rc;
	}
	return rc;
}
