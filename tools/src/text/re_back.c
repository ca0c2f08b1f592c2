// The backtracker: groups, back-references and Perl's look-arounds. Without references every (instruction,
// position) is tried once; with them a budget of steps bounds the search.
#include "re_int.h"
#include <stdlib.h>
#include <string.h>

int re_holds(const re *r, int kind, const char *s, size_t n, size_t i, int eflags) {
	int nl = r->flags & RE_NEWLINE;
	int wp = i > 0 && re_isword((unsigned char)s[i - 1]), wn = i < n && re_isword((unsigned char)s[i]);
	switch (kind) {
	case A_BOT: return i == 0 && !(eflags & RE_NOTBOL);
	case A_BOL: return (i == 0 && !(eflags & RE_NOTBOL)) || (nl && i > 0 && s[i - 1] == '\n');
	case A_EOT: return i == n;
	case A_EOTNL: return i == n || (i + 1 == n && s[i] == '\n') || (nl && s[i] == '\n');
	case A_EOL: return i == n || (nl && s[i] == '\n');
	case A_WORDB: return wp != wn;
	case A_NWORDB: return wp == wn;
	case A_WBEG: return !wp && wn;
	case A_WEND: return wp && !wn;
	}
	return 0;
}

typedef struct {
	int pc;          // >= 0: go there; -1: restore a capture
	int slot;
	ptrdiff_t pos;
} job;

typedef struct {
	re *r;
	const char *s;
	size_t n, base;
	ptrdiff_t want, *cap, best;
	ptrdiff_t *bestcap;
	int longest, ef, memo, depth;
	uint8_t *seen;
	size_t width;
	job *st;
	size_t nst, cst;
	uint64_t steps;
} bt;

static void push(bt *b, int pc, int slot, ptrdiff_t pos) {
	if (b->nst == b->cst) {
		if (b->cst > (size_t)1 << 26)
			re_fail("stack overflow");
		b->cst = b->cst ? b->cst * 2 : 64;
		b->st = re_grow(b->st, b->cst * sizeof(job));
	}
	b->st[b->nst++] = (job){pc, slot, pos};
}

static int run(bt *b, int pc, ptrdiff_t pos, int top, ptrdiff_t want, ptrdiff_t *endp);

// look evaluates a look-around or an atomic group at pos; *pos moves for an atomic group.
static int look(bt *b, const inst *i, ptrdiff_t *pos) {
	ptrdiff_t end = 0;
	if (b->depth > 100)
		re_fail("look-around nested too deep");
	switch (i->arg) {
	case L_AHEAD: return run(b, i->y, *pos, 0, -1, &end);
	case L_NAHEAD: return !run(b, i->y, *pos, 0, -1, &end);
	case L_ATOMIC:
		if (!run(b, i->y, *pos, 0, -1, &end))
			return 0;
		*pos = end;
		return 1;
	default:
		for (ptrdiff_t p = *pos; p >= 0 && *pos - p <= 255; p--)
			if (run(b, i->y, p, 0, *pos, &end))
				return i->arg == L_BEHIND;
		return i->arg == L_NBEHIND;
	}
}

static int backref(bt *b, int g, ptrdiff_t *pos) {
	ptrdiff_t so = b->cap[2 * g], eo = b->cap[2 * g + 1];
	if (so < 0 || eo < so)
		return 0;
	ptrdiff_t k = eo - so;
	if (k > (ptrdiff_t)b->n - *pos)
		return 0;
	for (ptrdiff_t i = 0; i < k; i++) {
		int x = (unsigned char)b->s[so + i], y = (unsigned char)b->s[*pos + i];
		if (b->r->flags & RE_ICASE) {
			x = x >= 'A' && x <= 'Z' ? x + 32 : x;
			y = y >= 'A' && y <= 'Z' ? y + 32 : y;
		}
		if (x != y)
			return 0;
	}
	*pos += k;
	return 1;
}

static int accept(bt *b, int top, ptrdiff_t pos, ptrdiff_t want, ptrdiff_t *endp) {
	if (want >= 0 && pos != want)
		return 0;
	*endp = pos;
	if (!top || !b->longest || want >= 0)
		return 1;
	if (pos > b->best) { // keep looking for a longer one
		b->best = pos;
		memcpy(b->bestcap, b->cap, (size_t)(b->r->nsub + 1) * 2 * sizeof *b->cap);
	}
	return pos == (ptrdiff_t)b->n || b->steps > 200000;
}

// thread follows one thread until it dies or accepts.
static int thread(bt *b, int pc, ptrdiff_t pos, int top, ptrdiff_t want, ptrdiff_t *endp) {
	for (;;) {
		inst *i = &b->r->prog[pc];
		if (top && b->memo && i->op != I_CHAR) {
			size_t bit = (size_t)pc * b->width + (size_t)(pos - (ptrdiff_t)b->base);
			if (b->seen[bit >> 3] >> (bit & 7) & 1)
				return 0;
			b->seen[bit >> 3] |= (uint8_t)(1 << (bit & 7));
		}
		b->steps++;
		int c = pos < (ptrdiff_t)b->n ? (unsigned char)b->s[pos] : -1;
		switch (i->op) {
		case I_CHAR:
			if (c != i->arg)
				return 0;
			pos++;
			break;
		case I_SET:
			if (c < 0 || !bset_has(&b->r->sets[i->y], c))
				return 0;
			pos++;
			break;
		case I_ANY:
			if (c < 0)
				return 0;
			pos++;
			break;
		case I_ASSERT:
			if (!re_holds(b->r, i->arg, b->s, b->n, (size_t)pos, b->ef))
				return 0;
			break;
		case I_SPLIT:
			push(b, i->y, 0, pos);
			break;
		case I_SAVE:
			push(b, -1, i->y, b->cap[i->y]);
			b->cap[i->y] = pos;
			break;
		case I_BREF:
			if (!backref(b, i->arg, &pos))
				return 0;
			break;
		case I_LOOK:
			if (!look(b, i, &pos))
				return 0;
			break;
		case I_MATCH: return accept(b, top, pos, want, endp);
		}
		if (want >= 0 && pos > want)
			return 0;
		if (!b->memo && b->steps > 50000000)
			re_fail("exceeded the limit of backtracking");
		pc = i->x;
	}
}

static int run(bt *b, int pc, ptrdiff_t pos, int top, ptrdiff_t want, ptrdiff_t *endp) {
	size_t floor = b->nst;
	b->depth++;
	push(b, pc, 0, pos);
	int hit = 0;
	while (b->nst > floor && !hit) {
		job j = b->st[--b->nst];
		if (j.pc < 0) {
			b->cap[j.slot] = j.pos;
			continue;
		}
		hit = thread(b, j.pc, j.pos, top, want, endp);
	}
	b->nst = floor;
	b->depth--;
	return hit;
}

int re_back(re *r, const char *s, size_t n, size_t start, ptrdiff_t want, int longest, ptrdiff_t *cap, int eflags) {
	size_t lim = want >= 0 ? (size_t)want : n;
	bt b = {.r = r, .s = s, .n = n, .base = start, .cap = cap, .best = -1, .longest = longest, .ef = eflags};
	uint8_t small[512];
	b.width = lim - start + 1;
	// a Perl search without bound looks at few positions: the bitmap would cost more than it saves
	b.memo = !r->has_bref && !r->has_look;
	size_t bytes = 0;
	if (b.memo) {
		bytes = ((size_t)r->nprog * b.width >> 3) + 1;
		if (bytes > (size_t)1 << 28)
			re_fail("memory exhausted");
		b.seen = bytes <= sizeof small ? memset(small, 0, bytes) : re_alloc(bytes);
	}
	size_t slots = (size_t)(r->nsub + 1) * 2;
	for (size_t i = 0; i < slots; i++)
		cap[i] = -1;
	if (longest)
		b.bestcap = re_alloc(slots * sizeof *cap);
	ptrdiff_t end = -1;
	int hit = run(&b, r->start, (ptrdiff_t)start, 1, want, &end);
	if (longest && b.best >= 0) {
		memcpy(cap, b.bestcap, slots * sizeof *cap);
		end = b.best;
		hit = 1;
	}
	if (cap[0] < 0) // else Perl's \K set it
		cap[0] = (ptrdiff_t)start;
	cap[1] = end;
	free(b.bestcap);
	if (b.seen != small)
		free(b.seen);
	free(b.st);
	return hit;
}
