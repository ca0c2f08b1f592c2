/* df */
#include "tool.h"

const char df_help[] = " [OPTION]... [FILE]...\nShow the file system on which each FILE resides, or all file systems.\n\n"
    "  -a, --all             include pseudo, duplicate and inaccessible file systems\n"
    "  -B, --block-size=SIZE  scale sizes by SIZE\n  -h, --human-readable  print sizes in powers of 1024\n"
    "  -H, --si              print sizes in powers of 1000\n  -i, --inodes          list inode information\n"
    "  -k                    like --block-size=1K\n  -l, --local           limit listing to local file systems\n"
    "  -m                    like --block-size=1M\n"
    "      --output[=FIELDS]  source, fstype, itotal, iused, iavail, ipcent, size, used, avail, pcent, file, target\n"
    "  -P, --portability     use the POSIX output format\n  -t, --type=TYPE       limit listing to file systems of type TYPE\n"
    "  -T, --print-type      print file system type\n      --total           produce a grand total\n"
    "  -x, --exclude-type=TYPE  leave out file systems of type TYPE\n      --sync --no-sync  accepted\n";

enum field { SOURCE, FSTYPE, ITOTAL, IUSED, IAVAIL, IPCENT, SIZE, USED, AVAIL, PCENT, FILE_, TARGET, FIELDS };
static const char *const names[] = {"source", "fstype", "itotal", "iused", "iavail", "ipcent", "size", "used", "avail", "pcent",
    "file", "target", NULL};
static const char *titles[FIELDS] = {"Filesystem", "Type", "Inodes", "IUsed", "IFree", "IUse%", "", "Used", "Available", "Use%",
    "File", "Mounted on"};
static const int least[FIELDS] = {14, 4, 5, 5, 5, 4, 5, 5, 5, 4, 0, 0};
static const bool left[FIELDS] = {[SOURCE] = true, [FSTYPE] = true, [FILE_] = true, [TARGET] = true};

struct mount {
	char *source, *target, *type;
	uint64_t dev;
	bool hidden;
};

struct sums {
	uint64_t total, free, avail; /* in bytes or inodes; UINT64_MAX unknown */
};

static struct mount *mounts;
static size_t nmounts;
static enum field fields[FIELDS];
static int nfields, scale_base;
static uint64_t unit = 1024;
static const char *suffix = ""; /* of numbers, after -B without one */
static bool all, inodes, portable, print_total, shown;
static char ***rows;
static size_t nrows, rcap;
static struct sums grand, grand_inodes;
static const char **only, **without;
static int nonly, nwithout;

/* Decodes \040 and the like in place. */
static char *unescape(char *s) {
	char *o = s;
	for (char *p = s; *p; p++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			*o++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + p[3] - '0');
			p += 3;
		} else
			*o++ = *p;
	}
	*o = 0;
	return s;
}

static void read_mounts(void) {
	char *text = slurp("/proc/self/mounts", NULL);
	size_t cap = 0;
	if (!text)
		die_errno(1, "cannot read table of mounted file systems");
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		char *f[3] = {0}, *save = NULL;
		for (int i = 0; i < 3; i++)
			f[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!f[2])
			continue;
		struct sbx_stat st;
		struct mount m = {unescape(f[0]), unescape(f[1]), f[2], 0, false};
		m.dev = sbx_stat(m.target, 0, &st) == 0 ? st.dev : UINT64_MAX - nmounts;
		mounts = grow(mounts, nmounts, &cap, sizeof *mounts);
		mounts[nmounts++] = m;
	}
}

/* Of the mounts of one device df shows one, in the place of the first: the one nearest to the root, or with a real source. */
static void hide_duplicates(void) {
	for (size_t i = 0; i < nmounts; i++) {
		for (size_t k = 0; k < i; k++) {
			struct mount *a = &mounts[k], *b = &mounts[i];
			if (a->hidden || a->dev != b->dev)
				continue;
			if ((strchr(b->source, '/') && !strchr(a->source, '/')) || strlen(a->target) > strlen(b->target) ||
			    (strcmp(a->source, b->source) && strcmp(a->target, b->target) == 0))
				*a = *b;
			b->hidden = true;
			break;
		}
	}
}

static bool listed(const char **list, int n, const char *type) {
	for (int i = 0; i < n; i++)
		if (strcmp(list[i], type) == 0)
			return true;
	return false;
}

static char *number(uint64_t v, bool count) {
	char b[32];
	if (v == UINT64_MAX)
		return xstrdup("-");
	human(b, v, 1, count && !scale_base ? 1 : unit, scale_base);
	return xasprintf("%s%s", b, count ? "" : suffix);
}

static char *percent(const struct sums *s) {
	if (s->total == UINT64_MAX || s->free == UINT64_MAX)
		return xstrdup("-");
	uint64_t used = s->total - s->free, all_of = used + s->avail;
	if (s->total < s->free || !all_of)
		return xstrdup("-");
	return xasprintf("%llu%%", (unsigned long long)(((__uint128_t)used * 100 + all_of - 1) / all_of));
}

static char *cell(enum field f, const struct mount *m, const char *file, const struct sums *b, const struct sums *i) {
	switch (f) {
	case SOURCE: return xstrdup(m->source);
	case FSTYPE: return xstrdup(m->type);
	case ITOTAL: return number(i->total, true);
	case IUSED: return number(i->total == UINT64_MAX ? i->total : i->total - i->free, true);
	case IAVAIL: return number(i->avail, true);
	case IPCENT: return percent(i);
	case SIZE: return number(b->total, false);
	case USED: return number(b->total == UINT64_MAX ? b->total : b->total - b->free, false);
	case AVAIL: return number(b->avail, false);
	case PCENT: return percent(b);
	case FILE_: return xstrdup(file ? file : "-");
	default: return xstrdup(m->target);
	}
}

static void add_row(const struct mount *m, const char *file, const struct sums *b, const struct sums *i) {
	rows = grow(rows, nrows, &rcap, sizeof *rows);
	rows[nrows] = xcalloc(FIELDS, sizeof **rows);
	for (int k = 0; k < nfields; k++) {
		char *c = rows[nrows][k] = cell(fields[k], m, file, b, i);
		for (; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 127)
				*c = '?';
	}
	nrows++;
}

static void show_mount(const struct mount *m, const char *file) {
	struct sbx_statfs s;
	if (nonly && !listed(only, nonly, m->type))
		return;
	if (listed(without, nwithout, m->type))
		return;
	struct sums b = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, i = b;
	if (sbx_statfs(m->target, &s)) {
		if (!all) {
			if (file || (errno != EACCES && errno != ENOENT))
				warn_errno("%s", quotef(m->target));
			return;
		}
	} else {
		uint64_t size = s.bsize ? s.bsize : 512;
		if (!s.blocks && !all && !file)
			return;
		b = (struct sums){s.blocks * size, s.bfree * size, s.bavail * size};
		i = (struct sums){s.files, s.ffree, s.ffree};
		grand.total += b.total, grand.free += b.free, grand.avail += b.avail;
		grand_inodes.total += i.total, grand_inodes.free += i.free, grand_inodes.avail += i.avail;
	}
	shown = true;
	add_row(m, file, &b, &i);
}

static int show_file(const char *name) {
	struct sbx_stat st;
	if (sbx_stat(name, 0, &st)) {
		warn_errno("%s", quotef(name));
		return 1;
	}
	char *path = canonical(name, CANON_ALL, true);
	const struct mount *best = NULL;
	/* A device that is mounted means what is on it. */
	if (S_ISBLK(st.mode) && path)
		for (size_t i = 0; i < nmounts; i++)
			if (strcmp(mounts[i].source, path) == 0 && (!best || strlen(mounts[i].target) < strlen(best->target)))
				best = &mounts[i];
	size_t most = 0;
	for (size_t i = 0; !S_ISBLK(st.mode) && path && i < nmounts; i++) {
		size_t n = strlen(mounts[i].target);
		bool below = n == 1 || (strncmp(path, mounts[i].target, n) == 0 && (!path[n] || path[n] == '/'));
		if (below && n >= most && (mounts[i].dev == st.dev || !best)) {
			if (mounts[i].dev == st.dev)
				most = n;
			best = &mounts[i];
		}
	}
	for (size_t i = 0; (!best || best->dev != st.dev) && !S_ISBLK(st.mode) && i < nmounts; i++)
		if (mounts[i].dev == st.dev)
			best = &mounts[i];
	free(path);
	if (best)
		show_mount(best, name);
	return 0;
}

static void print(void) {
	int width[FIELDS];
	for (int k = 0; k < nfields; k++) {
		width[k] = (int)strlen(titles[fields[k]]) > least[fields[k]] ? (int)strlen(titles[fields[k]]) : least[fields[k]];
		for (size_t r = 0; r < nrows; r++)
			if ((int)strlen(rows[r][k]) > width[k])
				width[k] = (int)strlen(rows[r][k]);
	}
	for (size_t r = 0; r <= nrows; r++) {
		for (int k = 0; k < nfields; k++) {
			const char *s = r ? rows[r - 1][k] : titles[fields[k]];
			if (k)
				putchar(' ');
			if (!left[fields[k]])
				printf("%*s", width[k], s);
			else if (k + 1 < nfields)
				printf("%-*s", width[k], s);
			else
				fputs(s, stdout);
		}
		putchar('\n');
	}
}

static void use(int n, const enum field *list) {
	nfields = n;
	memcpy(fields, list, (size_t)n * sizeof *list);
}

static void add_outputs(char *list) {
	for (char *w = list, *next; w; w = next) {
		next = strchr(w, ',');
		if (next)
			*next++ = 0;
		int f = 0;
		while (names[f] && strcmp(names[f], w))
			f++;
		if (!names[f]) {
			warn("option --output: field %s unknown", quote(w));
			usage(1);
		}
		for (int i = 0; i < nfields; i++)
			if ((int)fields[i] == f) {
				warn("option --output: field %s used more than once", quote(w));
				usage(1);
			}
		fields[nfields++] = (enum field)f;
	}
}

static void block_size(const char *s) {
	char *e = NULL;
	if (strcmp(s, "human-readable") == 0) {
		scale_base = 1024;
	} else if (strcmp(s, "si") == 0) {
		scale_base = 1000;
	} else if (parse_size(s, "EGKkMPTYZ0", &unit) || !unit) {
		strtoul(s, &e, 10);
		die(1, "%s%s argument '%s'", e == s ? "invalid " : "invalid suffix in ", opt_long ? "--block-size" : "-B", s);
	} else {
		scale_base = 0;
		suffix = *s >= '0' && *s <= '9' ? "" : s;
	}
}

static char *size_title(void) {
	char b[32];
	if (scale_base)
		return "Size";
	if (portable)
		return xasprintf("%s-blocks", umax(unit, b));
	const char *up = "KMGTPE";
	uint64_t two = 1, ten = 1;
	for (int i = 0; up[i]; i++) {
		two *= 1024, ten *= 1000;
		if (unit % two == 0 && unit / two < 1024)
			return xasprintf("%s%c-blocks", umax(unit / two, b), up[i]);
		if (unit % ten == 0 && unit / ten < 1000)
			return xasprintf("%s%cB-blocks", umax(unit / ten, b), i ? up[i] : 'k');
	}
	return xasprintf("%sB-blocks", umax(unit, b));
}

int df_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"all", 0, 'a'}, {"block-size", 1, 'B'}, {"human-readable", 0, 'h'}, {"si", 0, 'H'},
	    {"inodes", 0, 'i'}, {"local", 0, 'l'}, {"output", 2, 'o'}, {"portability", 0, 'P'}, {"print-type", 0, 'T'}, {"sync", 0, 1},
	    {"no-sync", 0, 1}, {"total", 0, 2}, {"type", 1, 't'}, {"exclude-type", 1, 'x'}, {0, 0, 0}};
	bool type = false, output = false;
	int c, rc = 0;
	only = xcalloc((size_t)argc + 1, sizeof *only);
	without = xcalloc((size_t)argc + 1, sizeof *without);
	if (getenv("POSIXLY_CORRECT"))
		unit = 512;
	while ((c = opt_next(argc, argv, "aB:hHiklmPTt:vx:", longs)) != -1) {
		switch (c) {
		case 'a': all = true; break;
		case 'B': block_size(opt_arg); break;
		case 'h': scale_base = 1024, suffix = ""; break;
		case 'H': scale_base = 1000, suffix = ""; break;
		case 'i': inodes = true; break;
		case 'k': unit = 1024, scale_base = 0, suffix = ""; break;
		case 'm': unit = 1 << 20, scale_base = 0, suffix = ""; break;
		case 'P': portable = true; break;
		case 'T': type = true; break;
		case 2: print_total = true; break;
		case 't': only[nonly++] = opt_arg; break;
		case 'x': without[nwithout++] = opt_arg; break;
		case 'o':
			output = true;
			if (opt_arg)
				add_outputs(opt_arg);
			break;
		}
	}
	const char *clash = !output ? NULL : inodes ? "-i and --output" : portable ? "-P and --output" : type ? "-T and --output" : NULL;
	if (clash) {
		warn("options %s are mutually exclusive", clash);
		usage(1);
	}
	for (int i = 0; i < nonly; i++)
		if (listed(without, nwithout, only[i]))
			die(1, "file system type %s both selected and excluded", quote(only[i]));
	if (output && !nfields)
		use(12, (enum field[]){SOURCE, FSTYPE, ITOTAL, IUSED, IAVAIL, IPCENT, SIZE, USED, AVAIL, PCENT, FILE_, TARGET});
	if (!output) {
		fields[nfields++] = SOURCE;
		if (type)
			fields[nfields++] = FSTYPE;
		for (int f = inodes ? ITOTAL : SIZE; f <= (inodes ? (int)IPCENT : (int)PCENT); f++)
			fields[nfields++] = (enum field)f;
		fields[nfields++] = TARGET;
	}
	titles[SIZE] = size_title();
	if (scale_base || output)
		titles[AVAIL] = "Avail";
	if (portable && !inodes && !scale_base)
		titles[PCENT] = "Capacity", titles[AVAIL] = "Available";
	read_mounts();
	if (opt_ind < argc) {
		for (int i = opt_ind; i < argc; i++)
			rc |= show_file(argv[i]);
	} else {
		if (!all)
			hide_duplicates();
		for (size_t i = 0; i < nmounts; i++)
			if (!mounts[i].hidden)
				show_mount(&mounts[i], NULL);
	}
	if (!shown) {
		if (!rc)
			die(1, "no file systems processed");
		return rc;
	}
	if (print_total) {
		bool has_source = false;
		for (int k = 0; k < nfields; k++)
			has_source |= fields[k] == SOURCE;
		struct mount total = {"total", has_source ? "-" : "total", "-", 0, false};
		add_row(&total, "-", &grand, &grand_inodes);
	}
	print();
	return rc;
}
