/* wc */
#include "tool.h"

const char wc_help[] = " [OPTION]... [FILE]...\nPrint newline, word, and byte counts for each FILE, and a total line if\nmore than one FILE is specified.\n\n"
    "  -c, --bytes            print the byte counts\n  -m, --chars            print the character counts\n  -l, --lines            print the newline counts\n"
    "      --files0-from=F    read input from the files specified by NUL-terminated names in file F\n"
    "  -L, --max-line-length  print the maximum display width\n  -w, --words            print the word counts\n";

enum { LINES, WORDS, CHARS, BYTES, WIDTH, KINDS };

static bool want[KINDS];
static int width = 1;

static void print(const uint64_t n[KINDS], const char *name) {
	const char *gap = "";
	for (int i = 0; i < KINDS; i++) {
		if (!want[i])
			continue;
		printf("%s%*llu", gap, width, (unsigned long long)n[i]);
		gap = " ";
	}
	if (name)
		printf(" %s", strchr(name, '\n') ? quotef(name) : name);
	putchar('\n');
}

static void count_words(const unsigned char *p, size_t n, uint64_t c[KINDS], bool *in_word, uint64_t *col) {
	for (size_t i = 0; i < n; i++) {
		unsigned char b = p[i];
		if (b == '\n' || b == '\r' || b == '\f') {
			c[LINES] += b == '\n';
			if (*col > c[WIDTH])
				c[WIDTH] = *col;
			*col = 0;
			*in_word = false;
		} else if (b == '\t') {
			*col += 8 - *col % 8;
			*in_word = false;
		} else if (b == ' ' || b == '\v') {
			*col += b == ' ';
			*in_word = false;
		} else if (b > ' ' && b < 0x7f) {
			(*col)++;
			c[WORDS] += !*in_word;
			*in_word = true;
		}
	}
}

static int count(int fd, const char *name, uint64_t c[KINDS]) {
	static unsigned char buf[65536];
	struct sbx_stat st;
	bool in_word = false;
	uint64_t col = 0;
	if (!want[LINES] && !want[WORDS] && !want[WIDTH] && sbx_fstat(fd, &st) == 0 && S_ISREG(st.mode) && st.size > 0) {
		off_t at = lseek(fd, 0, SEEK_CUR);
		if (at >= 0 && at <= st.size && lseek(fd, 0, SEEK_END) >= 0) {
			c[BYTES] = c[CHARS] = (uint64_t)(st.size - at);
			return 0;
		}
	}
	for (;;) {
		ssize_t n = read(fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			warn_errno("%s", quotef(name));
			return 1;
		}
		if (n == 0)
			break;
		c[BYTES] += (uint64_t)n;
		if (want[WORDS] || want[WIDTH]) {
			count_words(buf, (size_t)n, c, &in_word, &col);
			continue;
		}
		for (unsigned char *p = buf; (p = memchr(p, '\n', (size_t)(buf + n - p))); p++)
			c[LINES]++;
	}
	if (col > c[WIDTH])
		c[WIDTH] = col;
	c[CHARS] = c[BYTES];
	return 0;
}

/* GNU lines the numbers up by the files' sizes together. */
static void measure(char **files, int n) {
	uint64_t total = 0;
	int kinds = 0, least = 1;
	for (int i = 0; i < KINDS; i++)
		kinds += want[i];
	if (n == 0 || (n == 1 && kinds == 1)) {
		width = n == 0 && kinds > 1 ? 7 : 1;
		if (n == 0) {
			struct sbx_stat st;
			if (kinds > 1 && sbx_fstat(0, &st) == 0 && S_ISREG(st.mode)) {
				char b[24];
				width = (int)strlen(umax((uint64_t)st.size, b));
			}
		}
		return;
	}
	for (int i = 0; i < n; i++) {
		struct sbx_stat st;
		int rc = strcmp(files[i], "-") == 0 ? sbx_fstat(0, &st) : sbx_stat(files[i], 0, &st);
		if (rc)
			continue;
		if (S_ISREG(st.mode))
			total += (uint64_t)st.size;
		else
			least = 7;
	}
	char b[24];
	width = (int)strlen(umax(total, b));
	if (width < least)
		width = least;
}

static char **from_file(const char *name, int *n) {
	int fd = open_input(name);
	size_t len, cap = 0, count = 0;
	char **list = NULL, *text = fd < 0 ? NULL : read_all(fd, &len);
	if (!text)
		die_errno(1, "cannot open %s for reading", quoteaf(name));
	for (char *p = text; p < text + len; p += strlen(p) + 1) {
		list = grow(list, count, &cap, sizeof *list);
		list[count++] = p;
	}
	*n = (int)count;
	return list;
}

int wc_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"bytes", 0, 'c'}, {"chars", 0, 'm'}, {"lines", 0, 'l'}, {"words", 0, 'w'},
	    {"max-line-length", 0, 'L'}, {"files0-from", 1, 1}, {"debug", 0, 2}, {0, 0, 0}};
	int c, rc = 0;
	const char *list = NULL;
	while ((c = opt_next(argc, argv, "clLmw", longs)) != -1) {
		switch (c) {
		case 'l': want[LINES] = true; break;
		case 'w': want[WORDS] = true; break;
		case 'm': want[CHARS] = true; break;
		case 'c': want[BYTES] = true; break;
		case 'L': want[WIDTH] = true; break;
		case 1: list = opt_arg; break;
		}
	}
	if (!want[LINES] && !want[WORDS] && !want[CHARS] && !want[BYTES] && !want[WIDTH])
		want[LINES] = want[WORDS] = want[BYTES] = true;
	int n = argc - opt_ind;
	char **files = argv + opt_ind;
	if (list) {
		if (n) {
			warn("extra operand %s", quote(files[0]));
			fputs("file operands cannot be combined with --files0-from\n", stderr);
			usage(1);
		}
		files = from_file(list, &n);
	}
	uint64_t total[KINDS] = {0};
	struct sbx_stat from;
	if (!list || (strcmp(list, "-") ? sbx_stat(list, 0, &from) : sbx_fstat(0, &from)) || S_ISREG(from.mode))
		measure(files, n);
	for (int i = 0; i < (n || list ? n : 1); i++) {
		const char *name = n ? files[i] : NULL;
		uint64_t k[KINDS] = {0};
		int fd = name ? open_input(name) : 0;
		if (fd < 0) {
			warn_errno("%s", quotef(name));
			rc = 1;
			continue;
		}
		rc |= count(fd, name ? name : "-", k);
		print(k, name);
		for (int j = 0; j < KINDS; j++)
			total[j] = j == WIDTH ? (k[j] > total[j] ? k[j] : total[j]) : total[j] + k[j];
		if (fd > 2)
			close(fd);
	}
	if (n > 1)
		print(total, "total");
	return rc;
}
