/* paste, tac, rev */
#include "tool.h"

const char paste_help[] = " [OPTION]... [FILE]...\nWrite lines consisting of the sequentially corresponding lines from each FILE, separated by TABs.\n\n"
    "  -d, --delimiters=LIST   reuse characters from LIST instead of TABs\n  -s, --serial            paste one file at a time instead of in parallel\n"
    "  -z, --zero-terminated   line delimiter is NUL, not newline\n";
const char tac_help[] = " [OPTION]... [FILE]...\nWrite each FILE to standard output, last line first.\n\n"
    "  -b, --before             attach the separator before instead of after\n  -s, --separator=STRING   use STRING as the separator instead of newline\n";
const char rev_help[] = " [options] [<file> ...]\nReverse lines characterwise.\n";

static short *delims; /* -1: none at this place */
static size_t n_delims;
static int end = '\n';

static void delimiters(const char *s) {
	const char *list = s;
	delims = xmalloc((strlen(s) + 1) * sizeof *delims);
	n_delims = 0;
	if (!*s)
		delims[n_delims++] = -1;
	for (; *s; s++) {
		short c = (unsigned char)*s;
		if (c == '\\') {
			switch (*++s) {
			case '0': c = -1; break;
			case 'b': c = '\b'; break;
			case 'f': c = '\f'; break;
			case 'n': c = '\n'; break;
			case 'r': c = '\r'; break;
			case 't': c = '\t'; break;
			case 'v': c = '\v'; break;
			case 0: die(1, "delimiter list ends with an unescaped backslash: %s", list); break;
			default: c = (unsigned char)*s;
			}
		}
		delims[n_delims++] = c;
	}
}

static void put_delim(size_t i) {
	if (delims[i % n_delims] >= 0)
		putchar(delims[i % n_delims]);
}

/* A line without its end; false at the end of the file. */
static bool put_line(struct rd *r, const char *name, int *rc) {
	size_t n;
	char *p = rd_line(r, end, &n);
	if (!p) {
		if (r->err) {
			errno = r->err;
			warn_errno("%s", quotef(name));
			*rc = 1;
			r->err = 0;
		}
		return false;
	}
	fwrite(p, 1, n && p[n - 1] == (char)end ? n - 1 : n, stdout);
	return true;
}

static int serial(char **files) {
	int rc = 0;
	for (; *files; files++) {
		struct rd r;
		int fd = open_input(*files);
		if (fd < 0) {
			warn_errno("%s", quotef(*files));
			rc = 1;
			continue;
		}
		rd_init(&r, fd);
		char *p;
		for (size_t i = 0; rd_peek(&r, &p) > 0; i++) {
			if (i)
				put_delim(i - 1);
			put_line(&r, *files, &rc);
		}
		if (r.err)
			put_line(&r, *files, &rc);
		putchar(end);
		rd_free(&r);
		if (fd)
			close(fd);
	}
	return rc;
}

static int parallel(char **files) {
	size_t n = 0;
	int rc = 0;
	while (files[n])
		n++;
	struct rd *r = xcalloc(n, sizeof *r), in;
	struct rd **of = xcalloc(n, sizeof *of); /* every "-" is the same stream; NULL: ended */
	rd_init(&in, 0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i], "-") == 0) {
			of[i] = &in;
			continue;
		}
		int fd = open_input(files[i]);
		if (fd < 0)
			die_errno(1, "%s", quotef(files[i]));
		rd_init(of[i] = &r[i], fd);
	}
	for (;;) {
		size_t pending = 0; /* delimiters of ended files that are owed */
		bool any = false;
		for (size_t i = 0; i < n; i++) {
			char *p;
			if (of[i] && rd_peek(of[i], &p) > 0) {
				for (any = true; pending > 0; pending--)
					put_delim(i - pending);
				put_line(of[i], files[i], &rc);
			} else if (of[i]) {
				if (of[i]->err)
					put_line(of[i], files[i], &rc);
				of[i] = NULL;
			}
			pending++;
		}
		if (!any)
			return rc;
		for (; pending > 1; pending--)
			put_delim(n - pending);
		putchar(end);
	}
}

int paste_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"delimiters", 1, 'd'}, {"serial", 0, 's'}, {"zero-terminated", 0, 'z'}, {0, 0, 0}};
	int c;
	bool one = false;
	delimiters("\t");
	while ((c = opt_next(argc, argv, "d:sz", longs)) != -1) {
		switch (c) {
		case 'd': delimiters(opt_arg); break;
		case 's': one = true; break;
		case 'z': end = 0; break;
		}
	}
	char *in[] = {"-", NULL}, **files = opt_ind < argc ? argv + opt_ind : in;
	return one ? serial(files) : parallel(files);
}

/* ---- tac */

/* The text behind every separator is a record; the last comes first. */
static void tac_text(const char *p, size_t n, const char *sep, size_t k, bool before) {
	size_t stop = n;
	for (size_t at = n; at >= k;) {
		if (memcmp(p + at - k, sep, k)) {
			at--;
			continue;
		}
		size_t cut = before ? at - k : at;
		if (before || at < n) {
			fwrite(p + cut, 1, stop - cut, stdout);
			stop = cut;
		}
		at -= k;
	}
	fwrite(p, 1, stop, stdout);
}

int tac_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"before", 0, 'b'}, {"regex", 0, 'r'}, {"separator", 1, 's'}, {0, 0, 0}};
	const char *sep = "\n";
	int c, rc = 0;
	bool before = false;
	while ((c = opt_next(argc, argv, "brs:", longs)) != -1) {
		switch (c) {
		case 'b': before = true; break;
		case 'r': die(1, "option '--regex' is not supported"); break;
		case 's': sep = opt_arg; break;
		}
	}
	size_t k = *sep ? strlen(sep) : 1; /* an empty one is NUL */
	char *in[] = {"-", NULL};
	for (char **f = opt_ind < argc ? argv + opt_ind : in; *f; f++) {
		int fd = open_input(*f);
		size_t n;
		if (fd < 0) {
			warn_errno("failed to open %s for reading", quoteaf(*f));
			rc = 1;
			continue;
		}
		char *all = read_all(fd, &n);
		if (all)
			tac_text(all, n, sep, k, before);
		else {
			warn_errno("%s: read error", quotef(*f));
			rc = 1;
		}
		free(all);
		if (fd)
			close(fd);
	}
	return rc;
}

/* ---- rev */

/* The length of the UTF-8 character that ends before p[n]; 1 for anything else. */
static size_t last_char(const char *p, size_t n) {
	size_t k = 1;
	while (k < 4 && k < n && ((unsigned char)p[n - k] & 0xc0) == 0x80)
		k++;
	unsigned char c = (unsigned char)p[n - k];
	size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
	return want == k ? k : 1;
}

int rev_main(int argc, char **argv) {
	int rc = 0;
	while (opt_next(argc, argv, "", NULL) != -1)
		;
	char *in[] = {"-", NULL};
	for (char **f = opt_ind < argc ? argv + opt_ind : in; *f; f++) {
		struct rd r;
		size_t n;
		char *p;
		int fd = *f == in[0] ? 0 : sbx_open(*f, SBX_O_RDONLY, 0);
		if (fd < 0) {
			warn_errno("cannot open %s", *f);
			rc = 1;
			continue;
		}
		rd_init(&r, fd);
		while ((p = rd_line(&r, '\n', &n))) {
			bool nl = p[n - 1] == '\n';
			for (n -= nl; n;) {
				size_t k = last_char(p, n);
				n -= k;
				fwrite(p + n, 1, k, stdout);
			}
			if (nl)
				putchar('\n');
		}
		if (r.err) {
			errno = r.err;
			warn_errno("%s", *f);
			rc = 1;
		}
		rd_free(&r);
		if (fd)
			close(fd);
	}
	return rc;
}
