/* ln, link, unlink, readlink, realpath */
#include "tool.h"

const char ln_help[] = " [OPTION]... [-T] TARGET LINK_NAME\n  or:  ln [OPTION]... TARGET\n  or:  ln [OPTION]... TARGET... DIRECTORY\n"
    "  or:  ln [OPTION]... -t DIRECTORY TARGET...\nCreate hard links by default, symbolic links with --symbolic.\n\n"
    "  -f, --force  -i, --interactive  -L, --logical  -n, --no-dereference  -P, --physical\n"
    "  -r, --relative  -s, --symbolic  -t, --target-directory=DIRECTORY  -T, --no-target-directory  -v, --verbose\n";
const char link_help[] = " FILE1 FILE2\nCall the link function to create a link named FILE2 to an existing FILE1.\n";
const char unlink_help[] = " FILE\nCall the unlink function to remove the specified FILE.\n";
const char readlink_help[] = " [OPTION]... FILE...\nPrint value of a symbolic link or canonical file name\n\n"
    "  -f, --canonicalize           -e, --canonicalize-existing  -m, --canonicalize-missing\n"
    "  -n, --no-newline             -q, -s, --quiet, --silent    -v, --verbose   -z, --zero\n";
const char realpath_help[] = " [OPTION]... FILE...\nPrint the resolved absolute file name; all but the last component must exist.\n\n"
    "  -e, --canonicalize-existing  -m, --canonicalize-missing  -L, --logical  -P, --physical  -q, --quiet\n"
    "      --relative-to=DIR  --relative-base=DIR  -s, --strip, --no-symlinks  -z, --zero\n";

static struct {
	bool force, ask, logical, no_deref, relative, symbolic, no_dir, verbose;
	const char *dir;
} o;

/* path as seen from the directory from; both canonical. */
static char *relative_to(const char *path, const char *from) {
	size_t i = 0, common = 0;
	for (;; i++) {
		bool pe = !path[i] || path[i] == '/', fe = !from[i] || from[i] == '/';
		if (pe && fe)
			common = i;
		if (!path[i] || !from[i] || path[i] != from[i])
			break;
	}
	if (strcmp(from, "/") == 0)
		common = 0;
	char *out = xstrdup("");
	for (const char *p = strcmp(from, "/") ? from + common : ""; *p; p++) {
		if (*p != '/')
			continue;
		char *next = xasprintf("%s%s..", out, *out ? "/" : "");
		free(out);
		out = next;
	}
	const char *rest = path + common + strspn(path + common, "/");
	char *all = xasprintf("%s%s%s", out, *out && *rest ? "/" : "", rest);
	free(out);
	if (!*all) {
		free(all);
		return xstrdup(".");
	}
	return all;
}

static char *as_relative(const char *target, const char *name) {
	char *dir = dir_name(name), *from = canonical(dir, CANON_MISSING, true), *to = canonical(target, CANON_MISSING, true);
	char *r = from && to ? relative_to(to, from) : NULL;
	free(dir);
	free(from);
	free(to);
	return r;
}

static bool confirm(const char *name) {
	fflush(stdout);
	fprintf(stderr, "%s: replace %s? ", prog, quoteaf(name));
	int c = getchar(), first = c;
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}

static int one(const char *target, const char *name) {
	struct sbx_stat a, b;
	bool exists = sbx_stat(name, SBX_NOFOLLOW, &b) == 0;
	if (!o.symbolic) {
		if (sbx_stat(target, o.logical ? 0 : SBX_NOFOLLOW, &a)) {
			warn_errno("failed to access %s", quoteaf(target));
			return 1;
		}
		if (S_ISDIR(a.mode)) {
			warn("%s: hard link not allowed for directory", quotef(target));
			return 1;
		}
	}
	char *rel = o.relative ? as_relative(target, name) : NULL;
	const char *text = rel ? rel : target;
	if (exists && (o.force || o.ask)) {
		if (S_ISDIR(b.mode)) {
			warn("%s: cannot overwrite directory", quotef(name));
			return 1;
		}
		struct sbx_stat t;
		if (sbx_stat(target, SBX_NOFOLLOW, &t) == 0 && t.dev == b.dev && t.ino == b.ino && (!o.symbolic || t.nlink == 1)) {
			if (!o.symbolic)
				return 0;
			warn("%s and %s are the same file", quoteaf(target), quoteaf(name));
			return 1;
		}
		if (o.ask && !confirm(name))
			return 0;
		if (unlink(name)) {
			warn_errno("cannot remove %s", quoteaf(name));
			return 1;
		}
	}
	char *real = !o.symbolic && o.logical ? canonical(target, CANON_ALL, true) : NULL;
	int rc = o.symbolic ? symlink(text, name) : link(real ? real : target, name);
	free(real);
	if (rc) {
		if (o.symbolic)
			warn_errno(*text && errno != ENAMETOOLONG ? "failed to create symbolic link %s" : "failed to create symbolic link %s -> %s",
			    quoteaf(name), quoteaf(text));
		else if (errno == EEXIST || errno == EMLINK || errno == EDQUOT || errno == ENOSPC || errno == EROFS)
			warn_errno("failed to create hard link %s", quoteaf(name));
		else
			warn_errno("failed to create hard link %s => %s", quoteaf(name), quoteaf(target));
	} else if (o.verbose) {
		printf("%s %s> %s\n", quoteaf(name), o.symbolic ? "-" : "=", quoteaf(text));
	}
	free(rel);
	return rc != 0;
}

static bool names_dir(const char *path) {
	struct sbx_stat st;
	return sbx_stat(path, o.no_deref ? SBX_NOFOLLOW : 0, &st) == 0 && S_ISDIR(st.mode);
}

int ln_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"force", 0, 'f'}, {"interactive", 0, 'i'}, {"logical", 0, 'L'}, {"no-dereference", 0, 'n'},
	    {"physical", 0, 'P'}, {"relative", 0, 'r'}, {"symbolic", 0, 's'}, {"target-directory", 1, 't'},
	    {"no-target-directory", 0, 'T'}, {"verbose", 0, 'v'}, {"backup", 2, 'b'}, {"suffix", 1, 'S'}, {0, 0, 0}};
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "bdfFinrst:vLPS:T", longs)) != -1) {
		switch (c) {
		case 'f': o.force = true; break;
		case 'i': o.ask = true; break;
		case 'L': o.logical = true; break;
		case 'P': o.logical = false; break;
		case 'n': o.no_deref = true; break;
		case 'r': o.relative = true; break;
		case 's': o.symbolic = true; break;
		case 't': o.dir = opt_arg; break;
		case 'T': o.no_dir = true; break;
		case 'v': o.verbose = true; break;
		}
	}
	int n = argc - opt_ind;
	char **f = argv + opt_ind;
	if (n == 0) {
		warn("missing file operand");
		usage(1);
	}
	if (o.relative && !o.symbolic)
		die(1, "cannot do --relative without --symbolic");
	const char *dir = o.dir;
	if (dir && !is_dir(dir))
		die_errno(1, "target directory %s", quoteaf(dir));
	if (o.no_dir) {
		if (n < 2) {
			warn("missing destination file operand after %s", quoteaf(f[0]));
			usage(1);
		}
		if (n > 2)
			extra_operand(1, f[2]);
	} else if (!dir && n == 1) {
		dir = ".";
	} else if (!dir && names_dir(f[n - 1])) {
		dir = f[--n];
	} else if (!dir && n > 2) {
		struct sbx_stat st;
		errno = sbx_stat(f[n - 1], 0, &st) ? errno : ENOTDIR;
		die_errno(1, "target %s", quoteaf(f[n - 1]));
	}
	if (!dir)
		return one(f[0], f[1]);
	for (int i = 0; i < n; i++) {
		char *b = base_name(f[i]), *name = path_join(dir, b);
		rc |= one(f[i], name);
		free(b);
		free(name);
	}
	return rc;
}

int link_main(int argc, char **argv) {
	opt_next(argc, argv, "", NULL);
	if (argc - opt_ind < 2)
		argc > opt_ind ? missing_after(1, argv[opt_ind]) : missing_operand(1);
	if (argc - opt_ind > 2)
		extra_operand(1, argv[opt_ind + 2]);
	if (link(argv[opt_ind], argv[opt_ind + 1]))
		die_errno(1, "cannot create link %s to %s", quoteaf(argv[opt_ind + 1]), quoteaf(argv[opt_ind]));
	return 0;
}

int unlink_main(int argc, char **argv) {
	opt_next(argc, argv, "", NULL);
	if (opt_ind >= argc)
		missing_operand(1);
	if (argc - opt_ind > 1)
		extra_operand(1, argv[opt_ind + 1]);
	if (unlink(argv[opt_ind]))
		die_errno(1, "cannot unlink %s", quoteaf(argv[opt_ind]));
	return 0;
}

int readlink_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"canonicalize", 0, 'f'}, {"canonicalize-existing", 0, 'e'}, {"canonicalize-missing", 0, 'm'},
	    {"no-newline", 0, 'n'}, {"quiet", 0, 'q'}, {"silent", 0, 'q'}, {"verbose", 0, 'v'}, {"zero", 0, 'z'}, {0, 0, 0}};
	int c, rc = 0, how = -1;
	bool newline = true, verbose = false;
	char end = '\n';
	while ((c = opt_next(argc, argv, "efmnqsvz", longs)) != -1) {
		switch (c) {
		case 'e': how = CANON_ALL; break;
		case 'f': how = CANON_ALL_BUT_LAST; break;
		case 'm': how = CANON_MISSING; break;
		case 'n': newline = false; break;
		case 'v': verbose = true; break;
		case 'q': case 's': verbose = false; break;
		case 'z': end = 0; break;
		}
	}
	if (opt_ind >= argc)
		missing_operand(1);
	if (argc - opt_ind > 1 && !newline) {
		warn("ignoring --no-newline with multiple arguments");
		newline = true;
	}
	for (; opt_ind < argc; opt_ind++) {
		char *s = how < 0 ? read_link(argv[opt_ind]) : canonical(argv[opt_ind], how, true);
		if (s) {
			fputs(s, stdout);
			if (newline)
				putchar(end);
		} else {
			rc = 1;
			if (verbose)
				warn_errno("%s", quotef(argv[opt_ind]));
		}
		free(s);
	}
	return rc;
}

static bool inside(const char *path, const char *base) {
	size_t n = strlen(base);
	return strcmp(base, "/") == 0 || (strncmp(path, base, n) == 0 && (!path[n] || path[n] == '/'));
}

int realpath_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"canonicalize-existing", 0, 'e'}, {"canonicalize-missing", 0, 'm'}, {"logical", 0, 'L'},
	    {"physical", 0, 'P'}, {"quiet", 0, 'q'}, {"relative-to", 1, 1}, {"relative-base", 1, 2}, {"strip", 0, 's'},
	    {"no-symlinks", 0, 's'}, {"zero", 0, 'z'}, {0, 0, 0}};
	int c, rc = 0, how = CANON_ALL_BUT_LAST;
	bool follow = true, quiet = false;
	const char *to = NULL, *base = NULL;
	char end = '\n';
	while ((c = opt_next(argc, argv, "emLPqsz", longs)) != -1) {
		switch (c) {
		case 'e': how = CANON_ALL; break;
		case 'm': how = CANON_MISSING; break;
		case 'P': follow = true; break;
		case 's': follow = false; break;
		case 'q': quiet = true; break;
		case 'z': end = 0; break;
		case 1: to = opt_arg; break;
		case 2: base = opt_arg; break;
		}
	}
	if (opt_ind >= argc)
		missing_operand(1);
	if (to && !(to = canonical(to, how, follow)))
		die_errno(1, "%s", quotef(opt_arg ? opt_arg : ""));
	if (base && !(base = canonical(base, how, follow)))
		die_errno(1, "%s", "relative-base");
	if (base && !to)
		to = base;
	for (; opt_ind < argc; opt_ind++) {
		char *s = canonical(argv[opt_ind], how, follow);
		if (!s) {
			if (!quiet)
				warn_errno("%s", quotef(argv[opt_ind]));
			rc = 1;
			continue;
		}
		if (to && !(base && (!inside(s, base) || !inside(to, base)))) {
			char *r = relative_to(s, to);
			free(s);
			s = r;
		}
		fputs(s, stdout);
		putchar(end);
		free(s);
	}
	return rc;
}
