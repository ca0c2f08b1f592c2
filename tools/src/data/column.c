/* column */
#include "tool.h"

const char column_help[] = " [options] [<file>...]\nColumnate lists.\n\n"
    "  -t, --table                      create a table\n  -s, --separator <string>         possible table delimiters\n"
    "  -o, --output-separator <string>  columns separator for table output (default is two spaces)\n"
    "  -N, --table-columns <names>      comma separated columns names\n  -R, --table-right <columns>      right align text in these columns\n"
    "  -L, --keep-empty-lines           don't ignore empty lines\n";

struct row {
	char **cell;
	size_t n, cap;
};

static struct row *rows, head;
static size_t n_rows, cap_rows, *width, n_width, cap_width;
static bool *right;
static bool keep_empty;
static const char *seps, *between = "  ";

/* Cells on the screen: characters of UTF-8, or bytes where it is none. */
static size_t cells(const char *s) {
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void add_cell(struct row *r, const char *p, size_t n) {
	r->cell = grow(r->cell, r->n, &r->cap, sizeof *r->cell);
	r->cell[r->n++] = xstrndup(p, n);
}

static void split(struct row *r, const char *p) {
	if (!seps) {
		for (p += strspn(p, " \t"); *p; p += strspn(p, " \t")) {
			size_t n = strcspn(p, " \t");
			add_cell(r, p, n);
			p += n;
		}
		return;
	}
	for (;;) {
		size_t n = strcspn(p, seps);
		add_cell(r, p, n);
		if (!p[n])
			return;
		p += n + 1;
	}
}

static void measure(const struct row *r) {
	for (size_t i = 0; i < r->n; i++) {
		if (i == n_width) {
			width = grow(width, n_width, &cap_width, sizeof *width);
			width[n_width++] = 0;
		}
		size_t w = cells(r->cell[i]);
		if (w > width[i])
			width[i] = w;
	}
}

static void spaces(size_t n) {
	while (n--)
		putchar(' ');
}

static void put_row(const struct row *r) {
	for (size_t i = 0; i < n_width; i++) {
		const char *s = i < r->n ? r->cell[i] : "";
		size_t pad = width[i] - cells(s);
		if (right[i])
			spaces(pad);
		fputs(s, stdout);
		if (i + 1 < n_width) {
			if (!right[i])
				spaces(pad);
			fputs(between, stdout);
		}
	}
	putchar('\n');
}

static int read_rows(const char *name) {
	struct rd r;
	char *p;
	size_t n;
	int fd = strcmp(name, "-") == 0 ? 0 : sbx_open(name, SBX_O_RDONLY, 0);
	if (fd < 0) {
		warn_errno("%s", name);
		return 1;
	}
	rd_init(&r, fd);
	while ((p = rd_line(&r, '\n', &n))) {
		char *line = xstrndup(p, n && p[n - 1] == '\n' ? n - 1 : n);
		if (line[strspn(line, " \t")] || keep_empty) {
			rows = grow(rows, n_rows, &cap_rows, sizeof *rows);
			rows[n_rows] = (struct row){0};
			split(&rows[n_rows++], line);
		}
		free(line);
	}
	if (r.err) {
		errno = r.err;
		warn_errno("%s", name);
	}
	int rc = r.err != 0;
	rd_free(&r);
	if (fd)
		close(fd);
	return rc;
}

static void align(char *list) {
	char *w, *rest = list;
	while ((w = strtok_r(rest, ",", &rest))) {
		uint64_t v = 0;
		size_t i = SIZE_MAX;
		if (parse_size(w, "", &v) == 0 && v >= 1)
			i = (size_t)v - 1;
		else
			for (size_t k = 0; k < head.n; k++)
				if (strcmp(head.cell[k], w) == 0)
					i = k;
		if (i == SIZE_MAX)
			die(1, "undefined column name '%s'", w);
		if (i < n_width)
			right[i] = true;
	}
}

int column_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"table", 0, 't'}, {"separator", 1, 's'}, {"output-separator", 1, 'o'}, {"table-columns", 1, 'N'},
	    {"table-right", 1, 'R'}, {"keep-empty-lines", 0, 'L'}, {0, 0, 0}};
	int c, rc = 0;
	bool table = false;
	char *names = NULL, *to_right = NULL;
	while ((c = opt_next(argc, argv, "ts:o:N:R:L", longs)) != -1) {
		switch (c) {
		case 't': table = true; break;
		case 's': seps = opt_arg; break;
		case 'o': between = opt_arg; break;
		case 'N': names = opt_arg; break;
		case 'R': to_right = xstrdup(opt_arg); break;
		case 'L': keep_empty = true; break;
		}
	}
	if (!table)
		die(1, "only tables are supported: use -t");
	char *in[] = {"-", NULL};
	for (char **f = opt_ind < argc ? argv + opt_ind : in; *f; f++)
		rc |= read_rows(*f);
	if (names) {
		const char *saved = seps;
		seps = ",";
		split(&head, names);
		seps = saved;
		measure(&head);
	}
	for (size_t i = 0; i < n_rows; i++)
		measure(&rows[i]);
	right = xcalloc(n_width + 1, sizeof *right);
	if (to_right)
		align(to_right);
	if (names && n_rows)
		put_row(&head);
	for (size_t i = 0; i < n_rows; i++)
		put_row(&rows[i]);
	return rc;
}
