/* gz.h: DEFLATE both ways and the gzip format around it, for gzip and tar. */
#ifndef GZ_H
#define GZ_H

#include "tool.h"

/* ---- compressing (deflate.c): pushed in, out through a sink, which returns 0, or -1 with errno. */
typedef int gz_sink(void *ctx, const void *p, size_t n);
struct deflate;
struct deflate *deflate_new(int level, gz_sink *out, void *ctx); /* level 1..9 */
int deflate_write(struct deflate *d, const void *p, size_t n);  /* 0, or -1: the sink failed */
int deflate_end(struct deflate *d);                             /* writes the rest and frees */

/* ---- expanding (inflate.c): pulled out in chunks. */
struct inflate;
enum { INF_END = 0, INF_EOF = -1, INF_BAD = -2, INF_READ = -3 }; /* INF_READ: errno in the input's err */
struct inflate *inflate_new(struct rd *in);
void inflate_free(struct inflate *z);
void inflate_reset(struct inflate *z);                        /* the next stream behind the one that ended */
ssize_t inflate_next(struct inflate *z, const uint8_t **p);   /* bytes at *p, or one of the above */
int inflate_byte(struct inflate *z);                          /* a byte outside a stream; -1 at the end */

uint32_t crc32_of(uint32_t crc, const void *p, size_t n); /* begins with 0 */

/* ---- members of a gzip file (gzfmt.c) */
struct gz_in {
	struct rd *in;
	struct inflate *z;
	uint32_t crc, want_crc, mtime;
	uint64_t out;       /* bytes expanded of this member */
	int flags;
	bool open, zeros;   /* inside a member; zeros were skipped behind the last one */
	char *name;         /* of the header, or NULL */
};
/* What may follow a call: bytes, the end of a member, or what is wrong. */
enum { GZ_END = 0, GZ_EOF = -1, GZ_BAD = -2, GZ_READ = -3, GZ_CRC = -4, GZ_LENGTH = -5, GZ_MAGIC = -6, GZ_METHOD = -7, GZ_FLAGS = -8 };
void gz_in_init(struct gz_in *g, struct rd *in);
void gz_in_free(struct gz_in *g);
/* Reads a member's header. 1, or GZ_END at a clean end of the file (only zeros may follow), or an error. first: the file's first member. */
int gz_header(struct gz_in *g, bool first);
ssize_t gz_next(struct gz_in *g, const uint8_t **p);
const char *gz_error(int code); /* "invalid compressed data--crc error", ... */

struct gz_out {
	struct deflate *d;
	gz_sink *sink;
	void *ctx;
	uint32_t crc;
	uint64_t in;
	size_t header;
};
int gz_out_start(struct gz_out *g, int level, const char *name, uint32_t mtime, gz_sink *sink, void *ctx);
int gz_out_write(struct gz_out *g, const void *p, size_t n);
int gz_out_end(struct gz_out *g);

#endif
