/* od */
#include "tool.h"

#include <float.h>

const char od_help[] = " [OPTION]... [FILE]...\n"
    "Write an unambiguous representation, octal bytes by default, of FILE to standard output.\n\n"
    "  -A, --address-radix=RADIX   output format for file offsets; RADIX is one of [doxn]\n"
    "  -j, --skip-bytes=BYTES      skip BYTES input bytes first\n"
    "  -N, --read-bytes=BYTES      limit dump to BYTES input bytes\n"
    "  -t, --format=TYPE           select output format or formats: a, c, d, f, o, u, x with a size, z for text\n"
    "  -v, --output-duplicates     do not use * to mark line suppression\n"
    "  -w[BYTES], --width[=BYTES]  output BYTES bytes per output line\n"
    "  -a -b -c -d -f -i -l -o -s -x  the traditional formats\n";

static const struct lopt longs[] = {{"address-radix", 1, 'A'}, {"skip-bytes", 1, 'j'}, {"read-bytes", 1, 'N'}, {"format", 1, 't'},
    {"output-duplicates", 0, 'v'}, {"width", 2, 'w'}, {"endian", 1, 1}, {0, 0, 0}};
static const char *const endians[] = {"little", "big", 0};
static const char suffixes[] = "bEGKkMmPTYZ0";

struct format {
	char type;       /* a c d f o u x */
	unsigned size;   /* bytes of one value */
	unsigned digits; /* its field, without the space before it */
	bool text;       /* 'z' */
	unsigned pad;    /* blanks to spread over a row, so that the columns of all formats meet */
};

static struct format formats[32];
static size_t nformats;
static unsigned width = 16;
static bool all_lines, big_endian;
static char radix = 'o';
static uint64_t to_skip, to_read = UINT64_MAX;

static unsigned field_digits(char type, unsigned size) {
	static const uint8_t octal[] = {0, 3, 6, 0, 11, 0, 0, 0, 22}, dec[] = {0, 4, 6, 0, 11, 0, 0, 0, 20}, unsig[] = {0, 3, 5, 0, 10, 0, 0, 0, 20};
	switch (type) {
	case 'a': case 'c': return 3;
	case 'o': return octal[size];
	case 'd': return dec[size];
	case 'u': return unsig[size];
	case 'x': return size * 2;
	}
	return size == 4 ? 15 : 24;
}

static void add(char type, unsigned size, bool text) {
	if (nformats == LEN(formats))
		die(1, "too many output formats");
	formats[nformats++] = (struct format){type, size, field_digits(type, size), text, 0};
}

static unsigned parse_width(const char *all, const char **p, char type) {
	static const struct {
		char letter;
		unsigned size;
	} letters[] = {{'C', 1}, {'S', 2}, {'I', 4}, {'L', 8}, {'F', 4}, {'D', 8}};
	for (size_t i = 0; i < LEN(letters); i++)
		if (**p && **p == letters[i].letter && (type == 'f') == (i > 3)) {
			++*p;
			return letters[i].size;
		}
	unsigned size = 0;
	if (**p < '0' || **p > '9')
		return type == 'f' ? 8 : 4;
	for (; **p >= '0' && **p <= '9' && size < 100; ++*p)
		size = size * 10 + (unsigned)(**p - '0');
	if (size != 1 && size != 2 && size != 4 && size != 8)
		die(1, "invalid type string %s;\nthis system doesn't provide a %u-byte %s type", quote(all), size, type == 'f' ? "floating point" : "integral");
	return size;
}

static void parse_types(const char *all) {
	const char *p = all;
	if (!*p)
		die(1, "invalid type string %s", quote(all));
	while (*p) {
		char type = *p++;
		unsigned size = 1;
		if (!strchr("acdfoux", type))
			die(1, "invalid character '%c' in type string %s", type, quote(all));
		if (type != 'a' && type != 'c')
			size = parse_width(all, &p, type);
		bool text = *p == 'z';
		p += text;
		add(type, size, text);
	}
}

static uint64_t load(const uint8_t *p, unsigned size) {
	uint64_t v = 0;
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)p[big_endian ? size - 1 - i : i] << (8 * i);
	return v;
}

/* The shortest decimal that reads back as the same number. */
static void shortest(char out[64], double v, bool single) {
	for (int prec = single ? FLT_DIG : DBL_DIG; prec < 20; prec++) {
		snprintf(out, 64, "%.*g", prec, v);
		if (single ? strtof(out, NULL) == (float)v : strtod(out, NULL) == v)
			return;
	}
}

static const char *show_char(uint8_t c, char out[8]) {
	static const char from[] = "\0\a\b\t\n\v\f\r", to[] = "0abtnvfr";
	for (int i = 0; i < 8; i++)
		if (c == (uint8_t)from[i]) {
			snprintf(out, 8, "\\%c", to[i]);
			return out;
		}
	snprintf(out, 8, c >= 32 && c < 127 ? "%c" : "%03o", c);
	return out;
}

static const char *show_name(uint8_t c, char out[8]) {
	static const char names[33][4] = {"nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt", "ff", "cr", "so",
	    "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub", "esc", "fs", "gs", "rs", "us", "sp"};
	c &= 127;
	if (c == 127)
		return "del";
	if (c <= 32)
		return names[c];
	out[0] = (char)c, out[1] = 0;
	return out;
}

static void show(const struct format *f, const uint8_t *p, unsigned field) {
	char small[8], number[64];
	uint64_t v = load(p, f->size);
	switch (f->type) {
	case 'a': printf("%*s", field, show_name(*p, small)); return;
	case 'c': printf("%*s", field, show_char(*p, small)); return;
	case 'o': printf("%*s%0*llo", field - f->digits, "", f->digits, (unsigned long long)v); return;
	case 'x': printf("%*s%0*llx", field - f->digits, "", f->digits, (unsigned long long)v); return;
	case 'u': printf("%*llu", field, (unsigned long long)v); return;
	case 'd': printf("%*lld", field, (long long)(int64_t)(v << (64 - 8 * f->size)) >> (64 - 8 * f->size)); return;
	}
	union {
		uint32_t u;
		float f;
	} single = {.u = (uint32_t)v};
	union {
		uint64_t u;
		double d;
	} twice = {.u = v};
	shortest(number, f->size == 4 ? (double)single.f : twice.d, f->size == 4);
	printf("%*s", field, number);
}

static void address(uint64_t at, char end) {
	switch (radix) {
	case 'o': printf("%07llo", (unsigned long long)at); break;
	case 'd': printf("%07llu", (unsigned long long)at); break;
	case 'x': printf("%06llx", (unsigned long long)at); break;
	}
	if (end)
		putchar(end);
}

static void line(uint64_t at, const uint8_t *p, size_t n) {
	for (size_t i = 0; i < nformats; i++) {
		const struct format *f = &formats[i];
		if (i == 0)
			address(at, 0);
		else
			printf("%*s", radix == 'n' ? 0 : radix == 'x' ? 6 : 7, "");
		unsigned values = width / f->size, pad = f->pad, k = 0;
		for (; k * f->size < n; k++) {
			unsigned rest = f->pad * (values - 1 - k) / values;
			show(f, p + k * f->size, f->digits + 1 + pad - rest);
			pad = rest;
		}
		if (f->text) {
			printf("%*s  >", (int)((values - k) * (f->digits + 1) + pad), "");
			for (size_t c = 0; c < n; c++)
				putchar(p[c] >= 32 && p[c] < 127 ? p[c] : '.');
			putchar('<');
		}
		putchar('\n');
	}
}

/* Makes the columns of all formats as wide as the widest needs, as od does. */
static void fit(void) {
	unsigned unit = 1, widest = 0;
	for (size_t i = 0; i < nformats; i++)
		if (formats[i].size > unit)
			unit = formats[i].size;
	if (width % unit) {
		warn("warning: invalid width %u; using %u instead", width, unit);
		width = unit;
	}
	for (size_t i = 0; i < nformats; i++) {
		unsigned row = (formats[i].digits + 1) * (width / formats[i].size);
		if (row > widest)
			widest = row;
	}
	for (size_t i = 0; i < nformats; i++)
		formats[i].pad = widest - (formats[i].digits + 1) * (width / formats[i].size);
}

static char **names;
static int fd = -1, failed;
static bool any; /* a file could be opened */

/* Reads up to n bytes over the ends of files. */
static size_t more(uint8_t *p, size_t n) {
	size_t got = 0;
	while (got < n) {
		if (fd < 0) {
			if (!*names)
				return got;
			if ((fd = open_input(*names++)) < 0) {
				warn_errno("%s", quotef(names[-1]));
				failed = 1;
				continue;
			}
			any = true;
		}
		ssize_t k = read(fd, p + got, n - got);
		if (k > 0) {
			got += (size_t)k;
			continue;
		}
		if (k < 0)
			warn_errno("%s", quotef(names[-1])), failed = 1;
		if (fd)
			close(fd);
		fd = -1;
	}
	return got;
}

static int dump(void) {
	uint8_t *buf = xcalloc(1, width + 8), *last = xcalloc(1, width + 8);
	uint64_t at = to_skip, left = to_read;
	bool have_last = false, starred = false;
	for (uint64_t skipped = 0; skipped < to_skip;) {
		size_t k = more(buf, to_skip - skipped < width ? (size_t)(to_skip - skipped) : width);
		if (!k)
			die(1, "cannot skip past end of combined input");
		skipped += k;
	}
	for (;;) {
		memset(buf, 0, width);
		size_t n = more(buf, left < width ? (size_t)left : width);
		left -= n;
		if (!n)
			break;
		if (!all_lines && have_last && n == width && memcmp(buf, last, width) == 0) {
			if (!starred)
				puts("*");
			starred = true;
		} else {
			line(at, buf, n);
			starred = false;
			memcpy(last, buf, width);
			have_last = n == width;
		}
		at += n;
		if (n < width)
			break;
	}
	if (radix != 'n' && any)
		address(at, '\n');
	return failed;
}

int od_main(int argc, char **argv) {
	static const struct {
		char letter, type;
		unsigned size;
	} old[] = {{'a', 'a', 1}, {'b', 'o', 1}, {'c', 'c', 1}, {'d', 'u', 2}, {'f', 'f', 4}, {'i', 'd', 4}, {'l', 'd', 8}, {'o', 'o', 2}, {'s', 'd', 2}, {'x', 'x', 2}};
	int c;
	while ((c = opt_next(argc, argv, "A:N:j:t:vw::abcdfilosx", longs)) != -1) {
		for (size_t i = 0; i < LEN(old); i++)
			if (c == old[i].letter)
				add(old[i].type, old[i].size, false);
		switch (c) {
		case 'A':
			if (!strchr("doxn", *opt_arg) || !*opt_arg)
				die(1, "invalid output address radix '%c'; it must be one character from [doxn]", *opt_arg);
			radix = *opt_arg;
			break;
		case 'N': to_read = need_size(opt_arg, suffixes, "-N argument"); break;
		case 'j': to_skip = need_size(opt_arg, suffixes, "-j argument"); break;
		case 't': parse_types(opt_arg); break;
		case 'v': all_lines = true; break;
		case 'w': {
			uint64_t n = opt_arg ? need_size(opt_arg, suffixes, "-w argument") : 32;
			if (n < 1 || n > 1 << 20)
				die(1, "invalid -w argument %s", quote(opt_arg));
			width = (unsigned)n;
			break;
		}
		case 1: big_endian = argmatch("--endian", opt_arg, endians) == 1; break;
		}
	}
	if (!nformats)
		add('o', 2, false);
	fit();
	static char *standard[] = {"-", NULL};
	names = opt_ind < argc ? argv + opt_ind : standard;
	return dump();
}
