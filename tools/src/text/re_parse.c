// The parser: basic, extended, awk, emacs and Perl syntax to one tree.
#include "re_int.h"
#include <stdlib.h>
#include <string.h>

struct arena {
	arena *next;
	int used;
	node n[128];
};

enum { MAXDEPTH = 250, MAXREP = 32767 };

typedef struct {
	re *r;
	arena **a;
	const unsigned char *s, *e, *begin;
	int f, depth, nodes, icase;
	int open; // groups opened and not closed, for an unmatched )
	uint8_t closed[64];
	const char *err;
} ps;

void re_tree_free(arena *a) {
	while (a) {
		arena *n = a->next;
		free(a);
		a = n;
	}
}

static node *mk(ps *p, int op) {
	if (!*p->a || (*p->a)->used == 128) {
		arena *n = re_alloc(sizeof *n);
		n->next = *p->a;
		*p->a = n;
	}
	node *n = &(*p->a)->n[(*p->a)->used++];
	memset(n, 0, sizeof *n);
	n->op = (uint8_t)op;
	return n;
}

static node *fail(ps *p, const char *msg) {
	if (!p->err)
		p->err = msg;
	return NULL;
}

static int add_set(ps *p, const bset *b) {
	re *r = p->r;
	for (int i = r->nsets > 64 ? r->nsets - 64 : 0; i < r->nsets; i++)
		if (!memcmp(&r->sets[i], b, sizeof *b))
			return i;
	if (r->nsets == r->csets) {
		r->csets = r->csets ? r->csets * 2 : 8;
		r->sets = re_grow(r->sets, (size_t)r->csets * sizeof *b);
	}
	r->sets[r->nsets] = *b;
	return r->nsets++;
}

static node *mkset(ps *p, const bset *in) {
	bset copy = *in, *b = &copy;
	if (p->f & RE_NONL)
		copy.b[1] &= (uint8_t)~4; // lines are matched in place: no newline ever
	node *n = mk(p, N_SET);
	n->min = add_set(p, b);
	return n;
}

static int up(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }
static int low(int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

static node *mkchar(ps *p, int c) {
	if (p->icase && up(c) != low(c)) {
		bset b = {{0}};
		bset_add(&b, up(c));
		bset_add(&b, low(c));
		return mkset(p, &b);
	}
	node *n = mk(p, N_CHAR);
	n->arg = (uint8_t)c;
	return n;
}

// in_class is isXXX of the C locale by name; -1 for an unknown name.
static int in_class(const char *nm, size_t n, int c) {
	static const char *const names[] = {"alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "print", "graph", "cntrl", "xdigit"};
	int k;
	for (k = 0; k < 12; k++)
		if (strlen(names[k]) == n && !memcmp(names[k], nm, n))
			break;
	int u = c >= 'A' && c <= 'Z', l = c >= 'a' && c <= 'z', d = c >= '0' && c <= '9';
	switch (k) {
	case 0: return u || l;
	case 1: return d;
	case 2: return u || l || d;
	case 3: return u;
	case 4: return l;
	case 5: return c == ' ' || (c >= 9 && c <= 13);
	case 6: return c == ' ' || c == '\t';
	case 7: return c > 32 && c < 127 && !u && !l && !d;
	case 8: return c >= 32 && c < 127;
	case 9: return c > 32 && c < 127;
	case 10: return c < 32 || c == 127;
	case 11: return d || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
	}
	return -1;
}

static void set_class(ps *p, bset *b, const char *nm, size_t n, int neg) {
	if (p->icase && n == 5 && (!memcmp(nm, "upper", 5) || !memcmp(nm, "lower", 5)))
		nm = "alpha";
	for (int c = 0; c < 256; c++)
		if ((in_class(nm, n, c) > 0) != neg)
			bset_add(b, c);
}

static void set_word(bset *b, int neg) {
	for (int c = 0; c < 256; c++)
		if (re_isword(c) != neg)
			bset_add(b, c);
}

static int hexval(int c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	c = low(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// simple_escape reads what follows a backslash in awk and Perl: a byte, or -1 when it is not such an escape.
static int simple_escape(ps *p) {
	int c = *p->s;
	switch (c) {
	case 'n': p->s++; return '\n';
	case 't': p->s++; return '\t';
	case 'r': p->s++; return '\r';
	case 'f': p->s++; return '\f';
	case 'a': p->s++; return '\a';
	case 'v': p->s++; return '\v';
	case 'e':
		if (!(p->f & RE_PERL))
			return -1;
		p->s++;
		return 27;
	case 'x': {
		int v = 0, k = 0;
		const unsigned char *q = p->s + 1;
		if (p->f & RE_PERL && q < p->e && *q == '{') {
			for (q++; q < p->e && hexval(*q) >= 0 && v < 256; q++)
				v = v * 16 + hexval(*q);
			if (q >= p->e || *q != '}')
				return -1;
			p->s = q + 1;
			return v & 255;
		}
		for (; k < 2 && q < p->e && hexval(*q) >= 0; k++, q++)
			v = v * 16 + hexval(*q);
		if (!k)
			return -1;
		p->s = q;
		return v;
	}
	}
	return -1;
}

static int octal_escape(ps *p, int maxd) {
	int v = 0, k = 0;
	for (; k < maxd && p->s < p->e && *p->s >= '0' && *p->s <= '7'; k++)
		v = v * 8 + (*p->s++ - '0');
	return v & 255;
}

static const char EBRACK[] = "Unmatched [, [^, [:, [., or [=";

// perl_class adds \d \w \s \h (and negations) to b; 0 when c is none of them.
static int perl_class(ps *p, bset *b, int c) {
	switch (c) {
	case 'd': set_class(p, b, "digit", 5, 0); return 1;
	case 'D': set_class(p, b, "digit", 5, 1); return 1;
	case 's': set_class(p, b, "space", 5, 0); return 1;
	case 'S': set_class(p, b, "space", 5, 1); return 1;
	case 'h': set_class(p, b, "blank", 5, 0); return 1;
	case 'H': set_class(p, b, "blank", 5, 1); return 1;
	case 'w': set_word(b, 0); return 1;
	case 'W': set_word(b, 1); return 1;
	}
	return 0;
}

// bracket_item reads one endpoint; returns a byte, -2 when a class was added, -1 on error.
static int bracket_item(ps *p, bset *b) {
	int c = *p->s++;
	if (c == '[' && p->s < p->e && (*p->s == ':' || *p->s == '.' || *p->s == '=')) {
		int k = *p->s++;
		const unsigned char *q = p->s;
		while (q + 1 < p->e && !(*q == k && q[1] == ']'))
			q++;
		if (q + 1 >= p->e) {
			fail(p, EBRACK);
			return -1;
		}
		size_t n = (size_t)(q - p->s);
		const char *nm = (const char *)p->s;
		p->s = q + 2;
		if (k == ':') {
			int neg = p->f & RE_PERL && n && *nm == '^';
			if (in_class(nm + neg, n - (size_t)neg, 0) < 0) {
				fail(p, "Invalid character class name");
				return -1;
			}
			set_class(p, b, nm + neg, n - (size_t)neg, neg);
			return -2;
		}
		if (n != 1) {
			fail(p, "Invalid collation character");
			return -1;
		}
		return (unsigned char)*nm;
	}
	if (c == '\\' && p->f & (RE_AWK | RE_PERL) && p->s < p->e) {
		int k = simple_escape(p);
		if (k >= 0)
			return k;
		c = *p->s++;
		if (p->f & RE_PERL && perl_class(p, b, c))
			return -2;
		if (p->f & RE_PERL && c == 'b')
			return 8;
		if (c >= '0' && c <= '7') {
			p->s--;
			return octal_escape(p, 3);
		}
		if (p->f & RE_AWK && c == 'b')
			return '\b';
	}
	return c;
}

static node *bracket(ps *p) {
	bset b = {{0}};
	int neg = 0, firsttime = 1;
	if (p->f & RE_NONL && p->s < p->e && *p->s == ':') { // grep says what was meant
		const unsigned char *q = memchr(p->s, ']', (size_t)(p->e - p->s));
		if (q && q - p->s > 2 && q[-1] == ':')
			return fail(p, "character class syntax is [[:space:]], not [:space:]");
	}
	if (p->s < p->e && *p->s == '^') {
		neg = 1;
		p->s++;
	}
	for (;; firsttime = 0) {
		if (p->s >= p->e)
			return fail(p, EBRACK);
		if (*p->s == ']' && !firsttime)
			break;
		int lo = bracket_item(p, &b), hi = lo;
		if (lo == -1)
			return NULL;
		if (lo == -2)
			continue;
		if (p->e - p->s >= 2 && *p->s == '-' && p->s[1] != ']') {
			p->s++;
			hi = bracket_item(p, &b);
			if (hi == -1)
				return NULL;
			if (hi == -2 || hi < lo)
				return fail(p, "Invalid range end");
		}
		for (int c = lo; c <= hi; c++) {
			bset_add(&b, c);
			if (p->icase) {
				bset_add(&b, up(c));
				bset_add(&b, low(c));
			}
		}
	}
	p->s++;
	if (neg) {
		for (int i = 0; i < 32; i++)
			b.b[i] = (uint8_t)~b.b[i];
		if (p->f & RE_NONL)
			b.b['\n' >> 3] &= (uint8_t) ~(1 << ('\n' & 7));
	}
	return mkset(p, &b);
}

static node *mkassert(ps *p, int k) {
	node *n = mk(p, N_ASSERT);
	n->arg = (uint8_t)k;
	p->r->has_assert = 1;
	return n;
}

static node *mkbref(ps *p, int g) {
	if (g > p->r->nsub || g >= 64 || !p->closed[g])
		return fail(p, p->f & RE_PERL ? "reference to non-existent subpattern" : "Invalid back reference");
	node *n = mk(p, N_BREF);
	n->min = g;
	p->r->has_bref = 1;
	return n;
}

// escape handles what follows a backslash outside brackets, after the syntax's own operators were tried.
static node *escape(ps *p) {
	if (p->s >= p->e)
		return fail(p, "Trailing backslash");
	bset b = {{0}};
	int c = *p->s;
	if (p->f & RE_AWK) {
		int k = simple_escape(p);
		if (k >= 0)
			return mkchar(p, k);
		if (c >= '0' && c <= '7')
			return mkchar(p, octal_escape(p, 3));
		if (c == 'y') {
			p->s++;
			return mkassert(p, A_WORDB);
		}
		if (c == '/' || c == '"' || c == '&')
			return p->s++, mkchar(p, c);
	}
	if (p->f & RE_PERL) {
		int k = simple_escape(p);
		if (k >= 0)
			return mkchar(p, k);
		if (c == '0')
			return mkchar(p, octal_escape(p, 3));
		p->s++;
		if (perl_class(p, &b, c))
			return mkset(p, &b);
		if (c == 'A')
			return mkassert(p, A_BOT);
		if (c == 'z')
			return mkassert(p, A_EOT);
		if (c == 'Z')
			return mkassert(p, A_EOTNL);
		if (c == 'R' || c == 'N' || c == 'X' || c == 'p' || c == 'P' || c == 'G' || c == 'k' || c == 'g')
			if (c != 'R' && c != 'N')
				return fail(p, "unsupported escape in -P pattern");
		if (c == 'K')
			return p->r->has_look = 1, mk(p, N_KEEP);
		if (c == 'R')
			return mkchar(p, '\n');
		if (c == 'N') {
			memset(&b, 255, sizeof b);
			b.b[1] &= (uint8_t)~4;
			return mkset(p, &b);
		}
		p->s--;
	}
	p->s++;
	if (!(p->f & RE_AWK) && c >= '1' && c <= '9')
		return mkbref(p, c - '0');
	switch (c) {
	case 'w': set_word(&b, 0); return mkset(p, &b);
	case 'W': set_word(&b, 1); return mkset(p, &b);
	case 's': set_class(p, &b, "space", 5, 0); return mkset(p, &b);
	case 'S': set_class(p, &b, "space", 5, 1); return mkset(p, &b);
	case 'b': return mkassert(p, A_WORDB);
	case 'B': return mkassert(p, A_NWORDB);
	}
	if (!(p->f & RE_PERL))
		switch (c) {
		case '<': return mkassert(p, A_WBEG);
		case '>': return mkassert(p, A_WEND);
		case '`': return mkassert(p, A_BOT);
		case '\'': return mkassert(p, A_EOT);
		}
	return mkchar(p, c);
}

static node *alternatives(ps *p);

static int is_ere(const ps *p) { return (p->f & (RE_ERE | RE_AWK | RE_PERL)) != 0; }

// at_close: the input is at a closing parenthesis of this syntax.
static int at_close(ps *p) {
	if (is_ere(p))
		return p->s < p->e && *p->s == ')' && (p->open || !(p->f & RE_AWK));
	return p->e - p->s >= 2 && p->s[0] == '\\' && p->s[1] == ')';
}

static int at_bar(ps *p) {
	if (is_ere(p))
		return p->s < p->e && *p->s == '|';
	return p->e - p->s >= 2 && p->s[0] == '\\' && p->s[1] == '|';
}

static node *group(ps *p) {
	int perl = p->f & RE_PERL, look = -1, noncap = 0, saved = p->icase;
	if (perl && p->e - p->s >= 2 && *p->s == '?') {
		const unsigned char *q = p->s + 1;
		if (*q == ':')
			noncap = 1, q++;
		else if (*q == '=')
			look = L_AHEAD, q++;
		else if (*q == '!')
			look = L_NAHEAD, q++;
		else if (*q == '>')
			look = L_ATOMIC, q++;
		else if (*q == '<' && p->e - q >= 2 && (q[1] == '=' || q[1] == '!'))
			look = q[1] == '=' ? L_BEHIND : L_NBEHIND, q += 2;
		else if (*q == 'i' && p->e - q >= 2 && (q[1] == ')' || q[1] == ':')) {
			p->icase = 1;
			if (q[1] == ')') { // to the end of the enclosing group
				p->s = q + 2;
				return mk(p, N_EMPTY);
			}
			noncap = 1, q += 2;
		} else if (*q == 'P' || *q == '<') {
			while (q < p->e && *q != '>')
				q++;
			if (q >= p->e)
				return fail(p, "unrecognized character after (?P");
			q++;
		} else
			return fail(p, "unrecognized character after (? or (?-");
		p->s = q;
	}
	int idx = 0;
	if (!noncap && look < 0)
		idx = ++p->r->nsub;
	if (++p->depth > MAXDEPTH || p->r->nsub > 20000)
		return fail(p, "Regular expression too big");
	p->open++;
	node *k = alternatives(p);
	p->depth--;
	p->icase = saved;
	if (!k)
		return NULL;
	int closed = at_close(p);
	p->open--;
	if (!closed)
		return fail(p, perl ? "missing closing parenthesis" : "Unmatched ( or \\(");
	p->s += is_ere(p) ? 1 : 2;
	if (idx && idx < 64)
		p->closed[idx] = 1;
	if (noncap)
		return k;
	node *n = mk(p, look >= 0 ? N_LOOK : N_GROUP);
	n->kid = k;
	n->min = idx;
	if (look >= 0) {
		n->arg = (uint8_t)look;
		p->r->has_look = 1;
	}
	return n;
}

// interval parses {m,n} after the opening brace. 1 ok, 0 not an interval (p->s unchanged), -1 error.
static int interval(ps *p, int *min, int *max) {
	const unsigned char *q = p->s;
	int bre = !is_ere(p), lo = -1, hi = -1, comma = 0;
	for (; q < p->e && *q >= '0' && *q <= '9'; q++) {
		lo = (lo < 0 ? 0 : lo) * 10 + (*q - '0');
		if (lo > MAXREP)
			lo = MAXREP + 1;
	}
	if (q < p->e && *q == ',') {
		comma = 1;
		for (q++; q < p->e && *q >= '0' && *q <= '9'; q++) {
			hi = (hi < 0 ? 0 : hi) * 10 + (*q - '0');
			if (hi > MAXREP)
				hi = MAXREP + 1;
		}
	} else
		hi = lo;
	int closed = bre ? p->e - q >= 2 && q[0] == '\\' && q[1] == '}' : q < p->e && *q == '}';
	if (!closed || (lo < 0 && !comma)) {
		if (!bre && !(p->f & RE_POSIXOPS))
			return 0;
		fail(p, q >= p->e ? (bre ? "Unmatched \\{" : "Unmatched { or \\{") : "Invalid content of \\{\\}");
		if (!bre && q >= p->e)
			p->err = "Unmatched \\{";
		return -1;
	}
	if (lo < 0) {
		if (p->f & RE_PERL)
			return 0;
		lo = 0;
	}
	if (lo > MAXREP || hi > MAXREP) {
		fail(p, "Regular expression too big");
		return -1;
	}
	if (hi >= 0 && hi < lo) {
		fail(p, "Invalid content of \\{\\}");
		return -1;
	}
	p->s = q + (bre ? 2 : 1);
	*min = lo;
	*max = hi;
	return 1;
}

// rep_op recognises a repetition operator: 1 found, 0 none, -1 error.
static int rep_op(ps *p, int *min, int *max) {
	if (p->s >= p->e)
		return 0;
	int c = *p->s, ere = is_ere(p);
	*min = 0;
	*max = -1;
	if (c == '*')
		return p->s++, 1;
	if (ere || p->f & RE_EMACS) {
		if (c == '+')
			return p->s++, *min = 1, 1;
		if (c == '?')
			return p->s++, *max = 1, 1;
	}
	if (ere && c == '{') {
		p->s++;
		int k = interval(p, min, max);
		if (k == 0)
			p->s--;
		return k;
	}
	if (!ere && c == '\\' && p->e - p->s >= 2 && !(p->f & RE_EMACS)) {
		c = p->s[1];
		if (c == '+')
			return p->s += 2, *min = 1, 1;
		if (c == '?')
			return p->s += 2, *max = 1, 1;
		if (c == '{') {
			p->s += 2;
			return interval(p, min, max);
		}
	}
	return 0;
}

// bre_dollar: is this $ an anchor in basic syntax?
static int bre_dollar(ps *p) {
	const unsigned char *q = p->s + 1;
	return q >= p->e || *q == '\n' || (p->e - q >= 2 && q[0] == '\\' && (q[1] == ')' || q[1] == '|'));
}

static node *mkany(ps *p) {
	if (!(p->f & (RE_NONL | RE_PERL)))
		return mk(p, N_ANY);
	bset b;
	memset(&b, 255, sizeof b);
	b.b['\n' >> 3] &= (uint8_t) ~(1 << ('\n' & 7));
	return mkset(p, &b);
}

static node *atom(ps *p, int first) {
	int c = *p->s++, ere = is_ere(p);
	switch (c) {
	case '\\':
		if (!ere && p->s < p->e && *p->s == '(')
			return p->s++, group(p);
		if (!ere && p->s < p->e && *p->s == '{')
			return first ? fail(p, "Invalid preceding regular expression") : (p->s++, mkchar(p, '{'));
		return escape(p);
	case '[': return bracket(p);
	case '.': return mkany(p);
	case '(':
		if (ere)
			return group(p);
		break;
	case '^':
		if (ere || first)
			return mkassert(p, A_BOL);
		break;
	case '$':
		p->s--;
		int d = ere || bre_dollar(p);
		p->s++;
		if (d)
			return mkassert(p, p->f & RE_PERL ? A_EOTNL : A_EOL);
		break;
	}
	return mkchar(p, c);
}

static node *repeated(ps *p, node *k) {
	for (;;) {
		int min, max, r = rep_op(p, &min, &max);
		if (r < 0)
			return NULL;
		if (!r)
			return k;
		int lazy = 0;
		if (p->f & RE_PERL && p->s < p->e && (*p->s == '?' || *p->s == '+'))
			lazy = *p->s++ == '?' ? 1 : 2;
		if (k->op == N_REP && !(p->f & RE_PERL) && min == 0 && max == -1 && k->min <= 1 && k->max == -1) {
			k->min = 0; // a** is a*
			continue;
		}
		if (k->op == N_ASSERT && !(p->f & RE_PERL)) { // ^* : at most once or not at all
			node *n = mk(p, N_REP);
			n->min = min > 0;
			n->max = 1;
			n->kid = k;
			k = n;
			continue;
		}
		if (++p->depth > MAXDEPTH)
			return fail(p, "Regular expression too big");
		node *n = mk(p, N_REP);
		n->min = min;
		n->max = max;
		n->lazy = lazy == 1;
		n->kid = k;
		if (lazy == 2) {
			node *l = mk(p, N_LOOK);
			l->arg = L_ATOMIC;
			l->kid = n;
			n = l;
			p->r->has_look = 1;
		}
		k = n;
	}
}

// sequence parses a concatenation.
static node *sequence(ps *p) {
	node *cat = mk(p, N_CAT), **tail = &cat->kid;
	int first = 1, depth = p->depth;
	while (p->s < p->e && !at_bar(p)) {
		if (at_close(p) && p->open)
			break;
		if (at_close(p) && (!is_ere(p) || p->f & (RE_POSIXOPS | RE_PERL)))
			return fail(p, p->f & RE_PERL ? "unmatched closing parenthesis" : "Unmatched ) or \\)");
		node *k;
		if (first) { // an operator with nothing before it
			const unsigned char *at = p->s;
			int min, max, brace = *at == '{' && is_ere(p);
			if (is_ere(p) && (*at == '*' || *at == '+' || *at == '?' || brace)) {
				if (p->f & RE_PERL && !brace)
					return fail(p, "quantifier does not follow a repeatable item");
				int r = brace && !(p->f & RE_POSIXOPS) ? 0 : rep_op(p, &min, &max);
				if (p->f & RE_POSIXOPS)
					return fail(p, "Invalid preceding regular expression");
				if (r < 0)
					return NULL;
				if (r)
					continue;
			}
		}
		k = atom(p, first);
		if (!k)
			return NULL;
		int anchor = first && !is_ere(p) && k->op == N_ASSERT && k->arg == A_BOL;
		first = 0;
		if (anchor && p->s < p->e && *p->s == '*') { // \(^*\): a literal star
			*tail = k;
			tail = &k->next;
			k = mkchar(p, *p->s++);
		}
		k = repeated(p, k);
		if (!k)
			return NULL;
		p->depth = depth;
		*tail = k;
		tail = &k->next;
	}
	if (!cat->kid)
		cat->op = N_EMPTY;
	else if (!cat->kid->next)
		return cat->kid;
	return cat;
}

static node *alternatives(ps *p) {
	node *k = sequence(p);
	if (!k || !at_bar(p))
		return k;
	node *alt = mk(p, N_ALT), **tail = &alt->kid;
	for (;;) {
		node *w = mk(p, N_CAT); // a wrapper: siblings of k are not ours
		w->kid = k;
		*tail = w;
		tail = &w->next;
		if (!at_bar(p))
			return alt;
		p->s += is_ere(p) ? 1 : 2;
		k = sequence(p);
		if (!k)
			return NULL;
	}
}

node *re_parse(re *r, const char *pat, size_t n, arena **a, const char **err) {
	ps p = {.r = r, .a = a, .s = (const unsigned char *)pat, .begin = (const unsigned char *)pat, .f = r->flags};
	p.e = p.s + n;
	p.icase = (r->flags & RE_ICASE) != 0;
	node *t = alternatives(&p);
	if (t && p.s < p.e)
		fail(&p, "Unmatched ) or \\)");
	*err = p.err;
	return p.err ? NULL : t;
}
