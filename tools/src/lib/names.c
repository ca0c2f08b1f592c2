/* Users and groups out of /etc/passwd and /etc/group. */
#include "tool.h"

/* A colon file in memory: lines are cut in place into fields. */
struct table {
	bool loaded;
	size_t n;
	char *(*rows)[4]; /* name, -, id, fourth field (gid or members) */
	char *(*more)[2]; /* passwd: home, shell */
};
static struct table users, groups;

static void load(struct table *t, const char *path) {
	if (t->loaded)
		return;
	t->loaded = true;
	char *text = slurp(path, NULL);
	size_t cap = 0, cap2 = 0;
	for (char *line = text; line && *line;) {
		char *next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		char *f[7] = {0};
		int k = 0;
		for (char *p = line; p && k < 7; k++) {
			f[k] = p;
			if ((p = strchr(p, ':')))
				*p++ = 0;
		}
		if (k >= 3 && *f[0] && *f[0] != '#' && f[2][0] >= '0' && f[2][0] <= '9') {
			t->rows = grow(t->rows, t->n, &cap, sizeof *t->rows);
			t->more = grow(t->more, t->n, &cap2, sizeof *t->more);
			for (int i = 0; i < 4; i++)
				t->rows[t->n][i] = f[i] ? f[i] : "";
			t->more[t->n][0] = f[5] ? f[5] : "";
			t->more[t->n][1] = f[6] ? f[6] : "";
			t->n++;
		}
		line = next;
	}
}

static char **by_id(struct table *t, const char *path, uint32_t id) {
	load(t, path);
	for (size_t i = 0; i < t->n; i++)
		if (strtoul(t->rows[i][2], NULL, 10) == id)
			return t->rows[i];
	return NULL;
}

static char **by_name(struct table *t, const char *path, const char *name) {
	load(t, path);
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i][0], name) == 0)
			return t->rows[i];
	return NULL;
}

#define PASSWD &users, "/etc/passwd"
#define GROUP &groups, "/etc/group"

const char *user_name(uint32_t uid) {
	char **r = by_id(PASSWD, uid);
	return r ? r[0] : NULL;
}

const char *group_name(uint32_t gid) {
	char **r = by_id(GROUP, gid);
	return r ? r[0] : NULL;
}

bool user_id(const char *name, uint32_t *uid, uint32_t *gid) {
	char **r = by_name(PASSWD, name);
	if (!r)
		return false;
	*uid = (uint32_t)strtoul(r[2], NULL, 10);
	if (gid)
		*gid = (uint32_t)strtoul(r[3], NULL, 10);
	return true;
}

bool group_id(const char *name, uint32_t *gid) {
	char **r = by_name(GROUP, name);
	if (r)
		*gid = (uint32_t)strtoul(r[2], NULL, 10);
	return r != NULL;
}

char *user_home(uint32_t uid) {
	char **r = by_id(PASSWD, uid);
	return r ? xstrdup(users.more[(char *(*)[4])r - users.rows][0]) : NULL;
}

static bool has_member(const char *list, const char *user) {
	size_t n = strlen(user);
	for (const char *p = list; *p; p += *p == ',') {
		size_t k = strcspn(p, ",");
		if (k == n && memcmp(p, user, n) == 0)
			return true;
		p += k;
	}
	return false;
}

int groups_of(const char *user, uint32_t gid, uint32_t *out, int max) {
	int n = 0;
	load(GROUP);
	if (n < max)
		out[n++] = gid;
	for (size_t i = 0; i < groups.n && n < max; i++) {
		uint32_t id = (uint32_t)strtoul(groups.rows[i][2], NULL, 10);
		if (id != gid && has_member(groups.rows[i][3], user))
			out[n++] = id;
	}
	return n;
}

static bool number(const char *s, uint32_t *id) {
	uint64_t v = 0;
	if (*s == '+')
		s++;
	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9' && v < UINT32_MAX; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	if (*s || v >= UINT32_MAX)
		return false;
	*id = (uint32_t)v;
	return true;
}

static const char *split_owner(const char *spec, size_t at, bool sep, uint32_t *uid, uint32_t *gid) {
	char *u = xstrndup(spec, at);
	const char *g = sep ? spec + at + 1 : "", *bad = NULL;
	uint32_t login = 0;
	*uid = *gid = (uint32_t)-1;
	if (*u) {
		if (*u != '+' && user_id(u, uid, &login)) {
			if (sep && !*g)
				*gid = login;
		} else if (!number(u, uid) || (sep && !*g)) {
			bad = sep && !*g && number(u, uid) ? "invalid spec" : "invalid user";
		}
	}
	if (!bad && *g && !(*g != '+' && group_id(g, gid)) && !number(g, gid))
		bad = "invalid group";
	free(u);
	return bad;
}

const char *parse_owner(const char *spec, uint32_t *uid, uint32_t *gid) {
	const char *colon = strchr(spec, ':');
	const char *bad = split_owner(spec, colon ? (size_t)(colon - spec) : strlen(spec), colon != NULL, uid, gid);
	const char *dot = strchr(spec, '.');
	if (bad && !colon && dot && !split_owner(spec, (size_t)(dot - spec), true, uid, gid))
		return NULL;
	return bad;
}
