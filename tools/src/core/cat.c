/* cat, tee, yes */
#include "tool.h"

const char cat_help[] = " [OPTION]... [FILE]...\nConcatenate FILE(s) to standard output. With no FILE, or when FILE is -, read standard input.\n\n"
    "  -A, --show-all          equivalent to -vET\n  -b, --number-nonblank   number nonempty output lines, overrides -n\n"
    "  -e                      equivalent to -vE\n  -E, --show-ends         display $ at end of each line\n"
    "  -n, --number            number all output lines\n  -s, --squeeze-blank     suppress repeated empty output lines\n"
    "  -t                      equivalent to -vT\n  -T, --show-tabs         display TAB characters as ^I\n"
    "  -u                      (ignored)\n  -v, --show-nonprinting  use ^ and M- notation, except for LFD and TAB\n";
const char tee_help[] = " [OPTION]... [FILE]...\nCopy standard input to each FILE, and also to standard output.\n\n"
    "  -a, --append             append to the given FILEs, do not overwrite\n  -i, --ignore-interrupts  ignore interrupt signals\n"
    "  -p                       operate in a more appropriate MODE with pipes\n";
const char yes_help[] = " [STRING]...\nRepeatedly output a line with all specified STRING(s), or 'y'.\n";

static struct {
	bool number, nonblank, squeeze, ends, tabs, nonprinting;
	unsigned long line;
	bool at_start, pending_cr;
	int blanks;
} o = {.at_start = true};

static void shown(unsigned char c) {
	if (c >= 128) {
		fputs("M-", stdout);
		c -= 128;
	}
	if (c < 32 || c == 127) {
		putchar('^');
		c = c == 127 ? '?' : c + 64;
	}
	putchar(c);
}

static void cooked(const char *p, size_t n) {
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == '\n') {
			if (o.at_start && ++o.blanks > 1 && o.squeeze)
				continue;
			if (!o.at_start)
				o.blanks = 0;
			if (o.at_start && o.number && !o.nonblank)
				printf("%6lu\t", ++o.line);
			if (o.ends)
				putchar('$');
			putchar('\n');
			o.at_start = true;
			continue;
		}
		if (o.at_start && o.number)
			printf("%6lu\t", ++o.line);
		o.at_start = false, o.blanks = 0;
		if (c == '\t' ? o.tabs : o.nonprinting)
			shown(c);
		else if (c == '\r' && o.ends && i + 1 < n && p[i + 1] == '\n')
			fputs("^M", stdout);
		else
			putchar(c);
	}
}

static int pass(int fd, const char *name, bool plain) {
	static char buf[65536];
	for (;;) {
		ssize_t n = read(fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return 0;
		if (n < 0) {
			warn_errno("%s", quotef(name));
			return 1;
		}
		if (!plain)
			cooked(buf, (size_t)n);
		else if (full_write(1, buf, (size_t)n))
			die_errno(1, "write error");
	}
}

static bool same_as_output(int fd) {
	struct sbx_stat in, out;
	if (sbx_fstat(fd, &in) || sbx_fstat(1, &out) || !S_ISREG(out.mode) || in.ino != out.ino || in.dev != out.dev)
		return false;
	off_t at = lseek(fd, 0, SEEK_CUR);
	return at < in.size;
}

int cat_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"show-all", 0, 'A'}, {"number-nonblank", 0, 'b'}, {"show-ends", 0, 'E'}, {"number", 0, 'n'},
	    {"squeeze-blank", 0, 's'}, {"show-tabs", 0, 'T'}, {"show-nonprinting", 0, 'v'}, {0, 0, 0}};
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "AbeEnstTuv", longs)) != -1) {
		o.number |= c == 'n' || c == 'b';
		o.nonblank |= c == 'b';
		o.squeeze |= c == 's';
		o.ends |= c == 'A' || c == 'e' || c == 'E';
		o.tabs |= c == 'A' || c == 't' || c == 'T';
		o.nonprinting |= c == 'A' || c == 'e' || c == 't' || c == 'v';
	}
	bool plain = !(o.number || o.squeeze || o.ends || o.tabs || o.nonprinting);
	char *in[] = {"-", NULL};
	for (char **f = opt_ind < argc ? argv + opt_ind : in; *f; f++) {
		int fd = open_input(*f);
		if (fd < 0) {
			warn_errno("%s", quotef(*f));
			rc = 1;
			continue;
		}
		if (same_as_output(fd)) {
			warn("%s: input file is output file", quotef(*f));
			rc = 1;
		} else {
			rc |= pass(fd, *f, plain);
		}
		if (fd > 2)
			close(fd);
	}
	return rc;
}

int tee_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"append", 0, 'a'}, {"ignore-interrupts", 0, 'i'}, {"output-error", 2, 'p'}, {0, 0, 0}};
	static char buf[65536];
	int c, rc = 0, n = 0, mode = SBX_O_TRUNC;
	ssize_t k;
	while ((c = opt_next(argc, argv, "aip", longs)) != -1) {
		if (c == 'a')
			mode = SBX_O_APPEND;
		if (c == 'i')
			sbx_signal(2, 1);
		if (c == 'p')
			sbx_signal(13, 1);
	}
	int *fds = xcalloc((size_t)argc + 1, sizeof *fds);
	const char **names = xcalloc((size_t)argc + 1, sizeof *names);
	fds[n] = 1, names[n++] = "standard output";
	for (; opt_ind < argc; opt_ind++) {
		fds[n] = sbx_open(argv[opt_ind], SBX_O_WRONLY | SBX_O_CREAT | mode, 0666);
		names[n] = argv[opt_ind];
		if (fds[n] >= 0) {
			n++;
			continue;
		}
		warn_errno("%s", quotef(argv[opt_ind]));
		rc = 1;
	}
	while ((k = read(0, buf, sizeof buf)) != 0) {
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			warn_errno("read error");
			return 1;
		}
		for (int i = 0; i < n; i++) {
			if (fds[i] >= 0 && full_write(fds[i], buf, (size_t)k)) {
				warn_errno("%s", quotef(names[i]));
				fds[i] = -1;
				rc = 1;
			}
		}
	}
	return rc;
}

int yes_main(int argc, char **argv) {
	static char buf[16384];
	size_t n = 0, one = 2;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		opt_next(argc, argv, "+", NULL);
	while ((opt_next(argc, argv, "+", NULL)) != -1)
		;
	for (int i = opt_ind; i < argc; i++)
		one += strlen(argv[i]) + 1;
	char *line = xmalloc(one), *p = line;
	if (opt_ind >= argc)
		p = stpcpy(p, "y");
	for (int i = opt_ind; i < argc; i++) {
		if (i > opt_ind)
			*p++ = ' ';
		p = stpcpy(p, argv[i]);
	}
	*p++ = '\n';
	one = (size_t)(p - line);
	char *out = one < sizeof buf ? buf : line;
	if (out == line)
		n = one;
	while (out == buf && n + one <= sizeof buf) {
		memcpy(buf + n, line, one);
		n += one;
	}
	for (;;)
		if (full_write(1, out, n))
			die_errno(1, "standard output");
}
