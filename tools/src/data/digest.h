/* digest.h: message digests, one state for all. */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest {
	const struct digest_kind *kind;
	union {
		uint32_t w32[8];
		uint64_t w64[8];
	} h;
	uint64_t bytes;
	size_t fill;
	uint8_t block[128];
};

struct digest_kind {
	const char *name;  /* as --tag prints it: "SHA256" */
	size_t size;       /* bytes of the result */
	size_t block;      /* 64 or 128 */
	size_t word;       /* 4 or 8 */
	int little;        /* byte order of words */
	uint64_t init[8];
	void (*step)(struct digest *d, const uint8_t *block);
};

extern const struct digest_kind digest_md5, digest_sha1, digest_sha224, digest_sha256, digest_sha384, digest_sha512;

void digest_init(struct digest *d, const struct digest_kind *kind);
void digest_add(struct digest *d, const void *p, size_t n);
void digest_end(struct digest *d, uint8_t out[64]);

#endif
