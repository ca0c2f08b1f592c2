/* tar -x. Nothing is ever written through a link that the archive brought along: links that lead out of the tree are
 * empty files until all is unpacked, and the last component of a name is never followed. */
#include "tar.h"

struct late_dir { /* modes and times of directories are set when nothing goes into them any more */
	char *name, *dir;
	uint64_t dev, ino; /* it must still be the one that was made */
	uint32_t mode, uid, gid;
	int64_t mtime;
	uint32_t mtime_ns;
};
static struct late_dir *dirs;
static size_t n_dirs, cap_dirs;

struct late_link {
	char *name, *dir, *target;
	uint64_t dev, ino;
	uint32_t uid, gid, mtime_ns;
	int64_t mtime;
};
static struct late_link *links;
static size_t n_links, cap_links;

static struct operand *place;

static bool is_root(void) {
	static int root = -1;
	struct sbx_ids ids;
	if (root < 0)
		root = sbx_ids(&ids) == 0 && ids.euid == 0;
	return root;
}

static uint32_t mask(void) {
	static uint32_t m = 07777;
	static bool known;
	struct sbx_ids ids;
	if (!known) {
		m = to.same_mode == 1 || (to.same_mode < 0 && is_root()) ? 0 : sbx_ids(&ids) == 0 ? ids.umask : 022;
		known = true;
	}
	return m;
}

static void owner_of(const struct member *m, uint32_t *uid, uint32_t *gid) {
	*uid = m->uid;
	*gid = m->gid;
	if (to.numeric)
		return;
	if (m->uname && *m->uname)
		user_id(m->uname, uid, NULL);
	if (m->gname && *m->gname)
		group_id(m->gname, gid);
}

static uint32_t mode_of(const struct member *m) {
	bool all = to.same_mode == 1 || (to.same_mode < 0 && is_root());
	uint32_t mode = (m->mode & (all ? 07777 : 0777)) & ~mask();
	return to.mode_spec ? mode_apply(to.mode_spec, mode | (m->type == '5' ? 0040000 : 0100000), 0) & 07777 : mode;
}

/* Owner, mode and time of a new file that is not a directory. */
static void set_all(const struct member *m, const char *name, bool link) {
	int flags = SBX_NOFOLLOW;
	bool own = to.same_owner == 1 || (to.same_owner < 0 && is_root());
	int64_t ts[4] = {0, SBX_TIME_OMIT, m->mtime, m->mtime_ns};
	uint32_t uid, gid;
	if (own) {
		owner_of(m, &uid, &gid);
		if (sbx_chown(name, flags, uid, gid))
			tar_error("%s: Cannot change ownership to uid %u, gid %u: %s", shown_colon(name), uid, gid, errtext(errno));
	}
	if (!link && sbx_chmod(name, 0, mode_of(m)))
		tar_error("%s: Cannot change mode to %s: %s", shown_colon(name), "that of the archive", errtext(errno));
	if (!to.touch && sbx_utimens(name, flags, ts) && !link)
		tar_error("%s: Cannot utime: %s", shown_colon(name), errtext(errno));
}

static void note_dir(const struct member *m, const char *name) {
	uint32_t uid, gid;
	struct sbx_stat st;
	if (sbx_stat(name, to.keep_dir_links ? 0 : SBX_NOFOLLOW, &st) || !S_ISDIR(st.mode))
		return;
	owner_of(m, &uid, &gid);
	dirs = grow(dirs, n_dirs, &cap_dirs, sizeof *dirs);
	dirs[n_dirs++] = (struct late_dir){xstrdup(name), place->dir, st.dev, st.ino, mode_of(m), uid, gid, m->mtime, m->mtime_ns};
}

/* Makes the directories that name is to be in; whether one was missing. */
static bool make_parents(const char *name) {
	char *p = xstrdup(name);
	bool made = false;
	for (char *s = p + 1; *p && (s = strchr(s, '/')); s++) {
		if (s[-1] == '/')
			continue;
		*s = 0;
		if (sbx_mkdir(p, 0777) == 0)
			made = true;
		*s = '/';
	}
	free(p);
	return made;
}

/* After EEXIST: true when the old file is gone and another try is worthwhile; *skip when it is to stay. */
static bool make_room(const struct member *m, const char *name, bool *skip) {
	struct sbx_stat st;
	int e = errno;
	*skip = false;
	if (sbx_stat(name, SBX_NOFOLLOW, &st)) {
		errno = e;
		return false;
	}
	if (to.old == OLD_KEEP) {
		errno = EEXIST;
		return false;
	}
	if (to.old == OLD_SKIP || (to.old == OLD_NEWER && (st.mtime > m->mtime || (st.mtime == m->mtime && st.mtime_ns >= m->mtime_ns)))) {
		*skip = true;
		if (to.old == OLD_NEWER)
			tar_warn("Current %s is newer or same age", quote(name));
		return false;
	}
	if (S_ISDIR(st.mode) ? rmdir(name) == 0 : unlink(name) == 0)
		return true;
	errno = EEXIST;
	return false;
}

/* Repeats what makes a file until it works: with parents made, with an old file gone. 0, 1 to skip, -1 errno. */
static int make(const struct member *m, const char *name, int (*fn)(const struct member *, const char *)) {
	bool parents = false, room = false, skip;
	for (;;) {
		int rc = fn(m, name);
		if (rc >= 0)
			return 0;
		if (errno == ENOENT && !parents) {
			parents = true;
			int e = errno;
			if (!make_parents(name)) {
				errno = e;
				return -1;
			}
			continue;
		}
		if ((errno != EEXIST && errno != EISDIR && errno != ELOOP) || room)
			return -1;
		room = true;
		if (!make_room(m, name, &skip))
			return skip ? 1 : -1;
	}
}

static int out_fd;

static int open_new(const struct member *m, const char *name) {
	int how = to.old == OLD_OVERWRITE ? SBX_O_TRUNC : SBX_O_EXCL;
	out_fd = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_NOFOLLOW | SBX_O_NONBLOCK | how, 0600);
	return out_fd;
}

static void extract_file(struct member *m, const char *name) {
	if (to.old == OLD_UNLINK)
		unlink(name);
	int rc = make(m, name, open_new);
	if (rc) {
		if (rc < 0)
			tar_errno(name, "open");
		member_to(m, -1, name);
		return;
	}
	int fd = out_fd;
	bool ok = member_to(m, fd, name);
	if (close(fd) && ok)
		tar_error("%s: Cannot close: %s", shown_colon(name), errtext(errno));
	set_all(m, name, false);
}

static int new_dir(const struct member *m, const char *name) { return sbx_mkdir(name, (mode_of(m) & 0777) | 0700); }

static void extract_dir(const struct member *m, char *name) {
	struct sbx_stat st;
	size_t n = strlen(name);
	while (n > 1 && name[n - 1] == '/')
		name[--n] = 0;
	if (sbx_stat(name, to.keep_dir_links ? 0 : SBX_NOFOLLOW, &st) == 0 && S_ISDIR(st.mode)) {
		if (to.old != OLD_KEEP && to.old != OLD_SKIP)
			note_dir(m, name);
		return;
	}
	int rc = make(m, name, new_dir);
	if (rc < 0)
		tar_errno(name, "mkdir");
	else if (rc == 0)
		note_dir(m, name);
}

static int new_placeholder(const struct member *m, const char *name) {
	int fd = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_EXCL | SBX_O_NOFOLLOW, 0);
	struct sbx_stat st;
	if (fd < 0)
		return -1;
	if (sbx_fstat(fd, &st) == 0) {
		uint32_t uid, gid;
		owner_of(m, &uid, &gid);
		links = grow(links, n_links, &cap_links, sizeof *links);
		links[n_links++] = (struct late_link){xstrdup(name), place->dir, xstrdup(m->link), st.dev, st.ino, uid, gid, m->mtime_ns, m->mtime};
	}
	close(fd);
	return 0;
}

static int new_symlink(const struct member *m, const char *name) { return symlink(m->link, name); }

static void extract_symlink(const struct member *m, const char *name) {
	bool late = !to.absolute && (*m->link == '/' || has_dotdot(m->link));
	int rc = make(m, name, late ? new_placeholder : new_symlink);
	if (rc < 0 && late)
		tar_errno(name, "open");
	else if (rc < 0)
		tar_error("%s: Cannot create symlink to %s: %s", shown_colon(name), quote(m->link), errtext(errno));
	else if (rc == 0 && !late)
		set_all(m, name, true);
}

static const char *link_from;

static int new_link(const struct member *m, const char *name) {
	struct sbx_stat a, b;
	if (link(link_from, name) == 0)
		return 0;
	int e = errno;
	if (e == EEXIST && sbx_stat(link_from, SBX_NOFOLLOW, &a) == 0 && sbx_stat(name, SBX_NOFOLLOW, &b) == 0 && a.dev == b.dev && a.ino == b.ino)
		return 0;
	errno = e;
	return -1;
}

static void extract_link(const struct member *m, const char *name) {
	char *from = safe_name(m->link, true);
	struct sbx_stat st;
	if (to.has_top && strncmp(from, to.top, strlen(to.top))) {
		char *t = xasprintf("%s/%s", to.top, from);
		free(from);
		from = t;
	}
	link_from = from;
	bool was_late = false;
	if (sbx_stat(from, SBX_NOFOLLOW, &st) == 0 && S_ISREG(st.mode))
		for (size_t i = 0; i < n_links && !was_late; i++)
			if (links[i].dev == st.dev && links[i].ino == st.ino) {
				/* a link to what will be a symlink: a placeholder of its own */
				struct member copy = *m;
				copy.link = links[i].target;
				was_late = true;
				if (make(&copy, name, new_placeholder) < 0)
					tar_error("%s: Cannot hard link to %s: %s", shown_colon(name), quote(from), errtext(errno));
			}
	if (!was_late && make(m, name, new_link) < 0)
		tar_error("%s: Cannot hard link to %s: %s", shown_colon(name), quote(from), errtext(errno));
	free(from);
}

static int new_node(const struct member *m, const char *name) {
	uint32_t type = m->type == '3' ? 0020000 : m->type == '4' ? 0060000 : 0010000;
	return sbx_mknod(name, type | (mode_of(m) & 0777), m->type == '6' ? 0 : sbx_makedev(m->dev_major, m->dev_minor));
}

static void extract_node(const struct member *m, const char *name) {
	int rc = make(m, name, new_node);
	if (rc < 0)
		tar_errno(name, m->type == '6' ? "mkfifo" : "mknod");
	else if (rc == 0)
		set_all(m, name, false);
}

void extract_member(struct member *m, char *name, struct operand *op) {
	place = op;
	bool plain = strchr("07S", m->type) || !strchr("123456D", m->type);
	if (to.to_stdout) {
		fflush(stdout);
		member_to(m, plain ? 1 : -1, name);
		return;
	}
	if (plain && !strchr("07S", m->type))
		tar_warn("%s: Unknown file type '%c', extracted as normal file", shown_colon(m->name), m->type);
	names_go(op->dir);
	if (plain) {
		extract_file(m, name);
		return;
	}
	switch (m->type) {
	case '1': extract_link(m, name); break;
	case '2': extract_symlink(m, name); break;
	case '5': case 'D': extract_dir(m, name); break;
	default: extract_node(m, name);
	}
	if (m->size)
		member_to(m, -1, name);
}

static void place_links(void) {
	struct sbx_stat st;
	for (size_t i = 0; i < n_links; i++) {
		struct late_link *l = &links[i];
		names_go(l->dir);
		/* only where the placeholder is still what it was */
		if (sbx_stat(l->name, SBX_NOFOLLOW, &st) || !S_ISREG(st.mode) || st.dev != l->dev || st.ino != l->ino || st.size)
			continue;
		if (unlink(l->name) || symlink(l->target, l->name)) {
			tar_error("%s: Cannot create symlink to %s: %s", shown_colon(l->name), quote(l->target), errtext(errno));
			continue;
		}
		struct member m = {.uid = l->uid, .gid = l->gid, .mtime = l->mtime, .mtime_ns = l->mtime_ns};
		set_all(&m, l->name, true);
	}
}

void extract_end(void) {
	struct sbx_stat st;
	bool own = to.same_owner == 1 || (to.same_owner < 0 && is_root());
	place_links();
	while (n_dirs > 0) {
		struct late_dir *d = &dirs[--n_dirs];
		int64_t ts[4] = {0, SBX_TIME_OMIT, d->mtime, d->mtime_ns};
		names_go(d->dir);
		if (sbx_stat(d->name, to.keep_dir_links ? 0 : SBX_NOFOLLOW, &st) || !S_ISDIR(st.mode) || st.dev != d->dev || st.ino != d->ino)
			continue; /* replaced since */
		if (own && sbx_chown(d->name, 0, d->uid, d->gid))
			tar_error("%s: Cannot change ownership to uid %u, gid %u: %s", shown_colon(d->name), d->uid, d->gid, errtext(errno));
		if (sbx_chmod(d->name, 0, d->mode))
			tar_error("%s: Cannot change mode: %s", shown_colon(d->name), errtext(errno));
		if (!to.touch && sbx_utimens(d->name, 0, ts))
			tar_error("%s: Cannot utime: %s", shown_colon(d->name), errtext(errno));
	}
	names_go(NULL);
}
