/* Message digests: RFC 1321 (MD5), FIPS 180-4 (SHA). */
#include "digest.h"

#include <math.h>
#include <string.h>

static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }
static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }
static uint64_t ror64(uint64_t x, int n) { return x >> n | x << (64 - n); }

static uint32_t load_le(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t load_be(const uint8_t *p) { return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24; }
static uint64_t load_be64(const uint8_t *p) { return (uint64_t)load_be(p) << 32 | load_be(p + 4); }

/* MD5's constants are floor(2^32 * |sin(i + 1)|), which a double holds exactly enough. */
static const uint32_t *md5_table(void) {
	static uint32_t k[64];
	if (!k[0])
		for (int i = 0; i < 64; i++)
			k[i] = (uint32_t)(long long)floor(fabs(sin(i + 1)) * 4294967296.0);
	return k;
}

static void md5_step(struct digest *d, const uint8_t *block) {
	static const uint8_t shift[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	const uint32_t *k = md5_table();
	uint32_t *h = d->h.w32, a = h[0], b = h[1], c = h[2], e = h[3], m[16];
	for (int i = 0; i < 16; i++)
		m[i] = load_le(block + 4 * i);
	for (int i = 0; i < 64; i++) {
		uint32_t f;
		int g;
		switch (i / 16) {
		case 0: f = (b & c) | (~b & e), g = i; break;
		case 1: f = (e & b) | (~e & c), g = (5 * i + 1) & 15; break;
		case 2: f = b ^ c ^ e, g = (3 * i + 5) & 15; break;
		default: f = c ^ (b | ~e), g = (7 * i) & 15; break;
		}
		f += a + k[i] + m[g];
		a = e, e = c, c = b;
		b += rol(f, shift[i / 16][i & 3]);
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += e;
}

static void sha1_step(struct digest *d, const uint8_t *block) {
	uint32_t *h = d->h.w32, a = h[0], b = h[1], c = h[2], e = h[3], f = h[4], w[80];
	for (int i = 0; i < 16; i++)
		w[i] = load_be(block + 4 * i);
	for (int i = 16; i < 80; i++)
		w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t t, k;
		switch (i / 20) {
		case 0: t = (b & c) | (~b & e), k = 0x5a827999; break;
		case 1: t = b ^ c ^ e, k = 0x6ed9eba1; break;
		case 2: t = (b & c) | (b & e) | (c & e), k = 0x8f1bbcdc; break;
		default: t = b ^ c ^ e, k = 0xca62c1d6; break;
		}
		t += rol(a, 5) + f + k + w[i];
		f = e, e = c, c = rol(b, 30), b = a, a = t;
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += e, h[4] += f;
}

/* SHA-2's round constants: the first 64 (of 80) bits of the fractions of the cube roots of the first 80 primes. SHA-256
 * takes the upper halves of the first 64. Computed once, in integers: the root of p * 2^192 is 2^64 times that of p. */
static uint64_t cube_fraction(unsigned p) {
	/* The largest x below 2^67 with x^3 <= p * 2^192, found bit by bit; x's low 64 bits are the fraction. */
	uint64_t whole = 1;
	while ((whole + 1) * (whole + 1) * (whole + 1) <= p)
		whole++;
	uint64_t x = 0;
	for (int bit = 63; bit >= 0; bit--) {
		uint64_t t = x | (uint64_t)1 << bit;
		/* v = whole * 2^64 + t; v^3 as five 64-bit limbs, least first, compared with p * 2^192 (limb 3). */
		uint64_t v[2] = {t, whole}, sq[4] = {0}, cu[6] = {0};
		for (int i = 0; i < 2; i++) {
			unsigned __int128 carry = 0;
			for (int j = 0; j < 2; j++)
				carry += sq[i + j] + (unsigned __int128)v[i] * v[j], sq[i + j] = (uint64_t)carry, carry >>= 64;
			sq[i + 2] += (uint64_t)carry;
		}
		for (int i = 0; i < 4; i++) {
			unsigned __int128 carry = 0;
			for (int j = 0; j < 2; j++)
				carry += cu[i + j] + (unsigned __int128)sq[i] * v[j], cu[i + j] = (uint64_t)carry, carry >>= 64;
			cu[i + 2] += (uint64_t)carry;
		}
		int over = cu[4] || cu[5] || cu[3] > p || (cu[3] == p && (cu[2] | cu[1] | cu[0]));
		if (!over)
			x = t;
	}
	return x;
}

static const uint64_t *sha2_table(void) {
	static uint64_t k[80];
	if (k[0])
		return k;
	unsigned p = 2;
	for (int n = 0; n < 80; p++) {
		unsigned q = 2;
		while (q * q <= p && p % q)
			q++;
		if (q * q > p)
			k[n++] = cube_fraction(p);
	}
	return k;
}

static void sha256_step(struct digest *d, const uint8_t *block) {
	const uint64_t *k = sha2_table();
	uint32_t w[64], s[8];
	memcpy(s, d->h.w32, sizeof s);
	for (int i = 0; i < 16; i++)
		w[i] = load_be(block + 4 * i);
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (int i = 0; i < 64; i++) {
		uint32_t t = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
		             (uint32_t)(k[i] >> 32) + w[i];
		uint32_t u = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t, s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t + u;
	}
	for (int i = 0; i < 8; i++)
		d->h.w32[i] += s[i];
}

static void sha512_step(struct digest *d, const uint8_t *block) {
	const uint64_t *k = sha2_table();
	uint64_t w[80], s[8];
	memcpy(s, d->h.w64, sizeof s);
	for (int i = 0; i < 16; i++)
		w[i] = load_be64(block + 8 * i);
	for (int i = 16; i < 80; i++)
		w[i] = w[i - 16] + w[i - 7] + (ror64(w[i - 15], 1) ^ ror64(w[i - 15], 8) ^ w[i - 15] >> 7) +
		       (ror64(w[i - 2], 19) ^ ror64(w[i - 2], 61) ^ w[i - 2] >> 6);
	for (int i = 0; i < 80; i++) {
		uint64_t t = s[7] + (ror64(s[4], 14) ^ ror64(s[4], 18) ^ ror64(s[4], 41)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
		uint64_t u = (ror64(s[0], 28) ^ ror64(s[0], 34) ^ ror64(s[0], 39)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t, s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t + u;
	}
	for (int i = 0; i < 8; i++)
		d->h.w64[i] += s[i];
}

const struct digest_kind digest_md5 = {"MD5", 16, 64, 4, 1, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, md5_step};
const struct digest_kind digest_sha1 = {"SHA1", 20, 64, 4, 0, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, sha1_step};
const struct digest_kind digest_sha224 = {"SHA224", 28, 64, 4, 0, {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31,
    0x68581511, 0x64f98fa7, 0xbefa4fa4}, sha256_step};
const struct digest_kind digest_sha256 = {"SHA256", 32, 64, 4, 0, {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
    0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, sha256_step};
const struct digest_kind digest_sha384 = {"SHA384", 48, 128, 8, 0, {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
    0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}, sha512_step};
const struct digest_kind digest_sha512 = {"SHA512", 64, 128, 8, 0, {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}, sha512_step};

void digest_init(struct digest *d, const struct digest_kind *kind) {
	memset(d, 0, sizeof *d);
	d->kind = kind;
	for (int i = 0; i < 8; i++)
		if (kind->word == 8)
			d->h.w64[i] = kind->init[i];
		else
			d->h.w32[i] = (uint32_t)kind->init[i];
}

void digest_add(struct digest *d, const void *data, size_t n) {
	const uint8_t *p = data;
	size_t block = d->kind->block;
	d->bytes += n;
	if (d->fill) {
		size_t take = n < block - d->fill ? n : block - d->fill;
		memcpy(d->block + d->fill, p, take);
		d->fill += take, p += take, n -= take;
		if (d->fill < block)
			return;
		d->kind->step(d, d->block);
		d->fill = 0;
	}
	for (; n >= block; p += block, n -= block)
		d->kind->step(d, p);
	if (n)
		memcpy(d->block, p, n);
	d->fill = n;
}

void digest_end(struct digest *d, uint8_t out[64]) {
	static const uint8_t pad[128] = {0x80};
	uint64_t bits = d->bytes * 8, top = d->bytes >> 61;
	size_t block = d->kind->block, length = block / 8;
	size_t n = block - length - d->fill;
	digest_add(d, pad, n > 0 && n <= block ? n : n + block);
	uint8_t size[16] = {0};
	for (int i = 0; i < 8; i++)
		if (d->kind->little)
			size[i] = (uint8_t)(bits >> (8 * i));
		else
			size[length - 1 - i] = (uint8_t)(bits >> (8 * i));
	if (length == 16)
		size[7] = (uint8_t)top;
	digest_add(d, size, length);
	for (size_t i = 0; i < d->kind->size; i++) {
		size_t word = i / d->kind->word, byte = i % d->kind->word;
		int shift = (int)(8 * (d->kind->little ? byte : d->kind->word - 1 - byte));
		out[i] = (uint8_t)((d->kind->word == 8 ? d->h.w64[word] : d->h.w32[word]) >> shift);
	}
}
