/* How ls sorts and prints. */
#include "ls.h"

#include <ctype.h>

/* ---- sorting */

static int64_t file_time(const struct file *f, uint32_t *ns) {
	switch (ls.time) {
	case 'a': *ns = f->st.atime_ns; return f->st.atime;
	case 'c': *ns = f->st.ctime_ns; return f->st.ctime;
	case 'b': *ns = f->st.btime_ns; return f->st.btime;
	}
	*ns = f->st.mtime_ns;
	return f->st.mtime;
}

static int order(int c) { return !c ? -1 : isdigit(c) ? 0 : isalpha(c) ? c : c == '~' ? -2 : c + 256; }

/* Names with numbers in them, as Debian compares versions. */
static int version_compare(const char *a, const char *b) {
	while (*a || *b) {
		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			int x = isdigit((unsigned char)*a) ? 0 : order((unsigned char)*a), y = isdigit((unsigned char)*b) ? 0 : order((unsigned char)*b);
			if (x != y)
				return x - y;
			a++, b++;
		}
		while (*a == '0')
			a++;
		while (*b == '0')
			b++;
		int diff = 0;
		while (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			if (!diff)
				diff = *a - *b;
			a++, b++;
		}
		if (isdigit((unsigned char)*a))
			return 1;
		if (isdigit((unsigned char)*b))
			return -1;
		if (diff)
			return diff;
	}
	return 0;
}

static bool like_dir(const struct file *f) { return S_ISDIR(f->st.mode) || S_ISDIR(f->target_mode); }

static int by_key(const struct file *a, const struct file *b) {
	uint32_t an, bn;
	int c = 0;
	switch (ls.sort) {
	case 't': {
		int64_t at = file_time(a, &an), bt = file_time(b, &bn);
		c = (bt > at) - (bt < at);
		if (!c)
			c = (bn > an) - (bn < an);
		break;
	}
	case 's': c = (b->st.size > a->st.size) - (b->st.size < a->st.size); break;
	case 'x': {
		const char *x = strrchr(a->name, '.'), *y = strrchr(b->name, '.');
		c = strcmp(x ? x : "", y ? y : "");
		break;
	}
	case 'v': c = version_compare(a->name, b->name); break;
	case 'w': c = (int)strlen(a->name) - (int)strlen(b->name); break;
	}
	return c ? c : strcmp(a->name, b->name);
}

static int compare(const void *a, const void *b) {
	const struct file *x = a, *y = b;
	if (ls.dirs_first && like_dir(x) != like_dir(y))
		return like_dir(y) - like_dir(x);
	int c = by_key(x, y);
	return ls.reverse ? -c : c;
}

void ls_sort(struct list *l) {
	if (ls.sort != 'U' && l->n)
		qsort(l->f, l->n, sizeof *l->f, compare);
}

/* ---- names */

static char *c_style(const char *s, bool quotes, bool spaces) {
	char *b = xmalloc(strlen(s) * 4 + 3), *o = b;
	static const char from[] = "\a\b\f\n\r\t\v", to[] = "abfnrtv";
	if (quotes)
		*o++ = '"';
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		const char *e = strchr(from, c);
		if (e && c)
			*o++ = '\\', *o++ = to[e - from];
		else if (c == '\\' || (quotes && c == '"') || (spaces && c == ' '))
			*o++ = '\\', *o++ = (char)c;
		else if (c < 32 || c >= 127)
			o += sprintf(o, "\\%03o", c);
		else
			*o++ = (char)c;
	}
	if (quotes)
		*o++ = '"';
	*o = 0;
	return b;
}

static char *shown_name(const char *s) {
	switch (ls.quoting) {
	case Q_SHELL_ESCAPE: return xstrdup(quotef(s));
	case Q_SHELL: return xstrdup(quotef(s));
	case Q_SHELL_ALWAYS: case Q_SHELL_ESCAPE_ALWAYS: return xstrdup(quoteaf(s));
	case Q_C: case Q_CLOCALE: return c_style(s, true, false);
	case Q_LOCALE: return xstrdup(quote(s));
	case Q_ESCAPE: return c_style(s, false, true);
	}
	char *b = xstrdup(s);
	for (char *p = b; ls.hide_control && *p; p++)
		if ((unsigned char)*p < 32 || (unsigned char)*p >= 127)
			*p = '?';
	return b;
}

static char indicator(const struct file *f, uint32_t mode) {
	(void)f;
	if (ls.indicator == I_NONE)
		return 0;
	if (S_ISDIR(mode))
		return '/';
	if (ls.indicator == I_SLASH)
		return 0;
	if (S_ISLNK(mode))
		return '@';
	if (S_ISFIFO(mode))
		return '|';
	if (S_ISSOCK(mode))
		return '=';
	return ls.indicator == I_ALL && S_ISREG(mode) && mode & 0111 ? '*' : 0;
}

/* ---- colours: dircolors' defaults and LS_COLORS */

static const char *color_of[64][2];
static int n_colors;
static const char *type_color(const char *key) {
	for (int i = 0; i < n_colors; i++)
		if (strcmp(color_of[i][0], key) == 0)
			return *color_of[i][1] && strcmp(color_of[i][1], "0") && strcmp(color_of[i][1], "00") ? color_of[i][1] : NULL;
	return NULL;
}

static struct { const char *suffix, *code; } suffixes[512];
static int n_suffixes;

void ls_colors(void) {
	static const char *const defaults[][2] = {{"di", "01;34"}, {"ln", "01;36"}, {"pi", "33"}, {"so", "01;35"}, {"bd", "01;33"},
	    {"cd", "01;33"}, {"ex", "01;32"}, {"su", "37;41"}, {"sg", "30;43"}, {"st", "37;44"}, {"ow", "34;42"}, {"tw", "30;42"}};
	if (!ls.color)
		return;
	const char *term = getenv("TERM"), *more = getenv("COLORTERM"), *own = getenv("LS_COLORS");
	if (!(own && *own) && !(more && *more) && !(term && *term && strcmp(term, "dumb"))) {
		ls.color = false;
		return;
	}
	char *env = getenv("LS_COLORS") ? xstrdup(getenv("LS_COLORS")) : NULL;
	for (char *p = env ? strtok(env, ":") : NULL; p; p = strtok(NULL, ":")) {
		char *eq = strchr(p, '=');
		if (!eq)
			continue;
		*eq = 0;
		if (*p == '*' && n_suffixes < (int)LEN(suffixes))
			suffixes[n_suffixes].suffix = p + 1, suffixes[n_suffixes++].code = eq + 1;
		else if (*p != '*' && n_colors < 40)
			color_of[n_colors][0] = p, color_of[n_colors++][1] = eq + 1;
	}
	for (size_t i = 0; i < LEN(defaults); i++)
		color_of[n_colors][0] = defaults[i][0], color_of[n_colors++][1] = defaults[i][1];
}

static const char *file_color(const char *name, uint32_t mode, bool dangling) {
	if (S_ISDIR(mode)) {
		const char *c = mode & 01000 && mode & 02 ? type_color("tw") : mode & 02 ? type_color("ow") : mode & 01000 ? type_color("st") : NULL;
		return c ? c : type_color("di");
	}
	if (S_ISLNK(mode))
		return dangling && type_color("or") ? type_color("or") : type_color("ln");
	if (S_ISFIFO(mode))
		return type_color("pi");
	if (S_ISSOCK(mode))
		return type_color("so");
	if (S_ISBLK(mode))
		return type_color("bd");
	if (S_ISCHR(mode))
		return type_color("cd");
	if (mode & 04000 && type_color("su"))
		return type_color("su");
	if (mode & 02000 && type_color("sg"))
		return type_color("sg");
	if (mode & 0111 && type_color("ex"))
		return type_color("ex");
	size_t n = strlen(name);
	for (int i = n_suffixes - 1; i >= 0; i--) {
		size_t k = strlen(suffixes[i].suffix);
		if (n >= k && strcasecmp(name + n - k, suffixes[i].suffix) == 0)
			return suffixes[i].code;
	}
	return type_color("fi");
}

static bool coloured_before;

/* Prints a name in its colour; the columns it takes. */
static int colored(const char *name, uint32_t mode, bool dangling) {
	const char *code = ls.color ? file_color(name, mode, dangling) : NULL;
	char *s = shown_name(name);
	int n = (int)strlen(s);
	if (code) {
		if (!coloured_before)
			fputs("\033[0m", stdout);
		coloured_before = true;
		printf("\033[%sm%s\033[0m", code, s);
	} else {
		fputs(s, stdout);
	}
	free(s);
	return n;
}

void ls_label(const char *path) {
	char *s = shown_name(path);
	if (ls.quoting == Q_SHELL_ESCAPE && strchr(path, ':') && *s != '\'' && *s != '"') {
		free(s);
		s = xstrdup(quotef_colon(path));
	}
	printf("%s:\n", s);
	free(s);
}

/* ---- numbers */

static char *blocks(const struct file *f, char buf[32]) {
	return f->known ? human(buf, (uint64_t)f->st.blocks, 512, ls.block, ls.human) : strcpy(buf, "?");
}

void ls_total(const struct list *l) {
	uint64_t sum = 0;
	char buf[32];
	for (size_t i = 0; i < l->n; i++)
		sum += (uint64_t)l->f[i].st.blocks;
	printf("total %s%c", human(buf, sum, 512, ls.block, ls.human), ls.end);
}

struct widths {
	int inode, blocks, links, owner, group, size, major, minor, author;
};

static void widen(int *w, size_t n) {
	if ((int)n > *w)
		*w = (int)n;
}

static const char *owner_name(uint32_t id, bool group, char buf[24]) {
	const char *s = ls.numeric ? NULL : group ? group_name(id) : user_name(id);
	return s ? s : umax(id, buf);
}

static bool device(const struct file *f) { return S_ISCHR(f->st.mode) || S_ISBLK(f->st.mode); }

static void measure(const struct list *l, struct widths *w) {
	char b[32];
	*w = (struct widths){0};
	for (size_t i = 0; i < l->n; i++) {
		const struct file *f = &l->f[i];
		if (ls.inode)
			widen(&w->inode, f->known ? strlen(umax(f->st.ino, b)) : 1);
		if (ls.size)
			widen(&w->blocks, strlen(blocks(f, b)));
		if (ls.format != F_LONG)
			continue;
		widen(&w->links, f->known ? strlen(umax(f->st.nlink, b)) : 1);
		widen(&w->owner, f->known ? strlen(owner_name(f->st.uid, false, b)) : 1);
		widen(&w->group, f->known ? strlen(owner_name(f->st.gid, true, b)) : 1);
		if (device(f)) {
			widen(&w->major, strlen(umax(sbx_major(f->st.rdev), b)));
			widen(&w->minor, strlen(umax(sbx_minor(f->st.rdev), b)));
		} else {
			widen(&w->size, f->known ? strlen(human(b, (uint64_t)f->st.size, 1, ls.size_unit, ls.human)) : 1);
		}
	}
	if (w->major)
		widen(&w->size, (size_t)(w->major + 2 + w->minor));
}

static void put_time(const struct file *f) {
	static int64_t now_t;
	static uint32_t now_ns;
	struct when w;
	uint32_t ns;
	int64_t t = file_time(f, &ns);
	if (!now_t)
		now(&now_t, &now_ns);
	int64_t half = 31556952 / 2;
	bool recent = now_t - half < t && (t < now_t || (t == now_t && ns <= now_ns));
	local_time(t, ns, &w);
	char *s = time_format(recent ? ls.recent_format : ls.old_format, &w);
	printf("%s ", s);
	free(s);
}

static void prefix(const struct file *f, const struct widths *w) {
	char b[32];
	if (ls.inode)
		printf("%*s ", w->inode, f->known ? umax(f->st.ino, b) : "?");
	if (ls.size)
		printf("%*s ", w->blocks, blocks(f, b));
	if (ls.context)
		fputs("? ", stdout);
}

static void long_line(const struct file *f, const struct widths *w) {
	char mode[11], b[32];
	prefix(f, w);
	mode_string(f->st.mode, mode);
	if (!f->known) {
		printf("%c?????????", mode[0] == '?' ? '?' : mode[0]);
		printf(" %*s", w->links, "?");
		if (ls.owner)
			printf(" %-*s", w->owner, "?");
		if (ls.group)
			printf(" %-*s", w->group, "?");
		printf(" %*s %12s ", w->size, "?", "?");
		colored(f->name, f->st.mode, false);
		putchar(ls.end);
		return;
	}
	printf("%s %*s", mode, w->links, umax(f->st.nlink, b));
	if (ls.owner)
		printf(ls.numeric || !user_name(f->st.uid) ? " %*s" : " %-*s", w->owner, owner_name(f->st.uid, false, b));
	if (ls.group)
		printf(ls.numeric || !group_name(f->st.gid) ? " %*s" : " %-*s", w->group, owner_name(f->st.gid, true, b));
	if (ls.author)
		printf(" %-*s", w->owner, owner_name(f->st.uid, false, b));
	if (device(f)) {
		int major = w->size - (w->minor + 2) > w->major ? w->size - (w->minor + 2) : w->major;
		printf(" %*u, %*u ", major, sbx_major(f->st.rdev), w->minor, sbx_minor(f->st.rdev));
	}
	else
		printf(" %*s ", w->size, human(b, (uint64_t)f->st.size, 1, ls.size_unit, ls.human));
	put_time(f);
	colored(f->name, f->st.mode, !f->target_mode);
	if (f->link) {
		fputs(" -> ", stdout);
		bool look = type_color("or") || type_color("mi");
		colored(f->link, !look ? 0 : f->target_mode ? f->target_mode : 0120000, !f->target_mode);
		char c = f->target_mode ? indicator(f, f->target_mode) : 0;
		if (c)
			putchar(c);
	} else if (indicator(f, f->st.mode)) {
		putchar(indicator(f, f->st.mode));
	}
	putchar(ls.end);
}

/* ---- columns */

static int cell_width(const struct file *f, const struct widths *w) {
	char *s = shown_name(f->name);
	int n = (int)strlen(s) + (indicator(f, f->st.mode) != 0);
	free(s);
	return n + (ls.inode ? w->inode + 1 : 0) + (ls.size ? w->blocks + 1 : 0) + (ls.context ? 2 : 0);
}

static void cell(const struct file *f, const struct widths *w) {
	prefix(f, w);
	colored(f->name, f->st.mode, !f->target_mode);
	char c = indicator(f, f->st.mode);
	if (c)
		putchar(c);
}

static void indent(int from, int to) {
	while (from < to) {
		if (ls.width && to / 8 > (from + 1) / 8) {
			putchar('\t');
			from += 8 - from % 8;
		} else {
			putchar(' ');
			from++;
		}
	}
}

/* The most columns that fit; their widths go to widths. */
static size_t fit(const int *len, size_t n, int *widths, bool across) {
	size_t max = (size_t)(ls.width ? ls.width : 1 << 20) / 3 + 1;
	if (max > n)
		max = n;
	for (size_t cols = max; cols > 1; cols--) {
		size_t rows = (n + cols - 1) / cols;
		int line = 0;
		for (size_t c = 0; c < cols; c++)
			widths[c] = 3;
		for (size_t i = 0; i < n; i++) {
			size_t c = across ? i % cols : i / rows;
			int w = len[i] + (c == cols - 1 ? 0 : 2);
			if (w > widths[c])
				widths[c] = w;
		}
		for (size_t c = 0; c < cols; c++)
			line += widths[c];
		if (line < (ls.width ? ls.width : 1 << 20))
			return cols;
	}
	return 1;
}

static void columns(const struct list *l, const struct widths *w, bool across) {
	int *len = xcalloc(l->n + 1, sizeof *len), *widths = xcalloc(l->n + 1, sizeof *widths);
	for (size_t i = 0; i < l->n; i++)
		len[i] = cell_width(&l->f[i], w);
	size_t cols = fit(len, l->n, widths, across), rows = (l->n + cols - 1) / cols;
	for (size_t r = 0; r < rows; r++) {
		int at = 0, target = 0;
		for (size_t c = 0; c < cols; c++) {
			size_t i = across ? r * cols + c : c * rows + r;
			if (i >= l->n)
				break;
			if (c)
				indent(at, target), at = target;
			cell(&l->f[i], w);
			at += len[i];
			target += widths[c];
		}
		putchar(ls.end);
	}
	free(len);
	free(widths);
}

static void commas(const struct list *l, const struct widths *w) {
	int at = 0;
	for (size_t i = 0; i < l->n; i++) {
		int n = cell_width(&l->f[i], w);
		if (i) {
			bool fits = !ls.width || at + 2 + n < ls.width;
			putchar(',');
			putchar(fits ? ' ' : '\n');
			at = fits ? at + 2 : 0;
		}
		cell(&l->f[i], w);
		at += n;
	}
	if (l->n)
		putchar(ls.end);
}

void ls_print(const struct list *l) {
	struct widths w;
	measure(l, &w);
	if (l->n == 0)
		return;
	if (ls.format == F_COLUMNS || ls.format == F_ACROSS) {
		columns(l, &w, ls.format == F_ACROSS);
		return;
	}
	if (ls.format == F_COMMAS) {
		commas(l, &w);
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		if (ls.format == F_LONG) {
			long_line(&l->f[i], &w);
			continue;
		}
		prefix(&l->f[i], &(struct widths){.inode = w.inode, .blocks = w.blocks});
		colored(l->f[i].name, l->f[i].st.mode, !l->f[i].target_mode);
		char c = indicator(&l->f[i], l->f[i].st.mode);
		if (c)
			putchar(c);
		putchar(ls.end);
	}
}
