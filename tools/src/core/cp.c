/* cp, mv, install: options and targets. The copying itself is in copy.c. */
#include "copy.h"

const char cp_help[] = " [OPTION]... [-T] SOURCE DEST\n  or:  cp [OPTION]... SOURCE... DIRECTORY\n  or:  cp [OPTION]... -t DIRECTORY SOURCE...\n"
    "Copy SOURCE to DEST, or multiple SOURCE(s) to DIRECTORY.\n\n"
    "  -a, --archive  --attributes-only  -b  --copy-contents  -d  -f, --force  -i, --interactive  -H  -l, --link\n"
    "  -L, --dereference  -n, --no-clobber  -P, --no-dereference  -p  --preserve[=ATTR_LIST]  --no-preserve=ATTR_LIST\n"
    "  --parents  -R, -r, --recursive  --reflink[=WHEN]  --remove-destination  --sparse=WHEN  --strip-trailing-slashes\n"
    "  -s, --symbolic-link  -S, --suffix=SUFFIX  -t, --target-directory=DIRECTORY  -T, --no-target-directory  -u, --update\n"
    "  -v, --verbose  -x, --one-file-system\n";
const char mv_help[] = " [OPTION]... [-T] SOURCE DEST\n  or:  mv [OPTION]... SOURCE... DIRECTORY\n  or:  mv [OPTION]... -t DIRECTORY SOURCE...\n"
    "Rename SOURCE to DEST, or move SOURCE(s) to DIRECTORY.\n\n"
    "  -b  --backup[=CONTROL]  -f, --force  -i, --interactive  -n, --no-clobber  --strip-trailing-slashes  -S, --suffix=SUFFIX\n"
    "  -t, --target-directory=DIRECTORY  -T, --no-target-directory  -u, --update  -v, --verbose\n";
const char install_help[] = " [OPTION]... [-T] SOURCE DEST\n  or:  install [OPTION]... SOURCE... DIRECTORY\n  or:  install [OPTION]... -t DIRECTORY SOURCE...\n"
    "  or:  install [OPTION]... -d DIRECTORY...\nCopy files and set attributes.\n\n"
    "  -b  -c (ignored)  -C, --compare  -d, --directory  -D  -g, --group=GROUP  -m, --mode=MODE  -o, --owner=OWNER\n"
    "  -p, --preserve-timestamps  -s, --strip (ignored)  -t, --target-directory=DIRECTORY  -T, --no-target-directory  -v, --verbose\n";

struct copy_options co;

enum { O_PARENTS = 256, O_PRESERVE, O_NO_PRESERVE, O_REMOVE, O_STRIP, O_SPARSE, O_REFLINK, O_BACKUP, O_ATTRS, O_CONTENTS, O_CONTEXT };

static const struct lopt cp_longs[] = {{"archive", 0, 'a'}, {"attributes-only", 0, O_ATTRS}, {"backup", 2, O_BACKUP},
    {"copy-contents", 0, O_CONTENTS}, {"force", 0, 'f'}, {"interactive", 0, 'i'}, {"link", 0, 'l'}, {"dereference", 0, 'L'},
    {"no-clobber", 0, 'n'}, {"no-dereference", 0, 'P'}, {"preserve", 2, O_PRESERVE}, {"no-preserve", 1, O_NO_PRESERVE},
    {"parents", 0, O_PARENTS}, {"recursive", 0, 'r'}, {"reflink", 2, O_REFLINK}, {"remove-destination", 0, O_REMOVE},
    {"sparse", 1, O_SPARSE}, {"strip-trailing-slashes", 0, O_STRIP}, {"symbolic-link", 0, 's'}, {"suffix", 1, 'S'},
    {"target-directory", 1, 't'}, {"no-target-directory", 0, 'T'}, {"update", 0, 'u'}, {"verbose", 0, 'v'},
    {"one-file-system", 0, 'x'}, {"context", 2, O_CONTEXT}, {0, 0, 0}};
static const struct lopt mv_longs[] = {{"backup", 2, O_BACKUP}, {"force", 0, 'f'}, {"interactive", 0, 'i'}, {"no-clobber", 0, 'n'},
    {"strip-trailing-slashes", 0, O_STRIP}, {"suffix", 1, 'S'}, {"target-directory", 1, 't'}, {"no-target-directory", 0, 'T'},
    {"update", 0, 'u'}, {"verbose", 0, 'v'}, {"context", 0, O_CONTEXT}, {0, 0, 0}};

static const char *target_dir;
static bool no_target_dir, parents, strip;

static void preserve(const char *list, bool on) {
	static const char *const words[] = {"mode", "timestamps", "ownership", "links", "context", "xattr", "all", NULL};
	static const int bits[] = {K_MODE, K_TIMES, K_OWNER, K_LINKS, 0, 0, K_ALL};
	char *copy = xstrdup(list);
	for (char *w = strtok(copy, ","); w; w = strtok(NULL, ",")) {
		int b = bits[argmatch(on ? "--preserve" : "--no-preserve", w, words)];
		co.keep = on ? co.keep | b : co.keep & ~b;
		if (b & K_MODE && !on)
			co.no_mode = true;
	}
	free(copy);
}

static void backup(const char *how) {
	static const char *const words[] = {"none", "off", "simple", "never", "existing", "nil", "numbered", "t", NULL};
	static const char of[] = "--ssee##";
	co.backup = how ? of[argmatch("backup type", how, words)] : 'e';
	if (co.backup == '-')
		co.backup = 0;
}

static void option(int c) {
	switch (c) {
	case 'a': co.recursive = true; co.deref = 'P'; co.keep |= K_ALL; break;
	case 'b': backup(NULL); break;
	case 'd': co.deref = 'P'; co.keep |= K_LINKS; break;
	case 'f': co.force = true; if (co.move) co.ask = 0; break;
	case 'i': co.ask = 'i'; break;
	case 'n': co.ask = 'n'; break;
	case 'H': case 'L': case 'P': co.deref = c; break;
	case 'l': co.link = true; break;
	case 'p': co.keep |= K_MODE | K_OWNER | K_TIMES; break;
	case 'r': case 'R': co.recursive = true; break;
	case 's': co.symlink = true; break;
	case 'S': co.suffix = opt_arg; if (!co.backup) co.backup = 'e'; break;
	case 't': target_dir = opt_arg; break;
	case 'T': no_target_dir = true; break;
	case 'u': co.update = true; break;
	case 'v': co.verbose = true; break;
	case 'x': co.one_fs = true; break;
	case O_PARENTS: parents = true; break;
	case O_PRESERVE: if (opt_arg) preserve(opt_arg, true); else co.keep |= K_MODE | K_OWNER | K_TIMES; break;
	case O_NO_PRESERVE: preserve(opt_arg, false); break;
	case O_REMOVE: co.remove = true; break;
	case O_STRIP: strip = true; break;
	case O_BACKUP: backup(opt_arg); break;
	case O_ATTRS: co.attrs_only = true; break;
	}
}

/* cp --parents: the directories of source under dir; the full destination. */
static char *with_parents(const char *dir, const char *source) {
	char *to = path_join(dir, source);
	size_t base = strlen(dir);
	for (char *p = to + base + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		struct sbx_stat st, from;
		const char *part = to + base + strspn(to + base, "/");
		char *src = *source == '/' ? xasprintf("/%s", part) : xstrdup(part);
		if (sbx_stat(to, 0, &st)) {
			uint32_t mode = sbx_stat(src, 0, &from) ? 0777 : from.mode & 07777;
			if (sbx_mkdir(to, mode)) {
				warn_errno("cannot make directory %s", quoteaf(to));
				free(to);
				free(src);
				return NULL;
			}
			if (co.verbose)
				printf("%s -> %s\n", src, to);
		} else if (!S_ISDIR(st.mode)) {
			warn("%s exists but is not a directory", quoteaf(to));
			free(to);
			free(src);
			return NULL;
		}
		free(src);
		*p = '/';
	}
	return to;
}

static int into(const char *dir, char *source) {
	if (strip)
		strip_slashes(source);
	char *b = base_name(source);
	char *to = parents ? with_parents(dir, source) : path_join(dir, strcmp(b, "..") ? b : ".");
	int rc = to ? copy_top(source, to) : 1;
	free(to);
	free(b);
	return rc;
}

/* The common rules of SOURCE DEST and SOURCE... DIRECTORY. */
static int run(int n, char **f) {
	struct sbx_stat st;
	int rc = 0;
	if (n == 0) {
		warn("missing file operand");
		usage(1);
	}
	if (n == 1 && !target_dir) {
		warn("missing destination file operand after %s", quoteaf(f[0]));
		usage(1);
	}
	if (no_target_dir) {
		if (target_dir)
			die(1, "cannot combine --target-directory (-t) and --no-target-directory (-T)");
		if (n > 2)
			extra_operand(1, f[2]);
		return copy_top(f[0], f[1]);
	}
	if (target_dir) {
		if (sbx_stat(target_dir, 0, &st) || !S_ISDIR(st.mode)) {
			errno = sbx_stat(target_dir, 0, &st) ? errno : ENOTDIR;
			die_errno(1, "target directory %s", quoteaf(target_dir));
		}
	} else if (sbx_stat(f[n - 1], 0, &st) == 0 && S_ISDIR(st.mode)) {
		target_dir = f[--n];
	} else if (n > 2) {
		errno = sbx_stat(f[n - 1], 0, &st) ? errno : ENOTDIR;
		die_errno(1, "target %s", quoteaf(f[n - 1]));
	}
	if (!target_dir) {
		if (parents) {
			warn("with --parents, the destination must be a directory");
			usage(1);
		}
		if (strip)
			strip_slashes(f[0]);
		return copy_top(f[0], f[1]);
	}
	for (int i = 0; i < n; i++)
		rc |= into(target_dir, f[i]);
	return rc;
}

int cp_main(int argc, char **argv) {
	int c;
	co.suffix = getenv("SIMPLE_BACKUP_SUFFIX") ? getenv("SIMPLE_BACKUP_SUFFIX") : "~";
	while ((c = opt_next(argc, argv, "abdfHilLnprst:uvxPRS:TZ", cp_longs)) != -1)
		option(c);
	if (!co.deref)
		co.deref = co.recursive && !co.link ? 'P' : 'L';
	return run(argc - opt_ind, argv + opt_ind);
}

int mv_main(int argc, char **argv) {
	int c;
	co.move = true;
	co.suffix = getenv("SIMPLE_BACKUP_SUFFIX") ? getenv("SIMPLE_BACKUP_SUFFIX") : "~";
	while ((c = opt_next(argc, argv, "bfint:uvS:TZ", mv_longs)) != -1)
		option(c);
	co.recursive = true;
	co.deref = 'P';
	co.keep = K_ALL;
	return run(argc - opt_ind, argv + opt_ind);
}

/* ---- install */

static struct {
	uint32_t mode, uid, gid;
	bool times, compare, make_dirs;
} in = {.mode = 0755, .uid = (uint32_t)-1, .gid = (uint32_t)-1};

static int finish(const char *path) {
	if ((in.uid != (uint32_t)-1 || in.gid != (uint32_t)-1) && sbx_chown(path, 0, in.uid, in.gid)) {
		warn_errno("cannot change ownership of %s", quoteaf(path));
		return 1;
	}
	if (sbx_chmod(path, 0, in.mode)) {
		warn_errno("cannot change permissions of %s", quoteaf(path));
		return 1;
	}
	return 0;
}

static int leading(const char *path) {
	char *p = xstrdup(path);
	int rc = 0;
	for (char *s = p + 1; !rc && (s = strchr(s, '/')); s++) {
		*s = 0;
		if (sbx_mkdir(p, 0755) == 0) {
			if (co.verbose)
				printf("%s: creating directory %s\n", prog, quoteaf(p));
		} else if (!is_dir(p)) {
			warn_errno("cannot create directory %s", quoteaf(p));
			rc = 1;
		}
		*s = '/';
	}
	free(p);
	return rc;
}

static int install_file(const char *from, const char *to) {
	struct sbx_stat st;
	if (sbx_stat(from, 0, &st)) {
		warn_errno("cannot stat %s", quoteaf(from));
		return 1;
	}
	if (S_ISDIR(st.mode)) {
		warn("omitting directory %s", quoteaf(from));
		return 1;
	}
	co.remove = true;
	co.keep = in.times ? K_TIMES : 0;
	return copy_top(from, to) || finish(to);
}

static int install_dirs(int n, char **f) {
	int rc = 0;
	for (int i = 0; i < n; i++) {
		char *with = xasprintf("%s/", f[i]);
		rc |= leading(with) || finish(f[i]);
		free(with);
	}
	return rc;
}

int install_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"backup", 2, O_BACKUP}, {"compare", 0, 'C'}, {"directory", 0, 'd'}, {"group", 1, 'g'},
	    {"mode", 1, 'm'}, {"owner", 1, 'o'}, {"preserve-timestamps", 0, 'p'}, {"strip", 0, 's'}, {"suffix", 1, 'S'},
	    {"target-directory", 1, 't'}, {"no-target-directory", 0, 'T'}, {"verbose", 0, 'v'}, {0, 0, 0}};
	bool dirs = false;
	int c, rc = 0;
	co.suffix = "~";
	co.deref = 'L';
	while ((c = opt_next(argc, argv, "bcCdDg:m:o:pst:TvS:Z", longs)) != -1) {
		switch (c) {
		case 'C': in.compare = true; break;
		case 'd': dirs = true; break;
		case 'D': in.make_dirs = true; break;
		case 'g':
			if (!group_id(opt_arg, &in.gid) && parse_size(opt_arg, "", &(uint64_t){0}))
				die(1, "invalid group %s", quote(opt_arg));
			else if (in.gid == (uint32_t)-1)
				in.gid = (uint32_t)atoi(opt_arg);
			break;
		case 'o':
			if (!user_id(opt_arg, &in.uid, NULL) && parse_size(opt_arg, "", &(uint64_t){0}))
				die(1, "invalid user %s", quote(opt_arg));
			else if (in.uid == (uint32_t)-1)
				in.uid = (uint32_t)atoi(opt_arg);
			break;
		case 'm':
			if (!mode_valid(opt_arg))
				die(1, "invalid mode %s", quote(opt_arg));
			in.mode = mode_apply(opt_arg, 0, 0);
			break;
		case 'p': in.times = true; break;
		default: option(c);
		}
	}
	int n = argc - opt_ind;
	char **f = argv + opt_ind;
	if (n == 0 || (n == 1 && !dirs && !target_dir)) {
		if (n)
			warn("missing destination file operand after %s", quoteaf(f[0]));
		else
			warn("missing file operand");
		usage(1);
	}
	if (dirs)
		return install_dirs(n, f);
	bool to_dir = target_dir || (!no_target_dir && is_dir(f[n - 1]));
	const char *dir = target_dir ? target_dir : f[n - 1];
	if (!target_dir && to_dir)
		n--;
	if (!to_dir && n > 2)
		die(1, "target %s is not a directory", quoteaf(f[n - 1]));
	if (!to_dir)
		return (in.make_dirs && leading(f[1])) || install_file(f[0], f[1]);
	if (in.make_dirs && target_dir) {
		char *with = xasprintf("%s/", dir);
		rc |= leading(with);
		free(with);
	}
	for (int i = 0; i < n; i++) {
		char *b = base_name(f[i]), *to = path_join(dir, b);
		rc |= install_file(f[i], to);
		free(b);
		free(to);
	}
	return rc;
}
