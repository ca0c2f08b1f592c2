// The lazily built automaton. A state is the set of instructions that wait for a byte or for an assertion,
// together with what the previous byte was. Whether a match ends before a byte is known when that byte is
// seen, so states carry the answer for the position before them. The cache is bounded and flushed when full.
#include "re_int.h"
#include <stdlib.h>
#include <string.h>

enum { C_BEGIN, C_NL, C_WORD, C_OTHER }; // the previous byte
enum { MAXMEM = 16 << 20 };
enum { NONE = -1, DEAD = -2 };

typedef struct {
	int off, n;      // instructions in pool
	uint8_t ctx, hit; // hit: a match ended before the byte that led here
	int hnext;
} state;

struct dfa {
	re *r;
	int unanchored, nclass;
	uint8_t cls[256];
	uint8_t rep[257]; // a byte of each class
	state *st;
	int nst, cst;
	int32_t *next; // nst * (nclass+1); the last column is end of text
	int *pool, npool, cpool;
	int hash[4096];
	int init[4];
	int *mark, gen;  // instruction last seen in generation
	int *set, nset, *stack;
};

static void refine(dfa *d, const bset *b) {
	int map[256], has[256];
	memset(map, -1, sizeof map);
	memset(has, 0, sizeof has);
	for (int c = 0; c < 256; c++)
		if (!bset_has(b, c))
			has[d->cls[c]] = 1;
	for (int c = 0; c < 256; c++) {
		int k = d->cls[c];
		if (!bset_has(b, c) || !has[k])
			continue;
		if (map[k] < 0)
			map[k] = d->nclass++;
		d->cls[c] = (uint8_t)map[k];
	}
}

static void classes(dfa *d) {
	re *r = d->r;
	bset b;
	d->nclass = 1;
	uint8_t chars[256] = {0};
	for (int i = 0; i < r->nprog; i++)
		if (r->prog[i].op == I_CHAR)
			chars[r->prog[i].arg] = 1;
	chars['\n'] = 1;
	for (int c = 0; c < 256; c++)
		if (chars[c]) {
			memset(&b, 0, sizeof b);
			bset_add(&b, c);
			refine(d, &b);
		}
	for (int i = 0; i < r->nsets; i++)
		refine(d, &r->sets[i]);
	if (r->has_assert) {
		memset(&b, 0, sizeof b);
		for (int c = 0; c < 256; c++)
			if (re_isword(c))
				bset_add(&b, c);
		refine(d, &b);
	}
	for (int c = 255; c >= 0; c--)
		d->rep[d->cls[c]] = (uint8_t)c;
}

dfa *re_dfa_new(re *r, int unanchored) {
	dfa *d = re_alloc(sizeof *d);
	d->r = r;
	d->unanchored = unanchored;
	classes(d);
	d->mark = re_alloc((size_t)r->nprog * sizeof(int));
	d->set = re_alloc((size_t)r->nprog * sizeof(int));
	d->stack = re_alloc((size_t)(r->nprog + 2) * 2 * sizeof(int));
	memset(d->hash, -1, sizeof d->hash);
	memset(d->init, -1, sizeof d->init);
	return d;
}

void re_dfa_free(dfa *d) {
	if (!d)
		return;
	free(d->st);
	free(d->next);
	free(d->pool);
	free(d->mark);
	free(d->set);
	free(d->stack);
	free(d);
}

typedef struct {
	int resolve, bot, bol, eot, eol, wprev, wnext;
} flags;

static int assert_true(const flags *f, int kind) {
	switch (kind) {
	case A_BOL: return f->bol;
	case A_EOL: return f->eol;
	case A_BOT: return f->bot;
	case A_EOT: return f->eot;
	case A_EOTNL: return f->eot;
	case A_WORDB: return f->wprev != f->wnext;
	case A_NWORDB: return f->wprev == f->wnext;
	case A_WBEG: return !f->wprev && f->wnext;
	case A_WEND: return f->wprev && !f->wnext;
	}
	return 0;
}

// closure adds pc and what it reaches without a byte to the set; with f, assertions that hold are passed.
static void closure(dfa *d, int pc, const flags *f) {
	int sp = 0;
	d->stack[sp++] = pc;
	while (sp) {
		pc = d->stack[--sp];
		if (d->mark[pc] == d->gen)
			continue;
		d->mark[pc] = d->gen;
		inst *i = &d->r->prog[pc];
		switch (i->op) {
		case I_SPLIT:
			d->stack[sp++] = i->y;
			d->stack[sp++] = i->x;
			break;
		case I_JMP:
		case I_SAVE: d->stack[sp++] = i->x; break;
		case I_ASSERT:
			if (f && f->resolve) {
				if (assert_true(f, i->arg))
					d->stack[sp++] = i->x;
				break;
			}
			d->set[d->nset++] = pc;
			break;
		default: d->set[d->nset++] = pc;
		}
	}
}

static int cmp_int(const void *a, const void *b) { return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b; }

static void flush(dfa *d) {
	d->nst = d->npool = 0;
	memset(d->hash, -1, sizeof d->hash);
	memset(d->init, -1, sizeof d->init);
}

static int intern(dfa *d, int ctx, int hit) {
	if (d->nset > 1)
		qsort(d->set, (size_t)d->nset, sizeof(int), cmp_int);
	if (!d->r->has_assert)
		ctx = C_OTHER;
	uint32_t h = 2166136261u ^ (uint32_t)(ctx * 2 + hit);
	for (int i = 0; i < d->nset; i++)
		h = (h ^ (uint32_t)d->set[i]) * 16777619u;
	h = (h ^ h >> 15) & 4095;
	for (int k = d->hash[h]; k >= 0; k = d->st[k].hnext) {
		state *s = &d->st[k];
		if (s->n == d->nset && s->ctx == ctx && s->hit == hit && !memcmp(d->pool + s->off, d->set, (size_t)d->nset * sizeof(int)))
			return k;
	}
	int cols = d->nclass + 1;
	if (d->nst == d->cst) {
		d->cst = d->cst ? d->cst * 2 : 16;
		d->st = re_grow(d->st, (size_t)d->cst * sizeof(state));
		d->next = re_grow(d->next, (size_t)d->cst * (size_t)cols * sizeof(int32_t));
	}
	if (d->npool + d->nset > d->cpool) {
		d->cpool = (d->npool + d->nset) * 2;
		d->pool = re_grow(d->pool, (size_t)d->cpool * sizeof(int));
	}
	int k = d->nst++;
	d->st[k] = (state){d->npool, d->nset, (uint8_t)ctx, (uint8_t)hit, d->hash[h]};
	if (d->nset)
		memcpy(d->pool + d->npool, d->set, (size_t)d->nset * sizeof(int));
	d->npool += d->nset;
	d->hash[h] = k;
	for (int i = 0; i < cols; i++)
		d->next[(size_t)k * (size_t)cols + (size_t)i] = NONE;
	return k;
}

static int begin(dfa *d, int ctx) {
	if (d->init[ctx] >= 0)
		return d->init[ctx];
	d->gen++;
	d->nset = 0;
	closure(d, d->r->start, NULL);
	return d->init[ctx] = intern(d, ctx, 0);
}

static int full(const dfa *d) {
	return (size_t)d->nst * ((size_t)d->nclass + 8) * 4 + (size_t)d->npool * 4 > MAXMEM;
}

// step computes the state after class k (nclass = end of text). When the cache is full it is flushed and
// *cur names the same state anew.
static int step(dfa *d, int *cur, int k) {
	re *r = d->r;
	int nl = r->flags & RE_NEWLINE;
	if (full(d)) {
		state s = d->st[*cur];
		memcpy(d->set, d->pool + s.off, (size_t)s.n * sizeof(int));
		d->nset = s.n;
		flush(d);
		*cur = intern(d, s.ctx, s.hit);
	}
	state s = d->st[*cur];
	int c = k == d->nclass ? -1 : d->rep[k];
	int *from = re_alloc((size_t)r->nprog * sizeof(int)), nfrom = 0;
	if (r->has_assert) {
		flags f = {.resolve = 1, .bot = s.ctx == C_BEGIN, .bol = s.ctx == C_BEGIN || (nl && s.ctx == C_NL), .eot = c < 0, .eol = c < 0 || (nl && c == '\n'),
			.wprev = s.ctx == C_WORD, .wnext = c >= 0 && re_isword(c)};
		d->gen++;
		d->nset = 0;
		for (int i = 0; i < s.n; i++)
			closure(d, d->pool[s.off + i], &f);
		memcpy(from, d->set, (size_t)d->nset * sizeof(int));
		nfrom = d->nset;
	} else {
		memcpy(from, d->pool + s.off, (size_t)s.n * sizeof(int));
		nfrom = s.n;
	}
	int hit = 0;
	d->gen++;
	d->nset = 0;
	for (int i = 0; i < nfrom; i++) {
		inst *in = &r->prog[from[i]];
		if (in->op == I_MATCH)
			hit = 1;
		else if (c >= 0 && (in->op == I_ANY || (in->op == I_CHAR && in->arg == c) || (in->op == I_SET && bset_has(&r->sets[in->y], c))))
			closure(d, in->x, NULL);
	}
	free(from);
	if (d->unanchored && c >= 0)
		closure(d, r->start, NULL);
	int to;
	if (!hit && !d->nset && c >= 0)
		to = DEAD;
	else
		to = intern(d, c == '\n' ? C_NL : c >= 0 && re_isword(c) ? C_WORD : C_OTHER, hit);
	d->next[(size_t)*cur * (size_t)(d->nclass + 1) + (size_t)k] = to;
	return to;
}

ptrdiff_t re_dfa_run(dfa *d, const char *s, size_t n, size_t from, int eflags) {
	int ctx = C_OTHER;
	if (!d->r->has_assert)
		ctx = C_OTHER;
	else if (from > 0)
		ctx = s[from - 1] == '\n' ? C_NL : re_isword((unsigned char)s[from - 1]) ? C_WORD : C_OTHER;
	else if (!(eflags & RE_NOTBOL))
		ctx = C_BEGIN;
	int cur = begin(d, ctx), cols = d->nclass + 1;
	ptrdiff_t last = -1;
	const unsigned char *p = (const unsigned char *)s;
	for (size_t i = from; i <= n; i++) {
		int k = i < n ? d->cls[p[i]] : d->nclass;
		int to = d->next[(size_t)cur * (size_t)cols + (size_t)k];
		if (to == NONE)
			to = step(d, &cur, k);
		if (to == DEAD)
			break;
		cur = to;
		if (d->st[cur].hit) {
			last = (ptrdiff_t)i;
			if (d->unanchored)
				return last;
		}
	}
	return last;
}
