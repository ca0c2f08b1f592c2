/* gzip, gunzip, zcat: options and files. The format is in gzfmt.c. */
#include "gz.h"

const char gzip_help[] = " [OPTION]... [FILE]...\nCompress or uncompress FILEs (by default, compress FILES in-place).\n\n"
    "  -c, --stdout      write on standard output, keep original files unchanged\n  -d, --decompress  decompress\n"
    "  -f, --force       force overwrite of output file and compress links\n  -k, --keep        keep (don't delete) input files\n"
    "  -l, --list        list compressed file contents\n  -n, --no-name     do not save or restore the original name and timestamp\n"
    "  -N, --name        save or restore the original name and timestamp\n  -q, --quiet       suppress all warnings\n"
    "  -r, --recursive   operate recursively on directories\n  -S, --suffix=SUF  use suffix SUF on compressed files\n"
    "  -t, --test        test compressed file integrity\n  -v, --verbose     verbose mode\n"
    "  -1, --fast        compress faster\n  -9, --best        compress better\n\nWith no FILE, or when FILE is -, read standard input.\n";

enum { ERROR = 1, WARNING = 2 };

static struct {
	bool to_stdout, expand, force, keep, list, quiet, recursive, test;
	int verbose, level, name, time; /* name, time: -1 default, else whether to keep them */
	const char *suffix;
	int status, listed;
	uint64_t total_in, total_out;
} o = {.level = 6, .name = -1, .time = -1, .suffix = ".gz"};

static struct { /* the file at work */
	const char *in;
	char *out; /* NULL: stdout */
	int ifd, ofd;
	struct sbx_stat st;
	bool created, copy, later, trailing; /* copy: not compressed, passed through as -cdf does; later: past the first member; trailing: something follows the last */
	uint64_t bytes_in, bytes_out, header;
	struct gz_in gz;
} f;

static void warning(const char *fmt, ...) PRINTF(1, 2);
static void warning(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	if (!o.quiet) {
		fflush(stdout);
		vfprintf(stderr, fmt, ap);
	}
	va_end(ap);
	if (!o.status)
		o.status = WARNING;
}

static NORETURN void give_up(void) {
	if (f.created)
		unlink(f.out);
	exit(ERROR);
}

static NORETURN void write_failed(void) {
	if (errno != EPIPE) {
		fflush(stdout);
		fprintf(stderr, "\n%s: %s: %s\n", prog, f.out ? f.out : "stdout", errtext(errno));
	}
	give_up();
}

static NORETURN void data_failed(int code) {
	fflush(stdout);
	fprintf(stderr, "\n%s: %s: %s\n", prog, f.in, code == GZ_READ ? errtext(f.gz.in->err) : gz_error(code));
	give_up();
}

static int to_out(void *ctx, const void *p, size_t n) {
	f.bytes_out += n;
	return full_write(f.ofd, p, n);
}

/* ---- one stream */

static void compress(void) {
	static char buf[65536];
	struct gz_out g;
	int64_t t = o.time == 0 ? 0 : f.st.mtime;
	const char *name = o.name == 0 || strcmp(f.in, "stdin") == 0 ? NULL : base_of(f.in);
	if (t < 0 || t > UINT32_MAX) {
		warning("%s: %s: warning: file timestamp out of range for gzip format\n", prog, f.in);
		t = 0;
	}
	if (!S_ISREG(f.st.mode))
		t = 0;
	if (gz_out_start(&g, o.level, name, (uint32_t)t, to_out, NULL))
		write_failed();
	for (;;) {
		ssize_t n = full_read(f.ifd, buf, sizeof buf);
		if (n < 0) {
			fprintf(stderr, "\n%s: %s: %s\n", prog, f.in, errtext(errno));
			give_up();
		}
		if (n == 0)
			break;
		if (gz_out_write(&g, buf, (size_t)n))
			write_failed();
	}
	f.bytes_in = g.in;
	if (gz_out_end(&g))
		write_failed();
	f.header = g.header + 8;
}

static bool wrong_header(int code) {
	if (code == GZ_EOF || code == GZ_READ)
		data_failed(code);
	fflush(stdout);
	fprintf(stderr, "\n%s: %s: %s\n", prog, f.in, gz_error(code));
	o.status = ERROR;
	return false;
}

static bool is_gzip(void) {
	char *p;
	struct rd *in = f.gz.in;
	ssize_t n = rd_peek(in, &p);
	return n >= 2 ? (uint8_t)p[0] == 0x1f && (uint8_t)p[1] == 0x8b : false;
}

static bool begin_expand(void) {
	f.copy = o.force && o.to_stdout && !o.list && !is_gzip();
	if (f.copy)
		return true;
	int code = gz_header(&f.gz, true);
	return code == 1 || wrong_header(code);
}

/* All members. False: the file is damaged in a way that only -t and -l outlive. */
static bool expand(void) {
	const uint8_t *p;
	ssize_t n;
	if (f.copy) {
		char *q;
		while ((n = rd_peek(f.gz.in, &q)) > 0) {
			if (to_out(NULL, q, (size_t)n))
				write_failed();
			rd_skip(f.gz.in, (size_t)n);
		}
		if (n < 0)
			data_failed(GZ_READ);
		return true;
	}
	for (;;) {
		while ((n = gz_next(&f.gz, &p)) > 0) {
			f.bytes_out += (uint64_t)n;
			if (!o.test && !o.list && full_write(f.ofd, p, (size_t)n))
				write_failed();
		}
		if ((n == GZ_CRC || n == GZ_LENGTH) && (o.test || o.list)) {
			fflush(stdout);
			fprintf(stderr, "\n%s: %s: %s\n", prog, f.in, gz_error((int)n));
			o.status = ERROR;
			return false;
		}
		if (n < 0)
			data_failed((int)n);
		int code = gz_header(&f.gz, false);
		f.trailing = code == GZ_MAGIC || f.gz.zeros;
		if (code == GZ_END && f.gz.zeros && o.verbose)
			warning("\n%s: %s: decompression OK, trailing zero bytes ignored\n", prog, f.in);
		if (code == GZ_END)
			return true;
		if (code == GZ_MAGIC) {
			warning("\n%s: %s: decompression OK, trailing garbage ignored\n", prog, f.in);
			return true;
		}
		if (code != 1)
			return wrong_header(code);
		f.bytes_out = 0; /* as GNU counts: of the last member */
		f.later = true;
	}
}

static void ratio(FILE *to, int64_t num, uint64_t den) {
	fprintf(to, "%5.1f%%", den ? 100.0 * (double)num / (double)den : 0.0);
}

static void list_row(const char *name, uint64_t in, uint64_t out) {
	printf("%19llu %19llu ", (unsigned long long)in, (unsigned long long)out);
	ratio(stdout, (int64_t)(out - (in - f.header)), out);
	printf(" %s\n", name);
}

static void list_head(void) {
	if (!o.quiet && !o.listed++) {
		if (o.verbose)
			printf("method  crc     date  time  ");
		printf("%19s %19s  ratio uncompressed_name\n", "compressed", "uncompressed");
	}
}

static void list_file(const char *name) {
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct when w;
	bool from_header = o.time == 1 && f.gz.mtime;
	list_head();
	local_time(from_header ? (int64_t)f.gz.mtime : f.st.mtime, 0, &w);
	if (o.verbose)
		printf("defla %08x %.3s%3d %02d:%02d ", f.gz.want_crc, months + 3 * w.mon, w.mday, w.hour, w.min);
	list_row(name, f.bytes_in, f.bytes_out);
	o.total_in += f.bytes_in;
	o.total_out += f.bytes_out;
}

/* ---- files */

static const char *suffix_of(const char *name) {
	static const char *const known[] = {NULL, ".gz", ".z", ".taz", ".tgz", "-gz", "-z", "_z"};
	size_t n = strlen(name);
	for (size_t i = 0; i < LEN(known); i++) {
		const char *s = known[i] ? known[i] : o.suffix;
		size_t k = strlen(s);
		if (n > k && name[n - k - 1] != '/' && (i ? strcasecmp(name + n - k, s) : strcmp(name + n - k, s)) == 0)
			return name + n - k;
	}
	return NULL;
}

/* The name to write to, in f.out. False: not this file. */
static bool choose_output(void) {
	const char *suf = suffix_of(f.in);
	if (!o.expand) {
		if (suf && !o.force) {
			if (o.verbose || (!o.recursive && !o.quiet))
				fprintf(stderr, "%s: %s already has %s suffix -- unchanged\n", prog, f.in, suf);
			return false;
		}
		f.out = xasprintf("%s%s", f.in, o.suffix);
		return true;
	}
	if (!suf) {
		f.out = xstrdup(f.in);
		if (!o.recursive && (o.list || o.test))
			return true;
		if (o.verbose || (!o.recursive && !o.quiet))
			warning("%s: %s: unknown suffix -- ignored\n", prog, f.in);
		else if (!o.status)
			o.status = WARNING;
		return false;
	}
	bool tar = strcasecmp(suf, ".tgz") == 0 || strcasecmp(suf, ".taz") == 0;
	f.out = xasprintf("%.*s%s", (int)(suf - f.in), f.in, tar ? ".tar" : "");
	return true;
}

/* -N: the name that the header has, next to the input. */
static void name_from_header(void) {
	if (o.name != 1 || !f.gz.name || !*base_of(f.gz.name) || strchr("/.", *base_of(f.gz.name)))
		return;
	const char *slash = strrchr(f.in, '/');
	char *name = xasprintf("%.*s%s", slash ? (int)(slash - f.in + 1) : 0, f.in, base_of(f.gz.name));
	free(f.out);
	f.out = name;
}

static bool overwrite(void) {
	struct sbx_stat st;
	if (sbx_stat(f.out, SBX_NOFOLLOW, &st))
		return true;
	if (!o.force) {
		bool yes = false;
		fprintf(stderr, "%s: %s already exists;", prog, f.out);
		if (isatty(0)) {
			char line[64];
			fprintf(stderr, " do you wish to overwrite (y or n)? ");
			yes = fgets(line, sizeof line, stdin) && (*line == 'y' || *line == 'Y');
		}
		if (!yes) {
			fprintf(stderr, "\tnot overwritten\n");
			if (!o.status)
				o.status = WARNING;
			return false;
		}
	}
	if (unlink(f.out)) {
		warn_errno("%s", f.out);
		o.status = ERROR;
		return false;
	}
	return true;
}

static bool create_output(void) {
	if (!overwrite())
		return false;
	f.ofd = sbx_open(f.out, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_EXCL, 0600);
	if (f.ofd < 0) {
		warn_errno("%s", f.out);
		o.status = ERROR;
		return false;
	}
	f.created = true;
	return true;
}

static void finish_output(void) {
	int64_t t = o.expand && o.time == 1 && f.gz.mtime ? f.gz.mtime : f.st.mtime;
	bool header = o.expand && o.time == 1 && f.gz.mtime;
	int64_t ts[4] = {f.st.atime, f.st.atime_ns, t, header ? 0 : f.st.mtime_ns};
	if (close(f.ofd))
		write_failed();
	sbx_chown(f.out, 0, f.st.uid, f.st.gid); /* as far as allowed */
	if (sbx_chmod(f.out, 0, f.st.mode & 07777) && !o.quiet)
		warn_errno("%s", f.out);
	if (sbx_utimens(f.out, 0, ts) && !o.quiet)
		warn_errno("%s", f.out);
	f.created = false;
	if (!o.keep && unlink(f.in)) {
		warn_errno("%s", f.in);
		o.status = ERROR;
	}
}

static void report(const char *what) {
	if (o.test)
		fputs(" OK", stderr);
	else if (o.expand)
		ratio(stderr, (int64_t)(f.bytes_out - (f.bytes_in - f.header)), f.bytes_out);
	else
		ratio(stderr, (int64_t)(f.bytes_in - (f.bytes_out - f.header)), f.bytes_in);
	if (what && !o.test)
		fprintf(stderr, " -- %s %s", o.keep ? "created" : "replaced with", what);
	fputc('\n', stderr);
}

/* Compresses, expands, tests or lists what is open in f. */
static void process(void) {
	struct rd in;
	bool ok = true;
	f.ofd = 1;
	if (o.expand) {
		rd_init(&in, f.ifd);
		gz_in_init(&f.gz, &in);
		ok = begin_expand();
		if (ok && o.name == 1)
			name_from_header();
	}
	bool file = f.out && !o.test && !o.list && !o.to_stdout;
	if (ok && file)
		ok = create_output();
	if (ok) {
		if (o.verbose && !o.list && f.out)
			fprintf(stderr, "%s:\t", f.in);
		if (!o.expand) {
			compress();
		} else {
			bool whole = expand();
			uint64_t size = (uint64_t)f.st.size;
			f.bytes_in = S_ISREG(f.st.mode) ? size : 0;
			f.header = f.later ? 0 : 18 + (f.gz.name ? strlen(f.gz.name) + 1 : 0);
			ok = whole;
		}
		if (ok && file)
			finish_output();
		if (ok && o.list)
			list_file(f.out ? f.out : "stdout");
		else if (ok && o.verbose && (f.out || ((o.test || !o.expand) && !f.trailing)))
			report(!f.out ? NULL : o.to_stdout ? "stdout" : f.out);
	}
	if (f.created)
		unlink(f.out);
	if (o.expand) {
		gz_in_free(&f.gz);
		rd_free(&in);
	}
	free(f.out);
	f.out = NULL;
	f.created = false;
}

static void do_stdin(void) {
	memset(&f, 0, sizeof f);
	f.in = "stdin";
	if (!o.force && !o.list && (o.expand ? isatty(0) : isatty(1)) && !(o.expand && o.test)) {
		fprintf(stderr, "%s: compressed data not %s a terminal.%s\nFor help, type: %s -h\n", prog, o.expand ? "read from" : "written to",
		    o.expand ? " Use -f to force decompression." : " Use -f to force compression.", prog);
		exit(ERROR);
	}
	if (sbx_fstat(0, &f.st)) {
		warn_errno("standard input");
		exit(ERROR);
	}
	bool old = o.to_stdout;
	o.to_stdout = true;
	process();
	o.to_stdout = old;
}

static void do_file(const char *name);

static void do_dir(const char *dir) {
	int n;
	struct ent *e = dir_list(dir, &n);
	if (n < 0) {
		warn_errno("%s", dir);
		o.status = ERROR;
		return;
	}
	for (int i = 0; i < n; i++) {
		char *p = path_join(dir, e[i].name);
		do_file(p);
		free(p);
	}
	dir_free(e, n);
}

/* Opens name, or when expanding name with a suffix. The name that it opened under, malloced, or NULL. */
static char *open_file(const char *name) {
	static const char *const tries[] = {"", ".gz", NULL, ".z", "-z", ".Z"};
	int flags = SBX_O_RDONLY | SBX_O_NONBLOCK | (o.to_stdout || o.force || o.test || o.list ? 0 : SBX_O_NOFOLLOW);
	bool more = o.expand && !suffix_of(name);
	int first = 0;
	for (size_t i = 0; i < (more ? LEN(tries) : 1); i++) {
		char *p = xasprintf("%s%s", name, tries[i] ? tries[i] : o.suffix);
		f.ifd = sbx_open(p, flags, 0);
		if (f.ifd >= 0)
			return p;
		free(p);
		if (errno != ENOENT)
			break;
		first = errno;
	}
	if (first)
		errno = first;
	char *shown = xasprintf("%s%s", name, more && errno == ENOENT ? o.suffix : "");
	warn_errno("%s", shown);
	free(shown);
	o.status = ERROR;
	return NULL;
}

static bool refuse(void) {
	if (o.to_stdout || o.test || o.list)
		return false;
	if (!S_ISREG(f.st.mode))
		warning("%s: %s is not a directory or a regular file - ignored\n", prog, f.in);
	else if (f.st.mode & 04000)
		warning("%s: %s is set-user-ID on execution - ignored\n", prog, f.in);
	else if (f.st.mode & 02000)
		warning("%s: %s is set-group-ID on execution - ignored\n", prog, f.in);
	else if (!o.force && f.st.mode & 01000)
		warning("%s: %s has the sticky bit set - file ignored\n", prog, f.in);
	else if (!o.force && f.st.nlink > 1)
		warning("%s: %s has %u other link%s -- file ignored\n", prog, f.in, f.st.nlink - 1, f.st.nlink == 2 ? "" : "s");
	else
		return false;
	return true;
}

static void do_file(const char *name) {
	if (strcmp(name, "-") == 0) {
		do_stdin();
		return;
	}
	memset(&f, 0, sizeof f);
	char *opened = open_file(name);
	if (!opened)
		return;
	f.in = opened;
	int fd = f.ifd;
	if (sbx_fstat(fd, &f.st)) {
		warn_errno("%s", opened);
		o.status = ERROR;
	} else if (S_ISDIR(f.st.mode)) {
		if (o.recursive) {
			close(fd);
			fd = -1;
			do_dir(opened);
		} else {
			warning("%s: %s is a directory -- ignored\n", prog, opened);
		}
	} else if (!refuse()) {
		if (o.to_stdout && !o.list && !o.test) {
			f.out = xstrdup("stdout");
			process();
		} else if (choose_output()) {
			process();
		} else {
			free(f.out);
			f.out = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	free(opened);
}

static const struct lopt longs[] = {{"ascii", 0, 'a'}, {"to-stdout", 0, 'c'}, {"stdout", 0, 'c'}, {"decompress", 0, 'd'},
    {"uncompress", 0, 'd'}, {"force", 0, 'f'}, {"keep", 0, 'k'}, {"list", 0, 'l'}, {"license", 0, 'L'}, {"lzw", 0, 'a'}, {"no-name", 0, 'n'}, {"name", 0, 'N'},
    {"quiet", 0, 'q'}, {"silent", 0, 'q'}, {"synchronous", 0, 'a'}, {"recursive", 0, 'r'}, {"suffix", 1, 'S'}, {"test", 0, 't'},
    {"verbose", 0, 'v'}, {"fast", 0, '1'}, {"best", 0, '9'}, {"rsyncable", 0, 'a'}, {0, 0, 0}};

int gzip_main(int argc, char **argv) {
	int c;
	const char *called = base_of(prog);
	o.expand = strcmp(called, "gunzip") == 0 || strcmp(called, "zcat") == 0;
	o.to_stdout = strcmp(called, "zcat") == 0;
	prog = "gzip"; /* whatever the name, messages are gzip's */
	usage_text = "Try `gzip --help' for more information.\n";
	while ((c = opt_next(argc, argv, "ab:cdfhklLmMnNqrS:tvV123456789", longs)) != -1)
		switch (c) {
		case 'c': o.to_stdout = true; break;
		case 'd': o.expand = true; break;
		case 'f': o.force = true; break;
		case 'k': o.keep = true; break;
		case 'l': o.list = o.expand = o.to_stdout = true; break;
		case 'n': o.name = o.time = 0; break;
		case 'N': o.name = o.time = 1; break;
		case 'm': o.time = 0; break;
		case 'M': o.time = 1; break;
		case 'q': o.quiet = true; o.verbose = 0; break;
		case 'r': o.recursive = true; break;
		case 'S': o.suffix = opt_arg; break;
		case 't': o.test = o.expand = o.to_stdout = true; break;
		case 'v': o.verbose++; o.quiet = false; break;
		case 'h': printf("Usage: %s%s", prog, gzip_help); return 0;
		case 'L': case 'V': printf("gzip (sbx tools) 1.0\n"); return 0;
		default:
			if (c >= '1' && c <= '9')
				o.level = c - '0';
		}
	if (!*o.suffix || strlen(o.suffix) > 30 || strchr(o.suffix, '/')) {
		warn("invalid suffix '%s'", o.suffix);
		return ERROR;
	}
	if (opt_ind == argc)
		do_stdin();
	for (int i = opt_ind; i < argc; i++)
		do_file(argv[i]);
	if (o.list && !o.quiet && argc - opt_ind > 1) {
		list_head();
		printf("%*s", o.verbose ? 28 : 0, "");
		list_row("(totals)", o.total_in, o.total_out);
	}
	return o.status;
}
