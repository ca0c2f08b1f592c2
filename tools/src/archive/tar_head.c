/* Headers of members: V7, ustar, GNU and PAX read, all of them written. */
#include "tar.h"

struct head {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct head) == BLOCK, "a header is a block");

struct old_sparse { /* in the prefix of a GNU header and in the blocks behind it */
	char at[12], len[12];
};

uint64_t head_number(const char *s, size_t n, bool *ok) {
	uint64_t v = 0;
	if ((uint8_t)*s == 0x80 || (uint8_t)*s == 0xff) { /* base 256, two's complement */
		bool negative = (uint8_t)*s == 0xff;
		v = negative ? UINT64_MAX : 0;
		for (size_t i = 1; i < n; i++) {
			if (i + 8 < n && (uint8_t)s[i] != (negative ? 0xff : 0))
				*ok = false;
			v = v << 8 | (uint8_t)s[i];
		}
		return v;
	}
	size_t i = 0;
	while (i < n && (s[i] == ' ' || s[i] == 0))
		i++;
	for (; i < n && s[i] >= '0' && s[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(s[i] - '0');
	if (i < n && s[i] && s[i] != ' ')
		*ok = false;
	return v;
}

static bool put_number(char *field, size_t n, int64_t v, bool big) {
	if (v >= 0 && (n > 21 || (uint64_t)v >> (3 * (n - 1)) == 0)) {
		for (size_t i = n - 1; i-- > 0; v >>= 3)
			field[i] = (char)('0' + (v & 7));
		field[n - 1] = 0;
		return true;
	}
	if (!big) {
		memset(field, '0', n - 1);
		return false;
	}
	for (size_t i = n; i-- > 1; v >>= 8)
		field[i] = (char)v;
	field[0] = (char)(v < 0 ? 0xff : 0x80);
	return true;
}

static uint32_t checksum(const uint8_t *b, bool is_signed) {
	uint32_t sum = 8 * ' ';
	for (int i = 0; i < BLOCK; i++)
		if (i < 148 || i >= 156)
			sum += is_signed ? (uint32_t)(int8_t)b[i] : b[i];
	return sum;
}

void head_free(struct member *m) {
	free(m->name);
	free(m->link);
	free(m->uname);
	free(m->gname);
	free(m->map);
	*m = (struct member){0};
}

/* Data of an extended header, with a NUL behind it; NULL when it is too long or cut off. */
static char *long_data(uint64_t size, uint64_t max) {
	if (size > max) {
		tar_error("extended header of %llu bytes is too long", (unsigned long long)size);
		if (!ar_skip_data(size))
			tar_fatal("Unexpected EOF in archive");
		return NULL;
	}
	char *b = NULL;
	size_t n = 0, cap = 0;
	uint8_t block[BLOCK];
	for (uint64_t left = size; left > 0;) {
		size_t k = left < BLOCK ? (size_t)left : BLOCK;
		if (!ar_block(block))
			tar_fatal("Unexpected EOF in archive");
		if (cap - n <= BLOCK)
			b = xrealloc(b, cap = cap ? cap * 2 : 2048);
		memcpy(b + n, block, k);
		n += k;
		left -= k;
	}
	if (!b)
		b = xmalloc(1);
	b[n] = 0;
	return b;
}

static void add_piece(struct member *m, uint64_t at, uint64_t len, size_t *cap) {
	m->map = grow(m->map, m->pieces, cap, sizeof *m->map);
	m->map[m->pieces++] = (struct piece){at, len};
}

/* The map of an old GNU sparse header: four entries, then 21 in each block that follows. */
static bool old_map(struct member *m, const uint8_t *b) {
	const struct old_sparse *s = (const void *)(b + 386);
	bool ok = true, more = b[482];
	size_t cap = 0, n = 4;
	uint8_t next[BLOCK];
	m->sparse = true;
	m->real_size = head_number((const char *)b + 483, 12, &ok);
	for (;;) {
		for (size_t i = 0; i < n && s[i].len[0]; i++)
			add_piece(m, head_number(s[i].at, 12, &ok), head_number(s[i].len, 12, &ok), &cap);
		if (!more || !ok || m->pieces > MAX_SPARSE)
			return ok && m->pieces <= MAX_SPARSE;
		if (!ar_block(next))
			return false;
		s = (const void *)next;
		n = 21;
		more = next[504];
	}
}

/* Takes the fields that no extended header has given. */
static bool take(struct member *m, const uint8_t *b, bool has_size) {
	const struct head *h = (const void *)b;
	bool ok = true;
	bool gnu = memcmp(h->magic, "ustar  ", 8) == 0, ustar = memcmp(h->magic, "ustar", 6) == 0;
	if (!m->name && ustar && h->prefix[0])
		m->name = xasprintf("%.155s/%.100s", h->prefix, h->name);
	if (!m->name)
		m->name = xstrndup(h->name, strnlen(h->name, 100));
	if (!m->link)
		m->link = xstrndup(h->link, strnlen(h->link, 100));
	m->type = h->type ? h->type : '0';
	m->mode = (uint32_t)head_number(h->mode, 8, &ok) & 07777;
	if (m->uid == (uint32_t)-1)
		m->uid = (uint32_t)head_number(h->uid, 8, &ok);
	if (m->gid == (uint32_t)-1)
		m->gid = (uint32_t)head_number(h->gid, 8, &ok);
	if (!has_size)
		m->size = head_number(h->size, 12, &ok);
	if (m->mtime == INT64_MIN)
		m->mtime = (int64_t)head_number(h->mtime, 12, &ok);
	if (gnu || ustar) {
		if (!m->uname)
			m->uname = xstrndup(h->uname, strnlen(h->uname, 32));
		if (!m->gname)
			m->gname = xstrndup(h->gname, strnlen(h->gname, 32));
	}
	if (m->type == '3' || m->type == '4') {
		m->dev_major = (uint32_t)head_number(h->major, 8, &ok);
		m->dev_minor = (uint32_t)head_number(h->minor, 8, &ok);
	}
	if (strchr("123456", m->type))
		m->size = m->type == '1' && has_size ? m->size : m->type == '5' || m->type == '1' ? m->size : 0;
	if (m->type == '1' || m->type == '5')
		m->size = 0;
	if (m->type == '0' && *m->name && m->name[strlen(m->name) - 1] == '/') /* V7 tar */
		m->type = '5', m->size = 0;
	if (m->type == 'S' && gnu)
		ok = old_map(m, b) && ok;
	else if (!m->sparse)
		m->real_size = m->size;
	if (m->size > INT64_MAX || m->real_size > INT64_MAX)
		ok = false;
	return ok;
}

static bool sum_ok(const uint8_t *b) {
	const struct head *h = (const void *)b;
	bool ok = true;
	uint32_t want = (uint32_t)head_number(h->sum, 8, &ok);
	return ok && (want == checksum(b, false) || want == checksum(b, true));
}

static bool all_zero(const uint8_t *b) {
	for (int i = 0; i < BLOCK; i++)
		if (b[i])
			return false;
	return true;
}

int head_read(struct member *m) {
	uint8_t b[BLOCK];
	bool has_size = false, any = false;
	*m = (struct member){.uid = (uint32_t)-1, .gid = (uint32_t)-1, .mtime = INT64_MIN};
	for (int i = 0;; i++) {
		if (!ar_block(b)) {
			if (any)
				tar_error("Unexpected EOF in archive");
			head_free(m);
			return HEAD_END;
		}
		if (all_zero(b) || !sum_ok(b)) {
			head_free(m);
			return all_zero(b) ? HEAD_ZERO : HEAD_BAD;
		}
		const struct head *h = (const void *)b;
		bool ok = true;
		uint64_t size = head_number(h->size, 12, &ok);
		char t = h->type;
		if (t != 'L' && t != 'K' && t != 'x' && t != 'X' && t != 'g')
			break;
		char *text = ok && i < 64 ? long_data(size, t == 'L' || t == 'K' ? MAX_NAME : MAX_PAX) : NULL;
		if (!text) {
			head_free(m);
			return HEAD_BAD;
		}
		any = true;
		if (t == 'L') {
			free(m->name);
			m->name = xstrdup(text);
		} else if (t == 'K') {
			free(m->link);
			m->link = xstrdup(text);
		} else {
			pax_parse(m, text, (size_t)size, &has_size, t == 'g');
		}
		free(text);
	}
	pax_globals(m);
	if (!take(m, b, has_size)) {
		head_free(m);
		return HEAD_BAD;
	}
	return HEAD_OK;
}

/* ---- writing */

static void finish(struct head *h) {
	if (to.format == F_GNU || to.format == F_OLDGNU)
		memcpy(h->magic, "ustar  ", 8);
	else if (to.format != F_V7)
		memcpy(h->magic, "ustar\0" "00", 8);
	snprintf(h->sum, 8, "%06o", checksum((uint8_t *)h, false));
	h->sum[7] = ' ';
	ar_write(h, sizeof *h);
}

void head_private(const char *name, char type, size_t size, uint32_t mode, int64_t mtime) {
	struct head h = {0};
	memcpy(h.name, name, strnlen(name, sizeof h.name));
	put_number(h.mode, 8, mode, false);
	put_number(h.uid, 8, 0, false);
	put_number(h.gid, 8, 0, false);
	put_number(h.size, 12, (int64_t)size, true);
	put_number(h.mtime, 12, mtime, true);
	h.type = type;
	if (type == 'L' || type == 'K') {
		const char *u = user_name(0), *g = group_name(0);
		strncpy(h.uname, u ? u : "", 31);
		strncpy(h.gname, g ? g : "", 31);
	}
	finish(&h);
}

static void gnu_long(const char *name, char type) {
	size_t n = strlen(name) + 1;
	head_private("././@LongLink", type, n, 0644, 0);
	ar_write(name, n);
	ar_pad(n);
}

/* Splits name over prefix and name of a ustar header. */
static bool split(struct head *h, const char *name) {
	size_t n = strlen(name);
	if (n <= 100) {
		memcpy(h->name, name, n);
		return true;
	}
	size_t at = n - 1 < 155 ? n - 1 : 155;
	while (at > 0 && name[at] != '/')
		at--;
	if (!at || n - at - 1 > 100 || n - at - 1 == 0)
		return false;
	memcpy(h->prefix, name, at);
	memcpy(h->name, name + at + 1, n - at - 1);
	return true;
}

bool head_write(const struct member *m) {
	struct head h = {0};
	bool gnu = to.format == F_GNU || to.format == F_OLDGNU, pax = to.format == F_PAX;
	bool long_name = false, long_link = strlen(m->link) > 100;
	if (gnu || to.format == F_V7) {
		long_name = strlen(m->name) > 100;
		memcpy(h.name, m->name, strnlen(m->name, 100));
	} else {
		long_name = !split(&h, m->name);
		if (long_name)
			memcpy(h.name, m->name, strnlen(m->name, 100));
	}
	if ((long_name || long_link) && !gnu && !pax) {
		tar_error("%s: %s; not dumped", shown_colon(long_name ? m->name : m->link),
		    to.format == F_V7 ? (long_name ? "file name is too long (max 99)" : "link name is too long") :
		    !long_name ? "link name is too long" : strlen(m->name) > 256 ? "file name is too long (max 256)" : "file name is too long (cannot be split)");
		return false;
	}
	if (long_link && gnu)
		gnu_long(m->link, 'K');
	if (long_name && gnu)
		gnu_long(m->name, 'L');
	if (pax)
		pax_write(m, long_name, long_link);
	memcpy(h.link, m->link, strnlen(m->link, 100));
	bool ok = put_number(h.mode, 8, m->mode & 07777, gnu);
	ok &= put_number(h.uid, 8, m->uid, gnu) || pax;
	ok &= put_number(h.gid, 8, m->gid, gnu) || pax;
	ok &= put_number(h.size, 12, (int64_t)m->size, gnu) || pax;
	ok &= put_number(h.mtime, 12, m->mtime, gnu) || pax;
	if (!ok)
		tar_error("%s: value out of range for this format", shown_colon(m->name));
	h.type = to.format == F_V7 && (m->type == '0' || m->type == '5') ? 0 : m->type;
	if (to.format != F_V7 && !to.numeric) {
		strncpy(h.uname, m->uname ? m->uname : "", 31);
		strncpy(h.gname, m->gname ? m->gname : "", 31);
	}
	if (m->type == '3' || m->type == '4' || !gnu) {
		put_number(h.major, 8, m->dev_major, gnu);
		put_number(h.minor, 8, m->dev_minor, gnu);
	}
	finish(&h);
	return true;
}
