// sort: options, reading, merge sort and output.
#include "sort.h"

const char sort_help[] =
	" [OPTION]... [FILE]...\nWrite sorted concatenation of all FILE(s) to standard output.\n\n"
	"  -b, -d, -f, -i   ignore leading blanks, dictionary order, fold case, printable only\n"
	"  -n, -g, -h, -M, -V, -R   numeric, general, human, month, version, random order\n"
	"  -r reverse   -u unique   -s stable   -k KEYDEF   -t SEP   -o FILE   -z NUL lines\n"
	"  -c, -C check (quietly)   -m merge\n\n"
	"KEYDEF is F[.C][OPTS][,F[.C][OPTS]] for start and stop position.\n";

static void badkey(const char *spec, const char *why) { tx_die(0, "%s: invalid field specification '%s'", why, spec); }

static int ordering(key *k, int c, int where) {
	switch (c) {
	case 'b':
		if (where & 1)
			k->sblank = 1;
		if (where & 2)
			k->eblank = 1;
		break;
	case 'd': k->dict = 1; break;
	case 'f': k->fold = 1; break;
	case 'g': k->general = 1; break;
	case 'h': k->human = 1; break;
	case 'i': k->print = 1; break;
	case 'M': k->month = 1; break;
	case 'n': k->numeric = 1; break;
	case 'R': k->random = 1; break;
	case 'r': k->reverse = 1; break;
	case 'V': k->version = 1; break;
	default: return 0;
	}
	return 1;
}

static const char *count(const char *s, size_t *v, const char *spec, const char *msg) {
	uint64_t n = 0;
	if (!tx_isdigit((unsigned char)*s))
		tx_die(0, "%s: invalid count at start of '%s'", msg, s);
	(void)spec;
	for (; tx_isdigit((unsigned char)*s); s++)
		n = n > SIZE_MAX / 10 - 10 ? SIZE_MAX : n * 10 + (uint64_t)(*s - '0');
	*v = (size_t)n;
	return s;
}

static void add_key(sorter *s, const key *k) {
	s->keys = tx_array(s->keys, &s->ckeys, s->nkeys + 1, sizeof *k);
	s->keys[s->nkeys++] = *k;
}

static void parse_key(sorter *s, const char *spec) {
	key k = {.eword = SIZE_MAX};
	const char *p = count(spec, &k.sword, spec, "invalid number at field start");
	if (!k.sword--)
		badkey(spec, "field number is zero");
	if (*p == '.') {
		p = count(p + 1, &k.schar, spec, "invalid number after '.'");
		if (!k.schar--)
			badkey(spec, "character offset is zero");
	}
	while (ordering(&k, *p, 1))
		p++;
	if (*p == ',') {
		p = count(p + 1, &k.eword, spec, "invalid number after ','");
		if (!k.eword--)
			badkey(spec, "field number is zero");
		if (*p == '.')
			p = count(p + 1, &k.echar, spec, "invalid number after '.'");
		while (ordering(&k, *p, 2))
			p++;
	}
	if (*p)
		badkey(spec, "stray character in field spec");
	add_key(s, &k);
}

static int is_default(const key *k) {
	return !(k->sblank || k->eblank || k->dict || k->fold || k->print || k->numeric || k->general || k->human || k->month || k->version || k->random || k->reverse);
}

static void check_compatible(const key *k) {
	int orders = !!k->numeric + !!k->general + !!k->human + !!k->month + !!(k->version || k->random || k->dict || k->print);
	if (orders <= 1)
		return;
	char o[16], *q = o;
	if (k->dict) *q++ = 'd';
	if (k->general) *q++ = 'g';
	if (k->human) *q++ = 'h';
	if (k->print && !k->dict) *q++ = 'i';
	if (k->month) *q++ = 'M';
	if (k->numeric) *q++ = 'n';
	if (k->random) *q++ = 'R';
	if (k->version) *q++ = 'V';
	*q = 0;
	tx_die(0, "options '-%s' are incompatible", o);
}

static void inherit(sorter *s) {
	for (size_t i = 0; i < s->nkeys; i++) {
		key *k = &s->keys[i];
		if (is_default(k)) {
			key g = s->g;
			g.sword = k->sword, g.schar = k->schar, g.eword = k->eword, g.echar = k->echar;
			*k = g;
		}
		check_compatible(k);
	}
	key plain = s->g;
	plain.reverse = 0;
	check_compatible(&plain);
	if (!s->nkeys && !is_default(&plain)) {
		key k = s->g;
		k.eword = SIZE_MAX;
		add_key(s, &k);
	}
}

typedef struct {
	line *l;
	size_t n, cap;
} lines;

static void read_lines(const char *name, int delim, lines *out) {
	buf b = {0};
	struct sbx_stat st;
	tx_in in;
	if (tx_open(&in, name))
		tx_die(errno, "cannot read: %s", name);
	if (in.fd > 0 && sbx_fstat(in.fd, &st) == 0 && S_ISDIR(st.mode))
		tx_die(EISDIR, "read failed: %s", name);
	tx_slurp(&in, &b); // kept: lines point into it
	if (in.err)
		tx_die(in.err, "read failed: %s", name);
	tx_close(&in);
	const char *p = b.p, *e = p + b.n;
	while (p < e) {
		const char *q = memchr(p, delim, (size_t)(e - p));
		out->l = tx_array(out->l, &out->cap, out->n + 1, sizeof *out->l);
		out->l[out->n++] = (line){p, (size_t)((q ? q : e) - p)};
		p = q ? q + 1 : e;
	}
}

// msort is a stable merge sort; runs of up to 8 lines are sorted by insertion.
static void msort(const sorter *s, line *a, line *t, size_t n) {
	if (n <= 8) {
		for (size_t i = 1; i < n; i++) {
			line x = a[i];
			size_t j = i;
			for (; j > 0 && sort_cmp(s, &a[j - 1], &x) > 0; j--)
				a[j] = a[j - 1];
			a[j] = x;
		}
		return;
	}
	size_t h = n / 2, i = 0, j = h, k = 0;
	msort(s, a, t, h);
	msort(s, a + h, t, n - h);
	if (sort_cmp(s, &a[h - 1], &a[h]) <= 0)
		return;
	memcpy(t, a, h * sizeof *a);
	while (i < h && j < n)
		a[k++] = sort_cmp(s, &t[i], &a[j]) <= 0 ? t[i++] : a[j++];
	while (i < h)
		a[k++] = t[i++];
}

static int check(const sorter *s, const char *name, const lines *l) {
	for (size_t i = 1; i < l->n; i++) {
		int d = sort_cmp(s, &l->l[i - 1], &l->l[i]);
		if (d > 0 || (s->unique && d == 0)) {
			if (s->check == 'c') {
				fprintf(stderr, "sort: %s:%zu: disorder: ", name, i + 1);
				fwrite(l->l[i].p, 1, l->l[i].n, stderr);
				fputc('\n', stderr);
			}
			return 1;
		}
	}
	return 0;
}

static void write_lines(const sorter *s, const lines *l, FILE *f) {
	int delim = s->zero ? 0 : '\n';
	const line *last = NULL;
	for (size_t i = 0; i < l->n; i++) {
		if (s->unique && last && !sort_cmp(s, last, &l->l[i]))
			continue;
		last = &l->l[i];
		if (last->n)
			fwrite(last->p, 1, last->n, f);
		fputc(delim, f);
	}
}

static void files_from(const char *name, tx_opts *o) {
	buf b = {0};
	if (tx_read_all(name, &b))
		tx_die(errno, "open failed: %s", name);
	size_t cap = 0;
	o->rest = NULL;
	o->nrest = 0;
	for (char *p = buf_z(&b), *e = p + b.n; p < e; p += strlen(p) + 1) {
		o->rest = tx_array(o->rest, &cap, (size_t)o->nrest + 2, sizeof *o->rest);
		o->rest[o->nrest++] = p;
		o->rest[o->nrest] = NULL;
	}
	if (!o->nrest)
		tx_die(0, "no input from '%s'", name);
}

static int tab_arg(const char *a) {
	if (!*a)
		tx_die(0, "empty tab");
	if (a[1]) {
		if (!strcmp(a, "\\0"))
			return 0;
		tx_die(0, "multi-character tab '%s'", a);
	}
	return (unsigned char)*a;
}

static void sort_word(sorter *s, const char *w) {
	static const struct {
		const char *name;
		int c;
	} words[] = {{"general-numeric", 'g'}, {"human-numeric", 'h'}, {"month", 'M'}, {"numeric", 'n'}, {"random", 'R'}, {"version", 'V'}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strncmp(words[i].name, w, strlen(w))) {
			ordering(&s->g, words[i].c, 3);
			return;
		}
	tx_usage("invalid argument '%s' for '--sort'", w);
}

int sort_main(int argc, char **argv) {
	enum { O_SORT = 256, O_CHECK, O_IGN, O_FILES, O_RAND };
	static const tx_long longs[] = {{"ignore-leading-blanks", 0, 'b'}, {"dictionary-order", 0, 'd'}, {"ignore-case", 0, 'f'}, {"general-numeric-sort", 0, 'g'},
		{"ignore-nonprinting", 0, 'i'}, {"month-sort", 0, 'M'}, {"human-numeric-sort", 0, 'h'}, {"numeric-sort", 0, 'n'}, {"random-sort", 0, 'R'}, {"reverse", 0, 'r'},
		{"version-sort", 0, 'V'}, {"sort", 1, O_SORT}, {"check", 2, O_CHECK}, {"key", 1, 'k'}, {"merge", 0, 'm'}, {"output", 1, 'o'}, {"stable", 0, 's'}, {"buffer-size", 1, 'S'},
		{"field-separator", 1, 't'}, {"temporary-directory", 1, 'T'}, {"unique", 0, 'u'}, {"zero-terminated", 0, 'z'}, {"parallel", 1, O_IGN}, {"batch-size", 1, O_IGN},
		{"compress-program", 1, O_IGN}, {"files0-from", 1, O_FILES}, {"random-source", 1, O_RAND}, {"debug", 0, O_IGN}, {NULL, 0, 0}};
	tx_begin("sort", 2);
	sorter s = {.tab = -1, .seed = 0x51ed270b0f4a3c15u ^ (uint64_t)(uintptr_t)&s};
	const char *from = NULL;
	tx_opts o;
	int c;
	tx_opt_start(&o, argc, argv, "bcCdfghik:mMno:rRsS:t:T:uVy:z", longs);
	while ((c = tx_opt(&o)) != -1)
		switch (c) {
		case 'c': case 'C': s.check = c; break;
		case O_CHECK: s.check = o.arg && (*o.arg == 'q' || *o.arg == 's') ? 'C' : 'c'; break;
		case 'k': parse_key(&s, o.arg); break;
		case 'm': s.merge = 1; break;
		case 'o': s.out = o.arg; break;
		case 's': s.stable = 1; break;
		case 't': s.tab = tab_arg(o.arg); break;
		case 'u': s.unique = 1; break;
		case 'z': s.zero = 1; break;
		case O_SORT: sort_word(&s, o.arg); break;
		case O_FILES: from = o.arg; break;
		case O_RAND: s.seed = 42; break;
		case 'S': case 'T': case 'y': case O_IGN: break;
		default: ordering(&s.g, c, 3);
		}
	if (!s.seed || s.g.random) {
		FILE *f = fopen("/dev/urandom", "r");
		if (f) {
			if (s.seed != 42 && fread(&s.seed, sizeof s.seed, 1, f) != 1)
				s.seed ^= 1;
			fclose(f);
		}
	}
	inherit(&s);
	if (from)
		files_from(from, &o);
	static char *in[] = {"-", NULL};
	char **files = o.nrest ? o.rest : in;
	int nf = o.nrest ? o.nrest : 1;
	lines l = {0};
	if (s.check && nf > 1)
		tx_usage("extra operand '%s' not allowed with -%c", files[1], s.check);
	for (int i = 0; i < nf; i++)
		read_lines(files[i], s.zero ? 0 : '\n', &l);
	if (s.check)
		return tx_end(check(&s, files[0], &l));
	line *t = tx_alloc((l.n / 2 + 1) * sizeof *t);
	msort(&s, l.l, t, l.n);
	free(t);
	FILE *f = stdout;
	if (s.out && tx_fopen_w(s.out, 0, &f))
		tx_die(errno, "open failed: %s", s.out);
	write_lines(&s, &l, f);
	if (f != stdout && (ferror(f) | fclose(f)))
		tx_die(errno, "write failed: %s", s.out);
	return tx_end(0);
}
