/* Which members and files are meant, and under which names they go. */
#include "../text/re.h"
#include "tar.h"

#include <fnmatch.h>

struct operand *operands;
size_t n_operands;

static size_t cap_operands;
static char *last_dir, *here, *start;
static struct operand everything;

/* ---- operands and -C */

static char *absolute(const char *dir) {
	char cwd[4097];
	if (*dir == '/')
		return xstrdup(dir);
	if (!start)
		start = xstrdup(sbx_getcwd(cwd, sizeof cwd) ? cwd : ".");
	return path_join(last_dir ? last_dir : start, dir);
}

void names_chdir(const char *dir) {
	char *next = absolute(dir);
	last_dir = next; /* earlier ones live on in operands */
}

const char *names_last_dir(void) { return last_dir; }

void names_go(const char *dir) {
	if (!start) {
		char cwd[4097];
		start = xstrdup(sbx_getcwd(cwd, sizeof cwd) ? cwd : ".");
	}
	const char *want = dir ? dir : start, *now_at = here ? here : start;
	if (strcmp(want, now_at) == 0)
		return;
	if (sbx_chdir(want)) {
		size_t n = strlen(start);
		bool inside = strncmp(want, start, n) == 0 && want[n] == '/' && want[n + 1];
		tar_fatal("%s: Cannot open: %s", shown_colon(inside ? want + n + 1 : want), errtext(errno));
	}
	free(here);
	here = xstrdup(want);
}

void names_add(const char *name) {
	operands = grow(operands, n_operands, &cap_operands, sizeof *operands);
	operands[n_operands] = (struct operand){xstrdup(name), last_dir, false};
	if (to.mode != 'c' && to.mode != 'r' && to.mode != 'u')
		strip_slashes(operands[n_operands].name);
	n_operands++;
}

static char *list_of(const char *file, size_t *n) {
	int fd = open_input(file);
	char *text = fd < 0 ? NULL : read_all(fd, n);
	if (!text)
		tar_fatal("%s: Cannot open: %s", shown_colon(file), errtext(errno));
	if (fd > 0)
		close(fd);
	return text;
}

void names_from(const char *file) {
	size_t n;
	char *text = list_of(file, &n), *end = text + n;
	int delim = to.null_names ? 0 : '\n';
	bool dir_next = false;
	for (char *p = text; p < end;) {
		char *q = memchr(p, delim, (size_t)(end - p));
		if (!q)
			q = end;
		*q = 0;
		if (dir_next) {
			names_chdir(p);
			dir_next = false;
		} else if (!to.null_names && !to.verbatim && p[0] == '-' && p[1] == 'C') {
			char *d = p + 2 + strspn(p + 2, " ");
			if (*d)
				names_chdir(d);
			else
				dir_next = true;
		} else if (*p) {
			names_add(p);
		}
		p = q + 1;
	}
	free(text);
}

static int match_flags(bool for_exclude) {
	return (to.ignore_case ? FNM_CASEFOLD : 0) | (to.no_match_slash ? FNM_PATHNAME : 0) | (for_exclude ? FNM_LEADING_DIR : 0);
}

static bool is_under(const char *name, const char *dir) {
	size_t n = strlen(dir);
	return strncmp(name, dir, n) == 0 && (!name[n] || name[n] == '/');
}

struct operand *names_match(const char *member) {
	if (!n_operands) {
		everything.dir = last_dir;
		return &everything;
	}
	size_t n = strlen(member);
	char *bare = xstrndup(member, n > 1 && member[n - 1] == '/' ? n - 1 : n);
	struct operand *got = NULL;
	for (size_t i = 0; i < n_operands && !got; i++) {
		bool hit = to.wildcards ? fnmatch(operands[i].name, bare, match_flags(true)) == 0 : is_under(bare, operands[i].name);
		if (hit)
			got = &operands[i];
	}
	if (got)
		got->found = true;
	free(bare);
	return got;
}

void names_report(void) {
	for (size_t i = 0; i < n_operands; i++)
		if (!operands[i].found)
			tar_error("%s: Not found in archive", shown_colon(operands[i].name));
}

/* ---- --exclude */

static char **patterns;
static size_t n_patterns, cap_patterns;

void exclude_add(const char *pattern) {
	patterns = grow(patterns, n_patterns, &cap_patterns, sizeof *patterns);
	patterns[n_patterns++] = xstrdup(pattern);
}

void exclude_from(const char *file) {
	size_t n;
	char *text = list_of(file, &n);
	for (char *p = text, *end = text + n; p < end;) {
		char *q = memchr(p, '\n', (size_t)(end - p));
		if (!q)
			q = end;
		*q = 0;
		if (*p)
			exclude_add(p);
		p = q + 1;
	}
	free(text);
}

bool excluded(const char *name) {
	if (!n_patterns)
		return false;
	bool hit = false;
	size_t n = strlen(name);
	char *bare = xstrndup(name, n > 1 && name[n - 1] == '/' ? n - 1 : n);
	for (size_t i = 0; i < n_patterns && !hit; i++) {
		int flags = match_flags(true);
		hit = fnmatch(patterns[i], bare, flags) == 0;
		for (const char *p = bare; *p && !hit && !to.anchored; p++)
			if (*p == '/' && p[1] && p[1] != '/')
				hit = fnmatch(patterns[i], p + 1, flags) == 0;
	}
	free(bare);
	return hit;
}

/* ---- --transform */

struct transform {
	re *r;
	char *with;
	bool all, for_r, for_h, for_s;
	long nth;
};
static struct transform *transforms;
static size_t n_transforms, cap_transforms;

static char *part(const char **p, char delim) {
	char *out = xmalloc(strlen(*p) + 1), *o = out;
	while (**p && **p != delim) {
		if (**p == '\\' && (*p)[1] == delim && delim != '\\') {
			(*p)++;
		} else if (**p == '\\' && (*p)[1]) {
			*o++ = *(*p)++;
		}
		*o++ = *(*p)++;
	}
	if (**p != delim)
		tar_usage("Invalid transform expression");
	(*p)++;
	*o = 0;
	return out;
}

void transform_add(const char *e) {
	static bool h = true, r = true, s = true;
	while (*e) {
		struct transform t = {.for_r = r, .for_h = h, .for_s = s};
		bool set = strncmp(e, "flags=", 6) == 0;
		if (set) {
			e += 6;
		} else if (*e != 's' || !e[1]) {
			tar_usage("Invalid transform expression");
		}
		char delim = set ? 0 : e[1], *pattern = NULL;
		int flags = 0;
		const char *err = NULL;
		if (!set) {
			e += 2;
			pattern = part(&e, delim);
			t.with = part(&e, delim);
		}
		for (; *e && *e != ';'; e++) {
			switch (*e) {
			case 'g': t.all = true; break;
			case 'i': flags |= RE_ICASE; break;
			case 'x': flags |= RE_ERE; break;
			case 'r': t.for_r = true; break;
			case 'R': t.for_r = false; break;
			case 'h': t.for_h = true; break;
			case 'H': t.for_h = false; break;
			case 's': t.for_s = true; break;
			case 'S': t.for_s = false; break;
			default:
				if (*e < '0' || *e > '9')
					tar_usage("Unknown flag in transform expression: %c", *e);
				t.nth = strtol(e, (char **)&e, 10);
				e--;
			}
		}
		e += *e == ';';
		if (set) {
			r = t.for_r, h = t.for_h, s = t.for_s;
			continue;
		}
		t.r = re_compile(pattern, strlen(pattern), flags, &err);
		if (!t.r)
			tar_usage("Invalid transform expression: %s", err);
		free(pattern);
		transforms = grow(transforms, n_transforms, &cap_transforms, sizeof *transforms);
		transforms[n_transforms++] = t;
	}
}

struct out {
	char *p;
	size_t n, cap;
	char once, mode; /* \l \u for the next character; \L \U until \E */
};

static void put(struct out *o, const char *s, size_t n) {
	for (size_t i = 0; i < n; i++) {
		char c = s[i], how = o->once ? o->once : o->mode;
		if (how == 'u' && c >= 'a' && c <= 'z')
			c -= 32;
		if (how == 'l' && c >= 'A' && c <= 'Z')
			c += 32;
		o->once = 0;
		o->p = grow(o->p, o->n + 1, &o->cap, 1);
		o->p[o->n++] = c;
	}
}

static void replace(struct out *o, const char *with, const char *s, const re_m *m) {
	for (; *with; with++) {
		int g = *with == '&' ? 0 : -1;
		if (*with == '\\' && with[1]) {
			with++;
			if (*with >= '0' && *with <= '9')
				g = *with - '0';
			else if (strchr("lu", *with))
				{ o->once = *with; continue; }
			else if (strchr("LU", *with))
				{ o->mode = (char)(*with + 32); continue; }
			else if (*with == 'E')
				{ o->mode = 0; continue; }
		}
		if (g < 0)
			put(o, with, 1);
		else if (m[g].so >= 0)
			put(o, s + m[g].so, (size_t)(m[g].eo - m[g].so));
	}
}

char *transformed(const char *name, char what) {
	char *s = xstrdup(name);
	for (size_t i = 0; i < n_transforms; i++) {
		const struct transform *t = &transforms[i];
		if (!(what == 'r' ? t->for_r : what == 'h' ? t->for_h : t->for_s))
			continue;
		struct out o = {0};
		size_t n = strlen(s), at = 0;
		re_m m[10];
		for (long k = 1; at <= n && re_exec(t->r, s, n, at, m, 10, at ? RE_NOTBOL : 0); k++) {
			size_t so = (size_t)m[0].so, eo = (size_t)m[0].eo;
			put(&o, s + at, so - at);
			bool hit = t->nth ? k == t->nth || (t->all && k > t->nth) : k == 1 || t->all;
			if (hit)
				replace(&o, t->with, s, m);
			else
				put(&o, s + so, eo - so);
			at = eo;
			if (so == eo) {
				if (at >= n)
					break;
				put(&o, s + at++, 1);
			}
			if (hit && !t->all)
				break;
		}
		o.once = o.mode = 0;
		put(&o, s + at, n - at);
		put(&o, "", 1);
		free(s);
		s = o.p;
	}
	return s;
}

/* ---- names that stay in the tree */

bool has_dotdot(const char *name) {
	for (const char *p = name; *p;) {
		if (p[0] == '.' && p[1] == '.' && (!p[2] || p[2] == '/'))
			return true;
		p += strcspn(p, "/");
		p += strspn(p, "/");
	}
	return false;
}

char *safe_name(const char *name, bool link) {
	static char *said[2][16];
	static size_t n_said[2];
	size_t cut = 0;
	if (to.absolute)
		return xstrdup(name);
	for (const char *p = name; *p;) {
		size_t n = strcspn(p, "/");
		bool up = n == 2 && p[0] == '.' && p[1] == '.';
		p += n + strspn(p + n, "/");
		if (up)
			cut = (size_t)(p - name);
	}
	cut += strspn(name + cut, "/");
	if (cut) {
		char *prefix = xstrndup(name, cut);
		bool known = false;
		for (size_t i = 0; i < n_said[link]; i++)
			known = known || strcmp(said[link][i], prefix) == 0;
		if (!known && n_said[link] < LEN(said[0])) {
			tar_warn(link ? "Removing leading `%s' from hard link targets" : "Removing leading `%s' from member names", prefix);
			said[link][n_said[link]++] = prefix;
		} else {
			free(prefix);
		}
	}
	if (!name[cut]) {
		if (!cut)
			tar_warn(link ? "Substituting `.' for empty hard link target" : "Substituting `.' for empty member name");
		return xstrdup(".");
	}
	return xstrdup(name + cut);
}
