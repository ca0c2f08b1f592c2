/* ps: what is chosen, and how it is shown. ps_args.c reads the arguments, ps_columns.c knows the columns. */
#include "ps_int.h"

const char ps_help[] = " [options]\nReport the processes.\n\n"
    "Basic options:\n -A, -e  all processes          -a  all with tty, except session leaders\n"
    "  a      all with tty           -d  all except session leaders      -N  negate selection\n"
    "  r      only running           T   all on this terminal            x   those without a terminal\n\n"
    "Selection by list:\n -C <command>  -G <GID>  -g <session or group>  -p, p <PID>  --ppid <PID>  -s <session>  -t, t <tty>\n"
    " -u, U <user>  -U <real user>\n\n"
    "Output formats:\n -f, -F  full  -j, j  jobs  -l, l  long  -y  with -l: rss for addr  -o, o <format>  -O, O <format>\n"
    "  u  user-oriented  v  virtual memory  s  signals  f, --forest, -H  process tree  h, --no-headers\n"
    "  k, --sort <[+|-]key,...>  e  environment  c  true command name  n  numeric  S  with dead children  -w, w  wide\n"
    "  L  list format specifiers  --cols <num>\n";

struct request ps_request = {.headers = true};

static bool listed(const struct list *l, int64_t v) {
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == v)
			return true;
	return false;
}

static bool chosen(const struct proc *p, const struct sbx_ids *me, int tty) {
	const struct request *r = &ps_request;
	bool yes = r->all || (r->all_but_leaders && p->sid != p->pid) || (r->terminals && p->tty && p->sid != p->pid);
	yes |= listed(&r->lists[L_PID], p->pid) || listed(&r->lists[L_PPID], p->ppid) || listed(&r->lists[L_SID], p->sid);
	yes |= listed(&r->lists[L_TTY], p->tty) || listed(&r->lists[L_EUID], p->euid) || listed(&r->lists[L_RUID], p->uid);
	yes |= listed(&r->lists[L_RGID], p->gid) || listed(&r->lists[L_EGID], p->egid);
	for (size_t i = 0; i < r->ncommands && !yes; i++)
		yes = strncmp(r->commands[i], p->comm, 15) == 0;
	if (r->bsd_a || r->bsd_x)
		yes |= (r->bsd_a && r->bsd_x) || (r->bsd_a && p->tty) || (r->bsd_x && p->euid == me->euid);
	else if (!r->selected)
		yes = p->euid == me->euid && p->tty == tty;
	if (r->running && p->state != 'R' && p->state != 'D')
		yes = false;
	return yes != r->negate;
}

/* ---- order */

static int compare(const void *va, const void *vb) {
	const struct proc *a = va, *b = vb;
	for (size_t i = 0; i < ps_request.nkeys; i++) {
		const struct column *c = ps_request.keys[i].column;
		int d;
		if (c->key) {
			int64_t x = c->key(a), y = c->key(b);
			d = x < y ? -1 : x > y;
		} else {
			char x[512], y[512];
			c->show(x, sizeof x, a);
			c->show(y, sizeof y, b);
			d = strcmp(x, y);
		}
		if (d)
			return ps_request.keys[i].down ? -d : d;
	}
	return a->at < b->at ? -1 : a->at > b->at;
}

/* The tree: prefixes[i] is what stands before the command of the i-th process shown. */
static char **prefixes;
static struct proc *tree_out;
static size_t tree_n;

static void plant(const struct proc *all, size_t n, bool *done, size_t i, const char *before, bool last, int depth) {
	if (done[i] || depth > 200)
		return;
	done[i] = true;
	bool forest = ps_request.tree == TREE_FOREST;
	tree_out[tree_n] = all[i];
	prefixes[tree_n++] = depth == 0 ? xstrdup("") : forest ? xasprintf("%s \\_ ", before) : xasprintf("%*s", 2 * depth, "");
	size_t child = n;
	char *next = depth == 0 ? xstrdup("") : xasprintf("%s%s", before, last ? "    " : " |  ");
	for (size_t k = 0; k <= n; k++) { /* one behind, to know the last */
		if (k < n && (done[k] || all[k].ppid != all[i].pid || k == i))
			continue;
		if (child < n)
			plant(all, n, done, child, next, k == n, depth + 1);
		child = k;
	}
	free(next);
}

static struct proc *make_tree(const struct proc *all, size_t n) {
	bool *done = xcalloc(n + 1, sizeof *done);
	prefixes = xcalloc(n + 1, sizeof *prefixes);
	tree_out = xcalloc(n + 1, sizeof *tree_out);
	for (int orphans = 0; orphans < 2; orphans++) /* those whose parent is not shown begin a tree; none is left out */
		for (size_t i = 0; i < n; i++) {
			bool parent = false;
			for (size_t k = 0; k < n; k++)
				parent |= k != i && all[k].pid == all[i].ppid;
			if (!parent || orphans)
				plant(all, n, done, i, "", true, 0);
		}
	free(done);
	return tree_out;
}

/* ---- lines */

static int columns_of_screen(void) {
	uint16_t rows, cols;
	char *env = getenv("COLUMNS");
	int n = ps_request.width;
	if (!n && ps_request.wide >= 2)
		n = INT32_MAX;
	if (!n && env && atoi(env) > 0)
		n = atoi(env);
	if (!n)
		n = sbx_winsize(1, &rows, &cols) == 0 && cols ? cols : INT32_MAX;
	return ps_request.wide == 1 && n < 132 ? 132 : n;
}

static bool is_command(const struct column *c) {
	return strcmp(c->title, "COMMAND") == 0 || strcmp(c->title, "CMD") == 0;
}

static char text[131072];

/* One line: columns stand where they should unless one is too wide, which the next ones make up for. */
static void line(const struct proc *p, const char *prefix, int screen) {
	size_t n = 0, should = 0;
	static char out[sizeof text + 4096];
	for (size_t i = 0; i < ps_request.nitems; i++) {
		const struct item *c = &ps_request.items[i];
		bool last = i + 1 == ps_request.nitems;
		size_t width = (size_t)c->width, len, at = 0;
		if (p) {
			if (prefix && is_command(c->column))
				at = (size_t)snprintf(text, sizeof text, "%s", prefix);
			c->column->show(text + at, sizeof text - at, p);
		} else
			snprintf(text, sizeof text, "%s", c->title);
		len = strlen(text);
		if (p && c->column->left && !last && len > width)
			text[len = width] = 0;
		size_t start = c->column->left ? should : should + width > len ? should + width - len : 0;
		size_t pad = start > n ? start - n : i != 0;
		if (n + pad + len >= sizeof out)
			break;
		memset(out + n, ' ', pad);
		memcpy(out + n + pad, text, len);
		n += pad + len;
		should += width + 1;
	}
	if (n > (size_t)screen)
		n = (size_t)screen;
	out[n] = 0;
	fwrite(out, 1, n, stdout);
	putchar('\n');
}

int ps_main(int argc, char **argv) {
	ps_arguments(argc, argv);
	ps_formats();
	struct sbx_ids me;
	sbx_ids(&me);
	struct proc self;
	int tty = proc_read((int)me.pid, &self) ? self.tty : 0;
	if (ps_request.this_tty)
		ps_list_add(L_TTY, tty);
	size_t n, kept = 0;
	struct proc *all = procs_read(&n);
	for (size_t i = 0; i < n; i++)
		if (chosen(&all[i], &me, tty))
			all[kept++] = all[i];
	if (ps_request.nkeys && kept)
		qsort(all, kept, sizeof *all, compare);
	if (ps_request.tree)
		all = make_tree(all, kept);
	bool titles = false;
	for (size_t i = 0; i < ps_request.nitems; i++)
		titles |= *ps_request.items[i].title != 0;
	int screen = columns_of_screen();
	if (titles && ps_request.headers)
		line(NULL, NULL, screen);
	for (size_t i = 0; i < kept; i++)
		line(&all[i], prefixes ? prefixes[i] : NULL, screen);
	return kept == 0;
}
