/* env, printenv */
#include "tool.h"

const char env_help[] = " [OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]\nSet each NAME to VALUE in the environment and run COMMAND.\n\n"
    "  -i, --ignore-environment  start with an empty environment\n  -0, --null                end each output line with NUL, not newline\n"
    "  -u, --unset=NAME          remove variable from the environment\n  -C, --chdir=DIR           change working directory to DIR\n"
    "  -S, --split-string=S      process and split S into separate arguments\n  -v, --debug               print verbose information for each processing step\n";
const char printenv_help[] = " [OPTION]... [VARIABLE]...\nPrint the values of the specified environment VARIABLE(s).\n\n"
    "  -0, --null  end each output line with NUL, not newline\n";

extern char **environ;

static const struct lopt longs[] = {{"ignore-environment", 0, 'i'}, {"null", 0, '0'}, {"unset", 1, 'u'}, {"chdir", 1, 'C'},
    {"split-string", 1, 'S'}, {"debug", 0, 'v'}, {"block-signal", 2, 1}, {"default-signal", 2, 1}, {"ignore-signal", 2, 2}, {0, 0, 0}};

static void print_all(char end) {
	for (char **e = environ; e && *e; e++) {
		fputs(*e, stdout);
		putchar(end);
	}
}

/* One character after a backslash in -S. */
static int unescape(char c, bool in_double) {
	switch (c) {
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'v': return '\v';
	case '_': return ' ';
	case '"': case '#': case '$': case '\'': case '\\': return c;
	}
	die(125, "invalid sequence '\\%c' in -S", c);
}

/* ${NAME} in -S: its value is put at *o. */
static const char *variable(const char *s, char **buf, size_t *n, size_t *cap) {
	const char *end = s[1] == '{' ? strchr(s, '}') : NULL;
	if (!end)
		die(125, "only ${VARNAME} expansion is supported, error at: %s", s);
	char *name = xstrndup(s + 2, (size_t)(end - s - 2)), *value = getenv(name);
	for (; value && *value; value++) {
		*buf = grow(*buf, *n + 1, cap, 1);
		(*buf)[(*n)++] = *value;
	}
	free(name);
	return end;
}

/* Splits S as env -S does and puts the words in place of the first argument of argv. */
static char **split(const char *s, int argc, char **argv, int *count) {
	size_t n = 0, cap = 0, len = 0, bcap = 0;
	char **out = NULL, *b = NULL, q = 0;
	bool word = false;
	for (;; s++) {
		bool blank = !*s || (!q && strchr(" \t\n\v\f\r", *s));
		if (blank || (*s == '#' && !q && !word)) {
			if (q)
				die(125, "no terminating quote in -S string");
			if (word) {
				out = grow(out, n, &cap, sizeof *out);
				out[n++] = xstrndup(b ? b : "", len);
			}
			word = false, len = 0;
			if (!*s || *s == '#')
				break;
			continue;
		}
		word = true;
		if (q ? *s == q : *s == '\'' || *s == '"') {
			q = q ? 0 : *s;
			continue;
		}
		if (*s == '$' && q != '\'') {
			s = variable(s, &b, &len, &bcap);
			continue;
		}
		int c = *s;
		if (c == '\\' && (q != '\'' || s[1] == '\\' || s[1] == '\'')) {
			if (!*++s)
				die(125, "invalid backslash at end of string in -S");
			if (*s == 'c' && q != '"')
				s = "", c = -1;
			else if (*s == '_' && !q) {
				s--;
				c = -2;
			} else
				c = unescape(*s, q == '"');
			if (c == -1) {
				s--;
				continue;
			}
			if (c == -2) { /* \_ outside of quotes separates */
				out = grow(out, n, &cap, sizeof *out);
				out[n++] = xstrndup(b ? b : "", len);
				len = 0, word = false;
				s++;
				continue;
			}
		}
		b = grow(b, len + 1, &bcap, 1);
		b[len++] = (char)c;
	}
	char **all = xcalloc(n + (size_t)argc + 2, sizeof *all);
	all[0] = argv[0];
	for (size_t i = 0; i < n; i++)
		all[i + 1] = out[i];
	for (int i = 1; i < argc; i++)
		all[n + (size_t)i] = argv[i];
	*count = (int)n + argc;
	return all;
}

int env_main(int argc, char **argv) {
	const char *dir = NULL;
	bool empty = false;
	char end = '\n';
	char **unset = xcalloc((size_t)argc + 1, sizeof *unset);
	int c, n = 0;
	opt_status = exit_failure = 125;
	while ((c = opt_next(argc, argv, "+iu:0C:S:v", longs)) != -1) {
		switch (c) {
		case 'i': empty = true; break;
		case '0': end = 0; break;
		case 'u': unset[n++] = opt_arg; break;
		case 'C': dir = opt_arg; break;
		case 2: if (opt_arg && sig_number(opt_arg) > 0) sbx_signal(sig_number(opt_arg), 1); break;
		case 'S': {
			char **rest = argv + opt_ind - 1;
			int count;
			char *first = rest[0];
			rest[0] = argv[0];
			argv = split(opt_arg, argc - opt_ind + 1, rest, &count);
			rest[0] = first;
			argc = count;
			opt_reset();
			unset = xrealloc(unset, ((size_t)argc + (size_t)n + 1) * sizeof *unset);
		}
		}
	}
	if (opt_ind < argc && strcmp(argv[opt_ind], "-") == 0)
		empty = true, opt_ind++;
	if (empty)
		clearenv();
	for (int i = 0; i < n; i++)
		if (!*unset[i] || strchr(unset[i], '=') || unsetenv(unset[i]))
			die(125, "cannot unset %s: %s", quote(unset[i]), errtext(EINVAL));
	for (; opt_ind < argc && strchr(argv[opt_ind], '='); opt_ind++)
		if (argv[opt_ind][0] == '=' || putenv(argv[opt_ind]))
			die(125, "cannot set %s: %s", quote(argv[opt_ind]), errtext(EINVAL));
	if (opt_ind >= argc) {
		if (dir) {
			warn("must specify command with --chdir (-C)");
			usage(125);
		}
		print_all(end);
		return 0;
	}
	if (!end) {
		warn("cannot specify --null (-0) with command");
		usage(125);
	}
	if (dir && sbx_chdir(dir))
		die_errno(125, "cannot change directory to %s", quoteaf(dir));
	char *nothing[] = {NULL};
	sbx_exec(argv[opt_ind], argv + opt_ind, environ ? environ : nothing);
	int e = errno;
	warn_errno("%s", quote(argv[opt_ind]));
	if (e == ENOENT && strpbrk(argv[opt_ind], " \t"))
		warn("use -[v]S to pass options in shebang lines");
	return e == ENOENT ? 127 : 126;
}

int printenv_main(int argc, char **argv) {
	static const struct lopt plongs[] = {{"null", 0, '0'}, {0, 0, 0}};
	char end = '\n';
	int rc = 0;
	opt_status = exit_failure = 2;
	while (opt_next(argc, argv, "+0", plongs) != -1)
		end = 0;
	if (opt_ind >= argc)
		print_all(end);
	for (; opt_ind < argc; opt_ind++) {
		char *v = strchr(argv[opt_ind], '=') ? NULL : getenv(argv[opt_ind]);
		if (!v) {
			rc = 1;
			continue;
		}
		fputs(v, stdout);
		putchar(end);
	}
	return rc;
}
