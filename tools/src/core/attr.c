/* chmod, chown, chgrp, touch */
#include "tool.h"

const char chmod_help[] = " [OPTION]... MODE[,MODE]... FILE...\n  or:  chmod [OPTION]... OCTAL-MODE FILE...\n  or:  chmod [OPTION]... --reference=RFILE FILE...\n"
    "Change the mode of each FILE to MODE.\n\n  -c, --changes  -f, --silent, --quiet  -v, --verbose  --no-preserve-root  --preserve-root  --reference=RFILE  -R, --recursive\n";
const char chown_help[] = " [OPTION]... [OWNER][:[GROUP]] FILE...\n  or:  chown [OPTION]... --reference=RFILE FILE...\n"
    "Change the owner and/or group of each FILE to OWNER and/or GROUP.\n\n"
    "  -c, --changes  -f, --silent, --quiet  -v, --verbose  --dereference  -h, --no-dereference  --from=CURRENT_OWNER:CURRENT_GROUP\n"
    "  --reference=RFILE  -R, --recursive  -H  -L  -P\n";
const char chgrp_help[] = " [OPTION]... GROUP FILE...\n  or:  chgrp [OPTION]... --reference=RFILE FILE...\nChange the group of each FILE to GROUP.\n\n"
    "  -c, --changes  -f, --silent, --quiet  -v, --verbose  --dereference  -h, --no-dereference  --reference=RFILE  -R, --recursive  -H  -L  -P\n";
const char touch_help[] = " [OPTION]... FILE...\nUpdate the access and modification times of each FILE to the current time.\n\n"
    "  -a  -c, --no-create  -d, --date=STRING  -f (ignored)  -h, --no-dereference  -m  -r, --reference=FILE\n"
    "  -t STAMP               use [[CC]YY]MMDDhhmm[.ss] instead of current time\n      --time=WORD        change the specified time: access, atime, use; modify, mtime\n";

static struct {
	const char *spec;
	uint32_t mode, umask, uid, gid, from_uid, from_gid;
	bool owner, recursive, silent, nofollow, group_only;
	int report; /* 0, 1 changes, 2 all */
	char walk;  /* H, L, P */
} o;

static int visit(const char *path, bool top);

static int walk(const char *path) {
	int n, rc = 0;
	struct ent *e = dir_list(path, &n);
	if (!e) {
		if (!o.silent)
			warn_errno("cannot read directory %s", quoteaf(path));
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char *p = path_join(path, e[i].name);
		rc |= visit(p, false);
		free(p);
	}
	dir_free(e, n);
	return rc;
}

static int set_mode(const char *path, const struct sbx_stat *st) {
	uint32_t old = st->mode & 07777, mode = o.spec ? mode_apply(o.spec, st->mode, o.umask) : o.mode;
	char a[11], b[11];
	mode_string((st->mode & S_IFMT) | old, a);
	mode_string((st->mode & S_IFMT) | mode, b);
	if (sbx_chmod(path, 0, mode)) {
		if (!o.silent)
			warn_errno("changing permissions of %s", quoteaf(path));
		if (o.report == 2)
			printf("failed to change mode of %s from %04o (%s) to %04o (%s)\n", quoteaf(path), old, a + 1, mode, b + 1);
		return 1;
	}
	if (old != mode && o.report)
		printf("mode of %s changed from %04o (%s) to %04o (%s)\n", quoteaf(path), old, a + 1, mode, b + 1);
	else if (o.report == 2)
		printf("mode of %s retained as %04o (%s)\n", quoteaf(path), old, a + 1);
	/* a mode that the umask kept from being what was written */
	if (o.spec && *o.spec == '-') {
		uint32_t naive = mode_apply(o.spec, st->mode, 0);
		if (mode & ~naive) {
			mode_string((st->mode & S_IFMT) | naive, a);
			warn("%s: new permissions are %s, not %s", quotef(path), b + 1, a + 1);
			return 1;
		}
	}
	return 0;
}

static char *label(uint32_t uid, uint32_t gid, bool group) {
	char b[24];
	char *u = uid == (uint32_t)-1 ? xstrdup("") : xstrdup(user_name(uid) ? user_name(uid) : umax(uid, b));
	const char *g = gid == (uint32_t)-1 ? "" : group_name(gid) ? group_name(gid) : umax(gid, b);
	char *s = group ? xstrdup(g) : gid == (uint32_t)-1 ? xstrdup(u) : xasprintf("%s:%s", u, g);
	free(u);
	return s;
}

static int set_owner(const char *path, const struct sbx_stat *st) {
	if ((o.from_uid != (uint32_t)-1 && o.from_uid != st->uid) || (o.from_gid != (uint32_t)-1 && o.from_gid != st->gid))
		return 0;
	const char *what = o.group_only ? "group" : "ownership";
	if (sbx_chown(path, o.nofollow ? SBX_NOFOLLOW : 0, o.uid, o.gid)) {
		if (!o.silent)
			warn_errno(o.group_only || o.uid == (uint32_t)-1 ? "changing group of %s" : "changing ownership of %s", quoteaf(path));
		return 1;
	}
	bool changed = (o.uid != (uint32_t)-1 && o.uid != st->uid) || (o.gid != (uint32_t)-1 && o.gid != st->gid);
	if (o.report == 2 || (o.report && changed)) {
		if (o.uid == (uint32_t)-1)
			what = "group";
		bool group = *what == 'g';
		char *to = label(o.uid, o.gid, group), *from = label(st->uid, o.gid == (uint32_t)-1 ? (uint32_t)-1 : st->gid, group);
		if (changed)
			printf("changed %s of %s from %s to %s\n", what, quoteaf(path), from, to);
		else
			printf("%s of %s retained as %s\n", what, quoteaf(path), from);
		free(to);
		free(from);
	}
	return 0;
}

static int visit(const char *path, bool top) {
	struct sbx_stat st, self;
	if (sbx_stat(path, SBX_NOFOLLOW, &self)) {
		if (!o.silent)
			warn_errno("cannot access %s", quoteaf(path));
		return 1;
	}
	bool is_link = S_ISLNK(self.mode);
	if (!o.owner && is_link && !top)
		return 0;
	st = self;
	if (is_link && !(o.owner && o.nofollow) && sbx_stat(path, 0, &st)) {
		if (!o.silent) {
			if (!o.owner && errno == ENOENT)
				warn("cannot operate on dangling symlink %s", quoteaf(path));
			else
				warn_errno("cannot dereference %s", quoteaf(path));
		}
		return 1;
	}
	bool enter = o.recursive && (S_ISDIR(self.mode) || (is_link && is_dir(path) && (o.walk == 'L' || ((o.walk == 'H' || !o.owner) && top))));
	int rc = o.owner ? set_owner(path, &st) : set_mode(path, &st);
	if (enter)
		rc |= walk(path);
	return rc;
}

enum { A_REF = 256, A_FROM, A_DEREF, A_ROOT };
static const struct lopt longs[] = {{"changes", 0, 'c'}, {"quiet", 0, 'f'}, {"silent", 0, 'f'}, {"verbose", 0, 'v'},
    {"recursive", 0, 'R'}, {"reference", 1, A_REF}, {"no-preserve-root", 0, A_ROOT}, {"preserve-root", 0, A_ROOT},
    {"from", 1, A_FROM}, {"dereference", 0, A_DEREF}, {"no-dereference", 0, 'h'}, {0, 0, 0}};

static const char *reference;

static void common(int c) {
	switch (c) {
	case 'c': o.report = 1; break;
	case 'f': o.silent = true; break;
	case 'v': o.report = 2; break;
	case 'R': o.recursive = true; break;
	case 'h': o.nofollow = true; break;
	case 'H': case 'L': case 'P': o.walk = (char)c; break;
	case A_REF: reference = opt_arg; break;
	case A_DEREF: o.nofollow = false; break;
	case A_FROM:
		if (parse_owner(opt_arg, &o.from_uid, &o.from_gid))
			die(1, "%s: %s", parse_owner(opt_arg, &o.from_uid, &o.from_gid), quote(opt_arg));
		break;
	}
}

static int run(int argc, char **argv) {
	int rc = 0;
	for (; opt_ind < argc; opt_ind++)
		rc |= visit(argv[opt_ind], true);
	return rc;
}

/* chmod's mode may begin with '-': such a word is not options. */
static char *mode_word(int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return NULL;
		if (argv[i][0] == '-' && argv[i][1] && strchr("rwxXstugoa,+=-0123", argv[i][1]) && argv[i][1] != '-') {
			char *m = argv[i];
			memmove(argv + i, argv + i + 1, sizeof *argv * (size_t)(argc - i));
			return m;
		}
	}
	return NULL;
}

int chmod_main(int argc, char **argv) {
	int c;
	char *word = mode_word(argc, argv);
	argc -= word != NULL;
	while ((c = opt_next(argc, argv, "Rcfv", longs)) != -1)
		common(c);
	o.umask = sbx_umask(0);
	sbx_umask(o.umask);
	if (reference) {
		struct sbx_stat st;
		if (sbx_stat(reference, 0, &st))
			die_errno(1, "failed to get attributes of %s", quoteaf(reference));
		o.mode = st.mode & 07777;
	} else {
		if (!word && opt_ind < argc)
			word = argv[opt_ind++];
		o.spec = word;
	}
	if (opt_ind >= argc)
		word ? missing_after(1, word) : missing_operand(1);
	if (o.spec && !mode_valid(o.spec)) {
		warn("invalid mode: %s", quote(o.spec));
		usage(1);
	}
	return run(argc, argv);
}

static int owner_main(int argc, char **argv, bool group) {
	int c;
	o.owner = true, o.group_only = group;
	o.uid = o.gid = o.from_uid = o.from_gid = (uint32_t)-1;
	o.walk = 'P';
	while ((c = opt_next(argc, argv, "HLPRcfhv", longs)) != -1)
		common(c);
	if (o.recursive && o.walk == 'P')
		o.nofollow = true;
	if (opt_ind >= argc)
		missing_operand(1);
	if (reference) {
		struct sbx_stat st;
		if (sbx_stat(reference, 0, &st))
			die_errno(1, "failed to get attributes of %s", quoteaf(reference));
		o.gid = st.gid;
		if (!group)
			o.uid = st.uid;
	} else {
		char *spec = argv[opt_ind++];
		if (opt_ind >= argc)
			missing_after(1, spec);
		char *with = group ? xasprintf(":%s", spec) : spec;
		const char *bad = *spec ? parse_owner(with, &o.uid, &o.gid) : NULL;
		if (bad)
			die(1, "%s: %s", bad, quote(spec));
		uint32_t id;
		if (!group && !strchr(spec, ':') && strchr(spec, '.') && !user_id(spec, &id, NULL))
			warn("warning: '.' should be ':': %s", quote(spec));
	}
	return run(argc, argv);
}

int chown_main(int argc, char **argv) { return owner_main(argc, argv, false); }
int chgrp_main(int argc, char **argv) { return owner_main(argc, argv, true); }

/* ---- touch */

static bool two(const char **p, int *v) {
	if ((*p)[0] < '0' || (*p)[0] > '9' || (*p)[1] < '0' || (*p)[1] > '9')
		return false;
	*v = ((*p)[0] - '0') * 10 + (*p)[1] - '0';
	*p += 2;
	return true;
}

/* [[CC]YY]MMDDhhmm[.ss] */
static bool stamp(const char *s, int64_t *t) {
	size_t n = strcspn(s, ".");
	int cc = -1, yy = -1, mon, day, hour, min, sec = 0;
	struct when w;
	const char *p = s;
	bool ok;
	if (n != 8 && n != 10 && n != 12)
		return false;
	if ((n == 12 && !two(&p, &cc)) || (n >= 10 && !two(&p, &yy)))
		return false;
	if (!two(&p, &mon) || !two(&p, &day) || !two(&p, &hour) || !two(&p, &min))
		return false;
	if (*p == '.' && (p++, !two(&p, &sec)))
		return false;
	if (*p || mon < 1 || mon > 12 || day < 1 || day > 31 || hour > 23 || min > 59 || sec > 60)
		return false;
	int64_t now_t;
	uint32_t ns;
	now(&now_t, &ns);
	local_time(now_t, 0, &w);
	if (yy >= 0)
		w.year = cc >= 0 ? cc * 100 + yy : yy + (yy < 69 ? 2000 : 1900);
	w.mon = mon - 1, w.mday = day, w.hour = hour, w.min = min, w.sec = sec, w.isdst = -1;
	*t = local_seconds(&w, &ok);
	struct when back;
	local_time(*t, 0, &back);
	return ok && back.mday == day;
}

static const char *const words[] = {"atime", "access", "use", "mtime", "modify", NULL};

int touch_main(int argc, char **argv) {
	static const struct lopt tlongs[] = {{"no-create", 0, 'c'}, {"date", 1, 'd'}, {"reference", 1, 'r'}, {"time", 1, 1},
	    {"no-dereference", 0, 'h'}, {0, 0, 0}};
	bool access = false, modify = false, no_create = false, nofollow = false, given = false;
	const char *date = NULL, *ref = NULL;
	int64_t ts[4] = {0, SBX_TIME_NOW, 0, SBX_TIME_NOW};
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "acd:fhmr:t:", tlongs)) != -1) {
		switch (c) {
		case 'a': access = true; break;
		case 'm': modify = true; break;
		case 'c': no_create = true; break;
		case 'h': nofollow = true; break;
		case 'd': date = opt_arg; break;
		case 'r': ref = opt_arg; break;
		case 't':
			if (!stamp(opt_arg, &ts[0]))
				die(1, "invalid date format %s", quote(opt_arg));
			ts[1] = ts[3] = 0, ts[2] = ts[0], given = true;
			break;
		case 1: argmatch("--time", opt_arg, words) < 3 ? (access = true) : (modify = true); break;
		}
	}
	if (given && (date || ref)) {
		warn("cannot specify times from more than one source");
		usage(1);
	}
	int64_t base;
	uint32_t base_ns, ns;
	now(&base, &base_ns);
	if (ref) {
		struct sbx_stat st;
		if (sbx_stat(ref, nofollow ? SBX_NOFOLLOW : 0, &st))
			die_errno(1, "failed to get attributes of %s", quoteaf(ref));
		ts[0] = st.atime, ts[1] = st.atime_ns, ts[2] = st.mtime, ts[3] = st.mtime_ns;
	}
	for (int i = 0; date && i < 4; i += 2) {
		if (!parse_date(date, ref ? ts[i] : base, ref ? (uint32_t)ts[i + 1] : base_ns, &ts[i], &ns))
			die(1, "invalid date format %s", quote(date));
		ts[i + 1] = ns;
	}
	if (access && !modify)
		ts[3] = SBX_TIME_OMIT;
	if (modify && !access)
		ts[1] = SBX_TIME_OMIT;
	if (opt_ind >= argc) {
		warn("missing file operand");
		usage(1);
	}
	for (; opt_ind < argc; opt_ind++) {
		const char *name = argv[opt_ind];
		int open_error = 0;
		if (!no_create && !nofollow) {
			int fd = sbx_open(name, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_NONBLOCK, 0666);
			open_error = fd < 0 ? errno : 0;
			if (fd >= 0)
				close(fd);
		}
		if (sbx_utimens(name, nofollow ? SBX_NOFOLLOW : 0, ts)) {
			if (no_create && errno == ENOENT)
				continue;
			if (open_error && open_error != EISDIR && open_error != EPERM && open_error != EINVAL) {
				errno = open_error;
				warn_errno("cannot touch %s", quoteaf(name));
			} else {
				warn_errno(errno == ENOENT ? "cannot touch %s" : "setting times of %s", quoteaf(name));
			}
			rc = 1;
		}
	}
	return rc;
}
