/* getopt */
#include "tool.h"

const char getopt_help[] = " <optstring> <parameters>\n getopt [options] [--] <optstring> <parameters>\n getopt [options] -o|--options <optstring> [options] [--] <parameters>\n"
    "Parse command options.\n\n"
    "  -a, --alternative           allow long options starting with single -\n  -l, --longoptions <longopts>  the long options to be recognized\n"
    "  -n, --name <progname>       the name under which errors are reported\n  -o, --options <optstring>   the short options to be recognized\n"
    "  -q, --quiet                 disable error reporting by getopt(3)\n  -Q, --quiet-output          no normal output\n"
    "  -s, --shell <shell>         set quoting conventions to those of <shell>\n  -T, --test                  test for getopt(1) version\n"
    "  -u, --unquoted              do not quote the output\n";

static struct name {
	char *name;
	int arg; /* 0 none, 1 required, 2 optional */
} *longs;
static size_t n_longs, cap_longs;
static const char *shorts, *name = "getopt";
static bool alternative, quiet, silent, csh, bare, failed;

static void put_quoted(const char *s) {
	if (silent)
		return;
	if (bare) {
		printf(" %s", s);
		return;
	}
	fputs(" '", stdout);
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (csh && *s == '\\')
			fputs("\\\\", stdout);
		else if (csh && *s == '!')
			fputs("'\\!'", stdout);
		else if (csh && *s == '\n')
			fputs("\\n", stdout);
		else
			putchar(*s);
	}
	putchar('\'');
}

static void put_option(const char *dashes, const char *s, size_t n) {
	if (!silent)
		printf(" %s%.*s", dashes, (int)n, s);
}

PRINTF(1, 2) static void complain(const char *fmt, ...) {
	va_list ap;
	failed = true;
	if (quiet)
		return;
	fprintf(stderr, "%s: ", name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

NORETURN static void wrong(const char *text) {
	warn("%s", text);
	usage(2);
}

static void add_longs(char *list) {
	char *w, *rest = list;
	while ((w = strtok_r(rest, ", \t\n", &rest))) {
		size_t n = strlen(w);
		int arg = 0;
		while (n && w[n - 1] == ':' && arg < 2)
			arg++, w[--n] = 0;
		if (!n)
			wrong("empty long option after -l or --long argument");
		longs = grow(longs, n_longs, &cap_longs, sizeof *longs);
		longs[n_longs++] = (struct name){w, arg};
	}
}

static int short_arg(char c) {
	const char *s = c == ':' || c == ';' ? NULL : strchr(shorts, c);
	return !s ? -1 : s[1] != ':' ? 0 : s[2] == ':' ? 2 : 1;
}

/* The long option that word[0..n) means or abbreviates; NULL with a message, or silently with try. */
static struct name *find_long(const char *word, size_t n, const char *dashes, bool try) {
	struct name *found = NULL;
	bool ambiguous = false;
	for (size_t i = 0; i < n_longs; i++) {
		if (strncmp(longs[i].name, word, n))
			continue;
		if (!longs[i].name[n])
			return &longs[i];
		if (found && found->arg != longs[i].arg)
			ambiguous = true;
		ambiguous |= found != NULL;
		found = found ? found : &longs[i];
	}
	if (found && !ambiguous)
		return found;
	if (ambiguous) {
		char *text = xasprintf("option '%s%s' is ambiguous; possibilities:", dashes, word);
		for (size_t i = 0; i < n_longs; i++)
			if (!strncmp(longs[i].name, word, n))
				text = xasprintf("%s '%s%s'", text, dashes, longs[i].name);
		complain("%s", text);
	} else if (!try)
		complain("unrecognized option '%s%s'", dashes, word);
	return NULL;
}

/* A long option; the number of further words it took, or -1 if it may still be a group of short ones. */
static int take_long(const char *word, const char *dashes, char *next, bool try) {
	size_t n = strcspn(word, "=");
	struct name *l = find_long(word, n, dashes, try);
	if (!l)
		return try && !failed ? -1 : 0;
	const char *value = word[n] ? word + n + 1 : NULL;
	if (value && l->arg == 0) {
		complain("option '%s%s' doesn't allow an argument", dashes, l->name);
		return 0;
	}
	if (!value && l->arg == 1 && !next) {
		complain("option '%s%s' requires an argument", dashes, l->name);
		return 0;
	}
	put_option("--", l->name, strlen(l->name));
	if (l->arg)
		put_quoted(value ? value : l->arg == 1 ? next : "");
	return l->arg == 1 && !value;
}

static int take_short(const char *word, char *next) {
	for (; *word; word++) {
		int arg = short_arg(*word);
		if (arg < 0) {
			complain("invalid option -- '%c'", *word);
			continue;
		}
		if (arg == 1 && !word[1] && !next) {
			complain("option requires an argument -- '%c'", *word);
			return 0;
		}
		put_option("-", word, 1);
		if (arg) {
			put_quoted(word[1] ? word + 1 : arg == 1 ? next : "");
			return arg == 1 && !word[1];
		}
	}
	return 0;
}

/* Writes the parameters in their normal form. */
static void parse(char **w) {
	char mode = 0; /* '+' stops at the first operand, '-' leaves operands in place */
	if (*shorts == '+' || *shorts == '-')
		mode = *shorts++;
	else if (getenv("POSIXLY_CORRECT"))
		mode = '+';
	if (*shorts == ':')
		quiet = true, shorts++;
	char **operands = xcalloc(1, sizeof *operands);
	size_t n = 0, cap = 0;
	for (; *w; w++) {
		if (strcmp(*w, "--") == 0) {
			w++;
			break;
		}
		if (w[0][0] != '-' || !w[0][1]) {
			if (mode == '+')
				break;
			if (mode == '-')
				put_quoted(*w);
			else {
				operands = grow(operands, n, &cap, sizeof *operands);
				operands[n++] = *w;
			}
			continue;
		}
		int took = -1;
		if (w[0][1] == '-')
			took = take_long(*w + 2, "--", w[1], false);
		else if (alternative && (w[0][2] || short_arg(w[0][1]) < 0))
			took = take_long(*w + 1, "-", w[1], short_arg(w[0][1]) >= 0);
		if (took < 0)
			took = take_short(*w + 1, w[1]);
		w += took;
	}
	if (!silent)
		printf(" --");
	for (size_t i = 0; i < n; i++)
		put_quoted(operands[i]);
	for (; *w; w++)
		put_quoted(*w);
	if (!silent)
		putchar('\n');
}

int getopt_main(int argc, char **argv) {
	static const struct lopt opts[] = {{"options", 1, 'o'}, {"longoptions", 1, 'l'}, {"quiet", 0, 'q'}, {"quiet-output", 0, 'Q'},
	    {"shell", 1, 's'}, {"test", 0, 'T'}, {"unquoted", 0, 'u'}, {"alternative", 0, 'a'}, {"name", 1, 'n'}, {0, 0, 0}};
	int c;
	opt_status = exit_failure = 2;
	if (argc == 1)
		wrong("missing optstring argument");
	if (getenv("GETOPT_COMPATIBLE") || argv[1][0] != '-') { /* the old form: all words are parameters, nothing is quoted */
		bare = true;
		shorts = argv[1] + strspn(argv[1], "-+");
		parse(argv + 2);
		return failed;
	}
	while ((c = opt_next(argc, argv, "+ao:l:n:qQs:Tu", opts)) != -1) {
		switch (c) {
		case 'a': alternative = true; break;
		case 'o': shorts = opt_arg; break;
		case 'l': add_longs(xstrdup(opt_arg)); break;
		case 'n': name = opt_arg; break;
		case 'q': quiet = true; break;
		case 'Q': silent = true; break;
		case 's':
			csh = strcmp(opt_arg, "csh") == 0 || strcmp(opt_arg, "tcsh") == 0;
			if (!csh && strcmp(opt_arg, "sh") && strcmp(opt_arg, "bash"))
				wrong("unknown shell after -s or --shell argument");
			break;
		case 'T': return 4;
		case 'u': bare = true; break;
		}
	}
	if (!shorts) {
		if (opt_ind >= argc)
			wrong("missing optstring argument");
		shorts = argv[opt_ind++];
	}
	parse(argv + opt_ind);
	return failed;
}
