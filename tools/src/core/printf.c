/* printf */
#include "tool.h"

const char printf_help[] = " FORMAT [ARGUMENT]...\nPrint ARGUMENT(s) according to FORMAT.\n";

static int status;
static char **args;
static int left;

static int hex(int c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

static void put_utf8(unsigned long c) {
	if (c < 0x80) {
		putchar((int)c);
	} else if (c < 0x800) {
		putchar((int)(0xc0 | c >> 6));
		putchar((int)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		putchar((int)(0xe0 | c >> 12));
		putchar((int)(0x80 | (c >> 6 & 63)));
		putchar((int)(0x80 | (c & 63)));
	} else {
		putchar((int)(0xf0 | c >> 18));
		putchar((int)(0x80 | (c >> 12 & 63)));
		putchar((int)(0x80 | (c >> 6 & 63)));
		putchar((int)(0x80 | (c & 63)));
	}
}

/* An escape after its backslash; where it ends. In %b octals may begin with 0. */
static const char *escape(const char *p, bool in_b) {
	static const char from[] = "\"\\abefnrtv", to[] = "\"\\\a\b\033\f\n\r\t\v";
	const char *e = *p ? strchr(from, *p) : NULL;
	if (e) {
		putchar(to[e - from]);
		return p + 1;
	}
	if (*p == 'c')
		exit(status);
	if (*p >= '0' && *p <= '7') {
		int v = 0, n = 0;
		if (in_b && *p == '0')
			p++;
		for (; n < 3 && *p >= '0' && *p <= '7'; n++)
			v = v * 8 + *p++ - '0';
		putchar(v);
		return p;
	}
	if (*p == 'x' || *p == 'u' || *p == 'U') {
		int max = *p == 'x' ? 2 : *p == 'u' ? 4 : 8, n = 0;
		unsigned long v = 0;
		char kind = *p++;
		for (; n < max && hex(*p) >= 0; n++)
			v = v * 16 + (unsigned long)hex(*p++);
		if (!n)
			die(1, "missing hexadecimal number in escape");
		kind == 'x' ? (void)putchar((int)v) : put_utf8(v);
		return p;
	}
	putchar('\\');
	if (*p)
		putchar(*p++);
	return p;
}

static void complain(const char *s, const char *end) {
	if (errno == ERANGE)
		warn("%s: %s", quote(s), errtext(ERANGE));
	else if (end == s)
		warn("%s: expected a numeric value", quote(s));
	else
		warn("%s: value not completely converted", quote(s));
	status = 1;
}

static const char *next(void) { return left > 0 ? (left--, *args++) : NULL; }

static long long integer(const char *s, bool is_signed) {
	char *end;
	errno = 0;
	if (!s)
		return 0;
	if (*s == '"' || *s == '\'') {
		if (!s[1])
			warn("%s: expected a numeric value", quote(s)), status = 1;
		else if (s[2])
			warn("warning: %s: character(s) following character constant have been ignored", s + 2);
		return (unsigned char)s[1];
	}
	long long v = is_signed ? strtoll(s, &end, 0) : (long long)strtoull(s, &end, 0);
	if (errno || *end || end == s)
		complain(s, end);
	return v;
}

static double real(const char *s) {
	char *end;
	errno = 0;
	if (!s)
		return 0;
	if (*s == '"' || *s == '\'')
		return (unsigned char)s[1];
	double v = strtod(s, &end);
	if (*end || end == s)
		complain(s, end);
	return v;
}

/* %q: as a shell would read it. */
static const char *shell_word(const char *s) { return quotef(s); }

static const char *directive(const char *p) {
	char spec[64];
	size_t n = 0;
	const char *start = p++;
	int width = 0, prec = -1;
	bool has_width = false;
	spec[n++] = '%';
	if (*p == '%') {
		putchar('%');
		return p + 1;
	}
	for (; *p && strchr("-+ #0'I", *p); p++)
		if (n < 8 && *p != '\'' && *p != 'I')
			spec[n++] = *p;
	if (*p == '*') {
		width = (int)integer(next(), true), has_width = true, p++;
	} else {
		for (; *p >= '0' && *p <= '9'; p++)
			width = width > 100000 ? width : width * 10 + *p - '0', has_width = true;
	}
	if (*p == '.') {
		p++, prec = 0;
		if (*p == '*')
			prec = (int)integer(next(), true), p++;
		else
			for (; *p >= '0' && *p <= '9'; p++)
				prec = prec > 100000 ? prec : prec * 10 + *p - '0';
	}
	if (has_width)
		n += (size_t)snprintf(spec + n, 16, "%d", width < 0 ? -width : width);
	if (width < 0)
		memmove(spec + 2, spec + 1, n++), spec[1] = '-';
	if (prec >= 0)
		n += (size_t)snprintf(spec + n, 16, ".%d", prec);
	while (*p == 'l' || *p == 'L' || *p == 'h' || *p == 'j' || *p == 't' || *p == 'z')
		p++;
	char c = *p;
	const char *s;
	switch (c) {
	case 'd': case 'i': case 'o': case 'u': case 'x': case 'X': {
		bool is_signed = c == 'd' || c == 'i';
		strcpy(spec + n, "ll");
		spec[n + 2] = c, spec[n + 3] = 0;
		printf(spec, integer(next(), is_signed));
		break;
	}
	case 'a': case 'A': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
		spec[n] = c, spec[n + 1] = 0;
		printf(spec, real(next()));
		break;
	case 'c':
		s = next();
		spec[n] = 'c', spec[n + 1] = 0;
		if (s && *s)
			printf(spec, *s);
		else if (has_width)
			printf("%*s", width, "");
		break;
	case 's': case 'q':
		s = next();
		spec[n] = 's', spec[n + 1] = 0;
		printf(spec, c == 'q' ? shell_word(s ? s : "") : s ? s : "");
		break;
	case 'b':
		for (s = next(); s && *s;) {
			if (*s == '\\')
				s = escape(s + 1, true);
			else
				putchar(*s++);
		}
		break;
	default:
		die(1, "%.*s: invalid conversion specification", (int)(p - start + (*p != 0)), start);
	}
	return p + 1;
}

int printf_main(int argc, char **argv) {
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		opt_next(argc, argv, "", NULL);
	int i = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	if (i >= argc)
		missing_operand(1);
	const char *format = argv[i];
	args = argv + i + 1, left = argc - i - 1;
	int before;
	do {
		before = left;
		for (const char *p = format; *p;) {
			if (*p == '\\')
				p = escape(p + 1, false);
			else if (*p == '%')
				p = directive(p);
			else
				putchar(*p++);
		}
	} while (left > 0 && left < before);
	if (left > 0)
		warn("warning: ignoring excess arguments, starting with %s", quote(*args));
	return status;
}
