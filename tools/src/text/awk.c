// awk: options, the predefined variables and the main loop.
#include "awk.h"

extern char **environ;

const char awk_help[] =
	" [-F fs] [-v var=value] [-f progfile | 'prog'] [file ...]\n"
	"  -f progfile    --file=progfile        -F fs    --field-separator=fs\n"
	"  -v var=val     --assign=var=val       -e prog  --source=prog\n";

static void usage(void) {
	fprintf(stderr, "Usage: awk%s", awk_help);
	exit(1);
}

static void predefined(awk *w) {
	static const char *const names[] = {"NF", "NR", "FNR", "FS", "RS", "OFS", "ORS", "SUBSEP", "CONVFMT", "OFMT", "RSTART", "RLENGTH", "FILENAME", "ENVIRON", "ARGC", "ARGV", "RT",
		"FIELDWIDTHS", "FPAT", "IGNORECASE", "PROCINFO"};
	for (int i = 0; i < G_COUNT; i++)
		awk_global(w, names[i]);
	static const struct {
		int g;
		const char *v;
	} strs[] = {{G_FS, " "}, {G_RS, "\n"}, {G_OFS, " "}, {G_ORS, "\n"}, {G_SUBSEP, "\034"}, {G_CONVFMT, "%.6g"}, {G_OFMT, "%.6g"}, {G_FILENAME, ""}, {G_RT, ""}};
	for (size_t i = 0; i < sizeof strs / sizeof *strs; i++)
		cell_set(awk_var(w, strs[i].g), cell_str(strs[i].v, strlen(strs[i].v)));
	static const int nums[] = {G_NF, G_NR, G_FNR, G_RSTART};
	for (size_t i = 0; i < 4; i++)
		cell_set(awk_var(w, nums[i]), cell_num(0));
	cell_set(awk_var(w, G_RLENGTH), cell_num(-1));
	w->g[G_ENVIRON]->a = arr_new();
	w->g[G_ARGV]->a = arr_new();
	w->g[G_PROCINFO]->a = arr_new();
	for (char **e = environ; e && *e; e++) {
		char *eq = strchr(*e, '=');
		if (!eq)
			continue;
		str *k = str_new(*e, (size_t)(eq - *e));
		cell_set(&arr_get(w->g[G_ENVIRON]->a, k, 1)->v, cell_input(eq + 1, strlen(eq + 1)));
		str_unref(k);
	}
}

static void arguments(awk *w, char **rest, int n) {
	cell_set(awk_var(w, G_ARGC), cell_num(n + 1));
	for (int i = 0; i <= n; i++) {
		char k[16];
		const char *v = i ? rest[i - 1] : "awk";
		snprintf(k, sizeof k, "%d", i);
		str *ks = str_new(k, strlen(k));
		cell_set(&arr_get(w->g[G_ARGV]->a, ks, 1)->v, cell_input(v, strlen(v)));
		str_unref(ks);
	}
	w->argi = 1;
}

static void assign(awk *w, const char *a) {
	const char *eq = strchr(a, '=');
	if (!eq || (!tx_isalpha((unsigned char)*a) && *a != '_')) {
		if (eq)
			fprintf(stderr, "awk: fatal: `%.*s' is not a legal variable name\n", (int)(eq - a), a);
		else
			fprintf(stderr, "awk: fatal: `%s' argument to `-v' not in `var=value' form\n\n", a);
		exit(2);
	}
	char *nm = tx_memdup(a, (size_t)(eq - a));
	buf b = {0};
	awk_unescape(w, eq + 1, strlen(eq + 1), &b);
	cell_set(awk_var(w, awk_global(w, nm)), cell_input(b.p ? b.p : "", b.n));
	buf_free(&b);
	free(nm);
}

static void set_fs(awk *w, const char *s) {
	buf b = {0};
	if (!strcmp(s, "t"))
		s = "\t";
	awk_unescape(w, s, strlen(s), &b);
	cell_set(awk_var(w, G_FS), cell_str(b.p ? b.p : "", b.n));
	buf_free(&b);
}

static int truth(awk *w, node *n) {
	cell c = awk_eval(w, n);
	int t = awk_true(&c);
	cell_free(&c);
	return t;
}

static int selected(awk *w, rule *r) {
	if (!r->pat)
		return 1;
	if (!r->pat2)
		return truth(w, r->pat);
	if (!r->active) {
		if (!truth(w, r->pat))
			return 0;
		r->active = 1;
	}
	if (truth(w, r->pat2))
		r->active = 0;
	return 1;
}

static void print_record(awk *w) {
	str *s = awk_record(w), *ors = awk_str(w, awk_var(w, G_ORS));
	tx_out(s->d, s->n);
	tx_out(ors->d, ors->n);
	str_unref(s);
	str_unref(ors);
	if (ferror(stdout))
		exit(2);
}

static void main_loop(awk *w) {
	while (!w->unwind && awk_next_record(w)) {
		for (size_t i = 0; i < w->nrules && !w->unwind; i++) {
			rule *r = &w->rules[i];
			if (!selected(w, r) || w->unwind)
				continue;
			if (r->body)
				awk_run(w, r->body);
			else
				print_record(w);
		}
		if (w->unwind == U_NEXTFILE)
			awk_skip_file(w);
		if (w->unwind != U_EXIT)
			w->unwind = U_NONE;
	}
}

int awk_main(int argc, char **argv) {
	static const tx_long longs[] = {{"field-separator", 1, 'F'}, {"assign", 1, 'v'}, {"file", 1, 'f'}, {"source", 1, 'e'}, {"posix", 0, 'P'}, {"traditional", 0, 'P'},
		{"re-interval", 0, 'P'}, {"sandbox", 0, 'P'}, {"lint", 2, 'P'}, {"csv", 0, 'k'}, {"optimize", 0, 'P'}, {"non-decimal-data", 0, 'P'}, {"characters-as-bytes", 0, 'P'}, {NULL, 0, 0}};
	tx_begin("awk", 2);
	awk *w = tx_alloc(sizeof *w);
	tx_opts o;
	int c, have = 0;
	buf src = {0};
	const char *file = NULL;
	predefined(w);
	w->line = 1;
	tx_opt_start(&o, argc, argv, "+F:v:f:e:bcCPrsStOnM", longs);
	o.usage = usage;
	while ((c = tx_opt(&o)) != -1)
		switch (c) {
		case 'F': set_fs(w, o.arg); break;
		case 'v': assign(w, o.arg); break;
		case 'f':
			if (tx_read_all(o.arg, &src)) {
				fprintf(stderr, "awk: fatal: cannot open source file `%s' for reading: %s\n", o.arg, tx_strerror(errno));
				exit(2);
			}
			buf_chr(&src, '\n');
			file = o.arg;
			have = 1;
			break;
		case 'e': buf_str(&src, o.arg); buf_chr(&src, '\n'); have = 1; break;
		}
	int first = 0;
	if (!have) {
		if (!o.nrest)
			usage();
		buf_str(&src, o.rest[0]);
		first = 1;
	}
	arguments(w, o.rest + first, o.nrest - first);
	w->seed[0] = 0x2545F4914F6CDD1Du;
	w->seed[1] = 0x9E3779B97F4A7C15u;
	awk_parse(w, buf_z(&src), src.n, file);
	awk_set_record(w, "", 0);
	awk_run(w, w->begin);
	if (w->unwind == U_NEXT || w->unwind == U_NEXTFILE)
		w->unwind = U_NONE;
	if (!w->unwind && (w->nrules || w->end))
		main_loop(w);
	w->unwind = U_NONE; // exit leads to END
	awk_run(w, w->end);
	awk_close_all(w);
	return tx_end(w->exitcode);
}
