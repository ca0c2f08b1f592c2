/* shuf */
#include "tool.h"

const char shuf_help[] = " [OPTION]... [FILE]\n  or:  shuf -e [OPTION]... [ARG]...\n  or:  shuf -i LO-HI [OPTION]...\n"
    "Write a random permutation of the input lines to standard output.\n\n"
    "  -e, --echo                treat each ARG as an input line\n  -i, --input-range=LO-HI   treat each number LO through HI as an input line\n"
    "  -n, --head-count=COUNT    output at most COUNT lines\n  -o, --output=FILE         write result to FILE instead of standard output\n"
    "      --random-source=FILE  get random bytes from FILE\n  -r, --repeat              output lines can be repeated\n"
    "  -z, --zero-terminated     line delimiter is NUL, not newline\n";

/* Random numbers out of a stream of bytes. What a choice leaves unused is kept for the next one: pool is evenly
 * distributed in 0..pool_max. It takes bytes as GNU's does, so that a given source gives the same order. */
static struct rd source;
static const char *source_name = "/dev/urandom";
static uint64_t pool, pool_max;

static unsigned source_byte(void) {
	int c = rd_getc(&source);
	if (c < 0) {
		errno = source.err;
		if (source.err)
			die_errno(1, "%s: read error", quote(source_name));
		die(1, "%s: end of file", quote(source_name));
	}
	return (unsigned)c;
}

/* An even choice out of 0..n-1. */
static uint64_t choose(uint64_t n) {
	for (;;) {
		while (pool_max < n - 1) {
			pool = pool << 8 | source_byte();
			pool_max = pool_max << 8 | 255;
		}
		if (pool_max == n - 1) {
			uint64_t v = pool;
			pool = pool_max = 0;
			return v;
		}
		uint64_t spare = pool_max - (n - 1), odd = spare % n; /* the last `odd` values would favour some choices */
		uint64_t v = pool % n;
		if (pool <= pool_max - odd) {
			pool /= n;
			pool_max = spare / n;
			return v;
		}
		pool = v;
		pool_max = odd - 1;
	}
}

struct text {
	const char *p;
	size_t n;
};

static struct text *lines;
static size_t n_lines, cap_lines;
static uint64_t lo, count; /* of a range: lo, lo+1 …; count: of lines or numbers */
static bool range;
static int delim = '\n';

static void add(const char *p, size_t n) {
	lines = grow(lines, n_lines, &cap_lines, sizeof *lines);
	lines[n_lines++] = (struct text){p, n};
}

static void show(uint64_t i) {
	if (range)
		printf("%llu", (unsigned long long)(lo + i));
	else if (lines[i].n)
		fwrite(lines[i].p, 1, lines[i].n, stdout);
	if (putchar(delim) == EOF)
		exit(1);
}

/* A sparse array that holds its own index where nothing was stored. */
static struct slot {
	uint64_t key, value;
	bool used;
} *slots;
static size_t n_slots;

static struct slot *slot(uint64_t key) {
	size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (n_slots - 1);
	while (slots[i].used && slots[i].key != key)
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static void permute(uint64_t head) {
	if (head > SIZE_MAX / 4 / sizeof *slots)
		die(1, "memory exhausted");
	uint64_t *order = xcalloc((size_t)head + 1, sizeof *order);
	for (n_slots = 64; n_slots < 2 * head + 2; n_slots *= 2)
		;
	slots = xcalloc(n_slots, sizeof *slots);
	for (uint64_t i = 0; i < head; i++) {
		uint64_t j = i + choose(count - i);
		struct slot *a = slot(j);
		uint64_t picked = a->used ? a->value : j;
		struct slot *b = slot(i);
		uint64_t mine = b->used ? b->value : i;
		a = slot(j);
		*a = (struct slot){j, mine, true};
		order[i] = picked;
	}
	for (uint64_t i = 0; i < head; i++)
		show(order[i]);
}

static void parse_range(const char *s) {
	uint64_t hi;
	const char *dash = strchr(s, '-');
	char *first = dash ? xstrndup(s, (size_t)(dash - s)) : NULL;
	if (range)
		die(1, "multiple -i options specified");
	if (!dash || parse_size(first, "", &lo))
		die(1, "invalid input range: %s", quote(dash ? first : s));
	if (parse_size(dash + 1, "", &hi))
		die(1, "invalid input range: %s", quote(dash + 1));
	if ((lo > hi && lo != hi + 1) || (lo == 0 && hi == UINT64_MAX))
		die(1, "invalid input range: %s", quote(s));
	range = true;
	count = hi - lo + 1;
}

static void read_lines(const char *name) {
	size_t n;
	int fd = open_input(name);
	if (fd < 0)
		die_errno(1, "%s", quotef(name));
	char *all = read_all(fd, &n), *p = all;
	if (!all)
		die_errno(1, "read error");
	while (n) {
		char *e = memchr(p, delim, n);
		size_t k = e ? (size_t)(e - p) : n;
		add(p, k);
		p += k + (e != NULL);
		n -= k + (e != NULL);
	}
}

int shuf_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"echo", 0, 'e'}, {"input-range", 1, 'i'}, {"head-count", 1, 'n'}, {"output", 1, 'o'},
	    {"random-source", 1, 256}, {"repeat", 0, 'r'}, {"zero-terminated", 0, 'z'}, {0, 0, 0}};
	int c;
	bool echo = false, repeat = false;
	uint64_t head = UINT64_MAX, v;
	const char *out = NULL;
	while ((c = opt_next(argc, argv, "ei:n:o:rz", longs)) != -1) {
		switch (c) {
		case 'e': echo = true; break;
		case 'i': parse_range(opt_arg); break;
		case 'n': {
			int bad = parse_size(opt_arg, "", &v);
			if (bad > 1)
				die(1, "invalid line count: %s", quote(opt_arg));
			if (bad == 1)
				v = UINT64_MAX;
			head = v < head ? v : head;
			break;
		}
		case 'o':
			if (out && strcmp(out, opt_arg))
				die(1, "multiple output files specified");
			out = opt_arg;
			break;
		case 256:
			source_name = opt_arg;
			break;
		case 'r': repeat = true; break;
		case 'z': delim = 0; break;
		}
	}
	char **rest = argv + opt_ind;
	int n = argc - opt_ind;
	if (echo && range) {
		warn("cannot combine -e and -i options");
		usage(1);
	}
	if (!echo && n > (range ? 0 : 1))
		extra_operand(1, rest[range ? 0 : 1]);
	if (echo)
		for (int i = 0; i < n; i++)
			add(rest[i], strlen(rest[i]));
	else if (!range && head > 0)
		read_lines(n ? rest[0] : "-");
	if (!range)
		count = n_lines;
	int fd = sbx_open(source_name, SBX_O_RDONLY, 0);
	if (fd < 0)
		die_errno(1, "%s", quotef(source_name));
	rd_init(&source, fd);
	if (out) {
		int o = sbx_open(out, SBX_O_WRONLY | SBX_O_CREAT | SBX_O_TRUNC, 0666);
		if (o < 0 || sbx_dup2(o, 1) < 0)
			die_errno(1, "%s", quotef(out));
	}
	if (repeat) {
		if (count == 0 && head > 0)
			die(1, "no lines to repeat");
		while (head == UINT64_MAX || head-- > 0)
			show(choose(count));
		return 0;
	}
	permute(head < count ? head : count);
	return 0;
}
