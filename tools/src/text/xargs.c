// xargs
#include "tx.h"

const char xargs_help[] =
	" [OPTION]... COMMAND [INITIAL-ARGS]...\nRun COMMAND with arguments INITIAL-ARGS and more arguments read from input.\n\n"
	"  -0 NUL-separated   -a FILE   -d CHAR   -E EOF-STR   -I R replace R   -L N lines   -n N arguments\n"
	"  -P N processes   -p ask   -r not if empty   -s N characters   -t print commands   -x exit if too long\n";

typedef struct {
	int delim, lines, argmax, procs, trace, ask, noempty, exit_long;
	size_t size;
	const char *replace, *eofstr;
	char **cmd;
	int ncmd;
	char **args;
	size_t nargs, cargs, len, base;
	int nlines, running, status, ran, stop;
	tx_in in;
	int ateof, opentty;
} xargs;

static void finished(xargs *x, uint32_t st) {
	if (SBX_WIFSIGNALED(st)) {
		tx_warn(0, "%s: terminated by signal %d", x->cmd[0], SBX_WTERMSIG(st));
		x->status = 125;
		x->stop = 1;
	} else if (SBX_WEXITSTATUS(st) == 255) {
		tx_warn(0, "%s: exited with status 255; aborting", x->cmd[0]);
		x->status = 124;
		x->stop = 1;
	} else if (SBX_WEXITSTATUS(st) && !x->status)
		x->status = 123;
}

static void reap(xargs *x) {
	uint32_t st = 0;
	if (sbx_wait(-1, 0, &st) < 0) {
		x->running = 0;
		return;
	}
	x->running--;
	finished(x, st);
}

static void trace(char **argv, int prompt) {
	for (int i = 0; argv[i]; i++) {
		char *q = tx_quote(argv[i]);
		fprintf(stderr, i ? " %s" : "%s", q);
		free(q);
	}
	fputs(prompt ? " ?..." : "\n", stderr);
}

static int ask(void) {
	FILE *tty = fopen("/dev/tty", "r");
	if (!tty)
		tx_die(errno, "failed to open /dev/tty for reading");
	int c = fgetc(tty), yes = c == 'y' || c == 'Y';
	while (c != '\n' && c != EOF)
		c = fgetc(tty);
	fclose(tty);
	return yes;
}

static void launch(xargs *x, char **argv) {
	while (x->procs > 0 && x->running >= x->procs)
		reap(x);
	if (x->stop)
		return;
	if (x->trace || x->ask)
		trace(argv, x->ask);
	if (x->ask && !ask())
		return;
	int null = open("/dev/null", O_RDONLY), fds[3] = {null >= 0 ? null : SBX_INHERIT, SBX_INHERIT, SBX_INHERIT};
	fflush(NULL);
	int pid = sbx_spawn(argv[0], argv, NULL, fds, 0), e = errno;
	if (null >= 0)
		close(null);
	if (pid < 0) {
		tx_warn(e, "%s", argv[0]);
		exit(e == ENOENT ? 127 : 126);
	}
	x->running++;
}

static char *substitute(const char *a, const char *r, const char *with) {
	buf b = {0};
	size_t n = strlen(r);
	for (const char *p; n && (p = strstr(a, r)); a = p + n) {
		buf_add(&b, a, (size_t)(p - a));
		buf_str(&b, with);
	}
	buf_str(&b, a);
	return buf_z(&b);
}

static void run_replaced(xargs *x, const char *arg) {
	char **argv = tx_alloc(((size_t)x->ncmd + 1) * sizeof *argv);
	size_t total = 0;
	for (int i = 0; i < x->ncmd; i++) {
		argv[i] = i ? substitute(x->cmd[i], x->replace, arg) : substitute(x->cmd[i], x->replace, arg);
		total += strlen(argv[i]) + 1;
	}
	if (total > x->size)
		tx_die(0, "argument list too long");
	launch(x, argv);
	x->ran = 1;
	for (int i = 0; i < x->ncmd; i++)
		free(argv[i]);
	free(argv);
}

static void run(xargs *x) {
	char **argv = tx_alloc(((size_t)x->ncmd + x->nargs + 1) * sizeof *argv);
	memcpy(argv, x->cmd, (size_t)x->ncmd * sizeof *argv);
	if (x->nargs)
		memcpy(argv + x->ncmd, x->args, x->nargs * sizeof *argv);
	launch(x, argv);
	x->ran = 1;
	for (size_t i = 0; i < x->nargs; i++)
		free(x->args[i]);
	free(argv);
	x->nargs = 0;
	x->len = x->base;
	x->nlines = 0;
}

static void add(xargs *x, const char *s, size_t n) {
	char *a = tx_memdup(s, n);
	n = strlen(a);
	if (x->replace) {
		run_replaced(x, a);
		free(a);
		return;
	}
	if (x->base + n + 1 > x->size)
		tx_die(0, "argument line too long");
	if (x->nargs && x->len + n + 1 > x->size) {
		if (x->exit_long)
			tx_die(0, "argument list too long");
		run(x);
	}
	x->args = tx_array(x->args, &x->cargs, x->nargs + 1, sizeof *x->args);
	x->args[x->nargs++] = a;
	x->len += n + 1;
	if (x->argmax && x->nargs >= (size_t)x->argmax)
		run(x);
}

// word reads one argument with quotes; *eol tells whether its line ended. 0 at the end of input.
static int word(xargs *x, buf *b, int *eol) {
	int c, have = 0, q = 0;
	b->n = 0;
	*eol = 0;
	for (;;) {
		c = tx_getc(&x->in);
		if (c < 0) {
			if (q)
				tx_die(0, "unmatched %s quote; by default quotes are special to xargs unless you use the -0 option", q == '"' ? "double" : "single");
			*eol = 1;
			return have;
		}
		if (q) {
			if (c == '\n')
				tx_die(0, "unmatched %s quote; by default quotes are special to xargs unless you use the -0 option", q == '"' ? "double" : "single");
			if (c == q)
				q = 0;
			else
				buf_chr(b, c);
			continue;
		}
		if (c == '\n' && (have || x->replace)) {
			*eol = 1;
			if (have)
				return 1;
			continue;
		}
		if (tx_isspace(c) && !(x->replace && c != '\n' && have)) {
			if (!have)
				continue;
			// blanks at the end of a line join it with the next one
			while ((c = tx_getc(&x->in)) >= 0 && tx_isblank(c))
				;
			if (c == '\n' && x->lines)
				*eol = 2;
			else if (c == '\n')
				*eol = 1;
			else if (c >= 0)
				x->in.r--;
			return 1;
		}
		have = 1;
		if (c == '\\') {
			c = tx_getc(&x->in);
			if (c < 0)
				tx_die(0, "backslash at EOF");
			buf_chr(b, c);
		} else if (c == '"' || c == '\'')
			q = c;
		else
			buf_chr(b, c);
	}
}

static void read_words(xargs *x) {
	buf b = {0};
	int eol;
	while (!x->stop && word(x, &b, &eol)) {
		if (x->eofstr && !strcmp(buf_z(&b), x->eofstr))
			break;
		add(x, b.p ? b.p : "", b.n);
		if (x->lines && eol == 1 && ++x->nlines >= x->lines && x->nargs)
			run(x);
	}
	buf_free(&b);
}

static void read_delimited(xargs *x) {
	char *s;
	size_t n;
	while (!x->stop && tx_line(&x->in, x->delim, &s, &n, NULL)) {
		add(x, s, n);
		if (x->lines && ++x->nlines >= x->lines && x->nargs)
			run(x);
	}
}

static int delim_arg(const char *s) {
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	if (*s == '\\' && s[1]) {
		const char *e = strchr(from, s[1]);
		if (e && !s[2])
			return to[e - from];
		char *end;
		long v = s[1] == 'x' ? strtol(s + 2, &end, 16) : strtol(s + 1, &end, 8);
		if (!*end && v >= 0 && v < 256)
			return (int)v;
		tx_die(0, "Invalid escape sequence %s in input delimiter specification.", s);
	}
	if (s[0] && s[1])
		tx_die(0, "Invalid input delimiter specification %s: the delimiter must be either a single character or an escape sequence starting with \\.", s);
	return (unsigned char)*s;
}

static int number(const char *s, int opt, int min) {
	uint64_t v;
	if (tx_num(s, &v)) {
		tx_warn(0, "invalid number \"%s\" for -%c option", s, opt);
		tx_try();
	}
	if (v < (uint64_t)min)
		tx_usage("value %s for -%c option should be >= %d", s, opt, min);
	return v > INT32_MAX ? INT32_MAX : (int)v;
}

int xargs_main(int argc, char **argv) {
	enum { O_LIMITS = 256, O_PSV };
	static const tx_long longs[] = {{"null", 0, '0'}, {"arg-file", 1, 'a'}, {"delimiter", 1, 'd'}, {"eof", 2, 'e'}, {"replace", 2, 'i'}, {"max-lines", 2, 'l'},
		{"max-args", 1, 'n'}, {"max-procs", 1, 'P'}, {"interactive", 0, 'p'}, {"no-run-if-empty", 0, 'r'}, {"max-chars", 1, 's'}, {"verbose", 0, 't'}, {"exit", 0, 'x'},
		{"show-limits", 0, O_LIMITS}, {"process-slot-var", 1, O_PSV}, {"open-tty", 0, 'o'}, {NULL, 0, 0}};
	tx_begin("xargs", 1);
	xargs x = {.delim = -1, .procs = 1, .size = 128 << 10};
	const char *file = "-";
	static char *echo[] = {"echo", NULL};
	tx_opts o;
	int c;
	tx_opt_start(&o, argc, argv, "+0a:d:E:e::i::I:l::L:n:P:prs:txo", longs);
	while ((c = tx_opt(&o)) != -1)
		switch (c) {
		case '0': x.delim = 0; break;
		case 'a': file = o.arg; break;
		case 'd': x.delim = delim_arg(o.arg); break;
		case 'E': x.eofstr = *o.arg ? o.arg : NULL; break;
		case 'e': x.eofstr = o.arg && *o.arg ? o.arg : NULL; break;
		case 'I': case 'i': x.replace = o.arg && *o.arg ? o.arg : "{}"; x.argmax = x.lines = 0; break;
		case 'l': case 'L': x.lines = o.arg ? number(o.arg, 'L', 1) : 1; x.argmax = 0; x.replace = NULL; break;
		case 'n': x.argmax = number(o.arg, 'n', 1); x.lines = 0; if (x.argmax != 1) x.replace = NULL; else if (x.replace) x.argmax = 0; break;
		case 'P': x.procs = number(o.arg, 'P', 0); break;
		case 'p': x.ask = 1; break;
		case 'r': x.noempty = 1; break;
		case 's': x.size = (size_t)number(o.arg, 's', 1); break;
		case 't': x.trace = 1; break;
		case 'x': x.exit_long = 1; break;
		}
	x.cmd = o.nrest ? o.rest : echo;
	x.ncmd = o.nrest ? o.nrest : 1;
	for (int i = 0; i < x.ncmd; i++)
		x.base += strlen(x.cmd[i]) + 1;
	x.len = x.base;
	if (x.base > x.size)
		tx_die(0, "cannot fit single argument within argument list size limit");
	if (tx_open(&x.in, file)) {
		tx_die(errno, "Cannot open input file '%s'", file);
	}
	if (x.delim >= 0 || x.replace) {
		if (x.delim < 0) { // -I: whole lines, with quotes and leading blanks removed
			buf b = {0};
			int eol;
			while (!x.stop && word(&x, &b, &eol)) {
				if (x.eofstr && !strcmp(buf_z(&b), x.eofstr))
					break;
				add(&x, b.p ? b.p : "", b.n);
			}
			buf_free(&b);
		} else
			read_delimited(&x);
	} else
		read_words(&x);
	if (!x.stop && (x.nargs || (!x.ran && !x.noempty && !x.replace)))
		run(&x);
	while (x.running > 0)
		reap(&x);
	return tx_end(x.status);
}
