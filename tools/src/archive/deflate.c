/* DEFLATE compression: hash chains over a sliding window, lazy matching, blocks in the cheapest of the three forms. */
#include "gz.h"

enum {
	WSIZE = 32768, WMASK = WSIZE - 1, HBITS = 15, HMASK = (1 << HBITS) - 1, MIN_MATCH = 3, MAX_MATCH = 258,
	MIN_AHEAD = MAX_MATCH + MIN_MATCH + 1, MAX_DIST = WSIZE - MIN_AHEAD, TOO_FAR = 4096, SYMS = 0x7fff,
	LITS = 286, DISTS = 30, CODES = 19, END_BLOCK = 256
};

static const struct {
	uint16_t good, lazy, nice, chain;
} levels[10] = {{0, 0, 0, 0}, {4, 4, 8, 4}, {4, 5, 16, 8}, {4, 6, 32, 32}, {4, 4, 16, 16}, {8, 16, 32, 32}, {8, 16, 128, 128},
    {8, 32, 128, 256}, {32, 128, 258, 1024}, {32, 258, 258, 4096}};

static const uint8_t len_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint8_t order[CODES] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

struct deflate {
	gz_sink *sink;
	void *ctx;
	int level, nbits;
	bool failed, have_lit;
	uint64_t bits;
	size_t nout;
	uint32_t at, ahead, hash, match_at, prev_len;
	int32_t block_at; /* may slide below 0: then a block cannot be stored */
	uint32_t nsym;
	uint32_t lit_freq[LITS], dist_freq[DISTS], code_freq[CODES];
	uint8_t lit_len[288], dist_len[DISTS], code_len[CODES];
	uint16_t lit_code[288], dist_code[DISTS], code_code[CODES];
	uint8_t len_sym[256]; /* length - 3 to symbol - 257 */
	uint16_t len_base[29], dist_base[DISTS];
	uint16_t head[1 << HBITS], prev[WSIZE];
	uint16_t sym_dist[SYMS + 1];
	uint8_t sym_lc[SYMS + 1];
	uint8_t out[16384];
	uint8_t win[2 * WSIZE + MAX_MATCH];
};

static int dist_extra(int sym) { return sym < 4 ? 0 : sym / 2 - 1; }

static int dist_sym(uint32_t dist) { /* dist - 1 */
	if (dist < 4)
		return (int)dist;
	int top = 31 - __builtin_clz(dist);
	return top * 2 + (int)((dist >> (top - 1)) & 1);
}

/* ---- bits */

static void flush_out(struct deflate *d) {
	if (!d->failed && d->nout && d->sink(d->ctx, d->out, d->nout))
		d->failed = true;
	d->nout = 0;
}

static void put_byte(struct deflate *d, uint8_t b) {
	if (d->nout == sizeof d->out)
		flush_out(d);
	d->out[d->nout++] = b;
}

static void put(struct deflate *d, uint32_t value, int n) {
	d->bits |= (uint64_t)value << d->nbits;
	for (d->nbits += n; d->nbits >= 8; d->nbits -= 8, d->bits >>= 8)
		put_byte(d, (uint8_t)d->bits);
}

static void align(struct deflate *d) {
	if (d->nbits)
		put(d, 0, 8 - d->nbits);
}

/* ---- prefix codes */

struct leaf {
	uint32_t freq;
	uint16_t sym;
};

static int by_freq(const void *a, const void *b) {
	const struct leaf *x = a, *y = b;
	return x->freq != y->freq ? (x->freq < y->freq ? -1 : 1) : (int)x->sym - (int)y->sym;
}

/* Optimal lengths, but none over limit, by the two-queue method. At least two symbols get a code. */
static void code_lengths(uint32_t *freq, int n, int limit, uint8_t *len) {
	struct leaf leaf[LITS];
	uint32_t weight[2 * LITS];
	uint16_t parent[2 * LITS], depth[2 * LITS];
	int used = 0, count[64] = {0};
	memset(len, 0, (size_t)n);
	for (int i = 0; i < n; i++)
		used += freq[i] > 0;
	for (int i = 0; used < 2; i++)
		if (!freq[i])
			freq[i] = 1, used++;
	used = 0;
	for (int i = 0; i < n; i++)
		if (freq[i])
			leaf[used++] = (struct leaf){freq[i], (uint16_t)i};
	qsort(leaf, (size_t)used, sizeof *leaf, by_freq);
	for (int i = 0; i < used; i++)
		weight[i] = leaf[i].freq;
	int a = 0, b = used, nodes = used;
	for (; nodes < 2 * used - 1; nodes++) {
		weight[nodes] = 0;
		for (int k = 0; k < 2; k++) {
			int take = a < used && (b >= nodes || weight[a] <= weight[b]) ? a++ : b++;
			weight[nodes] += weight[take];
			parent[take] = (uint16_t)nodes;
		}
	}
	depth[nodes - 1] = 0;
	for (int i = nodes - 2; i >= 0; i--) {
		depth[i] = (uint16_t)(depth[parent[i]] + 1);
		if (i < used)
			count[depth[i] < limit ? depth[i] : limit]++;
	}
	/* Too long codes were cut to limit: lengthen others until the code fits. */
	uint32_t total = 0;
	for (int i = 1; i <= limit; i++)
		total += (uint32_t)count[i] << (limit - i);
	for (; total > 1u << limit; total--) {
		int i = limit - 1;
		while (!count[i])
			i--;
		count[i]--, count[i + 1] += 2, count[limit]--;
	}
	for (int i = limit, at = 0; i > 0; i--)
		for (int k = count[i]; k > 0; k--)
			len[leaf[at++].sym] = (uint8_t)i;
}

static void assign(const uint8_t *len, int n, uint16_t *code) {
	uint32_t count[16] = {0}, next[16] = {0};
	for (int i = 0; i < n; i++)
		count[len[i]]++;
	count[0] = 0;
	for (int i = 1; i < 16; i++)
		next[i] = (next[i - 1] + count[i - 1]) << 1;
	for (int i = 0; i < n; i++) {
		uint32_t c = len[i] ? next[len[i]]++ : 0, r = 0;
		for (int k = 0; k < len[i]; k++)
			r |= ((c >> k) & 1) << (len[i] - 1 - k);
		code[i] = (uint16_t)r;
	}
}

/* Walks the lengths as runs. put_it: write them, else count them. */
static void run_lengths(struct deflate *d, const uint8_t *len, int n, bool put_it) {
	static const uint8_t extra[3] = {2, 3, 7}, base[3] = {3, 3, 11};
	for (int i = 0; i < n;) {
		int run = 1, v = len[i], sym = v, first = v;
		while (i + run < n && len[i + run] == v)
			run++;
		if (v) { /* the value itself, then repeats of 3 to 6 */
			if (put_it)
				put(d, d->code_code[v], d->code_len[v]);
			else
				d->code_freq[v]++;
			i++, run--;
		}
		while (run > 0) {
			int take = 1;
			sym = first;
			if (v && run >= 3)
				sym = 16, take = run < 6 ? run : 6;
			else if (!v && run >= 11)
				sym = 18, take = run < 138 ? run : 138;
			else if (!v && run >= 3)
				sym = 17, take = run;
			if (put_it) {
				put(d, d->code_code[sym], d->code_len[sym]);
				if (sym >= 16)
					put(d, (uint32_t)(take - base[sym - 16]), extra[sym - 16]);
			} else {
				d->code_freq[sym]++;
			}
			i += take, run -= take;
		}
	}
}

static void put_symbols(struct deflate *d) {
	for (uint32_t i = 0; i < d->nsym; i++) {
		uint32_t dist = d->sym_dist[i], lc = d->sym_lc[i];
		if (!dist) {
			put(d, d->lit_code[lc], d->lit_len[lc]);
			continue;
		}
		int s = d->len_sym[lc];
		put(d, d->lit_code[s + 257], d->lit_len[s + 257]);
		put(d, lc - d->len_base[s], len_extra[s]);
		s = dist_sym(--dist);
		put(d, d->dist_code[s], d->dist_len[s]);
		put(d, dist - d->dist_base[s], dist_extra(s));
	}
	put(d, d->lit_code[END_BLOCK], d->lit_len[END_BLOCK]);
}

static uint64_t cost(struct deflate *d, const uint8_t *lit, const uint8_t *dist, int fixed_dist) {
	uint64_t n = 0;
	for (int i = 0; i < LITS; i++)
		n += (uint64_t)d->lit_freq[i] * (lit[i] + (i > 256 ? len_extra[i - 257] : 0u));
	for (int i = 0; i < DISTS; i++)
		n += (uint64_t)d->dist_freq[i] * ((fixed_dist ? 5u : dist[i]) + (uint32_t)dist_extra(i));
	return n;
}

static void fixed_lengths(uint8_t *len) {
	for (int i = 0; i < 288; i++)
		len[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
}

static void put_stored(struct deflate *d, const uint8_t *p, uint32_t n, bool last) {
	put(d, last, 3);
	align(d);
	put(d, n, 16);
	put(d, ~n & 0xffff, 16);
	for (uint32_t i = 0; i < n; i++)
		put_byte(d, p[i]);
}

static void flush_block(struct deflate *d, bool last) {
	uint8_t fixed[288];
	uint32_t stored = (uint32_t)((int32_t)d->at - d->block_at);
	d->lit_freq[END_BLOCK] = 1;
	fixed_lengths(fixed);
	uint64_t fixed_bits = cost(d, fixed, NULL, 1);
	code_lengths(d->lit_freq, LITS, 15, d->lit_len);
	code_lengths(d->dist_freq, DISTS, 15, d->dist_len);
	int nlit = LITS, ndist = DISTS, ncode = CODES;
	while (nlit > 257 && !d->lit_len[nlit - 1])
		nlit--;
	while (ndist > 1 && !d->dist_len[ndist - 1])
		ndist--;
	memset(d->code_freq, 0, sizeof d->code_freq);
	run_lengths(d, d->lit_len, nlit, false);
	run_lengths(d, d->dist_len, ndist, false);
	code_lengths(d->code_freq, CODES, 7, d->code_len);
	while (ncode > 4 && !d->code_len[order[ncode - 1]])
		ncode--;
	uint64_t bits = cost(d, d->lit_len, d->dist_len, 0) + 14 + 3 * (uint64_t)ncode;
	for (int i = 0; i < CODES; i++)
		bits += (uint64_t)d->code_freq[i] * (d->code_len[i] + (i == 16 ? 2u : i == 17 ? 3u : i == 18 ? 7u : 0u));
	uint64_t best = bits < fixed_bits ? bits : fixed_bits;
	if (d->block_at >= 0 && stored <= 65535 && stored + 4 <= (best + 3 + 7) / 8) {
		put_stored(d, d->win + d->block_at, stored, last);
	} else if (fixed_bits <= bits) {
		put(d, last | 2, 3);
		memcpy(d->lit_len, fixed, sizeof fixed);
		memset(d->dist_len, 5, DISTS);
		assign(d->lit_len, 288, d->lit_code);
		assign(d->dist_len, DISTS, d->dist_code);
		put_symbols(d);
	} else {
		put(d, last | 4, 3);
		put(d, (uint32_t)nlit - 257, 5);
		put(d, (uint32_t)ndist - 1, 5);
		put(d, (uint32_t)ncode - 4, 4);
		for (int i = 0; i < ncode; i++)
			put(d, d->code_len[order[i]], 3);
		assign(d->code_len, CODES, d->code_code);
		assign(d->lit_len, LITS, d->lit_code);
		assign(d->dist_len, DISTS, d->dist_code);
		run_lengths(d, d->lit_len, nlit, true);
		run_lengths(d, d->dist_len, ndist, true);
		put_symbols(d);
	}
	d->nsym = 0;
	memset(d->lit_freq, 0, sizeof d->lit_freq);
	memset(d->dist_freq, 0, sizeof d->dist_freq);
	d->block_at = (int32_t)d->at;
}

/* ---- matching */

static bool emit(struct deflate *d, uint32_t dist, uint32_t lc) {
	d->sym_dist[d->nsym] = (uint16_t)dist;
	d->sym_lc[d->nsym++] = (uint8_t)lc;
	if (dist) {
		d->lit_freq[d->len_sym[lc] + 257]++;
		d->dist_freq[dist_sym(dist - 1)]++;
	} else {
		d->lit_freq[lc]++;
	}
	return d->nsym == SYMS;
}

/* Enters the string at pos into its chain; the one before it, 0 for none. */
static uint32_t insert(struct deflate *d, uint32_t pos) {
	const uint8_t *w = d->win + pos;
	uint32_t h = ((uint32_t)w[0] << 10 ^ (uint32_t)w[1] << 5 ^ w[2]) & HMASK;
	uint32_t old = d->head[h];
	d->prev[pos & WMASK] = (uint16_t)old;
	d->head[h] = (uint16_t)pos;
	return old;
}

static uint32_t longest(struct deflate *d, uint32_t cur, uint32_t best) {
	uint32_t chain = levels[d->level].chain, nice = levels[d->level].nice;
	uint32_t limit = d->at > MAX_DIST ? d->at - MAX_DIST : 0, max = d->ahead < MAX_MATCH ? d->ahead : MAX_MATCH;
	const uint8_t *s = d->win + d->at;
	if (best >= levels[d->level].good)
		chain >>= 2;
	if (best >= max)
		return best;
	do {
		const uint8_t *m = d->win + cur;
		if (m[best] != s[best] || m[best - 1] != s[best - 1] || m[0] != s[0] || m[1] != s[1])
			continue;
		uint32_t n = 2;
		while (n < max && m[n] == s[n])
			n++;
		if (n > best) {
			d->match_at = cur;
			best = n;
			if (n >= nice || n >= max)
				break;
		}
	} while ((cur = d->prev[cur & WMASK]) > limit && --chain);
	return best;
}

static void slide(struct deflate *d) {
	memcpy(d->win, d->win + WSIZE, WSIZE);
	d->at -= WSIZE;
	d->match_at -= d->match_at >= WSIZE ? WSIZE : d->match_at;
	d->block_at -= WSIZE;
	for (size_t i = 0; i < LEN(d->head); i++)
		d->head[i] = d->head[i] >= WSIZE ? d->head[i] - WSIZE : 0;
	for (size_t i = 0; i < LEN(d->prev); i++)
		d->prev[i] = d->prev[i] >= WSIZE ? d->prev[i] - WSIZE : 0;
}

static void insert_range(struct deflate *d, uint32_t from, uint32_t to) {
	for (; from < to; from++)
		if (from + MIN_MATCH <= d->at + d->ahead)
			insert(d, from);
}

static void step_fast(struct deflate *d) {
	uint32_t head = d->ahead >= MIN_MATCH ? insert(d, d->at) : 0, len = 0;
	bool full;
	if (head && d->at - head <= MAX_DIST)
		len = longest(d, head, MIN_MATCH - 1);
	if (len >= MIN_MATCH) {
		full = emit(d, d->at - d->match_at, len - MIN_MATCH);
		if (len <= levels[d->level].lazy)
			insert_range(d, d->at + 1, d->at + len);
		d->at += len;
		d->ahead -= len;
	} else {
		full = emit(d, 0, d->win[d->at]);
		d->at++;
		d->ahead--;
	}
	if (full)
		flush_block(d, false);
}

static void step_lazy(struct deflate *d) {
	uint32_t head = d->ahead >= MIN_MATCH ? insert(d, d->at) : 0, before = d->prev_len, before_at = d->match_at;
	uint32_t len = MIN_MATCH - 1;
	if (head && before < levels[d->level].lazy && d->at - head <= MAX_DIST) {
		len = longest(d, head, before < MIN_MATCH - 1 ? MIN_MATCH - 1 : before);
		if (len == before)
			len = MIN_MATCH - 1; /* nothing better */
		if (len == MIN_MATCH && d->at - d->match_at > TOO_FAR)
			len--;
	}
	if (before >= MIN_MATCH && len <= before) {
		bool full = emit(d, d->at - 1 - before_at, before - MIN_MATCH);
		insert_range(d, d->at + 1, d->at + before - 1);
		d->at += before - 1;
		d->ahead -= before - 1;
		d->have_lit = false;
		d->prev_len = MIN_MATCH - 1;
		if (full)
			flush_block(d, false);
		return;
	}
	if (d->have_lit && emit(d, 0, d->win[d->at - 1]))
		flush_block(d, false);
	d->have_lit = true;
	d->prev_len = len;
	d->at++;
	d->ahead--;
}

static void run(struct deflate *d, uint32_t keep) {
	while (d->ahead > keep) {
		if (d->level < 4)
			step_fast(d);
		else
			step_lazy(d);
	}
}

int deflate_write(struct deflate *d, const void *p, size_t n) {
	const uint8_t *s = p;
	while (n > 0 && !d->failed) {
		if (d->at >= WSIZE + MAX_DIST)
			slide(d);
		size_t room = 2 * WSIZE - (d->at + d->ahead), take = n < room ? n : room;
		memcpy(d->win + d->at + d->ahead, s, take);
		d->ahead += (uint32_t)take;
		s += take;
		n -= take;
		run(d, MIN_AHEAD);
	}
	return d->failed ? -1 : 0;
}

int deflate_end(struct deflate *d) {
	run(d, 0);
	if (d->have_lit && emit(d, 0, d->win[d->at - 1])) {
		d->have_lit = false;
		flush_block(d, false);
	}
	flush_block(d, true);
	align(d);
	flush_out(d);
	int rc = d->failed ? -1 : 0;
	free(d);
	return rc;
}

struct deflate *deflate_new(int level, gz_sink *out, void *ctx) {
	struct deflate *d = xcalloc(1, sizeof *d);
	d->sink = out;
	d->ctx = ctx;
	d->level = level < 1 ? 1 : level > 9 ? 9 : level;
	d->prev_len = MIN_MATCH - 1;
	uint32_t base = 0;
	for (int i = 0; i < 28; i++) {
		d->len_base[i] = (uint16_t)base;
		for (uint32_t k = 0; k < 1u << len_extra[i] && base < 256; k++)
			d->len_sym[base++] = (uint8_t)i;
	}
	d->len_base[28] = 255;
	d->len_sym[255] = 28;
	base = 0;
	for (int i = 0; i < DISTS; i++) {
		d->dist_base[i] = (uint16_t)base;
		base += 1u << dist_extra(i);
	}
	return d;
}
