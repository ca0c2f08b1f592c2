/* tar: options and messages. */
#include "tar.h"

const char tar_help[] = " [OPTION...] [FILE]...\nSaves many files together into one archive, and restores individual files from it.\n\n"
    "  -c, --create  -t, --list  -x, --extract  -r, --append  -u, --update\n"
    "  -f, --file=ARCHIVE  -C, --directory=DIR  -v, --verbose  -T, --files-from=FILE  --null  -b, --blocking-factor=N\n"
    "  -z, --gzip  -j, --bzip2  -J, --xz  --zstd  --lzip  --lzma  -Z  -I, --use-compress-program=PROG  -a, --auto-compress\n"
    "  -h, --dereference  --hard-dereference  -P, --absolute-names  --no-recursion  --one-file-system  --remove-files\n"
    "  --exclude=PATTERN  -X, --exclude-from=FILE  --exclude-vcs  --anchored  --ignore-case  --wildcards  --no-wildcards-match-slash\n"
    "  --owner=NAME[:UID]  --group=NAME[:GID]  --mode=CHANGES  --mtime=DATE  --clamp-mtime  --numeric-owner  -N, --newer=DATE\n"
    "  -H, --format=gnu|oldgnu|pax|posix|ustar|v7  --sort=name  --transform=EXPR  --show-transformed-names\n"
    "  -p, --same-permissions  --no-same-permissions  --same-owner  -o, --no-same-owner  -m, --touch  -O, --to-stdout\n"
    "  -k, --keep-old-files  --skip-old-files  --keep-newer-files  --overwrite  -U, --unlink-first  --keep-directory-symlink\n"
    "  --strip-components=N  --one-top-level[=DIR]  --full-time  --utc  -i, --ignore-zeros\n";

struct tar_options to = {.file = "-", .blocking = 20, .same_owner = -1, .same_mode = -1, .owner_id = (uint32_t)-1, .group_id = (uint32_t)-1};
int tar_status;

/* ---- messages */

static void message(int status, const char *fmt, va_list ap) {
	fflush(stdout);
	fprintf(stderr, "%s: ", prog);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	if (status > tar_status)
		tar_status = status;
}

#define MESSAGE(status) do { va_list ap; va_start(ap, fmt); message(status, fmt, ap); va_end(ap); } while (0)

void tar_error(const char *fmt, ...) { MESSAGE(2); }
void tar_differs(const char *fmt, ...) { MESSAGE(1); }
void tar_warn(const char *fmt, ...) { MESSAGE(0); }

void tar_fatal(const char *fmt, ...) {
	MESSAGE(2);
	warn("Error is not recoverable: exiting now");
	exit(2);
}

void tar_usage(const char *fmt, ...) {
	MESSAGE(2);
	usage(2);
}

void tar_errno(const char *name, const char *what) { tar_error("%s: Cannot %s: %s", shown_colon(name), what, errtext(errno)); }

static const char *escape(const char *name, bool colon) {
	static char *ring[4];
	static unsigned at;
	static const char from[] = "\a\b\t\n\v\f\r\\", letters[] = "abtnvfr\\";
	char *o = xmalloc(strlen(name) * 4 + 1), *start = o;
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		const char *e = strchr(from, c);
		if (e || (colon && c == ':'))
			*o++ = '\\', *o++ = e ? letters[e - from] : ':';
		else if (c >= ' ' && c < 0x7f)
			*o++ = (char)c;
		else
			o += sprintf(o, "\\%03o", c);
	}
	*o = 0;
	free(ring[at % LEN(ring)]);
	return ring[at++ % LEN(ring)] = start;
}

const char *shown(const char *name) { return escape(name, false); }
const char *shown_colon(const char *name) { return escape(name, true); }

/* ---- options */

enum {
	O_EXCLUDE = 256, O_NULL, O_STRIP, O_TRANSFORM, O_OWNER, O_GROUP, O_NUMERIC, O_MTIME, O_MODE, O_NO_OWNER, O_SAME_OWNER, O_NO_PERM,
	O_SORT, O_HARD, O_TOP, O_WILD, O_NO_WILD, O_ANCHORED, O_NO_ANCHORED, O_ICASE, O_NO_ICASE, O_SLASH, O_NO_SLASH, O_ZSTD, O_LZIP,
	O_LZMA, O_LZOP, O_VCS, O_SKIP_OLD, O_KEEP_NEWER, O_OVERWRITE, O_DIRLINK, O_REMOVE, O_NO_RECURSION, O_RECURSION, O_ONE_FS,
	O_IGNORE_FAILED, O_CLAMP, O_UTC, O_FULL, O_SHOW, O_IGNORE, O_IGNORE_ARG, O_POSIX, O_V7, O_VERBATIM, O_RECORD, O_NO_NULL, O_UNSUPPORTED
};

static const struct lopt longs[] = {{"create", 0, 'c'}, {"list", 0, 't'}, {"extract", 0, 'x'}, {"get", 0, 'x'}, {"append", 0, 'r'},
    {"update", 0, 'u'}, {"concatenate", 0, 'A'}, {"catenate", 0, 'A'}, {"compare", 0, 'd'}, {"diff", 0, 'd'}, {"delete", 0, O_UNSUPPORTED},
    {"test-label", 0, O_UNSUPPORTED}, {"file", 1, 'f'}, {"directory", 1, 'C'}, {"verbose", 0, 'v'}, {"files-from", 1, 'T'}, {"null", 0, O_NULL},
    {"no-null", 0, O_NO_NULL}, {"blocking-factor", 1, 'b'}, {"record-size", 1, O_RECORD}, {"gzip", 0, 'z'}, {"gunzip", 0, 'z'}, {"ungzip", 0, 'z'},
    {"bzip2", 0, 'j'}, {"xz", 0, 'J'}, {"zstd", 0, O_ZSTD}, {"lzip", 0, O_LZIP}, {"lzma", 0, O_LZMA}, {"lzop", 0, O_LZOP}, {"compress", 0, 'Z'},
    {"uncompress", 0, 'Z'}, {"use-compress-program", 1, 'I'}, {"auto-compress", 0, 'a'}, {"no-auto-compress", 0, O_IGNORE}, {"dereference", 0, 'h'},
    {"hard-dereference", 0, O_HARD}, {"absolute-names", 0, 'P'}, {"no-recursion", 0, O_NO_RECURSION}, {"recursion", 0, O_RECURSION},
    {"one-file-system", 0, O_ONE_FS}, {"remove-files", 0, O_REMOVE}, {"exclude", 1, O_EXCLUDE}, {"exclude-from", 1, 'X'}, {"exclude-vcs", 0, O_VCS},
    {"anchored", 0, O_ANCHORED}, {"no-anchored", 0, O_NO_ANCHORED}, {"ignore-case", 0, O_ICASE}, {"no-ignore-case", 0, O_NO_ICASE},
    {"wildcards", 0, O_WILD}, {"no-wildcards", 0, O_NO_WILD}, {"wildcards-match-slash", 0, O_SLASH}, {"no-wildcards-match-slash", 0, O_NO_SLASH},
    {"owner", 1, O_OWNER}, {"group", 1, O_GROUP}, {"mode", 1, O_MODE}, {"mtime", 1, O_MTIME}, {"clamp-mtime", 0, O_CLAMP},
    {"numeric-owner", 0, O_NUMERIC}, {"newer", 1, 'N'}, {"after-date", 1, 'N'}, {"newer-mtime", 1, 'N'}, {"format", 1, 'H'}, {"posix", 0, O_POSIX},
    {"old-archive", 0, O_V7}, {"portability", 0, O_V7}, {"sort", 1, O_SORT}, {"transform", 1, O_TRANSFORM}, {"xform", 1, O_TRANSFORM},
    {"show-transformed-names", 0, O_SHOW}, {"show-stored-names", 0, O_SHOW}, {"same-permissions", 0, 'p'}, {"preserve-permissions", 0, 'p'},
    {"no-same-permissions", 0, O_NO_PERM}, {"same-owner", 0, O_SAME_OWNER}, {"no-same-owner", 0, O_NO_OWNER}, {"touch", 0, 'm'},
    {"to-stdout", 0, 'O'}, {"keep-old-files", 0, 'k'}, {"skip-old-files", 0, O_SKIP_OLD}, {"keep-newer-files", 0, O_KEEP_NEWER},
    {"overwrite", 0, O_OVERWRITE}, {"unlink-first", 0, 'U'}, {"recursive-unlink", 0, 'U'}, {"keep-directory-symlink", 0, O_DIRLINK},
    {"strip-components", 1, O_STRIP}, {"one-top-level", 2, O_TOP}, {"full-time", 0, O_FULL}, {"utc", 0, O_UTC}, {"ignore-zeros", 0, 'i'},
    {"ignore-failed-read", 0, O_IGNORE_FAILED}, {"verbatim-files-from", 0, O_VERBATIM}, {"no-verbatim-files-from", 0, O_IGNORE},
    {"sparse", 0, 'S'}, {"hole-detection", 1, O_IGNORE_ARG}, {"sparse-version", 1, O_IGNORE_ARG}, {"delay-directory-restore", 0, O_IGNORE},
    {"no-delay-directory-restore", 0, O_IGNORE}, {"overwrite-dir", 0, O_IGNORE}, {"no-overwrite-dir", 0, O_IGNORE}, {"warning", 1, O_IGNORE_ARG},
    {"check-links", 0, O_IGNORE}, {"totals", 2, O_IGNORE}, {"checkpoint", 2, O_IGNORE}, {"acls", 0, O_IGNORE}, {"no-acls", 0, O_IGNORE},
    {"xattrs", 0, O_IGNORE}, {"no-xattrs", 0, O_IGNORE}, {"selinux", 0, O_IGNORE}, {"no-selinux", 0, O_IGNORE}, {"force-local", 0, O_IGNORE},
    {"no-unquote", 0, O_IGNORE}, {"unquote", 0, O_IGNORE}, {"read-full-records", 0, 'B'}, {"seek", 0, O_IGNORE}, {"no-seek", 0, O_IGNORE},
    {"no-check-device", 0, O_IGNORE}, {"atime-preserve", 2, O_IGNORE}, {"preserve-order", 0, 's'}, {"same-order", 0, 's'},
    {"backup", 2, O_UNSUPPORTED}, {"suffix", 1, O_UNSUPPORTED}, {"listed-incremental", 1, 'g'}, {"incremental", 0, 'G'}, {"multi-volume", 0, 'M'},
    {"label", 1, 'V'}, {"to-command", 1, O_UNSUPPORTED}, {"verify", 0, 'W'}, {"interactive", 0, 'w'}, {"occurrence", 2, O_UNSUPPORTED},
    {"starting-file", 1, 'K'}, {"pax-option", 1, O_UNSUPPORTED}, {0, 0, 0}};
static const char shorts[] = "AcdtruxC:f:vT:b:zjJZI:ahPX:N:H:pomOkUiSBsg:GMV:WwK:lR";

static void set_mode(char c) {
	if (to.mode && to.mode != c)
		tar_usage("You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option");
	to.mode = c;
}

static void date_arg(const char *s, int64_t *t, uint32_t *ns) {
	int64_t n;
	uint32_t nns;
	struct sbx_stat st;
	now(&n, &nns);
	if (*s == '/' || *s == '.') {
		if (sbx_stat(s, 0, &st))
			tar_fatal("%s: Cannot stat: %s", shown_colon(s), errtext(errno));
		*t = st.mtime;
		*ns = st.mtime_ns;
	} else if (!parse_date(s, n, nns, t, ns)) {
		tar_fatal("Invalid time stamp '%s'", s);
	}
}

/* NAME, NAME:ID or ID of --owner and --group. */
static void owner_arg(char *s, const char **name, uint32_t *id, bool group) {
	char *colon = strchr(s, ':'), *end;
	unsigned long v;
	if (colon) {
		*colon = 0;
		v = strtoul(colon + 1, &end, 10);
		if (!colon[1] || *end || v > UINT32_MAX)
			tar_fatal("%s: Invalid %s ID", colon + 1, group ? "group" : "owner");
		*id = (uint32_t)v;
		*name = s;
		return;
	}
	v = strtoul(s, &end, 10);
	if (*s && !*end && *s != '-') {
		const char *n = group ? group_name((uint32_t)v) : user_name((uint32_t)v);
		*id = (uint32_t)v;
		*name = n ? n : "";
		return;
	}
	*name = s;
	if (group)
		group_id(s, id);
	else
		user_id(s, id, NULL);
}

static void format_arg(const char *s) {
	static const char *const names[] = {"gnu", "oldgnu", "ustar", "pax", "posix", "v7"};
	static const enum format f[] = {F_GNU, F_OLDGNU, F_USTAR, F_PAX, F_PAX, F_V7};
	for (size_t i = 0; i < LEN(names); i++)
		if (strcmp(s, names[i]) == 0) {
			to.format = f[i];
			return;
		}
	tar_usage("%s: Invalid archive format", quote(s));
}

static void number_arg(const char *s, const char *what, long max, int *out) {
	char *end;
	long v = strtol(s, &end, 10);
	if (!*s || *end || v < 0 || v > max)
		tar_usage("%s: Invalid %s", shown_colon(s), what);
	*out = (int)v;
}

static void vcs(void) {
	static const char *const names[] = {"CVS", ".cvsignore", "RCS", "SCCS", ".git", ".gitignore", ".gitattributes", ".gitmodules", ".arch-ids", "{arch}",
	    "=RELEASE-ID", "=meta-update", "=update", ".bzr", ".bzrignore", ".bzrtags", ".hg", ".hgignore", ".hgrags", "_darcs", ".svn"};
	for (size_t i = 0; i < LEN(names); i++)
		exclude_add(names[i]);
}

static void option(int c) {
	static int record;
	switch (c) {
	case 'c': case 't': case 'x': case 'r': case 'u': set_mode((char)c); break;
	case 'f': to.file = opt_arg; break;
	case 'v': to.verbose++; break;
	case 'b': number_arg(opt_arg, "blocking factor", 65536, &to.blocking); break;
	case O_RECORD: number_arg(opt_arg, "record size", 32 << 20, &record); to.blocking = record / BLOCK; break;
	case 'z': to.gzip = true; break;
	case 'j': to.program = "bzip2"; break;
	case 'J': to.program = "xz"; break;
	case 'Z': to.program = "compress"; break;
	case 'I': to.program = opt_arg; break;
	case O_ZSTD: to.program = "zstd"; break;
	case O_LZIP: to.program = "lzip"; break;
	case O_LZMA: to.program = "lzma"; break;
	case O_LZOP: to.program = "lzop"; break;
	case 'a': to.auto_suffix = true; break;
	case 'h': to.deref = true; break;
	case O_HARD: to.hard_deref = true; break;
	case 'P': to.absolute = true; break;
	case O_NO_RECURSION: to.no_recursion = true; break;
	case O_RECURSION: to.no_recursion = false; break;
	case O_ONE_FS: case 'l': to.one_fs = c == O_ONE_FS; break;
	case O_REMOVE: to.remove_files = true; break;
	case O_EXCLUDE: exclude_add(opt_arg); break;
	case 'X': exclude_from(opt_arg); break;
	case O_VCS: vcs(); break;
	case O_ANCHORED: to.anchored = true; break;
	case O_NO_ANCHORED: to.anchored = false; break;
	case O_ICASE: to.ignore_case = true; break;
	case O_NO_ICASE: to.ignore_case = false; break;
	case O_WILD: to.wildcards = true; break;
	case O_NO_WILD: to.wildcards = false; break;
	case O_SLASH: to.no_match_slash = false; break;
	case O_NO_SLASH: to.no_match_slash = true; break;
	case O_OWNER: owner_arg(opt_arg, &to.owner, &to.owner_id, false); break;
	case O_GROUP: owner_arg(opt_arg, &to.group, &to.group_id, true); break;
	case O_MODE:
		if (!mode_valid(opt_arg))
			tar_fatal("Invalid mode given on option");
		to.mode_spec = opt_arg;
		break;
	case O_MTIME: date_arg(opt_arg, &to.mtime, &to.mtime_ns); to.has_mtime = true; break;
	case O_CLAMP: to.clamp = true; break;
	case 'N': { uint32_t ns; date_arg(opt_arg, &to.newer, &ns); to.has_newer = true; break; }
	case O_NUMERIC: to.numeric = true; break;
	case 'H': format_arg(opt_arg); break;
	case O_POSIX: to.format = F_PAX; break;
	case O_V7: to.format = F_V7; break;
	case O_SORT:
		if (strcmp(opt_arg, "name") && strcmp(opt_arg, "none") && strcmp(opt_arg, "inode"))
			tar_usage("invalid argument %s for %s", quote(opt_arg), quote("--sort"));
		break; /* by name in any case */
	case O_TRANSFORM: transform_add(opt_arg); break;
	case O_SHOW: to.show_transformed = true; break;
	case 'p': to.same_mode = 1; break;
	case O_NO_PERM: to.same_mode = 0; break;
	case O_SAME_OWNER: to.same_owner = 1; break;
	case 'o': case O_NO_OWNER: to.same_owner = 0; break;
	case 'm': to.touch = true; break;
	case 'O': to.to_stdout = true; break;
	case 'k': to.old = OLD_KEEP; break;
	case O_SKIP_OLD: to.old = OLD_SKIP; break;
	case O_KEEP_NEWER: to.old = OLD_NEWER; break;
	case O_OVERWRITE: to.old = OLD_OVERWRITE; break;
	case 'U': to.old = OLD_UNLINK; break;
	case O_DIRLINK: to.keep_dir_links = true; break;
	case O_STRIP: number_arg(opt_arg, "number of elements", 1 << 20, &to.strip); break;
	case O_TOP: to.has_top = true; to.top = opt_arg; break;
	case O_FULL: to.full_time = true; break;
	case O_UTC: to.utc = true; break;
	case 'i': to.ignore_zeros = true; break;
	case O_IGNORE_FAILED: to.ignore_failed = true; break;
	case O_NULL: to.null_names = to.verbatim = true; break;
	case O_NO_NULL: to.null_names = to.verbatim = false; break;
	case O_VERBATIM: to.verbatim = true; break;
	case 'A': case 'd': case 'g': case 'G': case 'M': case 'V': case 'W': case 'w': case 'K': case O_UNSUPPORTED:
		if (opt_long)
			tar_fatal("option '--%s' is not supported", opt_long);
		tar_fatal("option '-%c' is not supported", c);
	}
}

/* "tar xzf FILE" into "tar -x -z -f FILE". */
static char **modern(int *argc, char **argv) {
	const char *letters = argv[1];
	char **out = xcalloc((size_t)*argc + strlen(letters) * 2 + 1, sizeof *out);
	int n = 0, next = 2;
	out[n++] = argv[0];
	for (const char *l = letters; *l; l++) {
		const char *s = *l == ':' ? NULL : strchr(shorts, *l);
		out[n++] = xasprintf("-%c", *l);
		if (!s || s[1] != ':')
			continue;
		if (next >= *argc)
			tar_usage("Old option '%c' requires an argument.", *l);
		out[n++] = argv[next++];
	}
	while (next < *argc)
		out[n++] = argv[next++];
	*argc = n;
	return out;
}

static void default_top(void) {
	static const char *const suffixes[] = {".tar", ".taz", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tlz"};
	char *b = base_name(to.file);
	char *dot = strstr(b, ".tar.");
	if (dot)
		*dot = 0;
	for (size_t i = 0; i < LEN(suffixes) && !dot; i++) {
		size_t n = strlen(b), k = strlen(suffixes[i]);
		if (n > k && strcmp(b + n - k, suffixes[i]) == 0) {
			b[n - k] = 0;
			dot = b;
		}
	}
	if (!dot || !*b)
		tar_usage("Cannot deduce top-level directory name");
	to.top = b;
}

/* Operands and what belongs to them come in the order in which they were given. */
static void arguments(int argc, char **argv) {
	int c;
	/* getopt moves operands behind the options, but -C and -T count where they are. So each operand is taken at once. */
	char **rest = argv + 1;
	int n = argc - 1;
	bool ended = false;
	while (n > 0) {
		if (ended || rest[0][0] != '-' || !rest[0][1]) {
			names_add(*rest++);
			n--;
			continue;
		}
		if (strcmp(*rest, "--") == 0) {
			ended = true;
			rest++, n--;
			continue;
		}
		char *hold = rest[-1];
		rest[-1] = argv[0];
		opt_reset();
		char shorts_in_order[sizeof shorts + 1];
		snprintf(shorts_in_order, sizeof shorts_in_order, "+%s", shorts);
		int used = 1;
		while (opt_ind <= used && (c = opt_next(n + 1, rest - 1, shorts_in_order, longs)) != -1) {
			if (c == 'C')
				names_chdir(opt_arg);
			else if (c == 'T')
				names_from(opt_arg);
			else
				option(c);
			if (opt_ind > 1)
				break;
		}
		used = opt_ind - 1;
		rest[-1] = hold;
		rest += used;
		n -= used;
	}
}

int tar_main(int argc, char **argv) {
	exit_failure = 2;
	opt_status = 64;
	usage_text = xasprintf("Try '%s --help' or '%s --usage' for more information.\n", prog, prog);
	if (argc > 1 && argv[1][0] != '-' && argv[1][0])
		argv = modern(&argc, argv);
	arguments(argc, argv);
	if (!to.mode)
		tar_usage("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options");
	if (to.mode == 'c' && !n_operands)
		tar_usage("Cowardly refusing to create an empty archive");
	if ((to.mode == 'r' || to.mode == 'u') && (to.gzip || to.program))
		tar_usage("Cannot update compressed archives");
	if ((to.mode == 'r' || to.mode == 'u') && strcmp(to.file, "-") == 0)
		tar_usage("Options '-Aru' are incompatible with '-f -'");
	if (to.gzip && to.program)
		tar_usage("Conflicting compression options");
	if (to.blocking < 1)
		tar_usage("Invalid blocking factor");
	if (to.has_top && !to.top)
		default_top();
	if (to.mode == 't' || to.mode == 'x')
		tar_read();
	else
		tar_create();
	if (tar_status == 2)
		warn("Exiting with failure status due to previous errors");
	return tar_status;
}
