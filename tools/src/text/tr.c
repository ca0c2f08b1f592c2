// tr
#include "tx.h"

const char tr_help[] =
	" [OPTION]... SET1 [SET2]\nTranslate, squeeze, and/or delete characters from standard input,\nwriting to standard output.\n\n"
	"  -c, -C, --complement   use the complement of SET1\n  -d, --delete   delete characters in SET1\n"
	"  -s, --squeeze-repeats  replace repeats by one   -t, --truncate-set1   cut SET1 to the length of SET2\n\n"
	"SETs hold characters, \\NNN, \\a \\b \\f \\n \\r \\t \\v \\\\, ranges A-Z, [C*N], [:class:], [=C=].\n";

typedef struct {
	int16_t *v; // bytes; a case class is marked by LOWER or UPPER before its 26 letters
	size_t n, cap;
	long star;  // where [x*] stands, or -1
	int has_class, has_upper_lower;
} set;

typedef struct {
	unsigned char c;
	char lit; // came from an escape: never an operator
} tok;

static void push(set *s, int c) {
	if (s->n > 1 << 20)
		tx_die(0, "too many characters in set");
	s->v = tx_array(s->v, &s->cap, s->n + 1, sizeof *s->v);
	s->v[s->n++] = (int16_t)c;
}

static size_t unescape(const char *s, tok *out) {
	size_t n = 0;
	for (; *s; s++) {
		tok t = {(unsigned char)*s, 0};
		if (*s == '\\') {
			t.lit = 1;
			s++;
			static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
			const char *e = *s ? strchr(from, *s) : NULL;
			if (!*s) {
				tx_warn(0, "warning: an unescaped backslash at end of string is not portable");
				t.c = '\\';
				t.lit = 0;
				s--;
			} else if (e)
				t.c = (unsigned char)to[e - from];
			else if (*s >= '0' && *s <= '7') {
				int v = *s - '0';
				for (int k = 1; k < 3 && s[1] >= '0' && s[1] <= '7' && v * 8 + s[1] - '0' < 256; k++)
					v = v * 8 + *++s - '0';
				t.c = (unsigned char)v;
			} else
				t.c = (unsigned char)*s;
		}
		out[n++] = t;
	}
	return n;
}

static int is_class(const char *nm, size_t n, int c) {
	static const char *const names[] = {"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"};
	int k = 0;
	while (k < 12 && (strlen(names[k]) != n || memcmp(names[k], nm, n)))
		k++;
	switch (k) {
	case 0: return tx_isalnum(c);
	case 1: return tx_isalpha(c);
	case 2: return tx_isblank(c);
	case 3: return c < 32 || c == 127;
	case 4: return tx_isdigit(c);
	case 5: return c > 32 && c < 127;
	case 6: return tx_islower(c);
	case 7: return tx_isprint(c);
	case 8: return c > 32 && c < 127 && !tx_isalnum(c);
	case 9: return tx_isspace(c);
	case 10: return tx_isupper(c);
	case 11: return tx_isdigit(c) || (tx_lower(c) >= 'a' && tx_lower(c) <= 'f');
	}
	return -1;
}

static void show(int c, char out[8]) {
	if (tx_isprint(c))
		snprintf(out, 8, "%c", c);
	else
		snprintf(out, 8, "\\%03o", c);
}

// class_at handles [:name:] at i; the number of tokens used or 0.
static size_t class_at(set *s, const tok *t, size_t i, size_t n) {
	if (i + 4 > n || t[i].c != '[' || t[i].lit || t[i + 1].lit || (t[i + 1].c != ':' && t[i + 1].c != '='))
		return 0;
	int k = t[i + 1].c;
	size_t j = i + 2;
	while (j + 1 < n && !(t[j].c == k && !t[j].lit && t[j + 1].c == ']' && !t[j + 1].lit))
		j++;
	if (j + 1 >= n)
		return 0;
	size_t len = j - (i + 2);
	char nm[16];
	for (size_t x = 0; x < len && x < 15; x++)
		nm[x] = (char)t[i + 2 + x].c;
	nm[len < 15 ? len : 15] = 0;
	if (k == '=') {
		if (len != 1)
			tx_die(0, "%s: equivalence class operand must be a single character", nm);
		push(s, t[i + 2].c);
		return len + 4;
	}
	if (len > 15 || is_class(nm, len, 0) < 0)
		tx_die(0, "invalid character class '%s'", nm);
	s->has_class = 1;
	if (!strcmp(nm, "upper") || !strcmp(nm, "lower"))
		s->has_upper_lower++;
	else
		s->has_class = 2;
	for (int c = 0; c < 256; c++)
		if (is_class(nm, len, c) > 0)
			push(s, c);
	return len + 4;
}

// repeat_at handles [c*n].
static size_t repeat_at(set *s, const tok *t, size_t i, size_t n, int second) {
	if (i + 3 >= n || t[i].c != '[' || t[i].lit || t[i + 2].c != '*' || t[i + 2].lit)
		return 0;
	size_t j = i + 3;
	uint64_t v = 0;
	int base = t[j].c == '0' ? 8 : 10, any = 0;
	for (; j < n && !t[j].lit && tx_isdigit(t[j].c); j++) {
		v = v > 1 << 24 ? v : v * (uint64_t)base + (uint64_t)(t[j].c - '0');
		any = 1;
	}
	if (j >= n || t[j].c != ']' || t[j].lit)
		return 0;
	if (!second)
		tx_die(0, "the [c*] repeat construct may not appear in string1");
	if (!any || !v) {
		if (s->star >= 0)
			tx_die(0, "only one [c*] repeat construct may appear in string2");
		s->star = (long)s->n;
		push(s, t[i + 1].c);
	} else
		for (uint64_t k = 0; k < v; k++)
			push(s, t[i + 1].c);
	return j + 1 - i;
}

static void parse(set *s, const char *str, int second) {
	tok *t = tx_alloc((strlen(str) + 1) * sizeof *t);
	size_t n = unescape(str, t);
	s->star = -1;
	for (size_t i = 0; i < n;) {
		size_t k = class_at(s, t, i, n);
		if (!k)
			k = repeat_at(s, t, i, n, second);
		if (k) {
			i += k;
			continue;
		}
		if (i + 2 < n && t[i + 1].c == '-' && !t[i + 1].lit) {
			if (t[i].c > t[i + 2].c) {
				char a[8], b[8];
				show(t[i].c, a);
				show(t[i + 2].c, b);
				tx_die(0, "range-endpoints of '%s-%s' are in reverse collating sequence order", a, b);
			}
			for (int c = t[i].c; c <= t[i + 2].c; c++)
				push(s, c);
			i += 3;
			continue;
		}
		push(s, t[i++].c);
	}
	free(t);
}

static void complement(set *s) {
	unsigned char in[256] = {0};
	for (size_t i = 0; i < s->n; i++)
		in[s->v[i]] = 1;
	s->n = 0;
	for (int c = 0; c < 256; c++)
		if (!in[c])
			push(s, c);
}

// stretch makes set2 as long as set1: [c*] fills, else the last character repeats.
static void stretch(set *a, set *b, int truncate) {
	if (b->star >= 0 && a->n >= b->n) {
		size_t extra = a->n - b->n + 1, at = (size_t)b->star, tail = b->n - at - 1;
		int c = b->v[at];
		b->v = tx_array(b->v, &b->cap, b->n + extra, sizeof *b->v);
		memmove(b->v + at + extra, b->v + at + 1, tail * sizeof *b->v);
		for (size_t i = 0; i < extra; i++)
			b->v[at + i] = (int16_t)c;
		b->n += extra - 1;
	}
	if (truncate && a->n > b->n)
		a->n = b->n;
	if (!b->n && a->n)
		tx_die(0, "when not truncating set1, string2 must be non-empty");
	while (b->n < a->n)
		push(b, b->v[b->n - 1]);
}

static void run(const unsigned char *map, const unsigned char *del, const unsigned char *squeeze) {
	tx_in in;
	int last = -1;
	static unsigned char out[65536];
	tx_fdin(&in, 0);
	while (in.r < in.w || tx_fill(&in)) {
		size_t k = 0;
		for (; in.r < in.w && k < sizeof out; in.r++) {
			int c = (unsigned char)in.b[in.r];
			if (del[c])
				continue;
			c = map[c];
			if (squeeze[c] && c == last)
				continue;
			last = c;
			out[k++] = (unsigned char)c;
		}
		fwrite(out, 1, k, stdout);
		if (ferror(stdout))
			break;
	}
	if (in.err)
		tx_die(in.err, "read error");
	tx_close(&in);
}

int tr_main(int argc, char **argv) {
	static const tx_long longs[] = {{"complement", 0, 'c'}, {"delete", 0, 'd'}, {"squeeze-repeats", 0, 's'}, {"truncate-set1", 0, 't'}, {NULL, 0, 0}};
	tx_begin("tr", 1);
	int c, comp = 0, del = 0, sq = 0, trunc = 0;
	tx_opts o;
	tx_opt_start(&o, argc, argv, "+cCdst", longs);
	while ((c = tx_opt(&o)) != -1)
		switch (c) {
		case 'c': case 'C': comp = 1; break;
		case 'd': del = 1; break;
		case 's': sq = 1; break;
		case 't': trunc = 1; break;
		}
	if (!o.nrest)
		tx_usage("missing operand");
	int want = del == sq ? 2 : 1;
	if (o.nrest < want && !(sq && !del)) {
		tx_warn(0, "missing operand after '%s'", o.rest[0]);
		fprintf(stderr, "%s\n", del ? "Two strings must be given when both deleting and squeezing repeats." : "Two strings must be given when translating.");
		tx_try();
	}
	int max = del && !sq ? 1 : 2;
	if (o.nrest > max) {
		tx_warn(0, "extra operand '%s'", o.rest[max]);
		if (o.nrest == 2)
			fprintf(stderr, "Only one string may be given when deleting without squeezing repeats.\n");
		tx_try();
	}
	set a = {.star = -1}, b = {.star = -1};
	int translating = !del && o.nrest == 2;
	parse(&a, o.rest[0], 0);
	if (o.nrest == 2)
		parse(&b, o.rest[1], 1);
	if (translating && b.has_class == 2)
		tx_die(0, "when translating, the only character classes that may appear in\nstring2 are 'upper' and 'lower'");
	if (comp)
		complement(&a);
	unsigned char map[256], d[256] = {0}, s[256] = {0};
	for (int i = 0; i < 256; i++)
		map[i] = (unsigned char)i;
	if (translating) {
		stretch(&a, &b, trunc);
		for (size_t i = 0; i < a.n; i++)
			map[a.v[i]] = (unsigned char)b.v[i];
	}
	if (del)
		for (size_t i = 0; i < a.n; i++)
			d[a.v[i]] = 1;
	if (sq) {
		const set *q = o.nrest == 2 ? &b : &a;
		for (size_t i = 0; i < q->n; i++)
			s[q->v[i]] = 1;
	}
	run(map, d, s);
	return tx_end(0);
}
