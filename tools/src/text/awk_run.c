// awk: evaluation.
#include "awk.h"
#include <math.h>

enum { MAXCALLS = 2000 };

static slot *slot_of(awk *w, node *n) { return n->op == N_LOCAL ? &w->locals[n->i] : w->g[n->i]; }

array *awk_array(awk *w, node *n) {
	if (n->op == N_GROUP)
		n = n->a;
	if (n->op != N_GLOBAL && n->op != N_LOCAL)
		awk_fatal(w, "fatal: attempt to use a scalar value as array");
	slot *s = slot_of(w, n);
	if (s->a)
		return s->a;
	if (s->c.t)
		awk_fatal(w, "fatal: attempt to use scalar `%s' as an array", n->op == N_GLOBAL ? w->gnames[n->i] : "parameter");
	slot *root = s;
	while (root->from && !root->a)
		root = root->from;
	if (!root->a)
		root->a = arr_new();
	for (; s != root; s = s->from) {
		s->a = root->a;
		s->a->ref++;
	}
	return root->a;
}

static str *subscript(awk *w, node *l) {
	cell c = awk_eval(w, l->a);
	if (!l->next) {
		str *s = c.t & V_NUM && c.n == (double)(int)c.n ? NULL : awk_str(w, &c);
		if (!s) {
			char b[16];
			s = str_new(b, (size_t)snprintf(b, sizeof b, "%d", (int)c.n));
		}
		cell_free(&c);
		return s;
	}
	buf b = {0};
	str *sep = awk_str(w, awk_var(w, G_SUBSEP));
	for (;;) {
		str *s = awk_str(w, &c);
		buf_add(&b, s->d, s->n);
		str_unref(s);
		cell_free(&c);
		l = l->next;
		if (!l)
			break;
		buf_add(&b, sep->d, sep->n);
		c = awk_eval(w, l->a);
	}
	str_unref(sep);
	str *r = str_new(b.p, b.n);
	buf_free(&b);
	return r;
}

cell *awk_lvalue(awk *w, node *n) {
	if (n->op == N_INDEX) {
		str *k = subscript(w, n->b);
		elem *e = arr_get(awk_array(w, n->a), k, 1);
		str_unref(k);
		return &e->v;
	}
	slot *s = slot_of(w, n);
	if (s->a)
		awk_fatal(w, "fatal: attempt to use array `%s' in a scalar context", n->op == N_GLOBAL ? w->gnames[n->i] : "parameter");
	return &s->c;
}

static size_t field_index(awk *w, node *n) {
	cell c = awk_eval(w, n);
	double d = awk_num(&c);
	cell_free(&c);
	if (d < 0)
		awk_fatal(w, "fatal: attempt to access field %d", (int)d);
	if (d > 10000000)
		awk_fatal(w, "fatal: attempt to access field %.0f", d);
	return (size_t)d;
}

static void assign_global(awk *w, int g, cell v) {
	if (g == G_NF) {
		double d = awk_num(&v);
		cell_free(&v);
		awk_set_nf(w, d);
		return;
	}
	if (g == G_FS || g == G_FIELDWIDTHS || g == G_FPAT) {
		awk_split_record(w); // the present record keeps its fields
		if (g != G_FIELDWIDTHS)
			cell_set(awk_var(w, G_FIELDWIDTHS), (cell){0});
		if (g != G_FPAT)
			cell_set(awk_var(w, G_FPAT), (cell){0});
	}
	if (g == G_OFS && w->rebuilt)
		awk_field(w, 0);
	if (g == G_CONVFMT || g == G_OFMT || g == G_FS || g == G_RS || g == G_OFS || g == G_FPAT || g == G_FIELDWIDTHS) {
		str *s = awk_str(w, &v);
		cell_free(&v);
		v = (cell){V_STR, 0, s};
	}
	cell_set(awk_var(w, g), v);
}

void awk_assign(awk *w, node *lv, cell v) {
	if (lv->op == N_GROUP)
		lv = lv->a;
	if (lv->op == N_FIELD) {
		size_t i = field_index(w, lv->a);
		awk_set_field(w, i, v);
	} else if (lv->op == N_GLOBAL && lv->i < G_COUNT && !w->g[lv->i]->a)
		assign_global(w, lv->i, v);
	else
		cell_set(awk_lvalue(w, lv), v);
}

static double arith(awk *w, int op, double a, double b) {
	switch (op) {
	case '+': return a + b;
	case '-': return a - b;
	case '*': return a * b;
	case '/':
		if (b == 0)
			awk_fatal(w, "error: division by zero attempted");
		return a / b;
	case '%':
		if (b == 0)
			awk_fatal(w, "error: division by zero attempted in `%%'");
		return fmod(a, b);
	}
	if (b == floor(b) && fabs(b) < 1024) { // exact for integers
		double r = 1, x = a;
		for (int n = (int)fabs(b); n; n >>= 1, x *= x)
			if (n & 1)
				r *= x;
		return b < 0 ? 1 / r : r;
	}
	return pow(a, b);
}

static double eval_num(awk *w, node *n) {
	cell c = awk_eval(w, n);
	double d = awk_num(&c);
	cell_free(&c);
	return d;
}

re *awk_re_of(awk *w, node *n) {
	if (n->op == N_GROUP && n->a->op == N_REGEX)
		n = n->a;
	if (n->op == N_REGEX) {
		if (!awk_true(awk_var(w, G_IGNORECASE)))
			return n->re;
		return awk_regex(w, n->v.s);
	}
	cell c = awk_eval(w, n);
	str *s = awk_str(w, &c);
	cell_free(&c);
	re *r = awk_regex(w, s);
	str_unref(s);
	return r;
}

static int matches(awk *w, str *s, re *r) { return re_exec(r, s->d, s->n, 0, NULL, 0, 0); }

static cell incdec(awk *w, node *n) {
	cell old = awk_eval(w, n->a);
	double d = awk_num(&old), to = n->op == N_PREINC || n->op == N_POSTINC ? d + 1 : d - 1;
	cell_free(&old);
	awk_assign(w, n->a, cell_num(to));
	return cell_num(n->op == N_PREINC || n->op == N_PREDEC ? to : d);
}

static cell do_getline(awk *w, node *n) {
	char *s;
	size_t len;
	int r;
	if (n->i) {
		cell c = awk_eval(w, n->b);
		str *name = awk_str(w, &c);
		cell_free(&c);
		if (!name->n && n->i == '<')
			awk_fatal(w, "fatal: expression for `<' redirection has null string value");
		r = awk_getline_from(w, name, n->i == '|', &s, &len);
		str_unref(name);
		if (r > 0 && n->i == '|') {
			cell *nr = awk_var(w, G_NR);
			cell_set(nr, cell_num(awk_num(nr) + 1));
		}
	} else
		r = awk_read_main(w, &s, &len);
	if (r > 0) {
		if (n->a)
			awk_assign(w, n->a, cell_input(s, len));
		else
			awk_set_record(w, s, len);
	}
	return cell_num(r);
}

static cell call(awk *w, node *n) {
	func *f = &w->f[n->i];
	if (!f->defined)
		awk_fatal(w, "fatal: function `%s' not defined", f->name);
	if (++w->calls > MAXCALLS)
		awk_fatal(w, "fatal: function calls nested too deep");
	slot *fr = tx_alloc(((size_t)f->nparams + 1) * sizeof *fr);
	int i = 0;
	for (node *l = n->a; l; l = l->next, i++) {
		if (i >= f->nparams)
			awk_fatal(w, "fatal: function `%s' called with more arguments than declared", f->name);
		node *x = l->a;
		if (x->op == N_GLOBAL || x->op == N_LOCAL) { // perhaps an array
			slot *s = slot_of(w, x);
			if (s->a) {
				fr[i].a = s->a;
				s->a->ref++;
				continue;
			}
			if (!s->c.t) {
				fr[i].from = s;
				continue;
			}
		}
		fr[i].c = awk_eval(w, x);
	}
	slot *saved = w->locals;
	w->locals = fr;
	w->ret = (cell){0};
	awk_run(w, f->body);
	w->locals = saved;
	if (w->unwind == U_RETURN)
		w->unwind = U_NONE;
	cell r = w->ret;
	w->ret = (cell){0};
	for (i = 0; i < f->nparams; i++) {
		cell_free(&fr[i].c);
		arr_free(fr[i].a);
	}
	free(fr);
	w->calls--;
	return r;
}

static cell compare(awk *w, node *n) {
	cell a = awk_eval(w, n->a), b = awk_eval(w, n->b);
	int d = awk_cmp(w, &a, &b), nan = awk_looks(&a) && awk_looks(&b) && (isnan(awk_num(&a)) || isnan(awk_num(&b)));
	cell_free(&a);
	cell_free(&b);
	int r = 0;
	switch (n->i) {
	case '<': r = d < 0; break;
	case '>': r = d > 0; break;
	case T_LE: r = d <= 0; break;
	case T_GE: r = d >= 0; break;
	case T_EQ: r = d == 0; break;
	case T_NE: r = d != 0; break;
	}
	return cell_num(nan ? n->i == T_NE : r);
}

// concat evaluates a left-leaning chain into one buffer.
static void concat_into(awk *w, node *n, buf *b) {
	node *parts[64];
	int k = 0;
	while (n->op == N_CONCAT && k < 63) {
		parts[k++] = n->b;
		n = n->a;
	}
	parts[k++] = n;
	while (k--) {
		cell c = awk_eval(w, parts[k]);
		str *s = awk_str(w, &c);
		buf_add(b, s->d, s->n);
		str_unref(s);
		cell_free(&c);
	}
}

static int truth(awk *w, node *n) {
	cell c = awk_eval(w, n);
	int t = awk_true(&c);
	cell_free(&c);
	return t;
}

cell awk_eval(awk *w, node *n) {
	cell c;
	str *s;
	int r;
	switch (n->op) {
	case N_CONST: return cell_copy(&n->v);
	case N_GROUP: return awk_eval(w, n->a);
	case N_GLOBAL:
		if (n->i == G_NF)
			awk_split_record(w);
		return cell_copy(awk_lvalue(w, n));
	case N_LOCAL:
	case N_INDEX: return cell_copy(awk_lvalue(w, n));
	case N_FIELD: return cell_copy(awk_field(w, field_index(w, n->a)));
	case N_REGEX:
		s = awk_record(w);
		r = matches(w, s, awk_re_of(w, n));
		str_unref(s);
		return cell_num(r);
	case N_MATCH: {
		c = awk_eval(w, n->a);
		s = awk_str(w, &c);
		cell_free(&c);
		r = matches(w, s, awk_re_of(w, n->b)) != n->i;
		str_unref(s);
		return cell_num(r);
	}
	case N_NOT: return cell_num(!truth(w, n->a));
	case N_NEG: return cell_num(-eval_num(w, n->a));
	case N_PLUS: return cell_num(eval_num(w, n->a));
	case N_ARITH: {
		double a = eval_num(w, n->a), b = eval_num(w, n->b);
		return cell_num(arith(w, n->i, a, b));
	}
	case N_POW: {
		double a = eval_num(w, n->a), b = eval_num(w, n->b);
		return cell_num(arith(w, '^', a, b));
	}
	case N_CONCAT: {
		buf b = {0};
		concat_into(w, n, &b);
		c = cell_str(b.p ? b.p : "", b.n);
		buf_free(&b);
		return c;
	}
	case N_ASSIGN:
		c = awk_eval(w, n->b);
		awk_assign(w, n->a, cell_copy(&c));
		return c;
	case N_OPASSIGN: {
		double b = eval_num(w, n->b), a = eval_num(w, n->a);
		c = cell_num(arith(w, n->i, a, b));
		awk_assign(w, n->a, c);
		return c;
	}
	case N_PREINC: case N_PREDEC: case N_POSTINC: case N_POSTDEC: return incdec(w, n);
	case N_COND: return awk_eval(w, truth(w, n->a) ? n->b : n->c);
	case T_AND: return cell_num(truth(w, n->a) && truth(w, n->b));
	case T_OR: return cell_num(truth(w, n->a) || truth(w, n->b));
	case N_CMP: return compare(w, n);
	case N_INARR:
		s = subscript(w, n->a);
		r = arr_get(awk_array(w, n->b), s, 0) != NULL;
		str_unref(s);
		return cell_num(r);
	case N_CALL: return call(w, n);
	case N_BUILTIN: return awk_builtin(w, n);
	case N_GETLINE: return do_getline(w, n);
	}
	awk_fatal(w, "fatal: bad expression");
}

static FILE *target(awk *w, node *n) {
	if (!n->b)
		return stdout;
	cell c = awk_eval(w, n->b);
	str *s = awk_str(w, &c);
	cell_free(&c);
	if (!s->n)
		awk_fatal(w, "fatal: expression for `%s' redirection has null string value", n->i == '|' ? "|" : n->i == '>' ? ">" : ">>");
	FILE *f = awk_output(w, s, n->i);
	str_unref(s);
	return f;
}

static void do_print(awk *w, node *n) {
	buf b = {0};
	if (n->op == T_PRINTF) {
		str *s = awk_format(w, n->a);
		buf_add(&b, s->d, s->n);
		str_unref(s);
	} else {
		if (!n->a) {
			str *s = awk_record(w);
			buf_add(&b, s->d, s->n);
			str_unref(s);
		}
		str *ofs = n->a && n->a->next ? awk_str(w, awk_var(w, G_OFS)) : NULL;
		for (node *l = n->a; l; l = l->next) {
			cell c = awk_eval(w, l->a);
			str *s = awk_out(w, &c);
			buf_add(&b, s->d, s->n);
			str_unref(s);
			cell_free(&c);
			if (l->next)
				buf_add(&b, ofs->d, ofs->n);
		}
		str_unref(ofs);
		str *ors = awk_str(w, awk_var(w, G_ORS));
		buf_add(&b, ors->d, ors->n);
		str_unref(ors);
	}
	FILE *f = target(w, n);
	if (b.n)
		fwrite(b.p, 1, b.n, f);
	if (f == stderr || (f == stdout && ferror(f)))
		fflush(f);
	if (f == stdout && ferror(f))
		exit(2);
	buf_free(&b);
}

// ordering of for (k in a) by PROCINFO["sorted_in"]
static awk *sorting;
static int sort_how, sort_desc;
static int by_order(const void *x, const void *y) {
	elem *a = *(elem *const *)x, *b = *(elem *const *)y;
	cell ka = {V_STR | V_MAYBE, 0, a->k}, kb = {V_STR | V_MAYBE, 0, b->k};
	int d;
	if (sort_how == 'n') {
		double p = str_num(a->k->d, a->k->n), q = str_num(b->k->d, b->k->n);
		d = p < q ? -1 : p > q;
	} else if (sort_how == 's') {
		ka.t = kb.t = V_STR;
		d = awk_cmp(sorting, &ka, &kb);
	} else if (sort_how == 'V') {
		double p = awk_num(&a->v), q = awk_num(&b->v);
		d = p < q ? -1 : p > q;
	} else
		d = awk_cmp(sorting, &a->v, &b->v);
	if (!d && sort_how != 's') {
		ka.t = kb.t = V_STR;
		d = awk_cmp(sorting, &ka, &kb);
	}
	return sort_desc ? -d : d;
}

static void order_keys(awk *w, elem **e, size_t n) {
	array *pi = w->g[G_PROCINFO]->a;
	str *k = str_new("sorted_in", 9);
	elem *how = pi ? arr_get(pi, k, 0) : NULL;
	str_unref(k);
	if (!how || !how->v.s || how->v.s->d[0] != '@')
		return;
	const char *s = how->v.s->d;
	sorting = w;
	sort_desc = strstr(s, "_desc") != NULL;
	sort_how = strstr(s, "ind_num") ? 'n' : strstr(s, "ind_str") ? 's' : strstr(s, "val_num") ? 'V' : 'v';
	qsort(e, n, sizeof *e, by_order);
}

static void for_in(awk *w, node *n) {
	array *a = awk_array(w, n->b);
	size_t k = a->n;
	elem **e = tx_alloc((k + 1) * sizeof *e);
	str **keys = tx_alloc((k + 1) * sizeof *keys);
	size_t i = 0;
	for (elem *x = a->first; x; x = x->after)
		e[i++] = x;
	order_keys(w, e, k);
	for (i = 0; i < k; i++)
		keys[i] = str_ref(e[i]->k);
	free(e);
	a->ref++;
	for (i = 0; i < k && !w->unwind; i++) {
		if (!arr_get(a, keys[i], 0))
			continue;
		awk_assign(w, n->a, cell_input(keys[i]->d, keys[i]->n));
		awk_run(w, n->c);
		if (w->unwind == U_CONTINUE)
			w->unwind = U_NONE;
	}
	if (w->unwind == U_BREAK)
		w->unwind = U_NONE;
	arr_free(a);
	for (i = 0; i < k; i++)
		str_unref(keys[i]);
	free(keys);
}

// loop_ends consumes break and continue.
static int loop_ends(awk *w) {
	if (w->unwind == U_CONTINUE)
		w->unwind = U_NONE;
	if (w->unwind == U_BREAK) {
		w->unwind = U_NONE;
		return 1;
	}
	return w->unwind != U_NONE;
}

static void do_switch(awk *w, node *n) {
	cell v = awk_eval(w, n->a);
	node *hit = NULL;
	for (node *c = n->b; c && !hit; c = c->next) {
		if (c->op != T_CASE)
			continue;
		if (c->a->op == N_REGEX) {
			str *s = awk_str(w, &v);
			if (matches(w, s, c->a->re))
				hit = c;
			str_unref(s);
		} else {
			cell x = awk_eval(w, c->a);
			if (awk_cmp(w, &v, &x) == 0)
				hit = c;
			cell_free(&x);
		}
	}
	for (node *c = n->b; c && !hit; c = c->next)
		if (c->op == T_DEFAULT)
			hit = c;
	cell_free(&v);
	for (; hit && !w->unwind; hit = hit->next)
		awk_run(w, hit->b);
	if (w->unwind == U_BREAK)
		w->unwind = U_NONE;
}

static void statement(awk *w, node *n) {
	cell c;
	w->line = n->line;
	switch (n->op) {
	case N_EXPR:
		c = awk_eval(w, n->a);
		cell_free(&c);
		break;
	case N_BLOCK: awk_run(w, n->a); break;
	case T_PRINT: case T_PRINTF: do_print(w, n); break;
	case T_IF:
		if (truth(w, n->a))
			awk_run(w, n->b);
		else if (n->c)
			awk_run(w, n->c);
		break;
	case T_WHILE:
		while (!w->unwind && truth(w, n->a)) {
			awk_run(w, n->b);
			if (loop_ends(w))
				break;
		}
		break;
	case T_DO:
		do {
			awk_run(w, n->b);
			if (loop_ends(w))
				break;
		} while (!w->unwind && truth(w, n->a));
		break;
	case T_FOR:
		if (n->a)
			statement(w, n->a);
		while (!w->unwind && (!n->b || truth(w, n->b))) {
			awk_run(w, n->c);
			if (loop_ends(w))
				break;
			if (n->d)
				statement(w, n->d);
		}
		break;
	case N_FORIN: for_in(w, n); break;
	case T_SWITCH: do_switch(w, n); break;
	case T_BREAK: w->unwind = U_BREAK; break;
	case T_CONTINUE: w->unwind = U_CONTINUE; break;
	case T_NEXT: w->unwind = U_NEXT; break;
	case T_NEXTFILE: w->unwind = U_NEXTFILE; break;
	case T_EXIT:
		if (n->a)
			w->exitcode = (int)((int64_t)eval_num(w, n->a) & 255);
		w->unwind = U_EXIT;
		break;
	case T_RETURN:
		c = n->a ? awk_eval(w, n->a) : (cell){0};
		cell_set(&w->ret, c);
		w->unwind = U_RETURN;
		break;
	case T_DELETE: {
		str *k = subscript(w, n->a->b);
		arr_del(awk_array(w, n->a->a), k);
		str_unref(k);
		break;
	}
	case N_DELALL: arr_clear(awk_array(w, n->a)); break;
	}
}

void awk_run(awk *w, node *n) {
	for (; n && !w->unwind; n = n->next)
		statement(w, n);
}
