/* Reading two files for diff: their lines, what they have in common at both ends, and classes of equal lines. */
#include "diff.h"

#include <ctype.h>

enum { PROBE = 4096 };

bool diff_is_binary(const struct side *s) {
	return !dopt.text && memchr(s->text, 0, s->size < PROBE ? s->size : PROBE);
}

static void split(struct side *s) {
	size_t n = 0;
	const char *p = s->text, *end = p + s->size;
	for (const char *q = p; q < end && (q = memchr(q, '\n', (size_t)(end - q))); q++)
		n++;
	s->no_newline = s->size && end[-1] != '\n';
	s->n = (long)(n + s->no_newline);
	s->lines = xmalloc((n + 1) * sizeof *s->lines);
	for (n = 0; p < end; n++) {
		const char *q = memchr(p, '\n', (size_t)(end - p));
		s->lines[n] = (struct line){p, (size_t)((q ? q : end) - p)};
		p = q ? q + 1 : end;
	}
}

static void strip_cr(struct side *s) {
	char *o = s->text;
	for (size_t i = 0; i < s->size; i++)
		if (s->text[i] != '\r' || i + 1 == s->size || s->text[i + 1] != '\n')
			*o++ = s->text[i];
	s->size = (size_t)(o - s->text);
}

static bool bare_end(const struct side *s, long i) { return s->no_newline && i == s->n - 1; }

static bool same_bytes(const struct side *a, long i, const struct side *b, long j) {
	return a->lines[i].n == b->lines[j].n && bare_end(a, i) == bare_end(b, j) && !memcmp(a->lines[i].p, b->lines[j].p, a->lines[i].n);
}

/* Leaves out identical lines at both ends, but for as many as are shown around changes. */
static void trim(struct side s[2]) {
	long horizon = dopt.context, pre = 0, n = s[0].n < s[1].n ? s[0].n : s[1].n, post = 0;
	while (pre < n && same_bytes(&s[0], pre, &s[1], pre))
		pre++;
	if (s[0].no_newline == s[1].no_newline) {
		while (post < n - pre && same_bytes(&s[0], s[0].n - 1 - post, &s[1], s[1].n - 1 - post))
			post++;
		post = post > horizon ? post - horizon : 0;
	}
	pre = pre > horizon ? pre - horizon : 0;
	for (int k = 0; k < 2; k++) {
		s[k].prefix = pre;
		s[k].body = s[k].n - pre - post;
	}
}

/* ---- classes */

/* A line as the options see it, in a buffer of its own; or as it is. */
static struct line seen(struct line l, char **buf, size_t *cap) {
	if (!dopt.ignore_case && !dopt.tabs && dopt.space == SP_KEEP)
		return l;
	size_t need = dopt.tabs ? l.n * 8 + 1 : l.n + 1;
	if (*cap < need)
		*buf = xrealloc(*buf, *cap = need * 2);
	char *o = *buf;
	size_t column = 0;
	for (size_t i = 0; i < l.n; i++) {
		unsigned char c = (unsigned char)l.p[i];
		if (dopt.ignore_case)
			c = (unsigned char)tolower(c);
		if (isspace(c) && dopt.space == SP_ALL)
			continue;
		if (isspace(c) && dopt.space == SP_CHANGE) {
			while (i + 1 < l.n && isspace((unsigned char)l.p[i + 1]))
				i++;
			if (i + 1 < l.n)
				*o++ = ' ';
			continue;
		}
		if (c == '\t' && dopt.tabs) {
			do
				*o++ = ' ';
			while (++column % 8);
			continue;
		}
		column = c == '\b' ? column - (column > 0) : c == '\r' ? 0 : column + 1;
		*o++ = (char)c;
	}
	if (dopt.space == SP_TRAILING)
		while (o > *buf && isspace((unsigned char)o[-1]))
			o--;
	return (struct line){*buf, (size_t)(o - *buf)};
}

struct entry {
	struct line l;
	uint64_t hash;
	bool bare;
	long class;
};

static uint64_t hash_of(struct line l) {
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < l.n; i++)
		h = (h ^ (unsigned char)l.p[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

static void classes(struct side s[2]) {
	size_t cap = 64, bufcap = 0;
	long next = 1;
	char *buf = NULL;
	while (cap < (size_t)(s[0].body + s[1].body) * 2)
		cap *= 2;
	struct entry *table = xcalloc(cap, sizeof *table);
	bool copy = dopt.ignore_case || dopt.tabs || dopt.space != SP_KEEP;
	for (int k = 0; k < 2; k++) {
		s[k].class = xmalloc((size_t)(s[k].body + 1) * sizeof(long));
		for (long i = 0; i < s[k].body; i++) {
			long at = s[k].prefix + i;
			struct line l = seen(s[k].lines[at], &buf, &bufcap);
			/* where white space counts for nothing at the end of a line, so does a missing newline */
			bool bare = bare_end(&s[k], at) && dopt.space == SP_KEEP;
			uint64_t h = hash_of(l) + bare;
			size_t e = (size_t)h & (cap - 1);
			while (table[e].class && (table[e].hash != h || table[e].bare != bare || table[e].l.n != l.n || memcmp(table[e].l.p, l.p, l.n)))
				e = (e + 1) & (cap - 1);
			if (!table[e].class) {
				if (copy) {
					char *own = xmalloc(l.n);
					memcpy(own, l.p, l.n);
					l.p = own;
				}
				table[e] = (struct entry){l, h, bare, next++};
			}
			s[k].class[i] = table[e].class;
		}
	}
	for (size_t i = 0; copy && i < cap; i++)
		if (table[i].class)
			free((char *)table[i].l.p);
	free(table);
	free(buf);
}

bool diff_load(struct side s[2]) {
	for (int k = 0; k < 2; k++) {
		if (dopt.strip_cr)
			strip_cr(&s[k]);
		split(&s[k]);
	}
	trim(s);
	if (s[0].body == 0 && s[1].body == 0)
		return false;
	classes(s);
	return true;
}

void diff_free(struct side *s) {
	free(s->text);
	free(s->lines);
	free(s->class);
	free(s->room);
	s->text = NULL;
	s->lines = NULL;
	s->class = NULL;
	s->room = s->changed = NULL;
}
