/* tar -t and -x: walking through the members of an archive. */
#include "tar.h"

void list_member(FILE *f, const struct member *m, const char *name, const char *link) {
	static int width = 19;
	static const uint32_t types[] = {0100000, 0100000, 0120000, 0020000, 0060000, 0040000, 0010000, 0100000};
	char mode[11], ids[2][16], size[64], date[64];
	struct when w;
	char t = m->type;
	mode_string((t >= '0' && t <= '7' ? types[t - '0'] : 0100000) | (m->mode & 07777), mode);
	mode[10] = 0;
	if (t == '1')
		mode[0] = 'h';
	else if (t == '7')
		mode[0] = 'C';
	else if (t == 'D')
		mode[0] = 'd';
	else if (t != 'S' && (t < '0' || t > '7'))
		mode[0] = '?';
	snprintf(ids[0], sizeof ids[0], "%u", m->uid);
	snprintf(ids[1], sizeof ids[1], "%u", m->gid);
	const char *u = m->uname && *m->uname && !to.numeric ? m->uname : ids[0], *g = m->gname && *m->gname && !to.numeric ? m->gname : ids[1];
	if (t == '3' || t == '4')
		snprintf(size, sizeof size, "%u,%u", m->dev_major, m->dev_minor);
	else
		snprintf(size, sizeof size, "%llu", (unsigned long long)m->real_size);
	if (to.utc)
		utc_time(m->mtime, m->mtime_ns, &w);
	else
		local_time(m->mtime, m->mtime_ns, &w);
	int n = snprintf(date, sizeof date, "%04lld-%02d-%02d %02d:%02d", (long long)w.year, w.mon + 1, w.mday, w.hour, w.min);
	if (to.full_time)
		snprintf(date + n, sizeof date - (size_t)n, m->mtime_ns ? ":%02d.%09u" : ":%02d", w.sec, m->mtime_ns);
	int pad = (int)(strlen(u) + 1 + strlen(g) + 1 + strlen(size));
	if (pad > width)
		width = pad;
	size_t len = strlen(name);
	fprintf(f, "%s %s/%s %*s%s %s %s%s", mode, u, g, width - pad, "", size, date, shown(name), t == '5' && len && name[len - 1] != '/' ? "/" : "");
	if (t == '2')
		fprintf(f, " -> %s", shown(link));
	else if (t == '1')
		fprintf(f, " link to %s", shown(link));
	else if (mode[0] == '?')
		fprintf(f, " unknown file type '%c'", t);
	fputc('\n', f);
}

/* Writes len bytes of the archive; false at its end. Write errors are told once. */
static bool copy_out(int fd, uint64_t len, const char *name, bool *failed) {
	const uint8_t *p;
	while (len > 0) {
		ssize_t n = ar_data(&p, len);
		if (n == 0)
			return false;
		if (fd >= 0 && !*failed && full_write(fd, p, (size_t)n)) {
			tar_error("%s: Cannot write: %s", shown_colon(name), errtext(errno));
			*failed = true;
		}
		len -= (uint64_t)n;
	}
	return true;
}

/* Goes to an offset of the file: by seeking, or with zeros where that cannot be. */
static void gap(int fd, uint64_t from, uint64_t to_at, const char *name, bool *failed) {
	static const char zeros[4096];
	if (fd < 0 || *failed || from == to_at || lseek(fd, (off_t)to_at, SEEK_SET) >= 0)
		return;
	for (uint64_t n = to_at - from; n > 0 && !*failed;) {
		size_t k = n < sizeof zeros ? (size_t)n : sizeof zeros;
		if (full_write(fd, zeros, k)) {
			tar_error("%s: Cannot write: %s", shown_colon(name), errtext(errno));
			*failed = true;
		}
		n -= k;
	}
}

static bool sparse_to(struct member *m, int fd, const char *name, bool *failed) {
	uint64_t left = m->size, at = 0, padding = (BLOCK - m->size % BLOCK) % BLOCK;
	bool bad = false;
	if (m->pax_map)
		bad = !sparse_pax_map(m, &left);
	for (size_t i = 0; i < m->pieces && !bad; i++) {
		const struct piece *s = &m->map[i];
		if (s->len > left || s->at < at || s->at > m->real_size || s->len > m->real_size - s->at) {
			bad = true;
			break;
		}
		if (!s->len) /* marks the end of the file: the last hole is made below */
			continue;
		gap(fd, at, s->at, name, failed);
		if (!copy_out(fd, s->len, name, failed))
			return false;
		left -= s->len;
		at = s->at + s->len;
	}
	if (bad) {
		tar_error("%s: invalid sparse archive member", shown_colon(name));
		*failed = true;
	} else if (at < m->real_size && fd >= 0 && !*failed) {
		gap(fd, at, m->real_size - 1, name, failed);
		if (!*failed && full_write(fd, "", 1)) {
			tar_error("%s: Cannot write: %s", shown_colon(name), errtext(errno));
			*failed = true;
		}
	}
	return ar_skip(left) && ar_skip(padding);
}

bool member_to(const struct member *m, int fd, const char *name) {
	bool failed = false, whole;
	if (fd < 0)
		whole = ar_skip_data(m->size);
	else if (m->sparse)
		whole = sparse_to((struct member *)m, fd, name, &failed);
	else
		whole = copy_out(fd, m->size, name, &failed) && ar_skip((BLOCK - m->size % BLOCK) % BLOCK);
	if (!whole) {
		tar_error("Unexpected EOF in archive");
		if (to.mode == 'x') {
			tar_error("Unexpected EOF in archive");
			extract_end();
		}
		warn("Error is not recoverable: exiting now");
		exit(2);
	}
	return !failed;
}

/* The name without its first to.strip components, or NULL. */
static const char *stripped(const char *name) {
	for (int i = 0; i < to.strip; i++) {
		name += strspn(name, "/");
		name += strcspn(name, "/");
		if (!*name)
			return NULL;
	}
	name += to.strip ? strspn(name, "/") : 0;
	return *name ? name : NULL;
}

static char *under_top(char *name) {
	size_t n = strlen(to.top);
	const char *bare = name;
	while (bare[0] == '.' && bare[1] == '/')
		bare += 2 + strspn(bare + 2, "/");
	if (strncmp(bare, to.top, n) == 0 && (!bare[n] || bare[n] == '/'))
		return name;
	char *p = strcmp(bare, ".") == 0 || !*bare ? xasprintf("%s/", to.top) : xasprintf("%s/%s", to.top, bare);
	free(name);
	return p;
}

static void print_name(const struct member *m, const char *name) {
	FILE *f = to.to_stdout ? stderr : stdout;
	size_t n = strlen(name);
	int level = to.mode == 't' ? to.verbose + 1 : to.verbose;
	if (level > 1)
		list_member(f, m, name, m->link);
	else if (level == 1)
		fprintf(f, "%s%s\n", shown(name), m->type == '5' && n && name[n - 1] != '/' ? "/" : "");
}

static void one(struct member *m) {
	struct operand *op = names_match(m->name);
	if (!op || excluded(m->name)) {
		member_to(m, -1, m->name);
		return;
	}
	char *name = transformed(m->name, 'r');
	if (m->type == '1' || m->type == '2') {
		char *link = transformed(m->link, m->type == '1' ? 'h' : 's');
		if (m->type == '1' && to.strip) {
			const char *s = stripped(link);
			char *cut = xstrdup(s ? s : link);
			free(link);
			link = cut;
		}
		free(m->link);
		m->link = link;
	}
	if (to.mode == 't') {
		free(safe_name(name, false)); /* for what it says */
		print_name(m, to.show_transformed ? name : m->name);
		free(name);
		member_to(m, -1, m->name);
		return;
	}
	const char *cut = stripped(name);
	if (!cut) {
		free(name);
		member_to(m, -1, m->name);
		return;
	}
	char *final = safe_name(cut, false);
	if (to.has_top)
		final = under_top(final);
	bool leaves = !to.absolute && has_dotdot(m->name);
	if (leaves)
		tar_error("%s: Member name contains '..'", shown_colon(m->name));
	if (to.verbose && !leaves)
		print_name(m, to.show_transformed ? final : m->name);
	if (leaves)
		member_to(m, -1, m->name);
	else
		extract_member(m, final, op);
	free(final);
	free(name);
}

void tar_read(void) {
	struct member m;
	bool good = false, skipping = false;
	ar_open_read();
	for (;;) {
		int what = head_read(&m);
		if (what == HEAD_END)
			break;
		if (what == HEAD_ZERO) {
			if (to.ignore_zeros)
				continue;
			uint64_t at = ar_block_number();
			what = head_read(&m);
			if (what == HEAD_END || what == HEAD_ZERO) {
				if (what == HEAD_END)
					tar_warn("A lone zero block at %llu", (unsigned long long)at);
				break;
			}
			tar_warn("A lone zero block at %llu", (unsigned long long)at);
			head_free(&m);
			break;
		}
		if (what == HEAD_BAD) {
			if (!skipping)
				tar_error(good ? "Skipping to next header" : "This does not look like a tar archive");
			if (!good && !skipping)
				tar_error("Skipping to next header");
			skipping = true;
			continue;
		}
		good = true;
		skipping = false;
		if (m.type == 'V' || m.type == 'M' || m.type == 'N')
			ar_skip_data(m.size);
		else
			one(&m);
		head_free(&m);
	}
	if (to.mode == 'x')
		extract_end();
	ar_close_read();
	names_report();
}
