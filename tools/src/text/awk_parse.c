// awk: the grammar.
#include "awk.h"

static node *expr(awk *w);
static node *ternary(awk *w);
static node *unary(awk *w);
static node *statement(awk *w);

static node *mk(awk *w, int op, node *a, node *b) {
	node *n = tx_alloc(sizeof *n);
	n->op = op;
	n->line = w->line;
	n->a = a;
	n->b = b;
	return n;
}

static void syntax(awk *w) __attribute__((noreturn));
static void syntax(awk *w) {
	const char *b = w->p, *e = w->p;
	const char *what = w->tok == T_EOF ? "unexpected newline or end of string" : "syntax error";
	if (w->tok == T_NL)
		w->line--, b--, e--;
	while (b > w->src && b[-1] != '\n')
		b--;
	while (e < w->src + w->nsrc && *e != '\n')
		e++;
	int at = (int)(w->p - b);
	awk_fatal(w, "%.*s\nawk: %s:%d: %*s^ %s", (int)(e - b), b, w->srcname ? w->srcname : "cmd. line", w->line, w->tok == T_EOF ? at : at > 1 ? at - 1 : 0, "", what);
}

static void want(awk *w, int t) {
	if (w->tok != t)
		syntax(w);
	awk_lex(w);
}

static void newlines(awk *w) {
	while (w->tok == T_NL)
		awk_lex(w);
}

int awk_global(awk *w, const char *name) {
	for (size_t i = 0; i < w->ng; i++)
		if (!strcmp(w->gnames[i], name))
			return (int)i;
	w->g = tx_array(w->g, &w->cg, w->ng + 1, sizeof *w->g);
	w->gnames = tx_array(w->gnames, &w->cgn, w->ng + 1, sizeof *w->gnames);
	w->g[w->ng] = tx_alloc(sizeof(slot));
	w->gnames[w->ng] = tx_strdup(name);
	return (int)w->ng++;
}

static int function_named(awk *w, const char *name) {
	for (size_t i = 0; i < w->nf; i++)
		if (!strcmp(w->f[i].name, name))
			return (int)i;
	w->f = tx_array(w->f, &w->cf, w->nf + 1, sizeof *w->f);
	memset(&w->f[w->nf], 0, sizeof *w->f);
	w->f[w->nf].name = tx_strdup(name);
	return (int)w->nf++;
}

static node *variable(awk *w, const char *name) {
	if (w->cur)
		for (int i = 0; i < w->cur->nparams; i++)
			if (!strcmp(w->cur->params[i], name)) {
				node *n = mk(w, N_LOCAL, NULL, NULL);
				n->i = i;
				return n;
			}
	node *n = mk(w, N_GLOBAL, NULL, NULL);
	n->i = awk_global(w, name);
	return n;
}

// list parses expressions up to a closing token (not consumed).
static node *list(awk *w, int close) {
	node *first = NULL, **tail = &first;
	newlines(w);
	while (w->tok != close) {
		node *n = expr(w);
		node *l = mk(w, N_EXPR, n, NULL);
		*tail = l;
		tail = &l->next;
		newlines(w);
		if (w->tok != ',')
			break;
		awk_lex(w);
		newlines(w);
	}
	return first;
}

static node *call(awk *w) {
	node *n = mk(w, N_CALL, NULL, NULL);
	n->i = function_named(w, w->tokname);
	awk_lex(w);
	int gt = w->nogt, in = w->noin;
	w->nogt = w->noin = 0;
	want(w, '(');
	n->a = list(w, ')');
	w->nogt = gt, w->noin = in;
	want(w, ')');
	return n;
}

static node *builtin(awk *w) {
	node *n = mk(w, N_BUILTIN, NULL, NULL);
	n->i = w->tokid;
	awk_lex(w);
	if (w->tok != '(') {
		if (n->i != B_LENGTH)
			syntax(w);
		return n;
	}
	int gt = w->nogt, in = w->noin;
	w->nogt = w->noin = 0;
	awk_lex(w);
	n->a = list(w, ')');
	w->nogt = gt, w->noin = in;
	want(w, ')');
	return n;
}

static node *grouping(awk *w) {
	int gt = w->nogt, in = w->noin;
	w->nogt = w->noin = 0;
	awk_lex(w);
	node *l = list(w, ')');
	w->nogt = gt, w->noin = in;
	want(w, ')');
	if (!l)
		syntax(w);
	if (l->next) { // (i, j) in array
		if (w->tok != T_IN)
			syntax(w);
		awk_lex(w);
		if (w->tok != T_NAME)
			syntax(w);
		node *n = mk(w, N_INARR, l, variable(w, w->tokname));
		awk_lex(w);
		return n;
	}
	return mk(w, N_GROUP, l->a, NULL);
}

static int is_lvalue(const node *n) { return n->op == N_GLOBAL || n->op == N_LOCAL || n->op == N_FIELD || n->op == N_INDEX; }

static node *name(awk *w) {
	node *v = variable(w, w->tokname);
	awk_lex(w);
	if (w->tok == '[') {
		int gt = w->nogt, in = w->noin;
		w->nogt = w->noin = 0;
		awk_lex(w);
		node *l = list(w, ']');
		w->nogt = gt, w->noin = in;
		if (!l)
			syntax(w);
		want(w, ']');
		return mk(w, N_INDEX, v, l);
	}
	return v;
}

static node *incdec(awk *w, node *n) {
	if (is_lvalue(n) && (w->tok == T_INC || w->tok == T_DEC)) {
		n = mk(w, w->tok == T_INC ? N_POSTINC : N_POSTDEC, n, NULL);
		awk_lex(w);
	}
	return n;
}

static node *field(awk *w) {
	awk_lex(w);
	node *n;
	if (w->tok == T_INC || w->tok == T_DEC) {
		int op = w->tok == T_INC ? N_PREINC : N_PREDEC;
		awk_lex(w);
		n = w->tok == '$' ? field(w) : w->tok == T_NAME ? name(w) : (syntax(w), NULL);
		n = mk(w, op, n, NULL);
	} else if (w->tok == '-' || w->tok == '+' || w->tok == '!') {
		int op = w->tok == '-' ? N_NEG : w->tok == '+' ? N_PLUS : N_NOT;
		awk_lex(w);
		n = mk(w, op, w->tok == '$' ? field(w) : unary(w), NULL);
	} else if (w->tok == '$')
		n = field(w);
	else if (w->tok == T_NAME)
		n = name(w);
	else if (w->tok == '(')
		n = grouping(w);
	else if (w->tok == T_NUM || w->tok == T_STR) {
		n = mk(w, N_CONST, NULL, NULL);
		n->v = cell_copy(&w->tokv);
		awk_lex(w);
	} else if (w->tok == T_BUILTIN)
		n = builtin(w);
	else if (w->tok == T_FUNCNAME)
		n = call(w);
	else
		syntax(w);
	return mk(w, N_FIELD, n, NULL);
}

// simple_getline parses getline [lvalue] [< file]
static node *simple_getline(awk *w, node *cmd) {
	node *n = mk(w, N_GETLINE, NULL, NULL);
	awk_lex(w);
	if (w->tok == '$')
		n->a = field(w);
	else if (w->tok == T_NAME)
		n->a = name(w);
	n->b = cmd;
	n->i = cmd ? '|' : 0;
	if (!cmd && w->tok == '<') {
		awk_lex(w);
		n->i = '<';
		// the file name is a primary: no concatenation
		int t = w->tok;
		if (t == '$')
			n->b = incdec(w, field(w));
		else if (t == T_NAME)
			n->b = incdec(w, name(w));
		else if (t == '(')
			n->b = grouping(w);
		else if (t == T_STR || t == T_NUM) {
			n->b = mk(w, N_CONST, NULL, NULL);
			n->b->v = cell_copy(&w->tokv);
			awk_lex(w);
		} else if (t == T_FUNCNAME)
			n->b = call(w);
		else
			syntax(w);
	}
	return n;
}

static node *regex_const(awk *w) {
	const char *err = NULL;
	node *n = mk(w, N_REGEX, NULL, NULL);
	n->v = cell_copy(&w->tokv);
	n->re = re_compile(n->v.s->d, n->v.s->n, RE_AWK, &err);
	if (!n->re)
		awk_fatal(w, "%s: /%s/", err, n->v.s->d);
	awk_lex(w);
	return n;
}

static node *primary(awk *w) {
	node *n;
	switch (w->tok) {
	case T_NUM: case T_STR:
		n = mk(w, N_CONST, NULL, NULL);
		n->v = cell_copy(&w->tokv);
		awk_lex(w);
		return n;
	case T_ERE: return regex_const(w);
	case T_DIVA: { // /=.../ where an operand is wanted
		w->p--;
		w->tok = '/';
		w->prevtok = ',';
		const char *at = w->p;
		w->p = at - 1;
		w->tok = ',';
		awk_lex(w);
		if (w->tok != T_ERE)
			syntax(w);
		return regex_const(w);
	}
	case '(': return grouping(w);
	case '$': return incdec(w, field(w));
	case T_NAME: return incdec(w, name(w));
	case T_FUNCNAME: return call(w);
	case T_BUILTIN: return builtin(w);
	case T_GETLINE: return simple_getline(w, NULL);
	case T_INC: case T_DEC: {
		int op = w->tok == T_INC ? N_PREINC : N_PREDEC;
		awk_lex(w);
		n = w->tok == '$' ? field(w) : w->tok == T_NAME ? name(w) : (syntax(w), NULL);
		return mk(w, op, n, NULL);
	}
	}
	syntax(w);
}

static node *power(awk *w) {
	node *n = primary(w);
	if (w->tok == '^') {
		awk_lex(w);
		node *r = w->tok == '-' || w->tok == '+' || w->tok == '!' ? unary(w) : power(w);
		n = mk(w, N_POW, n, r);
	}
	return n;
}

static node *unary(awk *w) {
	if (++w->depth > 400)
		awk_fatal(w, "expression nested too deep");
	node *n;
	int t = w->tok;
	if (t == '!' || t == '-' || t == '+') {
		awk_lex(w);
		n = mk(w, t == '!' ? N_NOT : t == '-' ? N_NEG : N_PLUS, unary(w), NULL);
	} else
		n = power(w);
	w->depth--;
	return n;
}

static node *arith(awk *w, int op, node *a, node *b) {
	node *n = mk(w, N_ARITH, a, b);
	n->i = op;
	return n;
}

static node *mul(awk *w) {
	node *n = unary(w);
	while (w->tok == '*' || w->tok == '/' || w->tok == '%') {
		int t = w->tok;
		awk_lex(w);
		n = arith(w, t, n, unary(w));
	}
	return n;
}

static node *add(awk *w) {
	node *n = mul(w);
	while (w->tok == '+' || w->tok == '-') {
		int t = w->tok;
		awk_lex(w);
		n = arith(w, t, n, mul(w));
	}
	return n;
}

static int begins_operand(awk *w) {
	switch (w->tok) {
	case T_NUM: case T_STR: case T_NAME: case T_FUNCNAME: case T_BUILTIN: case '$': case '!': case '(': case '-': case '+': case T_INC: case T_DEC: return 1;
	}
	return 0;
}

static node *concat(awk *w) {
	node *n = add(w);
	while (begins_operand(w))
		n = mk(w, N_CONCAT, n, add(w));
	return n;
}

static node *piped(awk *w) {
	node *n = concat(w);
	while (w->tok == '|') { // only before getline; print's own pipe is left
		const char *p = w->p;
		while (p < w->src + w->nsrc && (*p == ' ' || *p == '\t'))
			p++;
		if (w->src + w->nsrc - p < 7 || memcmp(p, "getline", 7) || tx_isalnum((unsigned char)p[7]) || p[7] == '_')
			break;
		awk_lex(w);
		n = simple_getline(w, n);
		while (begins_operand(w) && w->tok != '(') // ("cmd" | getline) x
			n = mk(w, N_CONCAT, n, add(w));
	}
	return n;
}

static node *comparison(awk *w) {
	node *n = piped(w);
	while (w->tok == '<' || w->tok == T_LE || w->tok == T_EQ || w->tok == T_NE || w->tok == T_GE || (w->tok == '>' && !w->nogt)) {
		int t = w->tok;
		awk_lex(w);
		n = mk(w, N_CMP, n, piped(w));
		n->i = t;
	}
	return n;
}

static node *matching(awk *w) {
	node *n = comparison(w);
	while (w->tok == '~' || w->tok == T_NOMATCH) {
		int t = w->tok;
		awk_lex(w);
		n = mk(w, N_MATCH, n, comparison(w));
		n->i = t == T_NOMATCH;
	}
	return n;
}

static node *membership(awk *w) {
	node *n = matching(w);
	while (w->tok == T_IN && !w->noin) {
		awk_lex(w);
		if (w->tok != T_NAME)
			syntax(w);
		n = mk(w, N_INARR, mk(w, N_EXPR, n, NULL), variable(w, w->tokname));
		awk_lex(w);
	}
	return n;
}

static node *conjunction(awk *w) {
	node *n = membership(w);
	while (w->tok == T_AND) {
		awk_lex(w);
		newlines(w);
		n = mk(w, T_AND, n, membership(w));
	}
	return n;
}

static node *disjunction(awk *w) {
	node *n = conjunction(w);
	while (w->tok == T_OR) {
		awk_lex(w);
		newlines(w);
		n = mk(w, T_OR, n, conjunction(w));
	}
	return n;
}

// assigned turns "x OP= y" around: the left side may hide at the right end of what was parsed (1 + x = 2, a && b = 3).
static node *assignment(awk *w, node *n) {
	int t = w->tok;
	node **at = &n;
	while (!is_lvalue(*at)) {
		node *x = *at;
		if (x->op == N_NOT || x->op == N_NEG || x->op == N_PLUS)
			at = &x->a;
		else if (x->op == T_AND || x->op == T_OR || x->op == N_CONCAT || x->op == N_CMP || x->op == N_MATCH || x->op == N_ARITH)
			at = &x->b;
		else
			syntax(w);
	}
	awk_lex(w);
	newlines(w);
	node *as = mk(w, t == '=' ? N_ASSIGN : N_OPASSIGN, *at, ternary(w));
	switch (t) {
	case T_ADDA: as->i = '+'; break;
	case T_SUBA: as->i = '-'; break;
	case T_MULA: as->i = '*'; break;
	case T_DIVA: as->i = '/'; break;
	case T_MODA: as->i = '%'; break;
	case T_POWA: as->i = '^'; break;
	}
	*at = as;
	return n;
}

static node *ternary(awk *w) {
	if (++w->depth > 400)
		awk_fatal(w, "expression nested too deep");
	node *n = disjunction(w);
	if (w->tok == '?') {
		awk_lex(w);
		newlines(w);
		node *c = mk(w, N_COND, n, ternary(w));
		newlines(w);
		want(w, ':');
		newlines(w);
		c->c = ternary(w);
		n = c;
	} else if (w->tok == '=' || (w->tok >= T_ADDA && w->tok <= T_POWA))
		n = assignment(w, n);
	w->depth--;
	return n;
}

static node *expr(awk *w) { return ternary(w); }

static void end_simple(awk *w) {
	if (w->tok == ';' || w->tok == T_NL) {
		awk_lex(w);
		newlines(w);
	} else if (w->tok != '}' && w->tok != T_EOF)
		syntax(w);
}

// paren_list: is this "(" the start of print's whole list? Looks for its partner and what follows.
static int paren_list(awk *w) {
	const char *p = w->p, *e = w->src + w->nsrc;
	int depth = 1;
	for (; p < e && depth; p++) {
		if (*p == '"') {
			for (p++; p < e && *p != '"'; p++)
				if (*p == '\\')
					p++;
		} else if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		else if (*p == '\n' && 0)
			return 0;
		else if (*p == '/' && p > w->src) { // a regular expression after an operator
			const char *q = p - 1;
			while (q > w->src && (*q == ' ' || *q == '\t'))
				q--;
			if (strchr("(,~!&|{;", *q)) {
				int br = 0;
				for (p++; p < e && (*p != '/' || br) && *p != '\n'; p++) {
					if (*p == '\\')
						p++;
					else if (*p == '[')
						br = 1;
					else if (*p == ']')
						br = 0;
				}
			}
		}
	}
	while (p < e && (*p == ' ' || *p == '\t'))
		p++;
	return p >= e || strchr("\n;}>|#", *p) != NULL;
}

static node *print(awk *w) {
	node *n = mk(w, w->tok, NULL, NULL);
	awk_lex(w);
	if (w->tok == '(' && paren_list(w)) {
		awk_lex(w);
		n->a = list(w, ')');
		want(w, ')');
	} else if (w->tok != ';' && w->tok != T_NL && w->tok != '}' && w->tok != '>' && w->tok != T_APPEND && w->tok != '|' && w->tok != T_EOF) {
		w->nogt = 1;
		node **tail = &n->a;
		for (;;) {
			node *l = mk(w, N_EXPR, expr(w), NULL);
			*tail = l;
			tail = &l->next;
			if (w->tok != ',')
				break;
			awk_lex(w);
			newlines(w);
		}
		w->nogt = 0;
	}
	if (n->op == T_PRINTF && !n->a)
		syntax(w);
	if (w->tok == '>' || w->tok == T_APPEND || w->tok == '|') {
		n->i = w->tok;
		awk_lex(w);
		w->nogt = 1;
		n->b = concat(w);
		w->nogt = 0;
	}
	return n;
}

static node *simple(awk *w) {
	if (w->tok == T_PRINT || w->tok == T_PRINTF)
		return print(w);
	if (w->tok == T_DELETE) {
		awk_lex(w);
		int paren = w->tok == '(';
		if (paren)
			awk_lex(w);
		if (w->tok != T_NAME)
			syntax(w);
		node *v = name(w);
		if (paren)
			want(w, ')');
		return mk(w, v->op == N_INDEX ? T_DELETE : N_DELALL, v, NULL);
	}
	return mk(w, N_EXPR, expr(w), NULL);
}

static node *block(awk *w) {
	want(w, '{');
	node *n = mk(w, N_BLOCK, NULL, NULL), **tail = &n->a;
	for (;;) {
		while (w->tok == T_NL || w->tok == ';')
			awk_lex(w);
		if (w->tok == '}' || w->tok == T_EOF)
			break;
		*tail = statement(w);
		tail = &(*tail)->next;
	}
	if (w->tok != '}')
		syntax(w);
	w->tok = ';'; // what follows } is never divided
	awk_lex(w);
	return n;
}

static node *body(awk *w) {
	newlines(w);
	if (w->tok == ';') {
		awk_lex(w);
		return mk(w, N_BLOCK, NULL, NULL);
	}
	return statement(w);
}

static node *for_stmt(awk *w) {
	awk_lex(w);
	want(w, '(');
	node *n = mk(w, T_FOR, NULL, NULL), *init = NULL;
	if (w->tok != ';') {
		if (w->tok == T_NAME) { // for (k in a)
			const char *p = w->p;
			int line = w->line;
			char *nm = tx_strdup(w->tokname);
			node *var = name(w);
			if (w->tok == T_IN && var->op != N_INDEX) {
				awk_lex(w);
				if (w->tok == T_NAME) {
					node *arr = variable(w, w->tokname);
					awk_lex(w);
					if (w->tok == ')') {
						awk_lex(w);
						n->op = N_FORIN;
						n->a = var;
						n->b = arr;
						n->c = body(w);
						free(nm);
						return n;
					}
				}
			}
			w->p = p; // back to the name
			w->line = line;
			w->tok = T_NAME;
			free(w->tokname);
			w->tokname = nm;
		}
		init = simple(w);
	}
	want(w, ';');
	newlines(w);
	n->a = init;
	if (w->tok != ';')
		n->b = expr(w);
	want(w, ';');
	newlines(w);
	if (w->tok != ')')
		n->d = simple(w);
	want(w, ')');
	n->c = body(w);
	return n;
}

static node *if_stmt(awk *w) {
	node *n = mk(w, T_IF, NULL, NULL);
	awk_lex(w);
	want(w, '(');
	n->a = expr(w);
	want(w, ')');
	n->b = body(w);
	const char *p = w->p;
	int t = w->tok, line = w->line;
	while (w->tok == T_NL || w->tok == ';')
		awk_lex(w);
	if (w->tok == T_ELSE) {
		awk_lex(w);
		n->c = body(w);
	} else if (t == T_NL || t == ';') {
		w->p = p;
		w->tok = t;
		w->line = line;
	}
	return n;
}

static node *switch_stmt(awk *w) {
	node *n = mk(w, T_SWITCH, NULL, NULL), **tail = &n->b;
	awk_lex(w);
	want(w, '(');
	n->a = expr(w);
	want(w, ')');
	newlines(w);
	want(w, '{');
	newlines(w);
	while (w->tok == T_CASE || w->tok == T_DEFAULT) {
		node *c = mk(w, w->tok, NULL, NULL);
		awk_lex(w);
		if (c->op == T_CASE) {
			int neg = w->tok == '-';
			if (neg)
				awk_lex(w);
			c->a = primary(w);
			if (neg)
				c->a = mk(w, N_NEG, c->a, NULL);
		}
		want(w, ':');
		node **st = &c->b;
		for (;;) {
			while (w->tok == T_NL || w->tok == ';')
				awk_lex(w);
			if (w->tok == T_CASE || w->tok == T_DEFAULT || w->tok == '}' || w->tok == T_EOF)
				break;
			*st = statement(w);
			st = &(*st)->next;
		}
		*tail = c;
		tail = &c->next;
	}
	want(w, '}');
	return n;
}

static node *plain_statement(awk *w) {
	node *n;
	int t = w->tok;
	switch (t) {
	case '{': return block(w);
	case T_IF: return if_stmt(w);
	case T_FOR: return for_stmt(w);
	case T_SWITCH: return switch_stmt(w);
	case T_WHILE:
		n = mk(w, T_WHILE, NULL, NULL);
		awk_lex(w);
		want(w, '(');
		n->a = expr(w);
		want(w, ')');
		n->b = body(w);
		return n;
	case T_DO:
		n = mk(w, T_DO, NULL, NULL);
		awk_lex(w);
		n->b = body(w);
		while (w->tok == T_NL || w->tok == ';')
			awk_lex(w);
		want(w, T_WHILE);
		want(w, '(');
		n->a = expr(w);
		want(w, ')');
		end_simple(w);
		return n;
	case T_BREAK: case T_CONTINUE: case T_NEXT: case T_NEXTFILE:
		n = mk(w, t, NULL, NULL);
		awk_lex(w);
		end_simple(w);
		return n;
	case T_EXIT: case T_RETURN:
		if (t == T_RETURN && !w->cur)
			awk_fatal(w, "`return' used outside function context");
		n = mk(w, t, NULL, NULL);
		awk_lex(w);
		if (w->tok != ';' && w->tok != T_NL && w->tok != '}' && w->tok != T_EOF)
			n->a = expr(w);
		end_simple(w);
		return n;
	}
	n = simple(w);
	end_simple(w);
	return n;
}

static node *statement(awk *w) {
	if (++w->depth > 400)
		awk_fatal(w, "statement nested too deep");
	node *n = plain_statement(w);
	w->depth--;
	return n;
}

static void function(awk *w) {
	awk_lex(w);
	if (w->tok != T_NAME && w->tok != T_FUNCNAME)
		syntax(w);
	int k = function_named(w, w->tokname);
	if (w->f[k].defined)
		awk_fatal(w, "function name `%s' previously defined", w->tokname);
	func fn = {.name = w->f[k].name, .defined = 1};
	size_t cap = 0;
	awk_lex(w);
	want(w, '(');
	newlines(w);
	while (w->tok == T_NAME) {
		fn.params = tx_array(fn.params, &cap, (size_t)fn.nparams + 1, sizeof *fn.params);
		fn.params[fn.nparams++] = tx_strdup(w->tokname);
		awk_lex(w);
		newlines(w);
		if (w->tok != ',')
			break;
		awk_lex(w);
		newlines(w);
	}
	want(w, ')');
	newlines(w);
	w->f[k] = fn;
	w->cur = &fn;
	fn.body = block(w);
	w->cur = NULL;
	w->f[k] = fn;
}

static void append(node **list_head, node *b) {
	while (*list_head)
		list_head = &(*list_head)->next;
	*list_head = b;
}

static void item(awk *w) {
	if (w->tok == T_FUNCTION) {
		function(w);
		return;
	}
	if (w->tok >= T_BEGIN && w->tok <= T_ENDFILE) {
		node **l = w->tok == T_BEGIN ? &w->begin : w->tok == T_END ? &w->end : w->tok == T_BEGINFILE ? &w->beginfile : &w->endfile;
		awk_lex(w);
		if (w->tok != '{')
			syntax(w);
		append(l, block(w));
		return;
	}
	rule r = {0};
	if (w->tok != '{') {
		r.pat = expr(w);
		if (w->tok == ',') {
			awk_lex(w);
			newlines(w);
			r.pat2 = expr(w);
		}
	}
	if (w->tok == '{')
		r.body = block(w);
	w->rules = tx_array(w->rules, &w->crules, w->nrules + 1, sizeof r);
	w->rules[w->nrules++] = r;
}

void awk_parse(awk *w, const char *src, size_t n, const char *srcname) {
	w->src = w->p = src;
	w->nsrc = n;
	w->srcname = srcname;
	w->line = 1;
	w->parsing = 1;
	w->tok = T_NL;
	awk_lex(w);
	for (;;) {
		while (w->tok == T_NL || w->tok == ';')
			awk_lex(w);
		if (w->tok == T_EOF)
			break;
		item(w);
		if (w->tok != T_NL && w->tok != ';' && w->tok != T_EOF && w->src + w->nsrc > w->p && w->prevtok != ';' && w->prevtok != '}')
			syntax(w);
	}
	w->parsing = 0;
}
