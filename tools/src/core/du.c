/* du */
#include "tool.h"

#include <fnmatch.h>

const char du_help[] = " [OPTION]... [FILE]...\n  or:  du [OPTION]... --files0-from=F\nSummarize device usage of the set of FILEs, recursively for directories.\n\n"
    "  -0, --null  -a, --all  --apparent-size  -B, --block-size=SIZE  -b, --bytes  -c, --total  -D, --dereference-args, -H\n"
    "  -d, --max-depth=N  --files0-from=F  -h, --human-readable  --inodes  -k  -L, --dereference  -l, --count-links  -m\n"
    "  -P, --no-dereference  -S, --separate-dirs  --si  -s, --summarize  -t, --threshold=SIZE  --time[=WORD]  --time-style=STYLE\n"
    "  -X, --exclude-from=FILE  --exclude=PATTERN  -x, --one-file-system\n";

static struct {
	bool all, apparent, total, deref, deref_args, count_links, separate, one_fs, inodes, time;
	int human;
	long depth;
	uint64_t block;
	int64_t threshold;
	char end, which;
	const char *time_style;
	const char **exclude;
	size_t n_exclude;
} o = {.depth = -1, .block = 1024, .end = '\n', .which = 'm', .time_style = "%Y-%m-%d %H:%M"};

struct sum {
	uint64_t bytes, inodes;
	int64_t time;
	uint32_t ns;
};

/* Files with several links that were counted: open addressing on device and inode. */
static struct { uint64_t dev, ino; bool used; } *table;
static size_t n_table, cap_table;

static bool seen(uint64_t dev, uint64_t ino) {
	if (n_table * 2 >= cap_table) {
		size_t old_cap = cap_table;
		void *old = table;
		typeof(table) was = old;
		cap_table = cap_table ? cap_table * 2 : 256;
		table = xcalloc(cap_table, sizeof *table);
		n_table = 0;
		for (size_t i = 0; i < old_cap; i++)
			if (was[i].used)
				seen(was[i].dev, was[i].ino);
		free(old);
	}
	size_t i = (size_t)((ino * 0x9e3779b97f4a7c15u) ^ dev) & (cap_table - 1);
	while (table[i].used) {
		if (table[i].ino == ino && table[i].dev == dev)
			return true;
		i = (i + 1) & (cap_table - 1);
	}
	table[i].dev = dev, table[i].ino = ino, table[i].used = true;
	n_table++;
	return false;
}

static int status;

static void print(const struct sum *s, const char *path) {
	char b[32];
	uint64_t v = o.inodes ? s->inodes : s->bytes;
	if (o.threshold < 0 ? v > (uint64_t)-o.threshold : v < (uint64_t)o.threshold)
		return;
	fputs(human(b, v, 1, o.inodes ? 1 : o.block, o.human), stdout);
	if (o.time) {
		struct when w;
		local_time(s->time, s->ns, &w);
		char *t = time_format(o.time_style, &w);
		printf("\t%s", t);
		free(t);
	}
	printf("\t%s%c", path, o.end);
}

static void add(struct sum *to, const struct sum *s) {
	to->bytes += s->bytes;
	to->inodes += s->inodes;
	if (s->time > to->time || (s->time == to->time && s->ns > to->ns))
		to->time = s->time, to->ns = s->ns;
}

static bool excluded(const char *path) {
	const char *base = base_of(path);
	for (size_t i = 0; i < o.n_exclude; i++) {
		if (fnmatch(o.exclude[i], base, 0) == 0 || fnmatch(o.exclude[i], path, 0) == 0)
			return true;
		for (const char *p = path; (p = strchr(p, '/')); p++)
			if (fnmatch(o.exclude[i], p + 1, 0) == 0)
				return true;
	}
	return false;
}

static struct sum own(const struct sbx_stat *st) {
	bool sized = S_ISREG(st->mode) || S_ISLNK(st->mode);
	struct sum s = {.inodes = 1, .time = st->mtime, .ns = st->mtime_ns};
	s.bytes = o.apparent ? (sized ? (uint64_t)st->size : 0) : (uint64_t)st->blocks * 512;
	if (o.apparent && S_ISDIR(st->mode))
		s.bytes = (uint64_t)st->size;
	if (o.which == 'a')
		s.time = st->atime, s.ns = st->atime_ns;
	if (o.which == 'c')
		s.time = st->ctime, s.ns = st->ctime_ns;
	return s;
}

/* The directories above, against loops through links. */
struct above {
	uint64_t dev, ino;
	const struct above *up;
};

static bool visit(const char *path, long depth, uint64_t dev, const struct above *up, struct sum *out);

static void children(const char *path, long depth, const struct sbx_stat *st, const struct above *up, struct sum *sum, struct sum *below) {
	int n;
	struct above here = {st->dev, st->ino, up};
	struct ent *e = dir_list(path, &n);
	if (!e) {
		warn_errno("cannot read directory %s", quoteaf(path));
		status = 1;
		return;
	}
	for (int i = 0; i < n; i++) {
		char *p = path_join(path, e[i].name);
		struct sum s = {0};
		struct sbx_stat cst;
		bool dir = o.separate && sbx_stat(p, o.deref ? 0 : SBX_NOFOLLOW, &cst) == 0 && S_ISDIR(cst.mode);
		if (visit(p, depth + 1, st->dev, &here, &s))
			add(dir ? below : sum, &s);
		free(p);
	}
	dir_free(e, n);
}

static bool visit(const char *path, long depth, uint64_t dev, const struct above *up, struct sum *out) {
	struct sbx_stat st;
	bool follow = o.deref || (o.deref_args && depth == 0);
	if (excluded(path))
		return false;
	if (sbx_stat(path, follow ? 0 : SBX_NOFOLLOW, &st)) {
		warn_errno("cannot access %s", quoteaf(path));
		status = 1;
		return false;
	}
	if (o.one_fs && depth && st.dev != dev)
		return false;
	if (!o.count_links && (depth == 0 || o.deref || (!S_ISDIR(st.mode) && st.nlink > 1) || S_ISDIR(st.mode)) && seen(st.dev, st.ino))
		return false;
	for (const struct above *a = up; a; a = a->up)
		if (a->dev == st.dev && a->ino == st.ino)
			return false;
	struct sum sum = own(&st), below = {0};
	if (S_ISDIR(st.mode))
		children(path, depth, &st, up, &sum, &below);
	if ((S_ISDIR(st.mode) || o.all || depth == 0) && (o.depth < 0 || depth <= o.depth))
		print(&sum, path);
	add(&sum, &below);
	*out = sum;
	return true;
}

static void exclude_file(const char *name) {
	int fd = open_input(name);
	size_t len;
	char *text = fd < 0 ? NULL : read_all(fd, &len);
	if (!text)
		die_errno(1, "%s", quotef(name));
	for (char *p = strtok(text, "\n"); p; p = strtok(NULL, "\n")) {
		o.exclude = xrealloc(o.exclude, (o.n_exclude + 1) * sizeof *o.exclude);
		o.exclude[o.n_exclude++] = p;
	}
}

static void time_style(const char *s) {
	static const char *const names[] = {"full-iso", "long-iso", "iso", NULL};
	static const char *const formats[] = {"%Y-%m-%d %H:%M:%S.%N %z", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	o.time_style = *s == '+' ? s + 1 : formats[argmatch("time style", s, names)];
}

static bool summarize;

static void option(int c) {
	static const char *const times[] = {"atime", "access", "use", "ctime", "status", NULL};
	switch (c) {
	case '0': o.end = 0; break;
	case 'a': o.all = true; break;
	case 'b': o.apparent = true; o.block = 1; o.human = 0; break;
	case 'B': o.block = need_size(opt_arg, "EGkKMPTYZ0", "--block-size argument"); o.human = 0; break;
	case 'c': o.total = true; break;
	case 'D': case 'H': o.deref_args = true; break;
	case 'd': o.depth = (long)need_size(opt_arg, "", "maximum depth"); break;
	case 'h': o.human = 1024; break;
	case 'k': o.block = 1024; o.human = 0; break;
	case 'm': o.block = 1 << 20; o.human = 0; break;
	case 'L': o.deref = true; break;
	case 'l': o.count_links = true; break;
	case 'P': o.deref = o.deref_args = false; break;
	case 'S': o.separate = true; break;
	case 's': summarize = true; break;
	case 't': o.threshold = *opt_arg == '-' ? -(int64_t)need_size(opt_arg + 1, "EGkKMPTYZ0", "--threshold argument") :
	    (int64_t)need_size(opt_arg, "EGkKMPTYZ0", "--threshold argument"); break;
	case 'x': o.one_fs = true; break;
	case 'X': exclude_file(opt_arg); break;
	case 1: o.apparent = true; break;
	case 2: o.inodes = true; break;
	case 3: o.human = 1000; break;
	case 4: o.time = true; if (opt_arg) o.which = argmatch("--time", opt_arg, times) < 3 ? 'a' : 'c'; break;
	case 5: time_style(opt_arg); break;
	case 6:
		o.exclude = xrealloc(o.exclude, (o.n_exclude + 1) * sizeof *o.exclude);
		o.exclude[o.n_exclude++] = opt_arg;
	}
}

int du_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"null", 0, '0'}, {"all", 0, 'a'}, {"apparent-size", 0, 1}, {"block-size", 1, 'B'},
	    {"bytes", 0, 'b'}, {"total", 0, 'c'}, {"dereference-args", 0, 'D'}, {"max-depth", 1, 'd'}, {"files0-from", 1, 7},
	    {"human-readable", 0, 'h'}, {"inodes", 0, 2}, {"dereference", 0, 'L'}, {"count-links", 0, 'l'}, {"no-dereference", 0, 'P'},
	    {"separate-dirs", 0, 'S'}, {"si", 0, 3}, {"summarize", 0, 's'}, {"threshold", 1, 't'}, {"time", 2, 4},
	    {"time-style", 1, 5}, {"exclude-from", 1, 'X'}, {"exclude", 1, 6}, {"one-file-system", 0, 'x'}, {0, 0, 0}};
	const char *list = NULL;
	int c;
	while ((c = opt_next(argc, argv, "0abB:cDd:HhklLmPSst:xX:", longs)) != -1) {
		if (c == 7)
			list = opt_arg;
		else
			option(c);
	}
	if (o.all && summarize) {
		warn("cannot both summarize and show all entries");
		usage(1);
	}
	if (summarize && o.depth > 0)
		die(1, "warning: summarizing conflicts with --max-depth=%ld", o.depth);
	if (summarize)
		o.depth = 0;
	struct sum total = {0};
	char *here[] = {".", NULL}, *names = NULL;
	char **f = opt_ind < argc ? argv + opt_ind : here;
	if (list) {
		int fd = open_input(list);
		size_t len;
		names = fd < 0 ? NULL : read_all(fd, &len);
		if (!names)
			die_errno(1, "cannot open %s for reading", quoteaf(list));
		size_t n = 0, cap = 0;
		f = NULL;
		for (char *p = names; p < names + len; p += strlen(p) + 1) {
			f = grow(f, n + 1, &cap, sizeof *f);
			f[n++] = p;
			f[n] = NULL;
		}
	}
	for (; f && *f; f++) {
		struct sum s = {0};
		if (visit(*f, 0, 0, NULL, &s))
			add(&total, &s);
	}
	if (o.total)
		print(&total, "total");
	return status;
}
