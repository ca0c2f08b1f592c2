/* dd */
#include "tool.h"

const char dd_help[] = " [OPERAND]...\n"
    "Copy a file, converting and formatting according to the operands.\n\n"
    "  bs=BYTES  ibs=BYTES  obs=BYTES  cbs=BYTES  count=N  skip=N  seek=N  if=FILE  of=FILE\n"
    "  conv=CONVS    lcase ucase swab noerror notrunc sync fsync fdatasync excl nocreat sparse\n"
    "  iflag=FLAGS  oflag=FLAGS   append count_bytes skip_bytes seek_bytes fullblock directory nofollow\n"
    "  status=LEVEL  none, noxfer, progress\n";

enum { LCASE = 1, UCASE = 2, SWAB = 4, NOERROR = 8, NOTRUNC = 16, SYNC = 32, FSYNC = 64, EXCL = 128, NOCREAT = 256, SPARSE = 512 };
enum { APPEND = 1, COUNT_BYTES = 2, SKIP_BYTES = 4, SEEK_BYTES = 8, FULLBLOCK = 16, DIRECTORY = 32, NOFOLLOW = 64, IGNORED = 128 };
struct word {
	const char *name;
	int bit;
};
static const struct word convs[] = {{"lcase", LCASE}, {"ucase", UCASE}, {"swab", SWAB}, {"noerror", NOERROR}, {"notrunc", NOTRUNC},
    {"sync", SYNC}, {"fsync", FSYNC}, {"fdatasync", FSYNC}, {"excl", EXCL}, {"nocreat", NOCREAT}, {"sparse", SPARSE}, {0, 0}};
static const struct word flags[] = {{"append", APPEND}, {"count_bytes", COUNT_BYTES}, {"skip_bytes", SKIP_BYTES},
    {"seek_bytes", SEEK_BYTES}, {"fullblock", FULLBLOCK}, {"directory", DIRECTORY}, {"nofollow", NOFOLLOW}, {"direct", IGNORED},
    {"dsync", IGNORED}, {"sync", IGNORED}, {"nonblock", IGNORED}, {"noatime", IGNORED}, {"nocache", IGNORED}, {"noctty", IGNORED}, {0, 0}};

static const char *in_name, *out_name;
static size_t ibs = 512, obs = 512;
static uint64_t count = UINT64_MAX, skip, seek;
static bool count_is_bytes, skip_is_bytes, seek_is_bytes;
static int conv, iflags, oflags;
static enum { ALL, NOXFER, NONE } status;
static uint64_t in_full, in_part, out_full, out_part, bytes;

static int words(const struct word *list, char *s, const char *what) {
	int bits = 0;
	for (char *w; (w = strsep(&s, ","));) {
		const struct word *p = list;
		while (p->name && strcmp(p->name, w))
			p++;
		if (!p->name) {
			warn("invalid %s: %s", what, quote(w));
			usage(1);
		}
		bits |= p->bit;
	}
	return bits;
}

/* A number with dd's suffixes, which may be a product: 2x1k. A trailing B counts bytes. */
static uint64_t number(const char *s, bool *in_bytes) {
	char *copy = xstrdup(s), *rest = copy, *part;
	uint64_t total = 1, n;
	size_t len = strlen(copy);
	if (in_bytes && len > 1 && copy[len - 1] == 'B' && copy[len - 2] >= '0' && copy[len - 2] <= '9')
		*in_bytes = true, copy[len - 1] = 0;
	while ((part = strsep(&rest, "x"))) {
		int bad = parse_size(part, "bcwEGKkMPTYZ0B", &n);
		if (bad || (n && total > UINT64_MAX / n))
			die(1, "invalid number: %s%s", quote(s), bad == 1 ? ": Value too large for defined data type" : "");
		total *= n;
	}
	free(copy);
	return total;
}

static size_t block_size(const char *s) {
	uint64_t n = number(s, NULL);
	if (!n || n > 1u << 30)
		die(1, "invalid number: %s", quote(s));
	return (size_t)n;
}

static void operand(char *arg) {
	char *v = strchr(arg, '=');
	if (!v) {
		warn("unrecognized operand %s", quote(arg));
		usage(1);
	}
	*v++ = 0;
	if (strcmp(arg, "if") == 0) in_name = v;
	else if (strcmp(arg, "of") == 0) out_name = v;
	else if (strcmp(arg, "bs") == 0) ibs = obs = block_size(v);
	else if (strcmp(arg, "ibs") == 0) ibs = block_size(v);
	else if (strcmp(arg, "obs") == 0) obs = block_size(v);
	else if (strcmp(arg, "cbs") == 0) block_size(v);
	else if (strcmp(arg, "count") == 0) count = number(v, &count_is_bytes);
	else if (strcmp(arg, "skip") == 0 || strcmp(arg, "iseek") == 0) skip = number(v, &skip_is_bytes);
	else if (strcmp(arg, "seek") == 0 || strcmp(arg, "oseek") == 0) seek = number(v, &seek_is_bytes);
	else if (strcmp(arg, "conv") == 0) conv |= words(convs, v, "conversion");
	else if (strcmp(arg, "iflag") == 0) iflags |= words(flags, v, "input flag");
	else if (strcmp(arg, "oflag") == 0) oflags |= words(flags, v, "output flag");
	else if (strcmp(arg, "status") == 0)
		status = strcmp(v, "none") == 0 ? NONE : strcmp(v, "noxfer") == 0 ? NOXFER : ALL;
	else {
		v[-1] = '=';
		warn("unrecognized operand %s", quote(arg));
		usage(1);
	}
}

static ssize_t read_block(uint8_t *p, size_t n) {
	return iflags & FULLBLOCK ? full_read(0, p, n) : read(0, p, n);
}

static void skip_input(void) {
	uint64_t left = skip_is_bytes || iflags & SKIP_BYTES ? skip : skip * ibs;
	if (!left || lseek(0, (off_t)left, SEEK_CUR) >= 0)
		return;
	uint8_t *buf = xmalloc(ibs);
	while (left) {
		ssize_t n = read(0, buf, left < ibs ? (size_t)left : ibs);
		if (n < 0)
			die_errno(1, "error reading %s", quoteaf(in_name ? in_name : "standard input"));
		if (!n) {
			warn("%s: cannot skip to specified offset", quotef(in_name ? in_name : "standard input"));
			break;
		}
		left -= (uint64_t)n;
	}
	free(buf);
}

static void open_files(void) {
	if (in_name) {
		int fd = sbx_open(in_name, SBX_O_RDONLY | (iflags & NOFOLLOW ? SBX_O_NOFOLLOW : 0) | (iflags & DIRECTORY ? SBX_O_DIRECTORY : 0), 0);
		if (fd < 0)
			die_errno(1, "failed to open %s", quoteaf(in_name));
		if (fd && sbx_dup2(fd, 0) < 0)
			die_errno(1, "failed to open %s", quoteaf(in_name));
	}
	uint64_t at = seek_is_bytes || oflags & SEEK_BYTES ? seek : seek * obs;
	if (out_name) {
		int how = SBX_O_WRONLY | (conv & NOCREAT ? 0 : SBX_O_CREAT) | (conv & EXCL ? SBX_O_EXCL : 0) |
		          (conv & NOTRUNC || at ? 0 : SBX_O_TRUNC) | (oflags & APPEND ? SBX_O_APPEND : 0);
		int fd = sbx_open(out_name, how, 0666);
		if (fd < 0)
			die_errno(1, "failed to open %s", quoteaf(out_name));
		if (at && !(conv & NOTRUNC) && ftruncate(fd, (off_t)at) && errno != EINVAL)
			die_errno(1, "failed to truncate to %llu bytes in output file %s", (unsigned long long)at, quoteaf(out_name));
		if (fd != 1 && sbx_dup2(fd, 1) < 0)
			die_errno(1, "failed to open %s", quoteaf(out_name));
	}
	if (at && lseek(1, (off_t)at, SEEK_CUR) < 0)
		die_errno(1, "%s: cannot seek", quotef(out_name ? out_name : "standard output"));
}

static void emit(const uint8_t *p, size_t n) {
	if (full_write(1, p, n))
		die_errno(1, "error writing %s", quoteaf(out_name ? out_name : "standard output"));
	bytes += n;
	if (n == obs)
		out_full++;
	else
		out_part++;
}

static void convert(uint8_t *p, size_t n) {
	if (conv & SWAB)
		for (size_t i = 0; i + 1 < n; i += 2) {
			uint8_t t = p[i];
			p[i] = p[i + 1], p[i + 1] = t;
		}
	for (size_t i = 0; i < n && conv & (LCASE | UCASE); i++)
		if (conv & LCASE && p[i] >= 'A' && p[i] <= 'Z')
			p[i] += 32;
		else if (conv & UCASE && p[i] >= 'a' && p[i] <= 'z')
			p[i] -= 32;
}

static int copy(void) {
	uint8_t *in = xmalloc(ibs), *out = xmalloc(obs);
	size_t held = 0;
	int rc = 0;
	bool by_bytes = count_is_bytes || iflags & COUNT_BYTES;
	uint64_t limit = count;
	while (limit) {
		size_t want = by_bytes && limit < ibs ? (size_t)limit : ibs;
		if (conv & SYNC)
			memset(in, 0, ibs);
		ssize_t n = read_block(in, want);
		if (n < 0) {
			warn_errno("error reading %s", quoteaf(in_name ? in_name : "standard input"));
			rc = 1;
			break;
		}
		if (!n)
			break;
		if ((size_t)n == ibs)
			in_full++;
		else
			in_part++;
		limit -= by_bytes ? (uint64_t)n : 1;
		size_t have = conv & SYNC ? ibs : (size_t)n;
		convert(in, have);
		if (ibs == obs && !held) {
			emit(in, have);
			continue;
		}
		for (size_t at = 0; at < have;) {
			size_t take = have - at < obs - held ? have - at : obs - held;
			memcpy(out + held, in + at, take);
			held += take, at += take;
			if (held == obs)
				emit(out, obs), held = 0;
		}
	}
	if (held)
		emit(out, held);
	if (conv & FSYNC && fsync(1) && errno != EINVAL)
		die_errno(1, "fsync failed for %s", quoteaf(out_name ? out_name : "standard output"));
	return rc;
}

static void report(double seconds) {
	if (status == NONE)
		return;
	fprintf(stderr, "%llu+%llu records in\n%llu+%llu records out\n", (unsigned long long)in_full, (unsigned long long)in_part,
	        (unsigned long long)out_full, (unsigned long long)out_part);
	if (status == NOXFER)
		return;
	char si[32], iec[32], rate[32];
	if (seconds <= 0)
		seconds = 1e-9;
	human(rate, (uint64_t)((double)bytes / seconds), 1, 1, 1000);
	fprintf(stderr, bytes == 1 ? "%llu byte copied" : "%llu bytes", (unsigned long long)bytes);
	if (bytes != 1) {
		if (bytes >= 1000)
			fprintf(stderr, " (%sB", human(si, bytes, 1, 1, 1000));
		if (bytes >= 1024)
			fprintf(stderr, ", %siB", human(iec, bytes, 1, 1, 1024));
		fprintf(stderr, bytes >= 1000 ? ") copied" : " copied");
	}
	fprintf(stderr, ", %g s, %sB/s\n", seconds, rate);
}

int dd_main(int argc, char **argv) {
	int64_t t0, t1;
	uint32_t n0, n1;
	while (opt_next(argc, argv, "", NULL) != -1)
		;
	for (int i = opt_ind; i < argc; i++)
		operand(argv[i]);
	open_files();
	now(&t0, &n0);
	skip_input();
	int rc = copy();
	now(&t1, &n1);
	report((double)(t1 - t0) + ((double)n1 - (double)n0) / 1e9);
	return rc;
}
