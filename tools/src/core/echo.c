/* echo */
#include "tool.h"

const char echo_help[] = " [SHORT-OPTION]... [STRING]...\nEcho the STRING(s) to standard output.\n\n"
    "  -n  do not output the trailing newline\n  -e  enable interpretation of backslash escapes\n"
    "  -E  disable interpretation of backslash escapes (default)\n";

static int hex(int c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* Prints s with escapes; true: \c was there. */
static bool escaped(const char *s) {
	static const char from[] = "abefnrtv\\", to[] = "\a\b\033\f\n\r\t\v\\";
	for (; *s; s++) {
		const char *p;
		if (*s != '\\' || !s[1]) {
			putchar(*s);
			continue;
		}
		s++;
		if (*s == 'c')
			return true;
		if ((p = strchr(from, *s))) {
			putchar(to[p - from]);
		} else if (*s == '0') {
			int v = 0, n = 0;
			for (; n < 3 && s[1] >= '0' && s[1] <= '7'; n++)
				v = v * 8 + *++s - '0';
			putchar(v);
		} else if (*s >= '1' && *s <= '7') {
			int v = *s - '0';
			for (int n = 0; n < 2 && s[1] >= '0' && s[1] <= '7'; n++)
				v = v * 8 + *++s - '0';
			putchar(v);
		} else if (*s == 'x' && hex(s[1]) >= 0) {
			int v = hex(*++s);
			if (hex(s[1]) >= 0)
				v = v * 16 + hex(*++s);
			putchar(v);
		} else {
			putchar('\\');
			putchar(*s);
		}
	}
	return false;
}

int echo_main(int argc, char **argv) {
	bool newline = true, escapes = false;
	int i = 1;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		opt_next(argc, argv, "", NULL);
	for (; i < argc && argv[i][0] == '-' && argv[i][1] && !argv[i][1 + strspn(argv[i] + 1, "neE")]; i++) {
		for (char *p = argv[i] + 1; *p; p++) {
			if (*p == 'n')
				newline = false;
			else
				escapes = *p == 'e';
		}
	}
	for (bool first = true; i < argc; i++, first = false) {
		if (!first)
			putchar(' ');
		if (!escapes)
			fputs(argv[i], stdout);
		else if (escaped(argv[i]))
			return 0;
	}
	if (newline)
		putchar('\n');
	return 0;
}
