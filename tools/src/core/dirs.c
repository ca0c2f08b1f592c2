/* mkdir, rmdir, mkfifo, mknod, mktemp, sync */
#include "tool.h"

const char mkdir_help[] = " [OPTION]... DIRECTORY...\nCreate the DIRECTORY(ies), if they do not already exist.\n\n"
    "  -m, --mode=MODE  set file mode (as in chmod), not a=rwx - umask\n  -p, --parents    no error if existing, make parent directories as needed\n"
    "  -v, --verbose    print a message for each created directory\n";
const char rmdir_help[] = " [OPTION]... DIRECTORY...\nRemove the DIRECTORY(ies), if they are empty.\n\n"
    "      --ignore-fail-on-non-empty  ignore each failure to remove a non-empty directory\n"
    "  -p, --parents  remove DIRECTORY and its ancestors\n  -v, --verbose  output a diagnostic for every directory processed\n";
const char mkfifo_help[] = " [OPTION]... NAME...\nCreate named pipes (FIFOs) with the given NAMEs.\n\n  -m, --mode=MODE  set file permission bits to MODE, not a=rw - umask\n";
const char mknod_help[] = " [OPTION]... NAME TYPE [MAJOR MINOR]\nCreate the special file NAME of the given TYPE.\n\n  -m, --mode=MODE  set file permission bits to MODE, not a=rw - umask\n";
const char mktemp_help[] = " [OPTION]... [TEMPLATE]\nCreate a temporary file or directory, safely, and print its name.\n\n"
    "  -d, --directory  create a directory, not a file\n  -u, --dry-run    do not create anything; merely print a name (unsafe)\n"
    "  -q, --quiet      suppress diagnostics about file/dir-creation failure\n      --suffix=SUFF  append SUFF to TEMPLATE\n"
    "  -p DIR, --tmpdir[=DIR]  interpret TEMPLATE relative to DIR\n  -t               interpret TEMPLATE as a single file name component, relative to $TMPDIR\n";
const char sync_help[] = " [OPTION] [FILE]...\nSynchronize cached writes to persistent storage\n\n  -d, --data  -f, --file-system\n";

static uint32_t current_umask(void) {
	uint32_t m = sbx_umask(0);
	sbx_umask(m);
	return m;
}

static uint32_t mode_arg(const char *spec, uint32_t start) {
	if (!mode_valid(spec))
		die(1, "invalid mode %s", quote(spec));
	return mode_apply(spec, start, current_umask());
}

static int make_parents(char *path, bool verbose, uint32_t umask) {
	for (char *p = path + strspn(path, "/"); (p = strchr(p, '/')); ) {
		if (!p[strspn(p, "/")])
			break;
		*p = 0;
		struct sbx_stat st;
		if (sbx_stat(path, 0, &st)) {
			sbx_umask(umask & ~0300u);
			int rc = sbx_mkdir(path, 0777), e = errno;
			sbx_umask(umask);
			errno = e;
			if (rc && errno != EEXIST) {
				warn_errno("cannot create directory %s", quoteaf(path));
				return 1;
			}
			if (!rc && verbose)
				printf("%s: created directory %s\n", prog, quoteaf(path));
		} else if (!S_ISDIR(st.mode)) {
			errno = ENOTDIR;
			warn_errno("cannot create directory %s", quoteaf(path));
			return 1;
		}
		*p = '/';
		p += strspn(p, "/");
	}
	return 0;
}

int mkdir_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"mode", 1, 'm'}, {"parents", 0, 'p'}, {"verbose", 0, 'v'}, {"context", 2, 'Z'}, {0, 0, 0}};
	const char *mode = NULL;
	bool parents = false, verbose = false;
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "m:pvZ", longs)) != -1) {
		switch (c) {
		case 'm': mode = opt_arg; break;
		case 'p': parents = true; break;
		case 'v': verbose = true; break;
		}
	}
	if (opt_ind >= argc)
		missing_operand(1);
	uint32_t umask = current_umask(), bits = mode ? mode_arg(mode, 0040777) : 0777;
	for (; opt_ind < argc; opt_ind++) {
		char *name = argv[opt_ind];
		if (parents && make_parents(name, verbose, umask)) {
			rc = 1;
			continue;
		}
		if (mode)
			sbx_umask(umask & ~bits);
		int failed = sbx_mkdir(name, bits & 0777), e = errno;
		if (mode)
			sbx_umask(umask);
		if (failed && parents && (e == EEXIST || e == EROFS || e == EISDIR) && is_dir(name))
			continue;
		errno = e;
		if (failed) {
			warn_errno("cannot create directory %s", quoteaf(name));
			rc = 1;
			continue;
		}
		if (mode && (bits & ~0777u) && sbx_chmod(name, 0, bits)) {
			warn_errno("cannot set permissions of %s", quoteaf(name));
			rc = 1;
		}
		if (verbose)
			printf("%s: created directory %s\n", prog, quoteaf(name));
	}
	return rc;
}

int rmdir_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"ignore-fail-on-non-empty", 0, 1}, {"parents", 0, 'p'}, {"verbose", 0, 'v'}, {0, 0, 0}};
	bool parents = false, verbose = false, ignore = false;
	int c, rc = 0;
	while ((c = opt_next(argc, argv, "pv", longs)) != -1) {
		parents |= c == 'p';
		verbose |= c == 'v';
		ignore |= c == 1;
	}
	if (opt_ind >= argc)
		missing_operand(1);
	for (; opt_ind < argc; opt_ind++) {
		char *name = xstrdup(argv[opt_ind]);
		for (bool first = true;; first = false) {
			if (verbose)
				printf("%s: removing directory, %s\n", prog, quoteaf(name));
			if (rmdir(name)) {
				if (!(ignore && (errno == ENOTEMPTY || errno == EEXIST))) {
					warn_errno(first ? "failed to remove %s" : "failed to remove directory %s", quoteaf(name));
					rc = 1;
				}
				break;
			}
			if (!parents)
				break;
			strip_slashes(name);
			char *slash = strrchr(name, '/');
			if (!slash || slash == name)
				break;
			*slash = 0;
		}
		free(name);
	}
	return rc;
}

static int special(const char *name, uint32_t type, uint32_t mode, bool given, uint64_t rdev) {
	if (sbx_mknod(name, type | (mode & 0777), rdev))
		return -1;
	return given ? sbx_chmod(name, 0, mode) : 0;
}

int mkfifo_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"mode", 1, 'm'}, {0, 0, 0}};
	const char *mode = NULL;
	int rc = 0;
	while (opt_next(argc, argv, "m:Z", longs) != -1)
		mode = opt_arg ? opt_arg : mode;
	if (opt_ind >= argc)
		missing_operand(1);
	uint32_t bits = mode ? mode_arg(mode, 0666) : 0666;
	for (; opt_ind < argc; opt_ind++) {
		if (special(argv[opt_ind], 0010000, bits, mode != NULL, 0)) {
			warn_errno("cannot create fifo %s", quoteaf(argv[opt_ind]));
			rc = 1;
		}
	}
	return rc;
}

int mknod_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"mode", 1, 'm'}, {0, 0, 0}};
	const char *mode = NULL;
	while (opt_next(argc, argv, "m:Z", longs) != -1)
		mode = opt_arg ? opt_arg : mode;
	int n = argc - opt_ind;
	char **f = argv + opt_ind;
	if (n < 2)
		n ? missing_after(1, f[0]) : missing_operand(1);
	bool fifo = f[1][0] == 'p';
	int want = fifo ? 2 : 4;
	if (n < want) {
		warn("missing operand after %s", quote(f[n - 1]));
		fputs("Special files require major and minor device numbers.\n", stderr);
		usage(1);
	}
	if (n > want)
		extra_operand(1, f[want]);
	uint32_t bits = mode ? mode_arg(mode, 0666) : 0666;
	uint32_t type = fifo ? 0010000 : f[1][0] == 'b' ? 0060000 : f[1][0] == 'c' || f[1][0] == 'u' ? 0020000 : 0;
	if (!type) {
		warn("invalid device type %s", quote(f[1]));
		usage(1);
	}
	uint64_t dev = 0;
	if (!fifo)
		dev = sbx_makedev((uint32_t)need_size(f[2], "", "major device number"), (uint32_t)need_size(f[3], "", "minor device number"));
	if (special(f[0], type, bits, mode != NULL, dev))
		die_errno(1, "%s", quotef(f[0]));
	return 0;
}

int getentropy(void *, size_t);

/* Replaces the X's by letters and makes the file; many tries. */
static bool make_temp(char *x, size_t count, char *path, bool dir, bool dry) {
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	for (int tries = 0; tries < 1000; tries++) {
		unsigned char r[256];
		getentropy(r, count > 256 ? 256 : count);
		for (size_t i = 0; i < count; i++)
			x[i] = letters[r[i % 256] % 62];
		struct sbx_stat st;
		if (dry) {
			if (sbx_stat(path, SBX_NOFOLLOW, &st) && errno == ENOENT)
				return true;
			continue;
		}
		int fd = dir ? sbx_mkdir(path, 0700) : sbx_open(path, SBX_O_RDWR | SBX_O_CREAT | SBX_O_EXCL, 0600);
		if (fd >= 0) {
			if (!dir)
				close(fd);
			return true;
		}
		if (errno != EEXIST)
			return false;
	}
	return false;
}

int mktemp_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"directory", 0, 'd'}, {"quiet", 0, 'q'}, {"dry-run", 0, 'u'}, {"suffix", 1, 1}, {"tmpdir", 2, 'p'}, {0, 0, 0}};
	bool dir = false, dry = false, quiet = false, in_tmp = false, old_t = false;
	const char *suffix = NULL, *base = NULL;
	int c;
	while ((c = opt_next(argc, argv, "dp:qtu", longs)) != -1) {
		switch (c) {
		case 'd': dir = true; break;
		case 'u': dry = true; break;
		case 'q': quiet = true; break;
		case 1: suffix = opt_arg; break;
		case 'p': in_tmp = true; base = opt_arg; break;
		case 't': in_tmp = old_t = true; break;
		}
	}
	const char *template = "tmp.XXXXXXXXXX", *env = getenv("TMPDIR");
	if (argc - opt_ind > 1) {
		warn("too many templates");
		usage(1);
	}
	if (opt_ind < argc)
		template = argv[opt_ind];
	else
		in_tmp = true;
	size_t n = strlen(template), end = n;
	if (suffix && (!n || template[n - 1] != 'X'))
		die(1, "with --suffix, template %s must end in X", quote(template));
	if (!suffix) {
		const char *last = strrchr(template, 'X');
		end = last ? (size_t)(last - template) + 1 : 0;
		suffix = template + end;
	}
	size_t start = end;
	while (start > 0 && template[start - 1] == 'X')
		start--;
	if (strchr(suffix, '/'))
		die(1, "invalid suffix %s, contains directory separator", quote(suffix));
	if (end - start < 3)
		die(1, "too few X's in template %s", quote(template));
	if (in_tmp) {
		if (old_t || !base || !*base)
			base = env && *env ? env : base && *base ? base : "/tmp";
		if (old_t && strchr(template, '/'))
			die(1, "invalid template, %s, contains directory separator", quote(template));
		if (!old_t && *template == '/')
			die(1, "invalid template, %s; with --tmpdir, it may not be absolute", quote(template));
	}
	char *stem = xstrndup(template, end), *name = in_tmp ? path_join(base, stem) : xstrdup(stem);
	size_t at = strlen(name) - (end - start);
	char *path = xasprintf("%s%s", name, suffix), *shown = xstrdup(path);
	if (!make_temp(path + at, end - start, path, dir, dry)) {
		if (!quiet)
			warn_errno("failed to create %s via template %s", dir ? "directory" : "file", quote(shown));
		return 1;
	}
	puts(path);
	return 0;
}

int sync_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"data", 0, 'd'}, {"file-system", 0, 'f'}, {0, 0, 0}};
	int rc = 0;
	while (opt_next(argc, argv, "df", longs) != -1)
		;
	for (; opt_ind < argc; opt_ind++) {
		int fd = sbx_open(argv[opt_ind], SBX_O_RDONLY | SBX_O_NONBLOCK, 0);
		if (fd < 0 || fsync(fd)) {
			warn_errno(fd < 0 ? "error opening %s" : "error syncing %s", quoteaf(argv[opt_ind]));
			rc = 1;
		}
		if (fd >= 0)
			close(fd);
	}
	return rc;
}
