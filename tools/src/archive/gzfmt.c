/* The gzip format: members with a header, a DEFLATE stream, a checksum and a length. */
#include "gz.h"

uint32_t crc32_of(uint32_t crc, const void *p, size_t n) {
	static uint32_t table[4][256];
	const uint8_t *s = p;
	if (!table[0][1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int k = 0; k < 8; k++)
				c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
			table[0][i] = c;
			for (int t = 1; t < 4; t++)
				table[t][i] = 0;
		}
	if (!table[1][1])
		for (int t = 1; t < 4; t++)
			for (int i = 0; i < 256; i++)
				table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
	crc = ~crc;
	for (; n >= 4; n -= 4, s += 4) {
		crc ^= (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
		crc = table[3][crc & 0xff] ^ table[2][crc >> 8 & 0xff] ^ table[1][crc >> 16 & 0xff] ^ table[0][crc >> 24];
	}
	for (; n > 0; n--)
		crc = table[0][(crc ^ *s++) & 0xff] ^ crc >> 8;
	return ~crc;
}

void gz_in_init(struct gz_in *g, struct rd *in) { *g = (struct gz_in){.in = in, .z = inflate_new(in)}; }

void gz_in_free(struct gz_in *g) {
	inflate_free(g->z);
	free(g->name);
	g->z = NULL;
	g->name = NULL;
}

static uint32_t le(struct gz_in *g, int n, bool *ok) {
	uint32_t v = 0;
	for (int i = 0; i < n; i++) {
		int c = inflate_byte(g->z);
		if (c < 0)
			*ok = false;
		v |= (uint32_t)(c & 0xff) << (8 * i);
	}
	return v;
}

static int at_eof(struct gz_in *g) { return g->in->err ? GZ_READ : GZ_EOF; }

/* A text that ends with NUL. What is kept of it is bounded. */
static bool text(struct gz_in *g, char **out) {
	char buf[4096];
	size_t n = 0;
	int c;
	while ((c = inflate_byte(g->z)) > 0)
		if (n < sizeof buf - 1)
			buf[n++] = (char)c;
	if (out) {
		free(*out);
		*out = xstrndup(buf, n);
	}
	return c == 0;
}

int gz_header(struct gz_in *g, bool first) {
	bool ok = true;
	int c = inflate_byte(g->z);
	if (first && c < 0)
		return at_eof(g);
	g->zeros = false;
	for (; !first && c == 0; g->zeros = true) /* padding behind the last member */
		c = inflate_byte(g->z);
	if (c < 0)
		return g->in->err ? GZ_READ : GZ_END;
	int c2 = inflate_byte(g->z);
	if (c2 < 0 && first)
		return at_eof(g);
	if (c != 0x1f || c2 != 0x8b)
		return GZ_MAGIC;
	int method = inflate_byte(g->z);
	if (method >= 0 && method != 8)
		return GZ_METHOD;
	g->flags = inflate_byte(g->z);
	if (g->flags >= 0 && g->flags & 0xe0)
		return GZ_FLAGS;
	g->mtime = le(g, 4, &ok);
	le(g, 2, &ok);
	if (!ok || g->flags < 0)
		return at_eof(g);
	if (g->flags & 4) {
		uint32_t n = le(g, 2, &ok);
		while (ok && n--)
			le(g, 1, &ok);
	}
	if (ok && g->flags & 8)
		ok = text(g, first ? &g->name : NULL);
	if (ok && g->flags & 16)
		ok = text(g, NULL);
	if (ok && g->flags & 2)
		le(g, 2, &ok);
	if (!ok)
		return at_eof(g);
	inflate_reset(g->z);
	g->crc = 0;
	g->out = 0;
	g->open = true;
	return 1;
}

ssize_t gz_next(struct gz_in *g, const uint8_t **p) {
	if (!g->open)
		return GZ_END;
	ssize_t n = inflate_next(g->z, p);
	if (n > 0) {
		g->crc = crc32_of(g->crc, *p, (size_t)n);
		g->out += (uint64_t)n;
		return n;
	}
	if (n < 0)
		return n == INF_EOF ? GZ_EOF : n == INF_READ ? GZ_READ : GZ_BAD;
	g->open = false;
	bool ok = true;
	g->want_crc = le(g, 4, &ok);
	uint32_t size = le(g, 4, &ok);
	if (!ok)
		return at_eof(g);
	if (g->want_crc != g->crc)
		return GZ_CRC;
	return size == (uint32_t)g->out ? GZ_END : GZ_LENGTH;
}

const char *gz_error(int code) {
	switch (code) {
	case GZ_EOF: return "unexpected end of file";
	case GZ_BAD: return "invalid compressed data--format violated";
	case GZ_CRC: return "invalid compressed data--crc error";
	case GZ_LENGTH: return "invalid compressed data--length error";
	case GZ_METHOD: return "unknown method -- not supported";
	case GZ_FLAGS: return "unknown flags -- not supported";
	default: return "not in gzip format";
	}
}

int gz_out_start(struct gz_out *g, int level, const char *name, uint32_t mtime, gz_sink *sink, void *ctx) {
	uint8_t h[10] = {0x1f, 0x8b, 8, name ? 8 : 0, (uint8_t)mtime, (uint8_t)(mtime >> 8), (uint8_t)(mtime >> 16),
	    (uint8_t)(mtime >> 24), level == 9 ? 2 : level == 1 ? 4 : 0, 3};
	*g = (struct gz_out){.d = deflate_new(level, sink, ctx), .sink = sink, .ctx = ctx, .header = sizeof h};
	if (sink(ctx, h, sizeof h))
		return -1;
	if (!name)
		return 0;
	g->header += strlen(name) + 1;
	return sink(ctx, name, strlen(name) + 1);
}

int gz_out_write(struct gz_out *g, const void *p, size_t n) {
	g->crc = crc32_of(g->crc, p, n);
	g->in += n;
	return deflate_write(g->d, p, n);
}

int gz_out_end(struct gz_out *g) {
	uint8_t t[8];
	int rc = deflate_end(g->d);
	g->d = NULL;
	for (int i = 0; i < 4; i++) {
		t[i] = (uint8_t)(g->crc >> (8 * i));
		t[4 + i] = (uint8_t)(g->in >> (8 * i));
	}
	return rc ? rc : g->sink(g->ctx, t, sizeof t);
}
