/* rm */
#include "tool.h"

#include <dirent.h>

const char rm_help[] = " [OPTION]... [FILE]...\nRemove (unlink) the FILE(s).\n\n"
    "  -f, --force           ignore nonexistent files and arguments, never prompt\n  -i                    prompt before every removal\n"
    "  -I                    prompt once before removing more than three files, or when removing recursively\n"
    "      --interactive[=WHEN]  prompt according to WHEN: never, once (-I), or always (-i)\n"
    "      --one-file-system  --no-preserve-root  --preserve-root[=all]\n"
    "  -r, -R, --recursive   remove directories and their contents recursively\n  -d, --dir             remove empty directories\n"
    "  -v, --verbose         explain what is being done\n";

static struct {
	bool force, recursive, dir, verbose, no_preserve, one_fs;
	int ask; /* 0 only write-protected files on a terminal, 1 once, 2 always, -1 never */
} o;

static bool yes(void) {
	int c = getchar(), first = c;
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}

static const char *kind(const struct sbx_stat *st) {
	if (S_ISREG(st->mode))
		return st->size ? "regular file" : "regular empty file";
	return S_ISDIR(st->mode) ? "directory" : S_ISLNK(st->mode) ? "symbolic link" : S_ISFIFO(st->mode) ? "fifo" :
	    S_ISSOCK(st->mode) ? "socket" : S_ISCHR(st->mode) ? "character special file" : "block special file";
}

static bool agreed(const char *path, const struct sbx_stat *st, const char *verb) {
	bool protected = o.ask == 0 && !o.force && !S_ISLNK(st->mode) && isatty(0) && sbx_access(path, 2);
	if (o.ask != 2 && !protected)
		return true;
	fflush(stdout);
	fprintf(stderr, "%s: %s %s%s %s? ", prog, verb, protected ? "write-protected " : "",
	    strcmp(verb, "descend into") ? kind(st) : "directory", quoteaf(path));
	return yes();
}

static int failed(const char *path) {
	warn_errno("cannot remove %s", quoteaf(path));
	return 1;
}

enum { KEPT = 2 }; /* with 1, failed: what removing answers */

static int remove_path(const char *path, uint64_t dev);

static int remove_tree(const char *path, const struct sbx_stat *st) {
	int n, rc = 0;
	struct ent *e = dir_list(path, &n);
	if (!e) {
		int err = errno;
		if (rmdir(path) == 0) {
			if (o.verbose)
				printf("removed directory %s\n", quoteaf(path));
			return 0;
		}
		errno = err;
		return failed(path);
	}
	if (n && !agreed(path, st, "descend into")) {
		dir_free(e, n);
		return KEPT;
	}
	for (int i = 0; i < n; i++) {
		char *child = path_join(path, e[i].name);
		rc |= remove_path(child, st->dev);
		free(child);
	}
	dir_free(e, n);
	if (rc)
		return rc;
	if (!agreed(path, st, "remove"))
		return KEPT;
	if (rmdir(path))
		return failed(path);
	if (o.verbose)
		printf("removed directory %s\n", quoteaf(path));
	return 0;
}

static int remove_path(const char *path, uint64_t dev) {
	struct sbx_stat st;
	if (sbx_stat(path, SBX_NOFOLLOW, &st)) {
		if (o.force && (errno == ENOENT || errno == ENOTDIR))
			return 0;
		return failed(path);
	}
	if (S_ISDIR(st.mode)) {
		if (o.recursive) {
			if (o.one_fs && dev && st.dev != dev) {
				warn("skipping %s, since it's on a different device", quoteaf(path));
				return 1;
			}
			return remove_tree(path, &st);
		}
		if (!o.dir) {
			errno = EISDIR;
			return failed(path);
		}
		if (!agreed(path, &st, "remove"))
			return KEPT;
		if (rmdir(path))
			return failed(path);
		if (o.verbose)
			printf("removed directory %s\n", quoteaf(path));
		return 0;
	}
	if (!agreed(path, &st, "remove"))
		return KEPT;
	if (unlink(path))
		return failed(path);
	if (o.verbose)
		printf("removed %s\n", quoteaf(path));
	return 0;
}

/* What rm refuses to touch: "/", "." and "..". */
static bool refused(const char *path) {
	struct sbx_stat st, root;
	char *b = base_name(path);
	bool dots = strcmp(b, ".") == 0 || strcmp(b, "..") == 0;
	free(b);
	if (!o.recursive)
		return false;
	if (dots) {
		warn("refusing to remove %s or %s directory: skipping %s", quoteaf("."), quoteaf(".."), quoteaf(path));
		return true;
	}
	if (o.no_preserve || sbx_stat("/", 0, &root) || sbx_stat(path, SBX_NOFOLLOW, &st) || st.ino != root.ino || st.dev != root.dev)
		return false;
	if (strcmp(path, "/") == 0)
		warn("it is dangerous to operate recursively on %s", quoteaf("/"));
	else
		warn("it is dangerous to operate recursively on %s (same as %s)", quoteaf(path), quoteaf("/"));
	warn("use --no-preserve-root to override this failsafe");
	return true;
}

int rm_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"force", 0, 'f'}, {"interactive", 2, 1}, {"one-file-system", 0, 2}, {"no-preserve-root", 0, 3},
	    {"preserve-root", 2, 4}, {"recursive", 0, 'r'}, {"dir", 0, 'd'}, {"verbose", 0, 'v'}, {0, 0, 0}};
	static const char *const whens[] = {"never", "no", "none", "once", "always", "yes", NULL};
	static const int ask_of[] = {-1, -1, -1, 1, 2, 2};
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "dfiIrRv", longs)) != -1) {
		switch (c) {
		case 'd': o.dir = true; break;
		case 'f': o.force = true; o.ask = -1; break;
		case 'i': o.force = false; o.ask = 2; break;
		case 'I': o.force = false; o.ask = 1; break;
		case 'r': case 'R': o.recursive = true; break;
		case 'v': o.verbose = true; break;
		case 1: o.ask = opt_arg ? ask_of[argmatch("--interactive", opt_arg, whens)] : 2; break;
		case 2: o.one_fs = true; break;
		case 3: o.no_preserve = true; break;
		}
	}
	int n = argc - opt_ind;
	if (n == 0) {
		if (o.force)
			return 0;
		missing_operand(1);
	}
	if (o.ask == 1 && (o.recursive || n > 3)) {
		fprintf(stderr, o.recursive ? "%s: remove %d argument%s recursively? " : "%s: remove %d argument%s? ", prog, n, n > 1 ? "s" : "");
		if (!yes())
			return 0;
	}
	for (; opt_ind < argc; opt_ind++)
		rc |= refused(argv[opt_ind]) ? 1 : remove_path(argv[opt_ind], 0);
	return rc & 1;
}
