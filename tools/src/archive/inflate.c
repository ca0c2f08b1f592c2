/* DEFLATE expansion, pulled: inflate_next decodes until half the window is full and gives that out. */
#include "gz.h"

enum { WSIZE = 32768, FAST = 10, MAXBITS = 15 };

struct code {
	uint16_t fast[1 << FAST]; /* symbol << 4 | length; 0: longer than FAST, or no code */
	uint16_t count[MAXBITS + 1], sym[288];
};

enum state { AT_BLOCK, IN_STORED, IN_CODES, AT_END };

struct inflate {
	struct rd *in;
	uint64_t bits;
	int nbits, error;
	enum state state;
	bool last;
	uint32_t left, copy_len, copy_dist; /* of a stored block; of a match not copied whole */
	uint64_t total;                     /* bytes given out or in the window: how far back a match may reach */
	uint32_t at;                        /* in the window */
	struct code lit, dist;
	uint8_t win[2 * WSIZE];
};

static const uint16_t len_base[29] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t len_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

/* Fills the bit buffer to n bits or more where the input has them. */
static bool want(struct inflate *z, int n) {
	while (z->nbits < n) {
		int c = rd_getc(z->in);
		if (c < 0)
			return false;
		z->bits |= (uint64_t)c << z->nbits;
		z->nbits += 8;
	}
	return true;
}

static int fail(struct inflate *z, int code) {
	if (!z->error)
		z->error = code == INF_EOF && z->in->err ? INF_READ : code;
	return -1;
}

static int get(struct inflate *z, int n) {
	if (!want(z, n))
		return fail(z, INF_EOF);
	int v = (int)(z->bits & ((1u << n) - 1));
	z->bits >>= n;
	z->nbits -= n;
	return v;
}

int inflate_byte(struct inflate *z) {
	if (z->nbits >= 8) {
		int c = (int)(z->bits & 0xff);
		z->bits >>= 8;
		z->nbits -= 8;
		return c;
	}
	return rd_getc(z->in);
}

/* Makes the tables of a code. Over-subscribed sets are wrong; incomplete ones only where a single code is. */
static bool make(struct code *c, const uint8_t *len, int n) {
	uint16_t offset[MAXBITS + 2];
	int left = 1, used = 0;
	memset(c, 0, sizeof *c);
	for (int i = 0; i < n; i++)
		c->count[len[i]]++;
	used = n - c->count[0];
	c->count[0] = 0;
	for (int i = 1; i <= MAXBITS; i++) {
		left = left * 2 - c->count[i];
		if (left < 0)
			return false;
	}
	if (left > 0 && !(used == 0 || (used == 1 && c->count[1] == 1)))
		return false;
	offset[1] = 0;
	for (int i = 1; i <= MAXBITS; i++)
		offset[i + 1] = (uint16_t)(offset[i] + c->count[i]);
	for (int i = 0; i < n; i++)
		if (len[i])
			c->sym[offset[len[i]]++] = (uint16_t)i;
	uint32_t code = 0, at = 0;
	for (int l = 1; l <= FAST; l++, code <<= 1)
		for (int k = 0; k < c->count[l]; k++, code++, at++) {
			uint32_t r = 0;
			for (int b = 0; b < l; b++)
				r |= ((code >> b) & 1) << (l - 1 - b);
			for (; r < 1u << FAST; r += 1u << l)
				c->fast[r] = (uint16_t)(c->sym[at] << 4 | l);
		}
	return true;
}

static int symbol(struct inflate *z, const struct code *c) {
	want(z, MAXBITS);
	uint16_t f = c->fast[z->bits & ((1 << FAST) - 1)];
	if (f && (f & 15) <= z->nbits) {
		z->bits >>= f & 15;
		z->nbits -= f & 15;
		return f >> 4;
	}
	int code = 0, first = 0, index = 0;
	for (int l = 1; l <= MAXBITS; l++) {
		if (l > z->nbits)
			return fail(z, INF_EOF);
		code |= (int)((z->bits >> (l - 1)) & 1);
		int count = c->count[l];
		if (code - count < first) {
			z->bits >>= l;
			z->nbits -= l;
			return c->sym[index + code - first];
		}
		index += count;
		first = (first + count) << 1;
		code <<= 1;
	}
	return fail(z, INF_BAD);
}

static int read_codes(struct inflate *z) {
	uint8_t len[288 + 32] = {0};
	int nlit = get(z, 5), ndist = get(z, 5), ncode = get(z, 4);
	if (nlit < 0 || ndist < 0 || ncode < 0)
		return -1;
	nlit += 257, ndist += 1, ncode += 4;
	if (nlit > 286 || ndist > 30)
		return fail(z, INF_BAD);
	for (int i = 0; i < ncode; i++) {
		int v = get(z, 3);
		if (v < 0)
			return -1;
		len[order[i]] = (uint8_t)v;
	}
	if (!make(&z->lit, len, 19))
		return fail(z, INF_BAD);
	memset(len, 0, sizeof len);
	for (int i = 0; i < nlit + ndist;) {
		int s = symbol(z, &z->lit), prev = 0, n;
		if (s < 0)
			return -1;
		if (s < 16) {
			len[i++] = (uint8_t)s;
			continue;
		}
		if (s == 16 && i == 0)
			return fail(z, INF_BAD);
		if (s == 16)
			prev = len[i - 1];
		n = s == 16 ? get(z, 2) : s == 17 ? get(z, 3) : get(z, 7);
		if (n < 0)
			return -1;
		n += s == 18 ? 11 : 3;
		if (i + n > nlit + ndist)
			return fail(z, INF_BAD);
		while (n--)
			len[i++] = (uint8_t)prev;
	}
	uint8_t dist[32];
	memcpy(dist, len + nlit, (size_t)ndist);
	if (!len[256] || !make(&z->lit, len, nlit) || !make(&z->dist, dist, ndist))
		return fail(z, INF_BAD);
	return 0;
}

static int start_block(struct inflate *z) {
	if (z->last) {
		z->state = AT_END;
		return 0;
	}
	int head = get(z, 3);
	if (head < 0)
		return -1;
	z->last = head & 1;
	z->state = IN_CODES;
	if (head >> 1 == 0) {
		z->bits >>= z->nbits & 7;
		z->nbits -= z->nbits & 7;
		int n = get(z, 16), not = n < 0 ? -1 : get(z, 16);
		if (not < 0)
			return -1;
		if (n != (~not & 0xffff))
			return fail(z, INF_BAD);
		z->left = (uint32_t)n;
		z->state = IN_STORED;
		return 0;
	}
	if (head >> 1 == 1) {
		uint8_t len[288];
		for (int i = 0; i < 288; i++)
			len[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
		make(&z->lit, len, 288);
		memset(len, 5, 32);
		make(&z->dist, len, 32);
		return 0;
	}
	return head >> 1 == 2 ? read_codes(z) : fail(z, INF_BAD);
}

static int match(struct inflate *z, int s) {
	if (s > 285)
		return fail(z, INF_BAD);
	int extra = get(z, len_extra[s - 257]), d = extra < 0 ? -1 : symbol(z, &z->dist);
	if (d < 0)
		return -1;
	if (d > 29)
		return fail(z, INF_BAD);
	z->copy_len = (uint32_t)(len_base[s - 257] + extra);
	int more = d < 4 ? 0 : d / 2 - 1, v = get(z, more);
	if (v < 0)
		return -1;
	z->copy_dist = (d < 4 ? (uint32_t)d : (2u + (d & 1)) << more) + (uint32_t)v + 1;
	if (z->copy_dist > z->total)
		return fail(z, INF_BAD);
	return 0;
}

/* Decodes up to position end of the window; -1 on an error. */
static int decode(struct inflate *z, uint32_t end) {
	while (z->at < end && z->state != AT_END) {
		if (z->copy_len) {
			uint32_t n = z->copy_len < end - z->at ? z->copy_len : end - z->at;
			z->copy_len -= n;
			z->total += n;
			for (uint32_t from = z->at - z->copy_dist; n--; from++)
				z->win[z->at++] = z->win[from & (2 * WSIZE - 1)];
		} else if (z->state == AT_BLOCK) {
			if (start_block(z))
				return -1;
		} else if (z->state == IN_STORED) {
			if (!z->left) {
				z->state = AT_BLOCK;
				continue;
			}
			int c = inflate_byte(z);
			if (c < 0)
				return fail(z, INF_EOF);
			z->win[z->at++] = (uint8_t)c;
			z->total++;
			z->left--;
		} else {
			int s = symbol(z, &z->lit);
			if (s < 0)
				return -1;
			if (s < 256) {
				z->win[z->at++] = (uint8_t)s;
				z->total++;
			} else if (s == 256) {
				z->state = AT_BLOCK;
			} else if (match(z, s)) {
				return -1;
			}
		}
	}
	return 0;
}

ssize_t inflate_next(struct inflate *z, const uint8_t **p) {
	if (z->at == 2 * WSIZE)
		z->at = 0;
	uint32_t from = z->at;
	if (!z->error && z->state != AT_END)
		decode(z, from < WSIZE ? WSIZE : 2 * WSIZE);
	*p = z->win + from;
	if (z->at > from)
		return (ssize_t)(z->at - from);
	if (z->error)
		return z->error;
	z->bits >>= z->nbits & 7;
	z->nbits -= z->nbits & 7;
	return INF_END;
}

void inflate_reset(struct inflate *z) {
	z->state = AT_BLOCK;
	z->last = false;
	z->error = 0;
	z->total = 0;
	z->copy_len = z->left = 0;
}

struct inflate *inflate_new(struct rd *in) {
	struct inflate *z = xcalloc(1, sizeof *z);
	z->in = in;
	return z;
}

void inflate_free(struct inflate *z) { free(z); }
