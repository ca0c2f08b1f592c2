/* Copying of files and trees. */
#include "copy.h"

struct seen { /* a source with several links, and where it was copied */
	uint64_t dev, ino;
	char *to;
};
static struct seen *seen;
static size_t n_seen, cap_seen;

struct made { /* directories that we made: not to be copied into themselves */
	uint64_t dev, ino;
};
static struct made *made;
static size_t n_made, cap_made;

static uint64_t top_dev;
static const char *top_from, *top_to;
static int copy(const char *from, const char *to, bool top);

static bool same(const struct sbx_stat *a, const struct sbx_stat *b) { return a->ino == b->ino && a->dev == b->dev; }

static bool yes(void) {
	int c = getchar(), first = c;
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}

/* Gives a copy what is to be preserved of the source. */
static int attributes(const char *to, const struct sbx_stat *st, bool is_link) {
	int rc = 0, follow = is_link ? SBX_NOFOLLOW : 0;
	if (co.keep & K_TIMES) {
		int64_t ts[4] = {st->atime, st->atime_ns, st->mtime, st->mtime_ns};
		if (sbx_utimens(to, follow, ts)) {
			warn_errno("preserving times for %s", quoteaf(to));
			rc = 1;
		}
	}
	bool owned = true;
	if (co.keep & K_OWNER && sbx_chown(to, follow, st->uid, st->gid)) {
		owned = false;
		if (errno != EPERM && errno != EINVAL) {
			warn_errno("failed to preserve ownership for %s", quoteaf(to));
			rc = 1;
		}
	}
	if (co.keep & K_MODE && !is_link) {
		uint32_t mode = st->mode & 07777;
		if (!owned)
			mode &= ~06000u;
		if (sbx_chmod(to, 0, mode)) {
			warn_errno("preserving permissions for %s", quoteaf(to));
			rc = 1;
		}
	}
	return rc;
}

static void announce(const char *from, const char *to, const char *saved) {
	if (!co.verbose)
		return;
	printf("%s%s -> %s", co.move ? "renamed " : "", quoteaf(from), quoteaf(to));
	if (saved)
		printf(" (backup: %s)", quoteaf(saved));
	putchar('\n');
}

/* Takes an existing destination out of the way under its backup name; NULL: none wanted. */
static char *back_up(const char *to) {
	if (!co.backup)
		return NULL;
	char *name = NULL;
	struct sbx_stat st;
	char *first = xasprintf("%s.~1~", to);
	if (co.backup == '#' || (co.backup == 'e' && sbx_stat(first, SBX_NOFOLLOW, &st) == 0)) {
		for (int i = 1;; i++) {
			name = xasprintf("%s.~%d~", to, i);
			if (sbx_stat(name, SBX_NOFOLLOW, &st))
				break;
			free(name);
		}
	} else {
		name = xasprintf("%s%s", to, co.suffix);
	}
	free(first);
	if (rename(to, name))
		die_errno(1, "cannot backup %s", quoteaf(to));
	return name;
}

static uint32_t created_mode(const struct sbx_stat *st) {
	return co.no_mode ? 0666 : st->mode & (co.keep & K_OWNER ? 0700 : 0777);
}

static int copy_data(const char *from, const char *to, const struct sbx_stat *st, bool exists) {
	int in = sbx_open(from, SBX_O_RDONLY, 0), out = -1;
	if (in < 0) {
		warn_errno("cannot open %s for reading", quoteaf(from));
		return 1;
	}
	if (exists) {
		out = sbx_open(to, SBX_O_WRONLY | (co.attrs_only ? 0 : SBX_O_TRUNC), 0);
		if (out < 0 && co.force) {
			if (unlink(to)) {
				warn_errno("cannot remove %s", quoteaf(to));
				close(in);
				return 1;
			}
			exists = false;
		}
	}
	if (!exists)
		out = sbx_open(to, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_EXCL, created_mode(st));
	if (out < 0) {
		struct sbx_stat d;
		if (!exists && errno == EEXIST && sbx_stat(to, SBX_NOFOLLOW, &d) == 0 && S_ISLNK(d.mode))
			warn("not writing through dangling symlink %s", quoteaf(to));
		else if ((errno == ENOENT || errno == EISDIR) && *to && to[strlen(to) - 1] == '/')
			errno = ENOTDIR, warn_errno("cannot create regular file %s", quoteaf(to));
		else
			warn_errno("cannot create regular file %s", quoteaf(to));
		close(in);
		return 1;
	}
	int rc = co.attrs_only ? 0 : copy_fd(in, out);
	if (rc)
		warn_errno(rc == -1 ? "error reading %s" : "error writing %s", quoteaf(rc == -1 ? from : to));
	close(in);
	if (close(out) && !rc) {
		warn_errno("failed to close %s", quoteaf(to));
		rc = 1;
	}
	return rc != 0;
}

static int copy_directory(const char *from, const char *to, const struct sbx_stat *st, bool exists) {
	int n, rc = 0;
	uint32_t umask = 0;
	if (!exists) {
		if (sbx_mkdir(to, (st->mode & 0777) | 0700)) {
			warn_errno("cannot create directory %s", quoteaf(to));
			return 1;
		}
		struct sbx_stat d;
		if (sbx_stat(to, 0, &d) == 0) {
			made = grow(made, n_made, &cap_made, sizeof *made);
			made[n_made++] = (struct made){d.dev, d.ino};
		}
		announce(from, to, NULL);
	}
	struct sbx_stat into;
	if (exists && from == top_from && sbx_stat(to, 0, &into) == 0 && !same(&into, st)) {
		made = grow(made, n_made, &cap_made, sizeof *made);
		made[n_made++] = (struct made){into.dev, into.ino};
	}
	struct ent *e = dir_list(from, &n);
	if (!e) {
		warn_errno("cannot access %s", quoteaf(from));
		rc = 1;
	}
	for (int i = 0; i < n; i++) {
		char *f = path_join(from, e[i].name), *t = path_join(to, e[i].name);
		rc |= copy(f, t, false);
		free(f);
		free(t);
	}
	if (e)
		dir_free(e, n);
	if (!exists && !(co.keep & K_MODE) && !(st->mode & 0200)) {
		umask = sbx_umask(0);
		sbx_umask(umask);
		sbx_chmod(to, 0, st->mode & 0777 & ~umask);
	}
	if (!exists || co.keep)
		rc |= attributes(to, st, false);
	return rc;
}

static int copy_link(const char *from, const char *to, const struct sbx_stat *st) {
	char *target = read_link(from);
	if (!target) {
		warn_errno("cannot read symbolic link %s", quoteaf(from));
		return 1;
	}
	int rc = symlink(target, to);
	if (rc)
		warn_errno("cannot create symbolic link %s", quoteaf(to));
	free(target);
	return rc || attributes(to, st, true);
}

static int copy_special(const char *to, const struct sbx_stat *st) {
	if (sbx_mknod(to, (st->mode & S_IFMT) | created_mode(st), st->rdev)) {
		warn_errno(S_ISFIFO(st->mode) ? "cannot create fifo %s" : "cannot create special file %s", quoteaf(to));
		return 1;
	}
	return attributes(to, st, false);
}

static int refuse(const char *from, const char *to, const struct sbx_stat *src, const struct sbx_stat *dst) {
	if (S_ISDIR(dst->mode) && !S_ISDIR(src->mode)) {
		warn("cannot overwrite directory %s with non-directory", quoteaf(to));
		return 1;
	}
	if (S_ISDIR(src->mode) && !S_ISDIR(dst->mode)) {
		warn("cannot overwrite non-directory %s with directory %s", quoteaf(to), quoteaf(from));
		return 1;
	}
	return 0;
}

static bool newer(const struct sbx_stat *a, const struct sbx_stat *b) {
	return a->mtime > b->mtime || (a->mtime == b->mtime && a->mtime_ns > b->mtime_ns);
}

static bool agreed(const char *to) {
	if (co.ask == 'n')
		return false;
	bool locked = co.move && !co.ask && !co.force && isatty(0) && sbx_access(to, 2);
	if (co.ask != 'i' && !locked)
		return true;
	fflush(stdout);
	fprintf(stderr, "%s: overwrite %s? ", prog, quoteaf(to));
	return yes();
}

/* A source with other links that was copied before becomes a link to that copy. */
static int earlier(const char *from, const char *to, const struct sbx_stat *st) {
	(void)from;
	if (!(co.keep & K_LINKS) || st->nlink < 2 || S_ISDIR(st->mode))
		return -1;
	for (size_t i = 0; i < n_seen; i++) {
		if (seen[i].dev != st->dev || seen[i].ino != st->ino)
			continue;
		unlink(to);
		if (link(seen[i].to, to)) {
			warn_errno("cannot create hard link %s to %s", quoteaf(to), quoteaf(seen[i].to));
			return 1;
		}
		return 0;
	}
	seen = grow(seen, n_seen, &cap_seen, sizeof *seen);
	seen[n_seen++] = (struct seen){st->dev, st->ino, xstrdup(to)};
	return -1;
}

static int make_link(const char *from, const char *to, bool exists) {
	if (exists && (co.force || co.remove))
		unlink(to);
	if (co.symlink && *from != '/' && strchr(to, '/') && strncmp(to, "./", 2)) {
		warn("%s: can make relative symbolic links only in current directory", quotef(to));
		return 1;
	}
	if (co.symlink ? symlink(from, to) : link(from, to)) {
		if (co.symlink)
			warn_errno("cannot create symbolic link %s to %s", quoteaf(to), quoteaf(from));
		else
			warn_errno("cannot create hard link %s to %s", quoteaf(to), quoteaf(from));
		return 1;
	}
	return 0;
}

/* mv's rename. 0 done, 1 failed, -1 another file system: copy. */
static int try_rename(const char *from, const char *to, const struct sbx_stat *st, const char *saved) {
	if (rename(from, to) == 0) {
		announce(from, to, saved);
		return 0;
	}
	if (errno == EXDEV)
		return -1;
	if (errno == EINVAL && S_ISDIR(st->mode))
		warn("cannot move %s to a subdirectory of itself, %s", quoteaf(from), quoteaf(to));
	else
		warn_errno("cannot move %s to %s", quoteaf(from), quoteaf(to));
	return 1;
}

static int remove_tree(const char *path) {
	struct sbx_stat st;
	int n, rc = 0;
	if (sbx_stat(path, SBX_NOFOLLOW, &st) == 0 && S_ISDIR(st.mode)) {
		struct ent *e = dir_list(path, &n);
		for (int i = 0; i < n; i++) {
			char *c = path_join(path, e[i].name);
			rc |= remove_tree(c);
			free(c);
		}
		if (e)
			dir_free(e, n);
		rc |= rmdir(path);
	} else {
		rc = unlink(path);
	}
	if (rc)
		warn_errno("cannot remove %s", quoteaf(path));
	return rc != 0;
}

static int body(const char *from, const char *to, const struct sbx_stat *src, bool exists, const char *saved) {
	if (S_ISDIR(src->mode))
		return copy_directory(from, to, src, exists);
	announce(from, to, saved);
	int rc = earlier(from, to, src);
	if (rc >= 0)
		return rc;
	if (co.link || co.symlink)
		return make_link(from, to, exists);
	if (exists && (co.remove || !S_ISREG(src->mode))) {
		if (unlink(to)) {
			warn_errno("cannot remove %s", quoteaf(to));
			return 1;
		}
		exists = false;
	}
	if (S_ISLNK(src->mode))
		return copy_link(from, to, src);
	if (!S_ISREG(src->mode) && co.recursive)
		return copy_special(to, src);
	return copy_data(from, to, src, exists) || attributes(to, src, false);
}

static int same_file(const char *from, const char *to, const struct sbx_stat *src, bool dst_link) {
	if (co.backup && !co.move)
		return 0;
	if (dst_link && (co.remove || (co.move && !S_ISLNK(src->mode))))
		return 0;
	if (co.link && !co.symlink && !dst_link)
		return -1;
	if (co.force && co.remove && strcmp(from, to))
		return 0;
	warn("%s and %s are the same file", quoteaf(from), quoteaf(to));
	return 1;
}

static int copy(const char *from, const char *to, bool top) {
	struct sbx_stat src, dst, dst_self;
	bool follow = co.deref == 'L' || (co.deref == 'H' && top);
	if (sbx_stat(from, follow ? 0 : SBX_NOFOLLOW, &src)) {
		warn_errno("cannot stat %s", quoteaf(from));
		return 1;
	}
	if (S_ISDIR(src.mode) && !co.recursive) {
		warn("-r not specified; omitting directory %s", quoteaf(from));
		return 1;
	}
	if (top)
		top_dev = src.dev, top_from = from, top_to = to;
	if (co.one_fs && src.dev != top_dev)
		return 0;
	for (size_t i = 0; S_ISDIR(src.mode) && i < n_made; i++) {
		if (made[i].ino == src.ino && made[i].dev == src.dev) {
			warn("cannot copy a directory, %s, into itself, %s", quoteaf(top_from), quoteaf(top_to));
			return 1;
		}
	}
	bool follow_dst = !co.move && !S_ISLNK(src.mode) && !co.remove && !co.symlink && !co.link;
	bool exists = sbx_stat(to, follow_dst && !S_ISDIR(src.mode) ? 0 : SBX_NOFOLLOW, &dst) == 0;
	if (!exists && errno != ENOENT && errno != ELOOP) {
		warn_errno(co.move ? "cannot stat %s" : "cannot stat %s", quoteaf(to));
		return 1;
	}
	bool dst_link = sbx_stat(to, SBX_NOFOLLOW, &dst_self) == 0 && S_ISLNK(dst_self.mode);
	char *saved = NULL;
	if (exists) {
		struct sbx_stat ref;
		bool is_same = same(&src, &dst) || (!follow_dst && dst_link && sbx_stat(to, 0, &ref) == 0 && same(&src, &ref) && !co.move && !co.symlink && !S_ISLNK(src.mode));
		if (is_same && co.ask != 'n') {
			int rc = same_file(from, to, &src, dst_link);
			if (rc)
				return rc > 0;
		}
		if (!S_ISDIR(src.mode) && co.update && !newer(&src, &dst))
			return 0;
		if (!S_ISDIR(src.mode) && co.ask == 'n')
			return 0;
		if (S_ISDIR(src.mode) && co.ask == 'n' && co.move)
			return 0;
		if (refuse(from, to, &src, &dst))
			return 1;
		if ((!S_ISDIR(src.mode) || co.move) && !agreed(to))
			return 0;
		if (!S_ISDIR(dst.mode) && (saved = back_up(to)))
			exists = false;
	}
	int rc = -1;
	if (co.move && top)
		rc = try_rename(from, to, &src, saved);
	if (rc < 0) {
		rc = body(from, to, &src, exists, saved);
		if (rc == 0 && co.move && top)
			rc = remove_tree(from);
	}
	free(saved);
	return rc;
}

int copy_top(const char *from, const char *to) { return copy(from, to, true); }
