/* tar -c, -r and -u: files into members. */
#include "tar.h"

struct seen { /* a file with more than one link, once it is in the archive */
	uint64_t dev, ino;
	char *name;
};
static struct seen *table;
static size_t n_table, cap_table; /* open addressing, cap_table a power of two */

struct old { /* -u: what the archive has */
	char *name;
	int64_t mtime;
};
static struct old *olds;
static size_t n_olds, cap_olds;

static size_t slot(uint64_t dev, uint64_t ino) {
	size_t i = (size_t)((ino ^ dev * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu >> 20) & (cap_table - 1);
	while (table[i].name && (table[i].dev != dev || table[i].ino != ino))
		i = (i + 1) & (cap_table - 1);
	return i;
}

/* The member that st is a link to, or NULL after noting name for it. */
static const char *linked(const struct sbx_stat *st, const char *name) {
	if (n_table * 2 >= cap_table) {
		struct seen *was = table;
		size_t n = cap_table;
		cap_table = cap_table ? cap_table * 2 : 64;
		table = xcalloc(cap_table, sizeof *table);
		for (size_t i = 0; i < n; i++)
			if (was[i].name)
				table[slot(was[i].dev, was[i].ino)] = was[i];
		free(was);
	}
	struct seen *s = &table[slot(st->dev, st->ino)];
	if (s->name)
		return s->name;
	char *t = transformed(name, 'h');
	*s = (struct seen){st->dev, st->ino, safe_name(t, true)};
	free(t);
	n_table++;
	return NULL;
}

static bool write_data(int fd, const char *path, uint64_t size) {
	static char buf[65536];
	uint64_t left = size;
	while (left > 0) {
		size_t want = left < sizeof buf ? (size_t)left : sizeof buf;
		ssize_t n = full_read(fd, buf, want);
		if (n < 0)
			tar_error("%s: Read error at byte %llu, while reading %zu bytes: %s", shown_colon(path), (unsigned long long)(size - left), want, errtext(errno));
		else if ((size_t)n < want)
			tar_differs("%s: File shrank by %llu bytes; padding with zeros", shown_colon(path), (unsigned long long)(left - (uint64_t)n));
		if (n > 0)
			ar_write(buf, (size_t)n);
		left -= n > 0 ? (uint64_t)n : 0;
		if (n < 0 || (size_t)n < want) {
			memset(buf, 0, sizeof buf);
			for (; left > 0; left -= want) {
				want = left < sizeof buf ? (size_t)left : sizeof buf;
				ar_write(buf, want);
			}
			break;
		}
	}
	ar_pad(size);
	return true;
}

static void say(const struct member *m, const char *original) {
	FILE *f = strcmp(to.file, "-") == 0 ? stderr : stdout;
	const char *name = to.show_transformed ? m->name : original;
	if (to.verbose > 1) {
		list_member(f, m, name, m->link);
	} else if (to.verbose) {
		size_t n = strlen(name);
		fprintf(f, "%s%s\n", shown(name), m->type == '5' && n && name[n - 1] != '/' ? "/" : "");
	}
}

static void owner(struct member *m, const struct sbx_stat *st) {
	const char *u = user_name(st->uid), *g = group_name(st->gid);
	m->uid = to.owner_id != (uint32_t)-1 ? to.owner_id : st->uid;
	m->gid = to.group_id != (uint32_t)-1 ? to.group_id : st->gid;
	m->uname = xstrdup(to.owner ? to.owner : u ? u : "");
	m->gname = xstrdup(to.group ? to.group : g ? g : "");
}

static void times(struct member *m, const struct sbx_stat *st) {
	m->mtime = st->mtime;
	m->mtime_ns = st->mtime_ns;
	if (to.has_mtime && (!to.clamp || m->mtime > to.mtime)) {
		m->mtime = to.mtime;
		m->mtime_ns = to.mtime_ns;
	}
}

static char type_of(uint32_t mode) {
	switch (mode & S_IFMT) {
	case 0100000: return '0';
	case 0120000: return '2';
	case 0020000: return '3';
	case 0060000: return '4';
	case 0040000: return '5';
	case 0010000: return '6';
	default: return 0;
	}
}

/* Writes one member; false when it is left out. */
static bool dump(const char *path, const struct sbx_stat *st, int fd, bool top) {
	struct member m = {.type = type_of(st->mode), .mode = st->mode & 07777};
	char *t = transformed(path, 'r');
	m.name = safe_name(t, false);
	free(t);
	bool ok = true;
	if (m.type == '5') {
		size_t n = strlen(m.name);
		if (m.name[n - 1] != '/') {
			char *with = xasprintf("%s/", m.name);
			free(m.name);
			m.name = with;
		}
	}
	if (m.type == '2') {
		char *target = read_link(path);
		if (target)
			m.link = transformed(target, 's');
		else
			tar_errno(path, "read link");
		ok = target != NULL;
		free(target);
	} else if ((st->nlink > 1 || top) && m.type != '5' && !to.hard_deref) {
		const char *first = linked(st, path);
		if (first) {
			m.type = '1';
			m.link = xstrdup(first);
		}
	}
	if (!m.link)
		m.link = xstrdup("");
	if (m.type == '3' || m.type == '4') {
		m.dev_major = sbx_major(st->rdev);
		m.dev_minor = sbx_minor(st->rdev);
	}
	if (to.mode_spec)
		m.mode = mode_apply(to.mode_spec, st->mode, 0) & 07777;
	m.size = m.real_size = m.type == '0' ? (uint64_t)st->size : 0;
	owner(&m, st);
	times(&m, st);
	if (ok && (ok = head_write(&m))) {
		say(&m, path);
		if (m.type == '0')
			write_data(fd, path, m.size);
	}
	head_free(&m);
	return ok;
}

static bool is_old(const char *path, const struct sbx_stat *st) {
	if (to.mode != 'u')
		return false;
	char *t = transformed(path, 'r'), *name = safe_name(t, false);
	bool old = false;
	for (size_t i = 0; i < n_olds && !old; i++)
		old = strcmp(olds[i].name, name) == 0 && olds[i].mtime >= st->mtime;
	free(t);
	free(name);
	return old;
}

static void add(const char *path, bool top, uint64_t dev);

static void add_dir(const char *path, const struct sbx_stat *st) {
	int n;
	struct ent *e = dir_list(path, &n);
	if (n < 0) {
		if (to.ignore_failed)
			tar_warn("%s: Warning: Cannot open: %s", shown_colon(path), errtext(errno));
		else
			tar_errno(path, "open");
		return;
	}
	size_t len = strlen(path);
	for (int i = 0; i < n; i++) {
		char *p = xasprintf("%s%s%s", path, len && path[len - 1] == '/' ? "" : "/", e[i].name);
		add(p, false, st->dev);
		free(p);
	}
	dir_free(e, n);
}

static void removed(const char *path, bool dir) {
	if (to.remove_files && (dir ? rmdir(path) : unlink(path)))
		tar_errno(path, dir ? "rmdir" : "unlink");
}

static void add(const char *path, bool top, uint64_t dev) {
	struct sbx_stat st;
	if (excluded(path))
		return;
	if (sbx_stat(path, to.deref ? 0 : SBX_NOFOLLOW, &st)) {
		if (to.ignore_failed)
			tar_warn("%s: Warning: Cannot stat: %s", shown_colon(path), errtext(errno));
		else
			tar_errno(path, "stat");
		return;
	}
	bool dir = S_ISDIR(st.mode);
	if (to.has_newer && !dir && st.mtime < to.newer) {
		if (top)
			tar_warn("%s: file is unchanged; not dumped", shown_colon(path));
		return;
	}
	if (ar_is_archive(&st)) {
		tar_warn("%s: file is the archive; not dumped", shown_colon(path));
		return;
	}
	if (S_ISSOCK(st.mode)) {
		tar_warn("%s: socket ignored", shown_colon(path));
		return;
	}
	if (!type_of(st.mode) || (to.format == F_V7 && !S_ISREG(st.mode) && !dir && !S_ISLNK(st.mode))) {
		tar_warn("%s: Unknown file type; file ignored", shown_colon(path));
		return;
	}
	if (dir) {
		if (!is_old(path, &st) && !dump(path, &st, -1, top))
			return;
		if (to.no_recursion)
			return;
		if (!top && to.one_fs && st.dev != dev)
			return;
		add_dir(path, &st);
		removed(path, true);
		return;
	}
	if (is_old(path, &st))
		return;
	int fd = -1;
	if (S_ISREG(st.mode)) {
		fd = sbx_open(path, SBX_O_RDONLY | SBX_O_NONBLOCK | (to.deref ? 0 : SBX_O_NOFOLLOW), 0);
		if (fd < 0) {
			if (to.ignore_failed)
				tar_warn("%s: Warning: Cannot open: %s", shown_colon(path), errtext(errno));
			else
				tar_errno(path, "open");
			return;
		}
	}
	bool ok = dump(path, &st, fd, top);
	struct sbx_stat after;
	if (fd >= 0 && ok && sbx_fstat(fd, &after) == 0 && (after.size != st.size || after.mtime != st.mtime || after.mtime_ns != st.mtime_ns))
		tar_differs("%s: file changed as we read it", shown_colon(path));
	if (fd >= 0)
		close(fd);
	if (ok)
		removed(path, false);
}

/* Reads up to where new members go. */
static uint64_t read_to_end(void) {
	struct member m;
	uint64_t end = 0;
	for (;;) {
		int what = head_read(&m);
		if (what == HEAD_BAD && end == 0)
			tar_fatal("This does not look like a tar archive");
		if (what != HEAD_OK)
			return end;
		if (to.mode == 'u') {
			olds = grow(olds, n_olds, &cap_olds, sizeof *olds);
			olds[n_olds++] = (struct old){xstrdup(m.name), m.mtime};
		}
		if (!ar_skip_data(m.size))
			tar_fatal("Unexpected EOF in archive");
		head_free(&m);
		end = ar_block_number();
	}
}

void tar_create(void) {
	if (to.mode == 'c') {
		ar_open_write();
	} else {
		ar_open_append();
		ar_append_here(read_to_end());
	}
	for (size_t i = 0; i < n_operands; i++) {
		names_go(operands[i].dir);
		char *p = operands[i].name;
		if (*p)
			strip_slashes(p);
		add(p, true, 0);
	}
	names_go(NULL);
	ar_close_write();
}
