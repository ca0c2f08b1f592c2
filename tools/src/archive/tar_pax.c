/* PAX extended headers and the sparse files that they describe. */
#include "tar.h"

/* Global values are kept as text and applied to each member that has none of its own. */
static char *global_text[8];
static const char *const global_keys[8] = {"path", "linkpath", "uname", "gname", "uid", "gid", "mtime", "size"};

static bool decimal(const char *s, uint64_t *v) {
	*v = 0;
	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (*v > (UINT64_MAX - 9) / 10)
			return false;
		*v = *v * 10 + (uint64_t)(*s - '0');
	}
	return *s == 0;
}

/* "-12.345678901" into seconds and nanoseconds, rounded down. */
static bool moment(const char *s, int64_t *t, uint32_t *ns) {
	bool negative = *s == '-';
	uint64_t v = 0;
	s += negative;
	char *whole = xstrndup(s, strcspn(s, "."));
	bool ok = decimal(whole, &v) && v <= INT64_MAX / 2;
	s += strlen(whole);
	free(whole);
	*ns = 0;
	bool more = false;
	if (*s == '.')
		for (uint32_t unit = 100000000; *++s; unit /= 10) {
			if (*s < '0' || *s > '9')
				return false;
			*ns += (uint32_t)(*s - '0') * unit;
			more = more || (!unit && *s != '0');
		}
	*t = negative ? -(int64_t)v : (int64_t)v;
	if (negative && (*ns || more)) {
		*ns = 1000000000 - *ns - more;
		*t -= 1;
	}
	return ok;
}

static void set_text(char **to_field, const char *v) {
	free(*to_field);
	*to_field = xstrdup(v);
}

static bool sparse_key(struct member *m, const char *k, const char *v, size_t *cap) {
	uint64_t n = 0;
	if (strcmp(k, "name") == 0) {
		set_text(&m->name, v);
		return true;
	}
	if (strcmp(k, "map") == 0) {
		char *copy = xstrdup(v), *save = NULL;
		bool ok = true;
		for (char *w = strtok_r(copy, ",", &save); w && ok; w = strtok_r(NULL, ",", &save)) {
			char *l = strtok_r(NULL, ",", &save);
			struct piece p = {0};
			ok = l && decimal(w, &p.at) && decimal(l, &p.len) && m->pieces < MAX_SPARSE;
			m->map = grow(m->map, m->pieces, cap, sizeof *m->map);
			m->map[m->pieces++] = p;
		}
		free(copy);
		m->sparse = true;
		return ok;
	}
	if (!decimal(v, &n))
		return false;
	if (strcmp(k, "realsize") == 0 || strcmp(k, "size") == 0) {
		m->real_size = n;
		m->sparse = true;
	} else if (strcmp(k, "major") == 0) {
		m->pax_map = n == 1;
		m->sparse = true;
	} else if (strcmp(k, "offset") == 0) {
		if (m->pieces >= MAX_SPARSE)
			return false;
		m->map = grow(m->map, m->pieces, cap, sizeof *m->map);
		m->map[m->pieces++] = (struct piece){n, 0};
	} else if (strcmp(k, "numbytes") == 0) {
		if (!m->pieces)
			return false;
		m->map[m->pieces - 1].len = n;
	}
	return true;
}

static bool apply(struct member *m, const char *k, const char *v, bool *has_size, size_t *cap) {
	uint64_t n = 0;
	if (strcmp(k, "path") == 0) {
		set_text(&m->name, v);
	} else if (strcmp(k, "linkpath") == 0) {
		set_text(&m->link, v);
	} else if (strcmp(k, "uname") == 0) {
		set_text(&m->uname, v);
	} else if (strcmp(k, "gname") == 0) {
		set_text(&m->gname, v);
	} else if (strcmp(k, "mtime") == 0) {
		return moment(v, &m->mtime, &m->mtime_ns);
	} else if (strcmp(k, "size") == 0 || strcmp(k, "uid") == 0 || strcmp(k, "gid") == 0) {
		if (!decimal(v, &n))
			return false;
		if (*k == 's') {
			m->size = n;
			*has_size = true;
		} else if (n > UINT32_MAX) {
			return false;
		} else if (*k == 'u') {
			m->uid = (uint32_t)n;
		} else {
			m->gid = (uint32_t)n;
		}
	} else if (strncmp(k, "GNU.sparse.", 11) == 0) {
		return sparse_key(m, k + 11, v, cap);
	} else if (strcmp(k, "atime") && strcmp(k, "ctime") && strcmp(k, "comment") && strcmp(k, "charset") && strcmp(k, "hdrcharset") &&
	    strncmp(k, "SCHILY.", 7) && strncmp(k, "RHT.", 4) && strncmp(k, "GNU.", 4)) {
		tar_warn("Ignoring unknown extended header keyword '%s'", k);
	}
	return true;
}

bool pax_parse(struct member *m, char *text, size_t n, bool *has_size, bool global) {
	size_t cap = 0;
	if (!global) { /* a second header begins anew where it says so: maps never join */
		free(m->map);
		m->map = NULL;
		m->pieces = 0;
	}
	for (char *p = text, *end = text + n; p < end;) {
		char *q = p;
		size_t len = 0;
		while (q < end && *q >= '0' && *q <= '9' && len < MAX_PAX)
			len = len * 10 + (size_t)(*q++ - '0');
		if (q == p || q >= end || *q != ' ') {
			tar_error("Malformed extended header: missing %s", q == p ? "length" : "blank after length");
			return false;
		}
		if (len > (size_t)(end - p) || len < (size_t)(q + 3 - p)) {
			tar_error("Extended header length %zu is out of range", len);
			return false;
		}
		char *key = q + 1, *stop = p + len - 1, *eq = memchr(key, '=', (size_t)(stop - key));
		if (*stop != '\n') {
			tar_error("Malformed extended header: missing newline");
			return false;
		}
		if (!eq) {
			tar_error("Malformed extended header: missing equal sign");
			return false;
		}
		*eq = *stop = 0;
		p += len;
		if (global) {
			for (size_t i = 0; i < LEN(global_keys); i++)
				if (strcmp(key, global_keys[i]) == 0)
					set_text(&global_text[i], eq + 1);
			continue;
		}
		if (eq[1] == 0) /* an empty value takes back what a global header says */
			continue;
		if (!apply(m, key, eq + 1, has_size, &cap))
			tar_error("Malformed extended header: invalid %s=%s", key, eq + 1);
	}
	return true;
}

void pax_globals(struct member *m) {
	bool ignored = false;
	size_t cap = 0;
	for (size_t i = 0; i < LEN(global_keys) - 1; i++) {
		bool has[] = {m->name, m->link, m->uname, m->gname, m->uid != (uint32_t)-1, m->gid != (uint32_t)-1, m->mtime != INT64_MIN};
		if (global_text[i] && *global_text[i] && !has[i])
			apply(m, global_keys[i], global_text[i], &ignored, &cap);
	}
}

bool sparse_pax_map(struct member *m, uint64_t *left) {
	uint64_t want = 0, v = 0, first = 0;
	uint8_t b[BLOCK];
	size_t cap = 0, at = BLOCK;
	for (uint64_t i = 0; i <= want * 2;) {
		if (at == BLOCK) {
			if (*left < BLOCK || !ar_block(b))
				return false;
			*left -= BLOCK;
			at = 0;
		}
		int c = b[at++];
		if (c != '\n') {
			if (c < '0' || c > '9' || v > UINT64_MAX / 10 - 10)
				return false;
			v = v * 10 + (uint64_t)(c - '0');
			continue;
		}
		if (i == 0) {
			if ((want = v) > MAX_SPARSE)
				return false;
		} else if (i & 1) {
			first = v;
		} else {
			m->map = grow(m->map, m->pieces, &cap, sizeof *m->map);
			m->map[m->pieces++] = (struct piece){first, v};
		}
		v = 0;
		i++;
	}
	return true;
}

/* ---- writing */

struct text {
	char *p;
	size_t n;
};

/* Adds "LENGTH key=value\n", where LENGTH counts itself. */
static void record(struct text *t, const char *key, const char *value) {
	size_t n = strlen(key) + strlen(value) + 3, digits = 1;
	for (size_t total = n + 1, ten = 10; total >= ten; ten *= 10)
		total = n + ++digits;
	char *line = xasprintf("%zu %s=%s\n", n + digits, key, value);
	size_t k = strlen(line);
	t->p = xrealloc(t->p, t->n + k + 1);
	memcpy(t->p + t->n, line, k + 1);
	t->n += k;
	free(line);
}

void pax_write(const struct member *m, bool name, bool link) {
	struct text t = {0};
	char buf[64];
	if (name)
		record(&t, "path", m->name);
	if (link)
		record(&t, "linkpath", m->link);
	if (m->size >> 33) {
		snprintf(buf, sizeof buf, "%llu", (unsigned long long)m->size);
		record(&t, "size", buf);
	}
	if (m->uid >> 21) {
		snprintf(buf, sizeof buf, "%u", m->uid);
		record(&t, "uid", buf);
	}
	if (m->gid >> 21) {
		snprintf(buf, sizeof buf, "%u", m->gid);
		record(&t, "gid", buf);
	}
	if (m->mtime_ns || m->mtime < 0 || m->mtime >> 33) {
		int64_t s = m->mtime;
		uint32_t ns = m->mtime_ns;
		bool negative = s < 0;
		if (negative && ns)
			s++, ns = 1000000000 - ns;
		int n = snprintf(buf, sizeof buf, "%s%llu", negative ? "-" : "", (unsigned long long)(negative ? -s : s));
		if (ns) {
			n += snprintf(buf + n, sizeof buf - (size_t)n, ".%09u", ns);
			while (buf[n - 1] == '0')
				buf[--n] = 0;
		}
		record(&t, "mtime", buf);
	}
	if (!t.n)
		return;
	char *dir = dir_name(m->name), *base = base_name(m->name), *own = xasprintf("%s/PaxHeaders/%s", dir, base);
	head_private(own, 'x', t.n, 0644, m->mtime < 0 || m->mtime >> 33 ? 0 : m->mtime);
	ar_write(t.p, t.n);
	ar_pad(t.n);
	free(t.p);
	free(dir);
	free(base);
	free(own);
}
