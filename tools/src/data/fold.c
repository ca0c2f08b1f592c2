/* fold, expand, unexpand */
#include "tool.h"

const char fold_help[] = " [OPTION]... [FILE]...\nWrap input lines in each FILE, writing to standard output.\n\n"
    "  -b, --bytes         count bytes rather than columns\n  -s, --spaces        break at spaces\n"
    "  -w, --width=WIDTH   use WIDTH columns instead of 80\n";
const char expand_help[] = " [OPTION]... [FILE]...\nConvert tabs in each FILE to spaces, writing to standard output.\n\n"
    "  -i, --initial    do not convert tabs after non blanks\n  -t, --tabs=N     have tabs N characters apart, not 8\n"
    "  -t, --tabs=LIST  use comma separated list of tab positions; the last may be /N or +N\n";
const char unexpand_help[] = " [OPTION]... [FILE]...\nConvert blanks in each FILE to tabs, writing to standard output.\n\n"
    "  -a, --all        convert all blanks, instead of just initial blanks\n      --first-only  convert only leading sequences of blanks\n"
    "  -t, --tabs=N     have tabs N characters apart instead of 8 (enables -a)\n  -t, --tabs=LIST  use comma separated list of tab positions (enables -a)\n";

typedef int (*filter)(struct rd *r);

static int each(int argc, char **argv, filter f) {
	int rc = 0;
	char *in[] = {"-", NULL};
	for (char **a = opt_ind < argc ? argv + opt_ind : in; *a; a++) {
		struct rd r;
		int fd = open_input(*a);
		if (fd < 0) {
			warn_errno("%s", quotef(*a));
			rc = 1;
			continue;
		}
		rd_init(&r, fd);
		f(&r);
		if (r.err) {
			errno = r.err;
			warn_errno("%s", quotef(*a));
			rc = 1;
		}
		rd_free(&r);
		if (fd)
			close(fd);
	}
	return rc;
}

/* Turns an option of the old form, -N, into "-xN" ahead of the others. */
static void digits_option(int argc, char **argv, char letter, const char *more) {
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		char *a = argv[i];
		if (a[0] == '-' && a[1] >= '0' && a[1] <= '9' && strspn(a + 1, more) == strlen(a + 1))
			argv[i] = xasprintf("-%c%s", letter, a + 1);
	}
}

/* ---- fold */

static bool fold_bytes, fold_spaces;
static uint64_t width = 80;

static uint64_t advance(uint64_t col, char c) {
	if (fold_bytes)
		return col + 1;
	switch (c) {
	case '\b': return col ? col - 1 : 0;
	case '\r': return 0;
	case '\t': return col + 8 - col % 8;
	}
	return col + 1;
}

static int fold_file(struct rd *r) {
	char *line = NULL;
	size_t n = 0, cap = 0;
	uint64_t col = 0;
	int c;
	while ((c = rd_getc(r)) != -1) {
		line = grow(line, n, &cap, 1);
		if (c == '\n') {
			line[n++] = '\n';
			fwrite(line, 1, n, stdout);
			n = 0, col = 0;
			continue;
		}
	again:
		col = advance(col, (char)c);
		if (col > width) {
			size_t cut = 0;
			if (fold_spaces)
				for (cut = n; cut > 0 && line[cut - 1] != ' ' && line[cut - 1] != '\t'; cut--)
					;
			if (cut) {
				fwrite(line, 1, cut, stdout);
				putchar('\n');
				memmove(line, line + cut, n - cut);
				n -= cut;
				col = 0;
				for (size_t i = 0; i < n; i++)
					col = advance(col, line[i]);
				goto again;
			}
			if (n == 0) {
				line[n++] = (char)c;
				continue;
			}
			fwrite(line, 1, n, stdout);
			putchar('\n');
			n = 0, col = 0;
			goto again;
		}
		line[n++] = (char)c;
	}
	fwrite(line ? line : "", 1, n, stdout);
	free(line);
	return 0;
}

int fold_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"bytes", 0, 'b'}, {"spaces", 0, 's'}, {"width", 1, 'w'}, {0, 0, 0}};
	int c;
	digits_option(argc, argv, 'w', "0123456789");
	while ((c = opt_next(argc, argv, "bsw:", longs)) != -1) {
		switch (c) {
		case 'b': fold_bytes = true; break;
		case 's': fold_spaces = true; break;
		case 'w': {
			int bad = parse_size(opt_arg, "", &width);
			if (bad || width == 0 || width > UINT64_MAX - 9)
				die(1, bad == 1 ? "invalid number of columns: %s: Value too large for defined data type" : bad || width ? "invalid number of columns: %s"
				        : "invalid number of columns: %s: Numerical result out of range", quote(opt_arg));
			break;
		}
		}
	}
	return each(argc, argv, fold_file);
}

/* ---- tab stops */

static uint64_t *stops, every, from_last; /* explicit stops; a multiple; a distance from the last stop */
static size_t n_stops, cap_stops;

static void parse_stops(const char *s) {
	while (*s) {
		if (*s == ',' || *s == ' ' || *s == '\t') {
			s++;
			continue;
		}
		char mark = *s == '/' || *s == '+' ? *s++ : 0;
		const char *p = s;
		uint64_t v = 0;
		if (*s < '0' || *s > '9')
			die(1, "tab size contains invalid character(s): %s", quote(s));
		for (; *s >= '0' && *s <= '9'; s++) {
			if (v > (UINT64_MAX - 9) / 10)
				die(1, "tab stop is too large %s", quote(xstrndup(p, strspn(p, "0123456789"))));
			v = v * 10 + (uint64_t)(*s - '0');
		}
		if (mark == '/') {
			if (every)
				die(1, "'/' specifier only allowed with the last value");
			every = v;
		} else if (mark == '+') {
			if (from_last)
				die(1, "'+' specifier only allowed with the last value");
			from_last = v;
		} else {
			stops = grow(stops, n_stops, &cap_stops, sizeof *stops);
			stops[n_stops++] = v;
		}
	}
}

static void finish_stops(void) {
	for (size_t i = 0; i < n_stops; i++) {
		if (stops[i] == 0)
			die(1, "tab size cannot be 0");
		if (i && stops[i] <= stops[i - 1])
			die(1, "tab sizes must be ascending");
	}
	if (every && from_last)
		die(1, "'/' specifier is mutually exclusive with '+'");
	if (n_stops == 0 && !every)
		every = from_last ? from_last : 8;
	else if (n_stops == 1 && !every && !from_last) {
		every = stops[0];
		n_stops = 0;
	}
}

/* The first stop behind col; 0: there is none. */
static uint64_t stop_after(uint64_t col) {
	for (size_t i = 0; i < n_stops; i++)
		if (stops[i] > col)
			return stops[i];
	if (every)
		return col + every - col % every;
	if (from_last) {
		uint64_t last = stops[n_stops - 1];
		return col + from_last - (col - last) % from_last;
	}
	return 0;
}

/* ---- expand */

static bool all = true;

static int expand_file(struct rd *r) {
	uint64_t col = 0;
	bool convert = true;
	int c;
	while ((c = rd_getc(r)) != -1) {
		if (c == '\n') {
			putchar(c);
			col = 0, convert = true;
			continue;
		}
		if (convert) {
			if (c == '\t') {
				uint64_t to = stop_after(col);
				for (to = to ? to : col + 1; col + 1 < to; col++)
					putchar(' ');
				c = ' ';
				col++;
			} else if (c == '\b')
				col -= col > 0;
			else
				col++;
			convert = all || c == ' ' || c == '\t';
		}
		putchar(c);
	}
	return 0;
}

int expand_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"initial", 0, 'i'}, {"tabs", 1, 't'}, {0, 0, 0}};
	int c;
	digits_option(argc, argv, 't', "0123456789,");
	while ((c = opt_next(argc, argv, "it:", longs)) != -1) {
		if (c == 'i')
			all = false;
		else
			parse_stops(opt_arg);
	}
	finish_stops();
	return each(argc, argv, expand_file);
}

/* ---- unexpand */

/* Writes a run of blanks from column from to column to. A single space behind other text stays one. */
static void put_run(const char *run, size_t n, uint64_t from, uint64_t to) {
	uint64_t stop;
	if (n == 1 && *run == ' ' && from > 0) {
		putchar(' ');
		return;
	}
	for (; (stop = stop_after(from)) && stop <= to; from = stop)
		putchar('\t');
	for (; from < to; from++)
		putchar(' ');
}

/* The blanks at the front of p[0..n) that have a tab stop behind them; col moves to their end. */
static size_t run_length(const char *p, size_t n, uint64_t *col) {
	size_t i = 0;
	uint64_t stop;
	for (; i < n && (p[i] == ' ' || p[i] == '\t') && (stop = stop_after(*col)); i++)
		*col = p[i] == '\t' ? stop : *col + 1;
	return i;
}

static int unexpand_file(struct rd *r) {
	size_t n, k;
	char *p;
	while ((p = rd_line(r, '\n', &n))) {
		uint64_t col = 0;
		for (size_t i = 0; i < n;) {
			uint64_t from = col;
			if ((k = run_length(p + i, n - i, &col))) {
				put_run(p + i, k, from, col);
				i += k;
			}
			if (i == n)
				break;
			if (!all || !stop_after(col)) { /* the rest of the line as it is */
				fwrite(p + i, 1, n - i, stdout);
				break;
			}
			putchar(p[i]);
			col = p[i] == '\b' ? col - (col > 0) : col + 1;
			i++;
		}
	}
	return 0;
}

int unexpand_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"all", 0, 'a'}, {"first-only", 0, 256}, {"tabs", 1, 't'}, {0, 0, 0}};
	int c;
	bool first = false;
	all = false;
	digits_option(argc, argv, 't', "0123456789,");
	while ((c = opt_next(argc, argv, "at:", longs)) != -1) {
		switch (c) {
		case 'a': all = true; break;
		case 256: first = true; break;
		case 't':
			all = true;
			parse_stops(opt_arg);
			break;
		}
	}
	all = all && !first;
	finish_stops();
	return each(argc, argv, unexpand_file);
}
