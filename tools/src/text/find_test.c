// find: the table of tests and the parser.
#include "find.h"
#include <fnmatch.h>

static int cmp_num(const node *n, int64_t v) { return n->cmp == '+' ? v > n->num : n->cmp == '-' ? v < n->num : v == n->num; }

static int t_true(find *f, node *n, item *it) { return 1; }
static int t_false(find *f, node *n, item *it) { return 0; }

static int t_print(find *f, node *n, item *it) {
	fputs(it->path, n->out);
	fputc(n->which, n->out);
	return 1;
}

static int t_prune(find *f, node *n, item *it) { return f->prune = 1; }

static int t_quit(find *f, node *n, item *it) {
	find_exec_end(f);
	f->quit = 1;
	return 1;
}

static int t_name(find *f, node *n, item *it) {
	char *nm = tx_strdup(it->name);
	size_t k = strlen(nm);
	while (k > 1 && nm[k - 1] == '/')
		nm[--k] = 0;
	int hit = !fnmatch(n->s, nm, n->which ? FNM_CASEFOLD : 0);
	free(nm);
	return hit;
}

static int t_path(find *f, node *n, item *it) { return !fnmatch(n->s, it->path, n->which ? FNM_CASEFOLD : 0); }

static int t_lname(find *f, node *n, item *it) {
	const struct sbx_stat *st = find_stat(f, it);
	if (!st || !S_ISLNK(st->mode))
		return 0;
	char *l = read_link(it->path);
	int hit = l && !fnmatch(n->s, l, n->which ? FNM_CASEFOLD : 0);
	free(l);
	return hit;
}

static int t_regex(find *f, node *n, item *it) {
	re_m m;
	size_t k = strlen(it->path);
	return re_exec(n->re, it->path, k, 0, &m, 1, 0) && m.so == 0 && (size_t)m.eo == k;
}

static int letter(uint32_t mode) {
	switch (mode & S_IFMT) {
	case 0100000: return 'f';
	case 0040000: return 'd';
	case 0120000: return 'l';
	case 0060000: return 'b';
	case 0020000: return 'c';
	case 0010000: return 'p';
	case 0140000: return 's';
	}
	return 'U';
}

static int t_type(find *f, node *n, item *it) {
	static const char dt[] = "\1p\2c\4d\6b\10f\12l\14s";
	struct sbx_stat st;
	if (n->which) { // -xtype: the other side of a link
		if (sbx_stat(it->path, f->follow == 'L' ? SBX_NOFOLLOW : 0, &st) && sbx_stat(it->path, SBX_NOFOLLOW, &st))
			return 0;
		return strchr(n->s, letter(st.mode)) != NULL;
	}
	if (!it->have && it->type && f->follow == 'P')
		for (const char *p = dt; *p; p += 2)
			if (*p == it->type)
				return strchr(n->s, p[1]) != NULL;
	const struct sbx_stat *s = find_stat(f, it);
	return s && strchr(n->s, letter(s->mode)) != NULL;
}

#define ST const struct sbx_stat *s = find_stat(f, it); if (!s) return 0

static int t_size(find *f, node *n, item *it) {
	ST;
	return cmp_num(n, (s->size + n->unit - 1) / n->unit);
}

static int64_t stamp(const struct sbx_stat *s, int which, int64_t *ns) {
	switch (which) {
	case 'a': *ns = s->atime_ns; return s->atime;
	case 'c': *ns = s->ctime_ns; return s->ctime;
	case 'B': *ns = s->btime_ns; return s->btime;
	}
	*ns = s->mtime_ns;
	return s->mtime;
}

static int t_time(find *f, node *n, item *it) {
	ST;
	int64_t ns, t = stamp(s, n->which, &ns), age = f->now - t, agens = f->nowns - ns;
	if (agens < 0)
		age--, agens += 1000000000;
	if (n->unit == 60) { // minutes: (n-1, n]
		int64_t lim = n->num * 60;
		if (n->cmp == '+')
			return age > lim || (age == lim && agens > 0);
		if (n->cmp == '-')
			return age < lim;
		return (age > lim - 60 || (age == lim - 60 && agens > 0)) && (age < lim || (age == lim && agens == 0));
	}
	int64_t d = age >= 0 ? age / n->unit : -((-age + n->unit - 1) / n->unit);
	return cmp_num(n, d);
}

static int t_newer(find *f, node *n, item *it) {
	ST;
	int64_t ns, t = stamp(s, n->which, &ns);
	return t > n->sec || (t == n->sec && ns > n->nsec);
}

static int t_perm(find *f, node *n, item *it) {
	ST;
	uint32_t m = s->mode & 07777;
	if (n->cmp == '-')
		return (m & n->mode) == n->mode;
	if (n->cmp == '/')
		return !n->mode || (m & n->mode);
	return m == n->mode;
}

static int t_uid(find *f, node *n, item *it) { ST; return cmp_num(n, s->uid); }
static int t_gid(find *f, node *n, item *it) { ST; return cmp_num(n, s->gid); }
static int t_links(find *f, node *n, item *it) { ST; return cmp_num(n, s->nlink); }
static int t_inum(find *f, node *n, item *it) { ST; return cmp_num(n, (int64_t)s->ino); }
static int t_nouser(find *f, node *n, item *it) { ST; return n->which ? !group_name(s->gid) : !user_name(s->uid); }
static int t_same(find *f, node *n, item *it) { ST; return s->dev == n->dev && s->ino == n->ino; }
static int t_access(find *f, node *n, item *it) { return sbx_access(it->path, n->which) == 0; }

static int t_used(find *f, node *n, item *it) {
	ST;
	return cmp_num(n, (s->atime - s->ctime) / 86400);
}

static int t_empty(find *f, node *n, item *it) {
	ST;
	if (S_ISREG(s->mode))
		return s->size == 0;
	if (!S_ISDIR(s->mode))
		return 0;
	int k;
	struct ent *e = dir_list(it->path, &k);
	if (k < 0) {
		find_error(f, errno, it->path);
		return 0;
	}
	dir_free(e, k);
	return k == 0;
}

// The parser: recursive descent over the arguments.
typedef struct {
	find *f;
	char **a;
	int n, i, depth;
	const char *last; // the last predicate, for messages
} ps;

static node *mk(int op, node *l, node *r) {
	node *n = tx_alloc(sizeof *n);
	n->op = op;
	n->l = l;
	n->r = r;
	return n;
}

static node *leaf(int (*t)(find *, node *, item *)) {
	node *n = mk('t', NULL, NULL);
	n->test = t;
	return n;
}

static void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "find: ");
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static const char *arg(ps *p, const char *pred) {
	if (p->i >= p->n)
		fail("missing argument to `%s'", pred);
	return p->a[p->i++];
}

static node *numeric(ps *p, const char *pred, int (*t)(find *, node *, item *)) {
	const char *s = arg(p, pred), *q = s;
	node *n = leaf(t);
	n->cmp = '=';
	if (*q == '+' || *q == '-')
		n->cmp = *q++;
	uint64_t v;
	if (tx_num(q, &v) < 0)
		fail("invalid argument `%s' to `%s'", s, pred);
	n->num = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	return n;
}

static node *size_test(ps *p, const char *pred) {
	const char *s = arg(p, pred), *q = s;
	node *n = leaf(t_size);
	n->cmp = '=';
	n->unit = 512;
	if (*q == '+' || *q == '-')
		n->cmp = *q++;
	char *d = tx_strdup(q);
	size_t k = strlen(d);
	if (k && !tx_isdigit((unsigned char)d[k - 1])) {
		switch (d[k - 1]) {
		case 'b': n->unit = 512; break;
		case 'c': n->unit = 1; break;
		case 'w': n->unit = 2; break;
		case 'k': n->unit = 1024; break;
		case 'M': n->unit = 1 << 20; break;
		case 'G': n->unit = 1 << 30; break;
		default: fail("invalid -size type `%c'", d[k - 1]);
		}
		d[k - 1] = 0;
	}
	uint64_t v;
	if (tx_num(d, &v) < 0)
		fail("Invalid argument `%s' to -size", s);
	n->num = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	free(d);
	return n;
}

static node *time_test(ps *p, const char *pred, int which, int64_t unit) {
	const char *s = arg(p, pred), *q = s;
	node *n = leaf(t_time);
	n->which = which;
	n->unit = unit;
	n->cmp = '=';
	if (*q == '+' || *q == '-')
		n->cmp = *q++;
	char *e;
	double v = strtod(q, &e);
	if (e == q || *e || v < 0 || v > 1e12)
		fail("invalid argument `%s' to `%s'", s, pred);
	n->num = (int64_t)v;
	return n;
}

static void ref_stat(ps *p, const char *file, struct sbx_stat *st) {
	if (sbx_stat(file, p->f->follow == 'P' ? SBX_NOFOLLOW : 0, st))
		fail("%s: %s", quoteaf(file), errtext(errno));
}

static node *newer(ps *p, const char *pred, int which, int refwhich) {
	const char *file = arg(p, pred);
	node *n = leaf(t_newer);
	n->which = which;
	if (refwhich == 't') {
		uint32_t ns = 0;
		if (!parse_date(file, p->f->now, (uint32_t)p->f->nowns, &n->sec, &ns))
			fail("I cannot figure out how to interpret %s as a date or time", quoteaf(file));
		n->nsec = ns;
		return n;
	}
	struct sbx_stat st;
	ref_stat(p, file, &st);
	n->sec = stamp(&st, refwhich, &n->nsec);
	return n;
}

static node *glob(ps *p, const char *pred, int (*t)(find *, node *, item *), int icase) {
	node *n = leaf(t);
	n->s = arg(p, pred);
	n->which = icase;
	return n;
}

static node *type_test(ps *p, const char *pred, int x) {
	const char *s = arg(p, pred);
	buf b = {0};
	for (const char *q = s;; q++) {
		if (!*q)
			fail(*s ? "Last file type in list argument to %s is missing, i.e., list is ending on: ','" : "Arguments to %s should contain at least one letter", pred);
		if (!strchr("bcdpflsD", *q))
			fail("Unknown argument to %s: %c", pred, *q);
		buf_chr(&b, *q++);
		if (!*q)
			break;
		if (*q != ',')
			fail("Must separate multiple arguments to %s using: ','", pred);
	}
	node *n = leaf(t_type);
	n->s = buf_z(&b);
	n->which = x;
	return n;
}

static node *perm_test(ps *p, const char *pred) {
	const char *s = arg(p, pred), *q = s;
	node *n = leaf(t_perm);
	n->cmp = '=';
	if (*q == '-' || *q == '/')
		n->cmp = *q++;
	if (!*q || !mode_valid(q))
		fail("invalid mode %s", quoteaf(s));
	n->mode = mode_apply(q, 0, 0) & 07777;
	if (tx_isdigit((unsigned char)*q))
		n->mode = (uint32_t)strtoul(q, NULL, 8) & 07777;
	return n;
}

static node *owner(ps *p, const char *pred, int group) {
	const char *s = arg(p, pred);
	node *n = leaf(group ? t_gid : t_uid);
	uint32_t id;
	uint64_t v;
	n->cmp = '=';
	if (group ? group_id(s, &id) : user_id(s, &id, NULL))
		n->num = id;
	else if (tx_num(s, &v) == 0)
		n->num = (int64_t)v;
	else
		fail(group ? "'%s' is not the name of an existing group" : "'%s' is not the name of a known user", s);
	return n;
}

static FILE *output(const char *name) {
	FILE *f;
	if (!strcmp(name, "/dev/stdout"))
		return stdout;
	if (!strcmp(name, "/dev/stderr"))
		return stderr;
	if (tx_fopen_w(name, 0, &f))
		fail("%s: %s", quoteaf(name), errtext(errno));
	return f;
}

static node *print(ps *p, int delim, FILE *out) {
	node *n = leaf(t_print);
	n->which = delim;
	n->out = out;
	p->f->has_action = 1;
	return n;
}

static node *formatted(ps *p, const char *pred, int file) {
	node *n = leaf(find_printf);
	n->out = file ? output(arg(p, pred)) : stdout;
	n->s = arg(p, pred);
	p->f->has_action = 1;
	return n;
}

static node *exec(ps *p, const char *pred, int dirs, int ask) {
	node *n = leaf(find_exec);
	int from = p->i, braces = 0;
	n->dirs = dirs;
	n->ask = ask;
	for (;; p->i++) {
		if (p->i >= p->n)
			fail("missing argument to `%s'", pred);
		const char *a = p->a[p->i];
		if (!strcmp(a, ";"))
			break;
		if (!strcmp(a, "+") && p->i > from && !strcmp(p->a[p->i - 1], "{}") && !ask) {
			n->plus = 1;
			break;
		}
		if (strstr(a, "{}"))
			braces++;
	}
	n->argv = p->a + from;
	n->argc = p->i++ - from;
	if (!n->argc)
		fail("missing argument to `%s'", pred);
	if (n->plus && braces > 1)
		fail("Only one instance of {} is supported with %s ... +", pred);
	if (n->plus) {
		n->argc--; // the {}
		p->f->execs = tx_array(p->f->execs, &p->f->cexecs, p->f->nexecs + 1, sizeof *p->f->execs);
		p->f->execs[p->f->nexecs++] = n;
	}
	p->f->has_action = 1;
	return n;
}

static int64_t level(ps *p, const char *pred) {
	const char *s = arg(p, pred);
	uint64_t v;
	if (tx_num(s, &v) < 0)
		fail("Expected a positive decimal integer argument to %s, but got %s", pred, quoteaf(s));
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static node *regex(ps *p, const char *pred, int icase) {
	const char *s = arg(p, pred), *err = NULL;
	node *n = leaf(t_regex);
	n->re = re_compile(s, strlen(s), p->f->regextype | (icase ? RE_ICASE : 0), &err);
	if (!n->re)
		fail("failed to compile regular expression '%s': %s", s, err);
	return n;
}

static node *regextype(ps *p, const char *pred) {
	const char *s = arg(p, pred);
	if (!strcmp(s, "posix-extended") || !strcmp(s, "egrep") || !strcmp(s, "posix-egrep") || !strcmp(s, "awk") || !strcmp(s, "posix-awk") || !strcmp(s, "gnu-awk"))
		p->f->regextype = RE_ERE;
	else if (!strcmp(s, "posix-basic") || !strcmp(s, "grep") || !strcmp(s, "sed") || !strcmp(s, "ed") || !strcmp(s, "posix-minimal-basic"))
		p->f->regextype = 0;
	else if (!strcmp(s, "findutils-default") || !strcmp(s, "emacs"))
		p->f->regextype = RE_EMACS;
	else
		fail("Unknown regular expression type %s", quoteaf(s));
	return leaf(t_true);
}

static node *samefile(ps *p, const char *pred) {
	struct sbx_stat st;
	ref_stat(p, arg(p, pred), &st);
	node *n = leaf(t_same);
	n->dev = st.dev;
	n->ino = st.ino;
	return n;
}

static node *which(node *n, int w) {
	n->which = w;
	return n;
}

// predicate parses one test, option or action after its name.
static node *predicate(ps *p, const char *a) {
	find *f = p->f;
	const char *t = a + 1;
	if (*t == '-' && t[1])
		t++;
#define IS(x) (!strcmp(t, x))
	if (IS("name")) return glob(p, a, t_name, 0);
	if (IS("iname")) return glob(p, a, t_name, 1);
	if (IS("path") || IS("wholename")) return glob(p, a, t_path, 0);
	if (IS("ipath") || IS("iwholename")) return glob(p, a, t_path, 1);
	if (IS("lname")) return glob(p, a, t_lname, 0);
	if (IS("ilname")) return glob(p, a, t_lname, 1);
	if (IS("regex")) return regex(p, a, 0);
	if (IS("iregex")) return regex(p, a, 1);
	if (IS("regextype")) return regextype(p, a);
	if (IS("type")) return type_test(p, a, 0);
	if (IS("xtype")) return type_test(p, a, 1);
	if (IS("size")) return size_test(p, a);
	if (IS("empty")) return leaf(t_empty);
	if (IS("true")) return leaf(t_true);
	if (IS("false")) return leaf(t_false);
	if (IS("mtime")) return time_test(p, a, 'm', 86400);
	if (IS("atime")) return time_test(p, a, 'a', 86400);
	if (IS("ctime")) return time_test(p, a, 'c', 86400);
	if (IS("mmin")) return time_test(p, a, 'm', 60);
	if (IS("amin")) return time_test(p, a, 'a', 60);
	if (IS("cmin")) return time_test(p, a, 'c', 60);
	if (IS("newer")) return newer(p, a, 'm', 'm');
	if (IS("anewer")) return newer(p, a, 'a', 'm');
	if (IS("cnewer")) return newer(p, a, 'c', 'm');
	if (!strncmp(t, "newer", 5) && strlen(t) == 7 && strchr("aBcm", t[5]) && strchr("aBcmt", t[6])) return newer(p, a, t[5], t[6]);
	if (IS("used")) return numeric(p, a, t_used);
	if (IS("perm")) return perm_test(p, a);
	if (IS("user")) return owner(p, a, 0);
	if (IS("group")) return owner(p, a, 1);
	if (IS("uid")) return numeric(p, a, t_uid);
	if (IS("gid")) return numeric(p, a, t_gid);
	if (IS("nouser")) return leaf(t_nouser);
	if (IS("nogroup")) return which(leaf(t_nouser), 1);
	if (IS("links")) return numeric(p, a, t_links);
	if (IS("inum")) return numeric(p, a, t_inum);
	if (IS("samefile")) return samefile(p, a);
	if (IS("readable")) return which(leaf(t_access), 4);
	if (IS("writable")) return which(leaf(t_access), 2);
	if (IS("executable")) return which(leaf(t_access), 1);
	if (IS("depth") || IS("d")) return f->depthfirst = 1, leaf(t_true);
	if (IS("maxdepth")) return f->maxdepth = level(p, a), leaf(t_true);
	if (IS("mindepth")) return f->mindepth = level(p, a), leaf(t_true);
	if (IS("xdev") || IS("mount")) return f->xdev = 1, leaf(t_true);
	if (IS("follow")) return f->follow = 'L', leaf(t_true);
	if (IS("daystart")) {
		struct when w;
		bool ok;
		local_time(f->now, 0, &w);
		w.hour = w.min = w.sec = 0;
		w.mday++;
		w.isdst = -1;
		f->now = local_seconds(&w, &ok);
		f->nowns = 0;
		return leaf(t_true);
	}
	if (IS("noleaf") || IS("warn") || IS("nowarn") || IS("ignore_readdir_race") || IS("noignore_readdir_race")) return leaf(t_true);
	if (IS("print")) return print(p, '\n', stdout);
	if (IS("print0")) return print(p, 0, stdout);
	if (IS("fprint")) return print(p, '\n', output(arg(p, a)));
	if (IS("fprint0")) return print(p, 0, output(arg(p, a)));
	if (IS("printf")) return formatted(p, a, 0);
	if (IS("fprintf")) return formatted(p, a, 1);
	if (IS("ls") || IS("fls")) {
		node *n = leaf(find_ls);
		n->out = IS("ls") ? stdout : output(arg(p, a));
		f->has_action = 1;
		return n;
	}
	if (IS("exec")) return exec(p, a, 0, 0);
	if (IS("execdir")) return exec(p, a, 1, 0);
	if (IS("ok")) return exec(p, a, 0, 1);
	if (IS("okdir")) return exec(p, a, 1, 1);
	if (IS("delete")) return f->has_action = f->depthfirst = 1, leaf(find_delete);
	if (IS("prune")) return leaf(t_prune);
	if (IS("quit")) return f->has_action = 1, leaf(t_quit);
	if (IS("help")) {
		printf("Usage: find%s", find_help);
		exit(tx_end(0));
	}
	if (IS("version")) {
		printf("find (sbx tools) 1.0\n");
		exit(tx_end(0));
	}
	fail("unknown predicate `%s'", a);
}

static node *list(ps *p);

static int is(ps *p, const char *a, const char *b) { return p->i < p->n && (!strcmp(p->a[p->i], a) || (b && !strcmp(p->a[p->i], b))); }

static node *primary(ps *p) {
	if (p->i >= p->n)
		fail("expected an expression after '%s'", p->last ? p->last : "");
	const char *a = p->a[p->i++];
	if (++p->depth > 500)
		fail("expression nested too deep");
	node *n;
	if (!strcmp(a, "!") || !strcmp(a, "-not")) {
		p->last = a;
		n = mk('!', primary(p), NULL);
	} else if (!strcmp(a, "(")) {
		if (is(p, ")", NULL))
			fail("invalid expression; empty parentheses are not allowed.");
		p->last = a;
		n = list(p);
		if (!is(p, ")", NULL))
			fail("invalid expression; I was expecting to find a ')' somewhere but did not see one.");
		p->i++;
	} else if (!strcmp(a, ")"))
		fail("invalid expression; you have too many ')'");
	else if (!strcmp(a, "-o") || !strcmp(a, "-or") || !strcmp(a, "-a") || !strcmp(a, "-and") || !strcmp(a, ","))
		fail("invalid expression; you have used a binary operator '%s' with nothing before it.", a);
	else if (*a != '-') {
		fprintf(stderr, "find: paths must precede expression: `%s'\n", a);
		struct sbx_stat st;
		if (sbx_stat(a, 0, &st) == 0)
			fprintf(stderr, "find: possible unquoted pattern after predicate `%s'?\n", p->last ? p->last : "");
		exit(1);
	} else {
		p->last = a;
		n = predicate(p, a);
	}
	p->depth--;
	return n;
}

static node *conjunction(ps *p) {
	node *n = primary(p);
	while (p->i < p->n && !is(p, ")", NULL) && !is(p, "-o", "-or") && !is(p, ",", NULL)) {
		if (is(p, "-a", "-and"))
			p->last = p->a[p->i++];
		n = mk('a', n, primary(p));
	}
	return n;
}

static node *disj(ps *p) {
	node *n = conjunction(p);
	while (is(p, "-o", "-or")) {
		p->last = p->a[p->i++];
		n = mk('o', n, conjunction(p));
	}
	return n;
}

static node *list(ps *p) {
	node *n = disj(p);
	while (is(p, ",", NULL)) {
		p->last = p->a[p->i++];
		n = mk(',', n, disj(p));
	}
	return n;
}

void find_parse(find *f, int argc, char **argv) {
	ps p = {.f = f, .a = argv, .n = argc, .i = 1};
	static char *dot[] = {".", NULL};
	for (; p.i < argc; p.i++) {
		const char *a = argv[p.i];
		if (!strcmp(a, "-P") || !strcmp(a, "-L") || !strcmp(a, "-H"))
			f->follow = a[1];
		else if (!strncmp(a, "-O", 2) && tx_isdigit((unsigned char)a[2]))
			continue;
		else if (!strcmp(a, "-D"))
			p.i++;
		else
			break;
	}
	if (p.i < argc && !strcmp(argv[p.i], "--"))
		p.i++;
	f->paths = argv + p.i;
	while (p.i < argc && *argv[p.i] != '-' && strcmp(argv[p.i], "(") && strcmp(argv[p.i], "!") && strcmp(argv[p.i], ",") && strcmp(argv[p.i], ")"))
		p.i++, f->npaths++;
	if (!f->npaths) {
		f->paths = dot;
		f->npaths = 1;
	}
	if (p.i < argc) {
		f->expr = list(&p);
		if (p.i < argc)
			fail("you have too many ')'");
	}
	if (!f->has_action) {
		node *pr = print(&p, '\n', stdout);
		f->expr = f->expr ? mk('a', f->expr, pr) : pr;
	}
}
