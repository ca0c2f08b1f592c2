// grep: which files to search.
#include "grep.h"
#include <dirent.h>
#include <fnmatch.h>

// glob_hit follows gnulib's exclude rules: a pattern matches the whole name or what follows any slash.
static int glob_hit(const char *glob, const char *path, int top) {
	if (!fnmatch(glob, path, 0))
		return 1;
	(void)top;
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
		if (p[1] && p[1] != '/' && !fnmatch(glob, p + 1, 0))
			return 1;
	return 0;
}

// skipped: the last matching glob decides; with nothing matching, a file is skipped if the first kind was include.
static int skipped(const globs *l, const char *path, int top) {
	if (!l->n)
		return 0;
	for (size_t i = l->n; i-- > 0;)
		if (glob_hit(l->g[i].glob, path, top))
			return l->g[i].kind == 'x';
	return l->g[0].kind == 'i';
}

static const char *base(const char *p) {
	const char *s = strrchr(p, '/');
	return s && s[1] ? s + 1 : p;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void complain(grep *g, const char *path, int err) {
	g->errors = 1;
	if (!g->nomsg)
		tx_warn(err, "%s", path);
}

static void walk(grep *g, const char *path, int implicit, int depth) {
	DIR *d = opendir(path);
	if (!d) {
		complain(g, path, errno);
		return;
	}
	char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		names = tx_array(names, &cap, n + 1, sizeof *names);
		names[n++] = tx_strdup(e->d_name);
	}
	closedir(d);
	if (n)
		qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		buf b = {0};
		if (!implicit) {
			buf_str(&b, path);
			if (b.n && b.p[b.n - 1] != '/')
				buf_chr(&b, '/');
		}
		buf_str(&b, names[i]);
		if (depth < 4000)
			grep_path(g, buf_z(&b), 0, depth + 1);
		free(names[i]);
		buf_free(&b);
	}
	free(names);
}

static void search(grep *g, const char *path, const char *shown, int fd) {
	int hit = grep_fd(g, fd, shown);
	g->any |= hit;
	(void)path;
	if (g->quiet && g->any)
		exit(tx_end(0));
}

void grep_path(grep *g, const char *path, int top, int level) {
	struct sbx_stat st;
	if (top && !strcmp(path, "-")) {
		search(g, path, g->label, 0);
		return;
	}
	if (sbx_stat(path, !top && g->recurse == 1 ? SBX_NOFOLLOW : 0, &st)) {
		complain(g, path, errno);
		return;
	}
	if (S_ISDIR(st.mode)) {
		if (g->recurse) {
			if (!skipped(&g->dirs, top ? path : base(path), top))
				walk(g, path, top && level, level);
			return;
		}
		if (!g->skipdir && !skipped(&g->dirs, path, top)) {
			complain(g, path, EISDIR);
		}
		return;
	}
	if (!top && !S_ISREG(st.mode) && !(g->recurse == 2 && S_ISREG(st.mode)))
		return;
	if (skipped(&g->files, top ? path : base(path), top))
		return;
	int fd = sbx_open(path, SBX_O_RDONLY, 0);
	if (fd < 0) {
		complain(g, path, errno);
		return;
	}
	search(g, path, path, fd);
	close(fd);
}
