/* ls, dir, vdir: options and the walk. What a line looks like is in ls_show.c. */
#include "ls.h"

const char ls_help[] = " [OPTION]... [FILE]...\nList information about the FILEs (the current directory by default).\n\n"
    "  -a, --all  -A, --almost-all  --author  -b, --escape  --block-size=SIZE  -B, --ignore-backups  -c  -C  --color[=WHEN]\n"
    "  -d, --directory  -f  -F, --classify  --file-type  --format=WORD  --full-time  -g  --group-directories-first\n"
    "  -G, --no-group  -h, --human-readable  --si  -H  --hide=PATTERN  --indicator-style=WORD  -i, --inode\n"
    "  -I, --ignore=PATTERN  -k  -l  -L, --dereference  -m  -n, --numeric-uid-gid  -N, --literal  -o  -p\n"
    "  -q, --hide-control-chars  --show-control-chars  -Q, --quote-name  --quoting-style=WORD  -r, --reverse\n"
    "  -R, --recursive  -s, --size  -S  --sort=WORD  --time=WORD  --time-style=STYLE  -t  -T  -u  -U  -v  -w  -x  -X  -Z  -1\n";
const char dir_help[] = " [OPTION]... [FILE]...\nList directory contents; as ls -C -b.\n";
const char vdir_help[] = " [OPTION]... [FILE]...\nList directory contents; as ls -l -b.\n";

struct ls_options ls;
static int status;

enum { L_AUTHOR = 256, L_BLOCK, L_COLOR, L_TYPE, L_FORMAT, L_FULL_TIME, L_DIRS_FIRST, L_SI, L_HIDE, L_INDICATOR, L_SHOW_CONTROL,
    L_QUOTING, L_SORT, L_TIME, L_TIME_STYLE, L_CMDLINE_DIR, L_ZERO, L_HYPERLINK };

static const struct lopt longs[] = {{"all", 0, 'a'}, {"almost-all", 0, 'A'}, {"author", 0, L_AUTHOR}, {"escape", 0, 'b'},
    {"block-size", 1, L_BLOCK}, {"ignore-backups", 0, 'B'}, {"color", 2, L_COLOR}, {"directory", 0, 'd'}, {"classify", 2, 'F'},
    {"file-type", 0, L_TYPE}, {"format", 1, L_FORMAT}, {"full-time", 0, L_FULL_TIME}, {"group-directories-first", 0, L_DIRS_FIRST},
    {"no-group", 0, 'G'}, {"human-readable", 0, 'h'}, {"si", 0, L_SI}, {"dereference-command-line", 0, 'H'},
    {"dereference-command-line-symlink-to-dir", 0, L_CMDLINE_DIR}, {"hide", 1, L_HIDE}, {"indicator-style", 1, L_INDICATOR},
    {"inode", 0, 'i'}, {"ignore", 1, 'I'}, {"kibibytes", 0, 'k'}, {"dereference", 0, 'L'}, {"numeric-uid-gid", 0, 'n'},
    {"literal", 0, 'N'}, {"hide-control-chars", 0, 'q'}, {"show-control-chars", 0, L_SHOW_CONTROL}, {"quote-name", 0, 'Q'},
    {"quoting-style", 1, L_QUOTING}, {"reverse", 0, 'r'}, {"recursive", 0, 'R'}, {"size", 0, 's'}, {"sort", 1, L_SORT},
    {"time", 1, L_TIME}, {"time-style", 1, L_TIME_STYLE}, {"tabsize", 1, 'T'}, {"width", 1, 'w'}, {"context", 0, 'Z'},
    {"zero", 0, L_ZERO}, {"hyperlink", 2, L_HYPERLINK}, {0, 0, 0}};

static void long_form(void) { ls.format = F_LONG; }

static void set_block(const char *s) {
	if (strcmp(s, "human-readable") == 0) {
		ls.human = 1024;
	} else if (strcmp(s, "si") == 0) {
		ls.human = 1000;
	} else {
		ls.human = 0;
		ls.size_unit = ls.block = need_size(s, "EGkKMPTYZ0", "--block-size argument");
	}
}

static void set_time_style(const char *s) {
	if (strncmp(s, "posix-", 6) == 0)
		return;
	static const char *const names[] = {"full-iso", "long-iso", "iso", "locale", NULL};
	static const char *const old[] = {"%Y-%m-%d %H:%M:%S.%N %z", "%Y-%m-%d %H:%M", "%Y-%m-%d ", "%b %e  %Y"};
	static const char *const recent[] = {"%Y-%m-%d %H:%M:%S.%N %z", "%Y-%m-%d %H:%M", "%m-%d %H:%M", "%b %e %H:%M"};
	if (*s == '+') {
		char *copy = xstrdup(s + 1), *nl = strchr(copy, '\n');
		ls.old_format = ls.recent_format = copy;
		if (nl) {
			*nl = 0;
			ls.recent_format = nl + 1;
		}
		return;
	}
	int i = argmatch("time style", s, names);
	ls.old_format = old[i];
	ls.recent_format = recent[i];
}

static void add_pattern(const char ***list, size_t *n, const char *p) {
	*list = xrealloc(*list, (*n + 1) * sizeof **list);
	(*list)[(*n)++] = p;
}

static bool when(const char *option, const char *arg) {
	static const char *const words[] = {"always", "yes", "force", "never", "no", "none", "auto", "tty", "if-tty", NULL};
	int i = arg ? argmatch(option, arg, words) : 0;
	return i < 3 || (i > 5 && isatty(1));
}

static void long_option(int c) {
	static const char *const formats[] = {"verbose", "long", "commas", "horizontal", "across", "vertical", "single-column", NULL};
	static const int format_of[] = {F_LONG, F_LONG, F_COMMAS, F_ACROSS, F_ACROSS, F_COLUMNS, F_ONE};
	static const char *const sorts[] = {"none", "time", "size", "extension", "version", "width", NULL};
	static const char *const times[] = {"atime", "access", "use", "ctime", "status", "birth", "creation", "mtime", "modification", NULL};
	static const char time_of[] = "aaaccbbmm";
	static const char *const styles[] = {"none", "slash", "file-type", "classify", NULL};
	static const char *const quotings[] = {"literal", "shell", "shell-always", "shell-escape", "shell-escape-always", "c", "escape", "locale", "clocale", NULL};
	switch (c) {
	case L_AUTHOR: ls.author = true; break;
	case L_BLOCK: set_block(opt_arg); break;
	case L_COLOR: ls.color = when("--color", opt_arg); break;
	case L_TYPE: ls.indicator = I_TYPE; break;
	case L_FORMAT: ls.format = format_of[argmatch("--format", opt_arg, formats)]; break;
	case L_FULL_TIME: long_form(); set_time_style("full-iso"); break;
	case L_DIRS_FIRST: ls.dirs_first = true; break;
	case L_SI: ls.human = 1000; break;
	case L_HIDE: add_pattern(&ls.hide, &ls.n_hide, opt_arg); break;
	case L_INDICATOR: ls.indicator = argmatch("--indicator-style", opt_arg, styles); break;
	case L_SHOW_CONTROL: ls.hide_control = false; break;
	case L_QUOTING: ls.quoting = argmatch("--quoting-style", opt_arg, quotings); break;
	case L_SORT: ls.sort = "Utsxvw"[argmatch("--sort", opt_arg, sorts)]; break;
	case L_TIME: ls.time = time_of[argmatch("--time", opt_arg, times)]; break;
	case L_TIME_STYLE: set_time_style(opt_arg); break;
	case L_CMDLINE_DIR: ls.deref = D_DIRS; break;
	case L_ZERO: ls.end = 0; ls.format = ls.format == F_LONG ? F_LONG : F_ONE; ls.quoting = Q_LITERAL; ls.hide_control = false; break;
	}
}

static void short_option(int c) {
	switch (c) {
	case 'a': ls.all = 2; break;
	case 'A': ls.all = 1; break;
	case 'b': ls.quoting = Q_ESCAPE; break;
	case 'B': add_pattern(&ls.ignore, &ls.n_ignore, "*~"); add_pattern(&ls.ignore, &ls.n_ignore, ".*~"); break;
	case 'c': ls.time = 'c'; break;
	case 'C': ls.format = F_COLUMNS; break;
	case 'd': ls.itself = true; break;
	case 'f': ls.all = 2; ls.sort = 'U'; if (ls.format == F_LONG) ls.format = F_DEFAULT; ls.color = ls.size = false; break;
	case 'F': ls.indicator = !opt_arg || when("--classify", opt_arg) ? I_ALL : I_NONE; break;
	case 'g': long_form(); ls.owner = false; break;
	case 'G': ls.group = false; break;
	case 'h': ls.human = 1024; break;
	case 'H': ls.deref = D_ARGS; break;
	case 'i': ls.inode = true; break;
	case 'I': add_pattern(&ls.ignore, &ls.n_ignore, opt_arg); break;
	case 'k': ls.block = 1024; break;
	case 'l': long_form(); break;
	case 'L': ls.deref = D_ALL; break;
	case 'm': ls.format = F_COMMAS; break;
	case 'n': long_form(); ls.numeric = true; break;
	case 'N': ls.quoting = Q_LITERAL; break;
	case 'o': long_form(); ls.group = false; break;
	case 'p': ls.indicator = I_SLASH; break;
	case 'q': ls.hide_control = true; break;
	case 'Q': ls.quoting = Q_C; break;
	case 'r': ls.reverse = true; break;
	case 'R': ls.recursive = true; break;
	case 's': ls.size = true; break;
	case 'S': ls.sort = 's'; break;
	case 't': ls.sort = 't'; break;
	case 'u': ls.time = 'a'; break;
	case 'U': ls.sort = 'U'; break;
	case 'v': ls.sort = 'v'; break;
	case 'w': ls.width = (int)need_size(opt_arg, "", "line width"); ls.width_set = true; break;
	case 'x': ls.format = F_ACROSS; break;
	case 'X': ls.sort = 'x'; break;
	case 'Z': ls.context = true; break;
	case '1': if (ls.format != F_LONG) ls.format = F_ONE; break;
	}
}

/* ---- reading */

static void complain(bool argument, const char *fmt, const char *path) {
	warn_errno(fmt, quoteaf(path));
	if (argument)
		status = 2;
	else if (status == 0)
		status = 1;
}

static bool needs_stat(void) {
	return ls.format == F_LONG || ls.size || ls.inode || ls.sort == 't' || ls.sort == 's' || ls.color || ls.recursive ||
	    ls.dirs_first || ls.indicator == I_ALL || ls.deref == D_ALL;
}

static uint32_t type_mode(unsigned char d_type) {
	static const struct { unsigned char d; uint32_t mode; } map[] = {{DT_REG, 0100000}, {DT_DIR, 0040000}, {DT_LNK, 0120000},
	    {DT_CHR, 0020000}, {DT_BLK, 0060000}};
	for (size_t i = 0; i < LEN(map); i++)
		if (map[i].d == d_type)
			return map[i].mode;
	return 0;
}

static bool fill(struct file *f, bool argument) {
	struct sbx_stat target;
	bool deref = ls.deref == D_ALL || (argument && ls.deref >= D_ARGS);
	int rc = -1;
	if (deref || (argument && ls.deref == D_DIRS)) {
		rc = sbx_stat(f->path, 0, &f->st);
		if (rc && errno != ENOENT && deref && argument)
			return false;
		if (rc == 0 && !deref && !S_ISDIR(f->st.mode))
			rc = -1;
	}
	if (rc && (ls.deref == D_ALL || sbx_stat(f->path, SBX_NOFOLLOW, &f->st)))
		return false;
	f->known = true;
	if (S_ISLNK(f->st.mode) && (ls.format == F_LONG || ls.color || ls.indicator == I_ALL || ls.dirs_first)) {
		f->link = read_link(f->path);
		if (sbx_stat(f->path, 0, &target) == 0)
			f->target_mode = target.mode;
	}
	return true;
}

static bool shown(const char *name) {
	if (name[0] == '.' && ls.all == 0)
		return false;
	for (size_t i = 0; i < ls.n_ignore; i++)
		if (fnmatch(ls.ignore[i], name, FNM_PERIOD) == 0)
			return false;
	if (ls.all == 0)
		for (size_t i = 0; i < ls.n_hide; i++)
			if (fnmatch(ls.hide[i], name, FNM_PERIOD) == 0)
				return false;
	return true;
}

static void add(struct list *l, const char *name, char *path, unsigned char type, uint64_t ino, bool argument) {
	l->f = grow(l->f, l->n, &l->cap, sizeof *l->f);
	struct file *f = &l->f[l->n];
	*f = (struct file){.name = xstrdup(name), .path = path, .st.mode = type_mode(type), .st.ino = ino};
	if ((argument || needs_stat() || !f->st.mode) && !fill(f, argument)) {
		complain(argument, "cannot access %s", path);
		if (argument) {
			free(f->name);
			return;
		}
	}
	l->n++;
}

static void release(struct list *l) {
	for (size_t i = 0; i < l->n; i++) {
		free(l->f[i].name);
		free(l->f[i].path);
		free(l->f[i].link);
	}
	free(l->f);
}

static bool first_block = true;

/* Directories above the one that is listed: a link back to one of them is not entered. */
struct above {
	uint64_t dev, ino;
	const struct above *up;
};

static void directory(const char *path, bool argument, bool label, const struct above *up);

static void recurse(struct list *l, const char *path, const struct above *here) {
	for (size_t i = 0; i < l->n; i++) {
		struct file *f = &l->f[i];
		if (!S_ISDIR(f->st.mode) || strcmp(f->name, ".") == 0 || strcmp(f->name, "..") == 0)
			continue;
		char *p = path_join(path, f->name);
		directory(p, false, true, here);
		free(p);
	}
}

static void directory(const char *path, bool argument, bool label, const struct above *up) {
	struct list l = {0};
	struct sbx_stat st = {0};
	int n;
	if (ls.recursive) {
		if (sbx_stat(path, 0, &st)) {
			complain(argument, "cannot open directory %s", path);
			return;
		}
		for (const struct above *a = up; a; a = a->up) {
			if (a->dev == st.dev && a->ino == st.ino) {
				warn("%s: not listing already-listed directory", quotef(path));
				status = 2;
				return;
			}
		}
	}
	/* Open while its entries are looked at: one of /proc/self/fd is this one. */
	DIR *held = opendir(path);
	struct ent *e = held ? dir_read(held, &n) : NULL;
	if (!e) {
		complain(argument, "cannot open directory %s", path);
		if (held)
			closedir(held);
		return;
	}
	if (!first_block)
		putchar('\n');
	first_block = false;
	if (label)
		ls_label(path);
	if (ls.all == 2) {
		add(&l, ".", path_join(path, "."), DT_DIR, 0, false);
		add(&l, "..", path_join(path, ".."), DT_DIR, 0, false);
	}
	for (int i = 0; i < n; i++)
		if (shown(e[i].name))
			add(&l, e[i].name, strcmp(path, ".") ? path_join(path, e[i].name) : xstrdup(e[i].name), e[i].type, e[i].ino, false);
	dir_free(e, n);
	ls_sort(&l);
	if (ls.format == F_LONG || ls.size)
		ls_total(&l);
	ls_print(&l);
	struct above here = {st.dev, st.ino, up};
	closedir(held);
	if (ls.recursive)
		recurse(&l, path, &here);
	release(&l);
}

static void defaults(const char *tool) {
	ls.owner = ls.group = true;
	ls.format = F_DEFAULT;
	ls.sort = 'n', ls.time = 'm';
	ls.block = 1024, ls.size_unit = 1;
	ls.end = '\n';
	ls.quoting = -1;
	ls.old_format = "%b %e  %Y";
	ls.recent_format = "%b %e %H:%M";
	ls.deref = D_UNSET;
	if (strcmp(tool, "dir") == 0)
		ls.format = F_COLUMNS, ls.quoting = Q_ESCAPE;
	if (strcmp(tool, "vdir") == 0)
		ls.format = F_LONG, ls.quoting = Q_ESCAPE;
	const char *env = getenv("TIME_STYLE");
	if (env && (*env == '+' || strcmp(env, "full-iso") == 0 || strcmp(env, "long-iso") == 0 || strcmp(env, "iso") == 0))
		set_time_style(env);
}

static void settle(void) {
	bool tty = isatty(1);
	uint16_t rows, cols = 0;
	const char *env = getenv("COLUMNS");
	if (ls.format == F_DEFAULT)
		ls.format = tty ? F_COLUMNS : F_ONE;
	if (!ls.width_set) {
		ls.width = env && atoi(env) > 0 ? atoi(env) : tty && sbx_winsize(1, &rows, &cols) == 0 && cols ? cols : 80;
	}
	if (tty && ls.quoting < 0)
		ls.quoting = Q_SHELL_ESCAPE;
	if (ls.quoting < 0)
		ls.quoting = Q_LITERAL;
	if (tty && ls.end)
		ls.hide_control = true;
	if (ls.time != 'm' && ls.format != F_LONG && ls.sort == 'n')
		ls.sort = 't';
	if (ls.deref == D_UNSET)
		ls.deref = ls.itself || ls.indicator == I_ALL || ls.format == F_LONG ? D_NEVER : D_DIRS;
	ls_colors();
}

static void arguments(int n, char **names) {
	struct list files = {0}, dirs = {0};
	for (int i = 0; i < n; i++) {
		struct list one = {0};
		add(&one, names[i], xstrdup(names[i]), DT_UNKNOWN, 0, true);
		if (one.n) {
			struct list *to = S_ISDIR(one.f[0].st.mode) && !ls.itself ? &dirs : &files;
			to->f = grow(to->f, to->n, &to->cap, sizeof *to->f);
			to->f[to->n++] = one.f[0];
		}
		free(one.f);
	}
	ls_sort(&files);
	ls_sort(&dirs);
	ls_print(&files);
	if (files.n)
		first_block = false;
	bool label = ls.recursive || n > 1;
	for (size_t i = 0; i < dirs.n; i++)
		directory(dirs.f[i].path, true, label, NULL);
	release(&files);
	release(&dirs);
}

const char *applet_name(void);

int ls_main(int argc, char **argv) {
	int c;
	opt_status = exit_failure = 2;
	defaults(applet_name());
	while ((c = opt_next(argc, argv, "abcdfghiklmnopqrstuvw:xABCFGHI:LNQRST:UXZ1", longs)) != -1)
		c < 256 ? short_option(c) : long_option(c);
	settle();
	char *here[] = {"."};
	if (opt_ind < argc)
		arguments(argc - opt_ind, argv + opt_ind);
	else
		arguments(1, here);
	return status;
}

int dir_main(int argc, char **argv) { return ls_main(argc, argv); }
int vdir_main(int argc, char **argv) { return ls_main(argc, argv); }
