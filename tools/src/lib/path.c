/* Names of files. */
#include "tool.h"

#include <dirent.h>

const char *base_of(const char *path) {
	const char *b = path;
	for (const char *p = path; *p; p++)
		if (*p == '/' && p[1] && p[1] != '/')
			b = p + 1;
	while (*b == '/' && b[1] == '/')
		b++;
	return b;
}

char *base_name(const char *path) {
	char *b = xstrdup(base_of(path));
	strip_slashes(b);
	return b;
}

char *dir_name(const char *path) {
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	return n ? xstrndup(path, n) : xstrdup(".");
}

char *path_join(const char *dir, const char *name) {
	size_t n = strlen(dir);
	while (*name == '/' && n > 0)
		name++;
	return xasprintf("%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name);
}

void strip_slashes(char *path) {
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = 0;
}

bool is_dir(const char *path) {
	struct sbx_stat st;
	return sbx_stat(path, 0, &st) == 0 && S_ISDIR(st.mode);
}

char *read_link(const char *path) {
	size_t cap = 256;
	for (;;) {
		char *b = xmalloc(cap);
		ssize_t n = readlink(path, b, cap);
		if (n >= 0 && (size_t)n < cap) {
			b[n] = 0;
			return b;
		}
		free(b);
		if (n < 0)
			return NULL;
		cap *= 2;
	}
}

static char *start_of(const char *path) {
	char cwd[4097];
	if (*path == '/')
		return xstrdup("/");
	return sbx_getcwd(cwd, sizeof cwd) ? xstrdup(cwd) : NULL;
}

/* One step of canonical: done gets component name of len bytes; a link's target is put in front of *rest. */
static int step(char **done, const char *name, size_t len, char **rest, int how, bool follow, int *links) {
	struct sbx_stat st;
	bool last = (*rest)[strspn(*rest, "/")] == 0;
	char *part = xstrndup(name, len), *next = path_join(*done, part);
	free(part);
	bool found = sbx_stat(next, SBX_NOFOLLOW, &st) == 0;
	if (!found && how != CANON_MISSING && !(how == CANON_ALL_BUT_LAST && last && errno == ENOENT)) {
		free(next);
		return -1;
	}
	if (found && S_ISLNK(st.mode) && follow) {
		char *target = read_link(next);
		free(next);
		if (!target || ++*links > 40) {
			free(target);
			if (*links > 40)
				errno = ELOOP;
			return -1;
		}
		char *joined = xasprintf("%s%s%s", target, **rest ? "/" : "", *rest);
		if (*target == '/')
			strcpy(*done, "/");
		free(target);
		free(*rest);
		*rest = joined;
		return 0;
	}
	if (found && !S_ISDIR(st.mode) && !S_ISLNK(st.mode) && **rest && how != CANON_MISSING) {
		free(next);
		errno = ENOTDIR;
		return -1;
	}
	free(*done);
	*done = next;
	return 0;
}

char *canonical(const char *path, int how, bool follow) {
	int links = 0;
	if (!*path && how != CANON_MISSING) {
		errno = ENOENT;
		return NULL;
	}
	char *done = start_of(path), *rest = xstrdup(path);
	while (done) {
		char *name = rest + strspn(rest, "/");
		size_t len = strcspn(name, "/");
		if (len == 0)
			break;
		char *after = xstrdup(name + len);
		char *old = rest;
		rest = after;
		int rc = 0;
		if (len == 2 && name[0] == '.' && name[1] == '.') {
			char *up = dir_name(done);
			free(done);
			done = up;
		} else if (!(len == 1 && name[0] == '.')) {
			rc = step(&done, name, len, &rest, how, follow, &links);
		}
		free(old);
		if (rc) {
			int e = errno;
			free(done);
			errno = e;
			done = NULL;
		}
	}
	free(rest);
	return done;
}

static int by_name(const void *a, const void *b) {
	return strcmp(((const struct ent *)a)->name, ((const struct ent *)b)->name);
}

struct ent *dir_read(DIR *d, int *n) {
	struct ent *list = NULL;
	size_t cap = 0, count = 0;
	struct dirent *e;
	*n = -1;
	errno = 0;
	while ((e = readdir(d))) {
		const char *s = e->d_name;
		if (s[0] == '.' && (!s[1] || (s[1] == '.' && !s[2])))
			continue;
		list = grow(list, count, &cap, sizeof *list);
		list[count++] = (struct ent){xstrdup(s), e->d_ino, e->d_type};
	}
	int err = errno;
	if (err) {
		dir_free(list, (int)count);
		errno = err;
		return NULL;
	}
	if (count)
		qsort(list, count, sizeof *list, by_name);
	*n = (int)count;
	return list ? list : xmalloc(1);
}

struct ent *dir_list(const char *path, int *n) {
	DIR *d = opendir(path);
	*n = -1;
	if (!d)
		return NULL;
	struct ent *list = dir_read(d, n);
	int err = errno;
	closedir(d);
	errno = err;
	return list;
}

void dir_free(struct ent *e, int n) {
	for (int i = 0; i < n; i++)
		free(e[i].name);
	free(e);
}
