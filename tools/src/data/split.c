/* split */
#include "tool.h"

const char split_help[] = " [OPTION]... [FILE [PREFIX]]\n"
    "Output pieces of FILE to PREFIXaa, PREFIXab, ...; default size is 1000 lines, and default PREFIX is 'x'.\n\n"
    "  -a, --suffix-length=N   generate suffixes of length N (default 2)\n"
    "      --additional-suffix=SUFFIX  append an additional SUFFIX to file names\n"
    "  -b, --bytes=SIZE        put SIZE bytes per output file\n"
    "  -C, --line-bytes=SIZE   put at most SIZE bytes of records per output file\n"
    "  -d, --numeric-suffixes[=FROM]  use numeric suffixes starting at 0\n"
    "  -e, --elide-empty-files  do not generate empty output files with '-n'\n"
    "  -l, --lines=NUMBER      put NUMBER lines per output file\n"
    "  -n, --number=CHUNKS     generate CHUNKS output files by size\n"
    "  -t, --separator=SEP     use SEP instead of newline as the record separator\n"
    "  -x, --hex-suffixes[=FROM]  use hexadecimal suffixes starting at 0\n"
    "      --verbose           print a diagnostic just before each output file is opened\n";

static const struct lopt longs[] = {{"suffix-length", 1, 'a'}, {"additional-suffix", 1, 1}, {"bytes", 1, 'b'}, {"line-bytes", 1, 'C'},
    {"numeric-suffixes", 2, 'd'}, {"hex-suffixes", 2, 'x'}, {"elide-empty-files", 0, 'e'}, {"lines", 1, 'l'}, {"number", 1, 'n'},
    {"separator", 1, 't'}, {"verbose", 0, 2}, {0, 0, 0}};
static const char suffixes[] = "bEGKkMmPTYZ0";

static const char *prefix = "x", *extra = "", *alphabet = "abcdefghijklmnopqrstuvwxyz";
static unsigned length = 2;
static bool fixed_length, verbose, elide;
static uint64_t serial;
static int out = -1, delimiter = '\n';

static void open_next(void) {
	size_t base = strlen(alphabet), n = length;
	uint64_t room = 1, v = serial;
	if (out >= 0)
		close(out);
	/* Without -a the suffixes grow: xyz is followed by zaaa, so that names stay in order. */
	if (!fixed_length && base == 26) {
		uint64_t block = 25 * 26, offset = 0;
		for (n = 2; v >= offset + block; n += 1, offset += block, block *= 26)
			if (n > 12)
				die(1, "output file suffixes exhausted");
		v -= offset;
		size_t tail = n - 1;
		char *digits = xmalloc(2 * n + 1), *p = digits;
		for (size_t i = 2; i < n; i++)
			*p++ = 'z';
		for (size_t i = 0; i < tail + 1; i++) {
			uint64_t unit = 1;
			for (size_t k = i; k < tail; k++)
				unit *= 26;
			*p++ = alphabet[v / unit % 26];
		}
		*p = 0;
		char *name = xasprintf("%s%s%s", prefix, digits, extra);
		free(digits);
		out = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_TRUNC, 0666);
		if (verbose)
			printf("creating file %s\n", quoteaf(name));
		if (out < 0)
			die_errno(1, "%s", quotef(name));
		free(name);
		serial++;
		return;
	}
	char *digits = xcalloc(1, n + 1);
	for (size_t i = n; i-- > 0; v /= base)
		digits[i] = alphabet[v % base];
	for (size_t i = 0; i < n && room < UINT64_MAX / base; i++)
		room *= base;
	if (v || serial >= room)
		die(1, "output file suffixes exhausted");
	char *name = xasprintf("%s%s%s", prefix, digits, extra);
	if (verbose)
		printf("creating file %s\n", quoteaf(name));
	out = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_TRUNC, 0666);
	if (out < 0)
		die_errno(1, "%s", quotef(name));
	free(name), free(digits);
	serial++;
}

static void put(const char *p, size_t n) {
	if (full_write(out, p, n))
		die_errno(1, "write error");
}

static void by_bytes(struct rd *r, uint64_t size, uint64_t max_files) {
	uint64_t left = 0, files = 0;
	char *p;
	ssize_t got;
	while ((got = rd_peek(r, &p)) > 0) {
		if (!left) {
			if (files < max_files || !max_files)
				open_next(), files++, left = size;
			else
				left = UINT64_MAX;
		}
		size_t n = (uint64_t)got < left ? (size_t)got : (size_t)left;
		put(p, n);
		rd_skip(r, n);
		left -= n;
	}
}

static void by_lines(struct rd *r, uint64_t lines) {
	uint64_t left = 0;
	char *line;
	size_t n;
	while ((line = rd_line(r, delimiter, &n))) {
		if (!left)
			open_next(), left = lines;
		put(line, n);
		left--;
	}
}

static void by_line_bytes(struct rd *r, uint64_t size) {
	uint64_t used = 0;
	bool open = false;
	char *line;
	size_t n;
	while ((line = rd_line(r, delimiter, &n)))
		for (size_t at = 0; at < n;) {
			size_t rest = n - at;
			if (!open || (used && used + rest > size))
				open_next(), open = true, used = 0;
			size_t take = rest < size - used ? rest : (size_t)(size - used);
			put(line + at, take);
			at += take, used += take;
			if (used == size)
				open = false;
		}
}

/* -n N: equal parts by size, the last takes the rest; l/N: the same without splitting lines; r/N: lines in turn. */
static void by_number(int fd, const char *spec) {
	bool whole = strncmp(spec, "l/", 2) == 0, turns = strncmp(spec, "r/", 2) == 0;
	size_t n = 0, at = 0;
	uint64_t chunks = need_size(spec + (whole || turns ? 2 : 0), "", "number of chunks");
	if (!chunks || chunks > 1000000)
		die(1, "invalid number of chunks: %s", quote(spec));
	char *data = read_all(fd, &n);
	if (!data)
		die_errno(1, "read error");
	if (turns) {
		char **buf = xcalloc(chunks, sizeof *buf);
		size_t *used = xcalloc(chunks, sizeof *used), *cap = xcalloc(chunks, sizeof *cap);
		for (uint64_t k = 0; at < n; k++) {
			char *end = memchr(data + at, delimiter, n - at);
			size_t len = end ? (size_t)(end - data) + 1 - at : n - at, i = (size_t)(k % chunks);
			if (used[i] + len > cap[i])
				buf[i] = xrealloc(buf[i], cap[i] = 2 * (used[i] + len));
			memcpy(buf[i] + used[i], data + at, len);
			used[i] += len, at += len;
		}
		for (uint64_t i = 0; i < chunks; i++)
			if (used[i] || !elide)
				open_next(), put(buf[i] ? buf[i] : "", used[i]);
		return;
	}
	for (uint64_t k = 0; k < chunks; k++) {
		size_t end = k == chunks - 1 ? n : (size_t)(n / chunks * (k + 1));
		if (whole && k < chunks - 1) {
			end = (size_t)(n / chunks * (k + 1));
			if (end <= at && end)
				end = at;
			else if (end) {
				char *nl = memchr(data + end - 1, delimiter, n - end + 1);
				end = nl ? (size_t)(nl - data) + 1 : n;
			}
		}
		if (end < at)
			end = at;
		if (end > at || !elide)
			open_next(), put(data + at, end - at);
		at = end;
	}
}

int split_main(int argc, char **argv) {
	int c;
	char how = 'l';
	uint64_t size = 1000;
	const char *number = NULL;
	while ((c = opt_next(argc, argv, "a:b:C:d::el:n:t:x::", longs)) != -1) {
		switch (c) {
		case 'a': length = (unsigned)need_size(opt_arg, "", "suffix length"), fixed_length = length != 0; if (!length) length = 2; break;
		case 'b': case 'C': how = (char)c, size = need_size(opt_arg, suffixes, "number of bytes"); break;
		case 'l': how = 'l', size = need_size(opt_arg, "", "number of lines"); break;
		case 'n': how = 'n', number = opt_arg; break;
		case 'd': alphabet = "0123456789"; goto start;
		case 'x': alphabet = "0123456789abcdef"; goto start;
		start:
			if (opt_arg)
				serial = need_size(opt_arg, "", "start value");
			break;
		case 'e': elide = true; break;
		case 't': delimiter = strcmp(opt_arg, "\\0") == 0 ? 0 : (unsigned char)*opt_arg; break;
		case 1: extra = opt_arg; break;
		case 2: verbose = true; break;
		}
	}
	if (!size)
		die(1, "invalid number of %s: '0': Numerical result out of range", how == 'l' ? "lines" : "bytes");
	if (argc - opt_ind > 2)
		extra_operand(1, argv[opt_ind + 2]);
	const char *name = opt_ind < argc ? argv[opt_ind] : "-";
	if (opt_ind + 1 < argc)
		prefix = argv[opt_ind + 1];
	int fd = open_input(name);
	if (fd < 0)
		die_errno(1, "cannot open %s for reading", quoteaf(name));
	struct rd r;
	rd_init(&r, fd);
	switch (how) {
	case 'b': by_bytes(&r, size, 0); break;
	case 'C': by_line_bytes(&r, size); break;
	case 'n': by_number(fd, number); break;
	default: by_lines(&r, size);
	}
	if (r.err) {
		errno = r.err;
		die_errno(1, "%s", quotef(name));
	}
	return 0;
}
