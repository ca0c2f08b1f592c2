/* truncate */
#include "tool.h"

const char truncate_help[] = " OPTION... FILE...\n"
    "Shrink or extend the size of each FILE to the specified size\n\n"
    "  -c, --no-create        do not create any files\n"
    "  -o, --io-blocks        treat SIZE as number of IO blocks instead of bytes\n"
    "  -r, --reference=RFILE  base size on RFILE\n"
    "  -s, --size=SIZE        set or adjust the file size by SIZE bytes\n\n"
    "SIZE may be prefixed by one of: '+' extend by, '-' reduce by, '<' at most, '>' at least,\n"
    "'/' round down to multiple of, '%' round up to multiple of.\n";

static const struct lopt longs[] = {{"no-create", 0, 'c'}, {"io-blocks", 0, 'o'}, {"reference", 1, 'r'}, {"size", 1, 's'}, {0, 0, 0}};

static bool no_create, io_blocks, have_size;
static char how;
static uint64_t size;
static int64_t reference = -1;

static uint64_t truncate_size(const char *s) {
	uint64_t n;
	if (parse_size(s, "EGKkMPTYZ0", &n))
		die(1, "Invalid number: %s", quote(s));
	return n;
}

static void parse_spec(const char *s) {
	while (*s == ' ')
		s++;
	how = 0;
	if (*s && strchr("+-<>/%", *s))
		how = *s++;
	while (*s == ' ')
		s++;
	size = truncate_size(s);
	if ((how == '/' || how == '%') && !size)
		die(1, "division by zero");
	have_size = true;
}

static int64_t wanted(int64_t now, uint64_t unit) {
	uint64_t n = size * unit, base = (uint64_t)(reference >= 0 ? reference : now);
	switch (how) {
	case '+': return (int64_t)(base + n);
	case '-': return base > n ? (int64_t)(base - n) : 0;
	case '<': return (int64_t)(base < n ? base : n);
	case '>': return (int64_t)(base > n ? base : n);
	case '/': return (int64_t)(base / n * n);
	case '%': return (int64_t)((base + n - 1) / n * n);
	}
	return have_size ? (int64_t)n : reference;
}

static int one(const char *name) {
	int fd = sbx_open(name, SBX_O_WRONLY | SBX_O_NONBLOCK | (no_create ? 0 : SBX_O_CREAT), 0666);
	if (fd < 0) {
		if (no_create && errno == ENOENT)
			return 0;
		warn_errno("cannot open %s for writing", quote(name));
		return 1;
	}
	struct sbx_stat st;
	int rc = 0;
	if (sbx_fstat(fd, &st)) {
		warn_errno("cannot fstat %s", quote(name));
		rc = 1;
	} else {
		int64_t to = wanted(st.size, io_blocks ? st.blksize : 1);
		if (ftruncate(fd, to)) {
			warn_errno("failed to truncate %s at %lld bytes", quote(name), (long long)to);
			rc = 1;
		}
	}
	close(fd);
	return rc;
}

int truncate_main(int argc, char **argv) {
	int c, rc = 0;
	struct sbx_stat st;
	while ((c = opt_next(argc, argv, "cor:s:", longs)) != -1) {
		switch (c) {
		case 'c': no_create = true; break;
		case 'o': io_blocks = true; break;
		case 's': parse_spec(opt_arg); break;
		case 'r':
			if (sbx_stat(opt_arg, 0, &st))
				die_errno(1, "cannot stat %s", quote(opt_arg));
			reference = st.size;
			break;
		}
	}
	if (!have_size && reference < 0) {
		warn("you must specify either %s or %s", quote("--size"), quote("--reference"));
		usage(1);
	}
	if (reference >= 0 && have_size && !how) {
		warn("you must specify a relative %s with %s", quote("--size"), quote("--reference"));
		usage(1);
	}
	if (opt_ind == argc) {
		warn("missing file operand");
		usage(1);
	}
	for (int i = opt_ind; i < argc; i++)
		rc |= one(argv[i]);
	return rc;
}
