// grep: patterns and options.
#include "grep.h"

enum { O_INCLUDE = 256, O_EXCLUDE, O_EXCLUDE_DIR, O_EXCLUDE_FROM, O_COLOR, O_LABEL, O_LINEBUF, O_BINTYPE, O_NOIGNORE };

static const tx_long longs[] = {
	{"extended-regexp", 0, 'E'}, {"fixed-strings", 0, 'F'}, {"basic-regexp", 0, 'G'}, {"perl-regexp", 0, 'P'}, {"regexp", 1, 'e'}, {"file", 1, 'f'},
	{"ignore-case", 0, 'i'}, {"no-ignore-case", 0, O_NOIGNORE}, {"word-regexp", 0, 'w'}, {"line-regexp", 0, 'x'}, {"null-data", 0, 'z'}, {"no-messages", 0, 's'},
	{"invert-match", 0, 'v'}, {"max-count", 1, 'm'}, {"byte-offset", 0, 'b'}, {"line-number", 0, 'n'}, {"line-buffered", 0, O_LINEBUF}, {"with-filename", 0, 'H'},
	{"no-filename", 0, 'h'}, {"label", 1, O_LABEL}, {"only-matching", 0, 'o'}, {"quiet", 0, 'q'}, {"silent", 0, 'q'}, {"binary-files", 1, O_BINTYPE}, {"text", 0, 'a'},
	{"directories", 1, 'd'}, {"devices", 1, 'D'}, {"recursive", 0, 'r'}, {"dereference-recursive", 0, 'R'}, {"include", 1, O_INCLUDE}, {"exclude", 1, O_EXCLUDE},
	{"exclude-from", 1, O_EXCLUDE_FROM}, {"exclude-dir", 1, O_EXCLUDE_DIR}, {"files-without-match", 0, 'L'}, {"files-with-matches", 0, 'l'}, {"count", 0, 'c'},
	{"initial-tab", 0, 'T'}, {"null", 0, 'Z'}, {"before-context", 1, 'B'}, {"after-context", 1, 'A'}, {"context", 1, 'C'}, {"color", 2, O_COLOR}, {"colour", 2, O_COLOR},
	{"binary", 0, 'U'}, {"version", 0, 'V'}, {NULL, 0, 0}};

const char grep_help[] =
	" [OPTION]... PATTERNS [FILE]...\n"
	"Search for PATTERNS in each FILE.\n"
	"Example: grep -i 'hello world' menu.h main.c\n"
	"PATTERNS can contain multiple patterns separated by newlines.\n\n"
	"  -E -F -G -P   extended, fixed, basic, Perl patterns     -e PATTERN  -f FILE\n"
	"  -i ignore case  -w whole words  -x whole lines  -v select non-matching lines\n"
	"  -c count  -l / -L names with / without match  -m NUM  -o only matching  -q quiet\n"
	"  -n line number  -b byte offset  -H / -h with / without file name  -s no messages\n"
	"  -r / -R recursive  --include=GLOB --exclude=GLOB --exclude-dir=GLOB\n"
	"  -A NUM -B NUM -C NUM context  -a text  -z NUL data  -Z NUL after names  --color[=WHEN]\n\n"
	"When FILE is '-', read standard input.  With no FILE, read '.' if\n"
	"recursive, '-' otherwise.  With fewer than two FILEs, assume -h.\n"
	"Exit status is 0 if any line is selected, 1 otherwise;\n"
	"if any error occurs and -q is not given, the exit status is 2.\n";
const char egrep_help[] = " [OPTION]... PATTERNS [FILE]...\nThe same as grep -E.\n";
const char fgrep_help[] = " [OPTION]... PATTERNS [FILE]...\nThe same as grep -F.\n";

static void usage(void) {
	fprintf(stderr, "Usage: %s [OPTION]... PATTERNS [FILE]...\nTry '%s --help' for more information.\n", tx_prog, tx_prog);
	exit(2);
}

static void add_pattern(grep *g, const char *s, size_t n) {
	if (g->npat)
		buf_chr(&g->pats, '\n');
	buf_add(&g->pats, s, n);
	g->npat = 1;
}

static void pattern_file(grep *g, const char *name) {
	buf b = {0};
	if (tx_read_all(name, &b))
		tx_die(errno, "%s", name);
	g->from_file = 1;
	if (b.n) {
		size_t n = b.n;
		if (b.p[n - 1] == '\n')
			n--;
		add_pattern(g, b.p ? b.p : "", n);
	}
	buf_free(&b);
}

static int64_t context_arg(const char *s) {
	uint64_t v;
	if (tx_num(s, &v) < 0)
		tx_die(0, "%s: invalid context length argument", s);
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static void glob_add(globs *l, const char *s, int kind) {
	l->g = tx_array(l->g, &l->cap, l->n + 1, sizeof *l->g);
	l->g[l->n].glob = s;
	l->g[l->n++].kind = kind;
}

static void exclude_from(globs *l, const char *name) {
	tx_in in;
	char *s;
	size_t n;
	if (tx_open(&in, name))
		tx_die(errno, "%s", name);
	while (tx_line(&in, '\n', &s, &n, NULL))
		if (n)
			glob_add(l, tx_memdup(s, n), 'x');
	tx_close(&in);
}

// quote_ere appends a fixed string as an extended pattern.
static void quote_ere(buf *b, const char *s, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (strchr("\\^$.[]|()*+?{}", s[i]) && s[i])
			buf_chr(b, '\\');
		buf_chr(b, s[i]);
	}
}

// compile makes one program of all patterns. Patterns with back-references keep one program each.
static void compile(grep *g) {
	const char *err = NULL, *s = g->pats.p ? g->pats.p : "", *e = s + g->pats.n;
	int flags = RE_NEWLINE | RE_NONL | (g->icase ? RE_ICASE : 0);
	if (g->zero)
		flags &= ~(RE_NONL | RE_NEWLINE);
	if (g->mode == 'P')
		flags |= RE_PERL;
	else if (g->mode != 'G')
		flags |= RE_ERE;
	buf joined = {0};
	int many = memchr(s, '\n', g->pats.n) != NULL, refs = 0;
	if (g->mode == 'P' && many)
		tx_die(0, "the -P option only supports a single pattern");
	for (const char *p = s; p + 1 < e; p++)
		if (g->mode != 'F' && *p == '\\') {
			refs |= p[1] >= '1' && p[1] <= '9';
			p++;
		}
	for (const char *p = s;; p++) {
		const char *q = memchr(p, '\n', (size_t)(e - p));
		size_t n = (size_t)((q ? q : e) - p);
		if (g->mode == 'F')
			quote_ere(&joined, p, n);
		else
			buf_add(&joined, p, n);
		if (!n)
			g->match_empty = 1;
		if (many && g->mode != 'F') { // each one must be right by itself
			re *r = re_compile(p, n, flags, &err);
			if (!r)
				tx_die(0, "%s", err);
			if (refs) {
				g->more = tx_array(g->more, &g->cmore, g->nmore + 1, sizeof *g->more);
				g->more[g->nmore++] = r;
			} else
				re_free(r);
		}
		if (!q)
			break;
		buf_str(&joined, g->mode == 'G' ? "\\|" : "|");
		p = q;
	}
	if (g->nmore) {
		g->re = g->more[0];
	} else {
		g->re = re_compile(joined.p ? joined.p : "", joined.n, flags, &err);
		if (!g->re)
			tx_die(0, "%s", err);
		g->more = tx_array(g->more, &g->cmore, 1, sizeof *g->more);
		g->more[g->nmore++] = g->re;
	}
	buf_free(&joined);
}

static void color_arg(grep *g, const char *s) {
	if (!s || !strcmp(s, "auto") || !strcmp(s, "tty") || !strcmp(s, "if-tty")) {
		const char *t = getenv("TERM");
		g->color = isatty(1) && t && strcmp(t, "dumb");
	} else if (!strcmp(s, "always") || !strcmp(s, "yes") || !strcmp(s, "force"))
		g->color = 1;
	else if (!strcmp(s, "never") || !strcmp(s, "no") || !strcmp(s, "none"))
		g->color = 0;
	else
		usage();
}

static void option(grep *g, tx_opts *o, int c) {
	uint64_t v;
	switch (c) {
	case 'E': case 'F': case 'G': case 'P': g->mode = c; break;
	case 'e': add_pattern(g, o->arg, strlen(o->arg)); break;
	case 'f': pattern_file(g, o->arg); break;
	case 'i': case 'y': g->icase = 1; break;
	case O_NOIGNORE: g->icase = 0; break;
	case 'w': g->word = 1; break;
	case 'x': g->line = 1; break;
	case 'z': g->zero = 1; break;
	case 's': g->nomsg = 1; break;
	case 'v': g->invert = 1; break;
	case 'm':
		if (tx_num(o->arg, &v) < 0) {
			if (o->arg[0] == '-' && tx_num(o->arg + 1, &v) >= 0)
				v = INT64_MAX;
			else
				tx_die(0, "invalid max count");
		}
		g->max = v > INT64_MAX ? INT64_MAX : (int64_t)v;
		break;
	case 'b': g->offset = 1; break;
	case 'n': g->number = 1; break;
	case O_LINEBUF: setvbuf(stdout, NULL, _IOLBF, 0); break;
	case 'H': g->names = 1; break;
	case 'h': g->names = 0; break;
	case O_LABEL: g->label = o->arg; break;
	case 'o': g->only = 1; break;
	case 'q': g->quiet = 1; break;
	case 'a': g->text = 1; break;
	case 'I': g->text = 2; break;
	case O_BINTYPE:
		if (!strcmp(o->arg, "text"))
			g->text = 1;
		else if (!strcmp(o->arg, "without-match"))
			g->text = 2;
		else if (strcmp(o->arg, "binary"))
			tx_die(0, "unknown binary-files type");
		break;
	case 'd':
		if (!strcmp(o->arg, "recurse"))
			g->recurse = 1;
		else if (!strcmp(o->arg, "skip"))
			g->skipdir = 1;
		else if (strcmp(o->arg, "read"))
			usage();
		break;
	case 'D': case 'U': case 'u': break;
	case 'r': g->recurse = 1; break;
	case 'R': g->recurse = 2; break;
	case O_INCLUDE: glob_add(&g->files, o->arg, 'i'); break;
	case O_EXCLUDE: glob_add(&g->files, o->arg, 'x'); break;
	case O_EXCLUDE_FROM: exclude_from(&g->files, o->arg); break;
	case O_EXCLUDE_DIR: {
		char *d = tx_strdup(o->arg);
		for (size_t n = strlen(d); n > 1 && d[n - 1] == '/'; n--)
			d[n - 1] = 0;
		glob_add(&g->dirs, d, 'x');
		break;
	}
	case 'L': g->list = 'L'; break;
	case 'l': g->list = 'l'; break;
	case 'c': g->count = 1; break;
	case 'T': g->tab = 1; break;
	case 'Z': g->nul = 1; break;
	case 'B': g->before = context_arg(o->arg); break;
	case 'A': g->after = context_arg(o->arg); break;
	case 'C': g->ctx = context_arg(o->arg); break;
	case O_COLOR: color_arg(g, o->arg); break;
	case 'V': printf("grep (sbx tools) 1.0\n"); exit(tx_end(0));
	default: // -NUM
		if (!g->digits_at || g->digits_at != o->i)
			g->ctx = 0;
		g->digits_at = o->i;
		if (g->ctx < INT32_MAX)
			g->ctx = (g->ctx < 0 ? 0 : g->ctx) * 10 + (c - '0');
	}
}

int grep_run(const char *prog, int mode, int argc, char **argv) {
	tx_begin(prog, 2);
	grep g = {.mode = mode, .before = -1, .after = -1, .ctx = -1, .max = INT64_MAX, .names = -1, .label = "(standard input)"};
	tx_opts o;
	int c;
	tx_opt_start(&o, argc, argv, "EFGPe:f:iywxzsvm:bnHhoqaId:D:rRLlcTZB:A:C:UuV0123456789", longs);
	o.usage = usage;
	while ((c = tx_opt(&o)) != -1)
		option(&g, &o, c);
	int first = 0;
	if (!g.npat && !g.from_file) {
		if (!o.nrest)
			usage();
		add_pattern(&g, o.rest[0], strlen(o.rest[0]));
		first = 1;
	}
	if (g.ctx >= 0) {
		g.before = g.before < 0 ? g.ctx : g.before;
		g.after = g.after < 0 ? g.ctx : g.after;
	}
	g.has_ctx = g.before >= 0 || g.after >= 0;
	g.before = g.before < 0 ? 0 : g.before;
	g.after = g.after < 0 ? 0 : g.after;
	g.nothing = !g.npat; // -f with an empty file
	if (!g.nothing)
		compile(&g);
	int nf = o.nrest - first;
	if (g.names < 0)
		g.names = nf > 1 || (g.recurse && (nf == 0 || nf == 1));
	if (g.names && nf == 1 && g.recurse) { // a single plain file has no name before its lines
		struct sbx_stat st;
		int explicit_name = 0;
		for (int i = 1; i < argc; i++)
			explicit_name |= argv[i][0] == '-' && strchr(argv[i], 'H') != NULL;
		if (!explicit_name && (!strcmp(o.rest[first], "-") || (sbx_stat(o.rest[first], 0, &st) == 0 && !S_ISDIR(st.mode))))
			g.names = 0;
	}
	if ((g.max == 0 || (g.nothing && !g.invert)) && g.list != 'L')
		return tx_end(1);
	if (!nf) {
		if (g.recurse)
			grep_path(&g, ".", 1, 1);
		else
			grep_path(&g, "-", 1, 0);
	}
	for (int i = 0; i < nf; i++)
		grep_path(&g, o.rest[first + i], 1, 0);
	int st = g.any ? 0 : 1;
	if (g.errors && !(g.quiet && g.any))
		st = 2;
	return tx_end(st);
}

int grep_main(int argc, char **argv) { return grep_run("grep", 'G', argc, argv); }
int egrep_main(int argc, char **argv) { return grep_run("grep", 'E', argc, argv); }
int fgrep_main(int argc, char **argv) { return grep_run("grep", 'F', argc, argv); }
