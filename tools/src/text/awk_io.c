// awk: records, fields, redirections.
#include "awk.h"
#include <math.h>

struct stream {
	stream *next;
	str *name;
	int how, pid; // '<' file in, 'r' pipe in, '>' file out (also >>), '|' pipe out
	FILE *f;
	tx_in in;
};

cell *awk_var(awk *w, int g) { return &w->g[g]->c; }

re *awk_regex(awk *w, str *s) {
	uint32_t h = 2166136261u;
	int icase = awk_true(awk_var(w, G_IGNORECASE));
	for (size_t i = 0; i < s->n; i++)
		h = (h ^ (unsigned char)s->d[i]) * 16777619u;
	h = (h ^ h >> 15) & 255;
	if (w->cache[h].r && w->cache[h].icase == icase && w->cache[h].s->n == s->n && !memcmp(w->cache[h].s->d, s->d, s->n))
		return w->cache[h].r;
	const char *err = NULL;
	re *r = re_compile(s->d, s->n, RE_AWK | (icase ? RE_ICASE : 0), &err);
	if (!r)
		awk_fatal(w, "fatal: invalid regexp: %s: /%s/", err, s->d);
	if (w->cache[h].r) {
		re_free(w->cache[h].r);
		str_unref(w->cache[h].s);
	}
	w->cache[h].r = r;
	w->cache[h].s = str_ref(s);
	w->cache[h].icase = icase;
	return r;
}

static void set_str(awk *w, int g, const char *s, size_t n) { cell_set(awk_var(w, g), cell_str(s, n)); }

// read_record reads one record by RS. 1 with the record in w->rec, 0 at the end.
static int read_record(awk *w, tx_in *in, char **s, size_t *n) {
	str *rs = awk_str(w, awk_var(w, G_RS));
	int hit, nl;
	if (rs->n == 1) {
		hit = tx_line(in, (unsigned char)rs->d[0], s, n, &nl);
		if (hit)
			set_str(w, G_RT, nl ? rs->d : "", (size_t)nl);
		str_unref(rs);
		return hit;
	}
	int para = rs->n == 0;
	str *pat = para ? str_new("\n\n+", 3) : str_ref(rs);
	re *r = awk_regex(w, pat);
	str_unref(pat);
	str_unref(rs);
	if (para) {
		int c;
		while ((c = tx_getc(in)) == '\n')
			;
		if (c < 0)
			return 0;
		in->r--;
	}
	if (in->r == in->w && !tx_fill(in))
		return 0;
	for (;;) {
		re_m m[1];
		char *b = in->b + in->r;
		size_t k = in->w - in->r;
		size_t at = 0;
		hit = 0;
		while (at <= k && (hit = re_exec(r, b, k, at, m, 1, 0)) && m[0].eo == m[0].so)
			at = (size_t)m[0].eo + 1, hit = 0;
		// a match that touches the end of the buffer may be longer with more input
		if (hit && ((size_t)m[0].eo < k || in->eof)) {
			*s = b;
			*n = (size_t)m[0].so;
			set_str(w, G_RT, b + m[0].so, (size_t)(m[0].eo - m[0].so));
			in->r += (size_t)m[0].eo;
			return 1;
		}
		if (tx_fill(in))
			continue;
		if (hit)
			continue; // at the end now: decided next time round
		b = in->b + in->r;
		*s = b;
		*n = k;
		in->r = in->w;
		set_str(w, G_RT, "", 0);
		if (k && b[k - 1] == '\n') {
			(*n)--;
			set_str(w, G_RT, "\n", 1);
			if (!para) {
				(*n)++;
				set_str(w, G_RT, "", 0);
			}
		}
		return 1;
	}
}

static void assign_arg(awk *w, const char *a, const char *eq) {
	char *nm = tx_memdup(a, (size_t)(eq - a));
	buf b = {0};
	awk_unescape(w, eq + 1, strlen(eq + 1), &b);
	cell v = cell_input(b.p ? b.p : "", b.n);
	int g = awk_global(w, nm);
	if (g == G_NF) {
		awk_set_nf(w, awk_num(&v));
		cell_free(&v);
	} else
		cell_set(awk_var(w, g), v);
	buf_free(&b);
	free(nm);
}

static const char *assignment(const char *a) {
	const char *p = a;
	if (!tx_isalpha((unsigned char)*p) && *p != '_')
		return NULL;
	while (tx_isalnum((unsigned char)*p) || *p == '_')
		p++;
	return *p == '=' ? p : NULL;
}

static int open_next(awk *w) {
	for (;;) {
		int argc = (int)awk_num(awk_var(w, G_ARGC));
		if (w->argi >= argc) {
			if (w->used_file)
				return 0;
			w->used_file = 1;
			tx_fdin(&w->in, 0);
			w->open = 1;
			return 1;
		}
		char num[16];
		snprintf(num, sizeof num, "%d", w->argi++);
		str *k = str_new(num, strlen(num));
		elem *e = arr_get(w->g[G_ARGV]->a, k, 0);
		str_unref(k);
		if (!e)
			continue;
		str *a = awk_str(w, &e->v);
		const char *eq = assignment(a->d);
		if (!a->n || eq) {
			if (eq)
				assign_arg(w, a->d, eq);
			str_unref(a);
			continue;
		}
		w->used_file = 1;
		struct sbx_stat st;
		if (tx_open(&w->in, a->d)) {
			fflush(stdout);
			fprintf(stderr, "awk: fatal: cannot open file `%s' for reading: %s\n", a->d, tx_strerror(errno));
			exit(2);
		} else if (w->in.fd > 0 && sbx_fstat(w->in.fd, &st) == 0 && S_ISDIR(st.mode)) {
			fflush(stdout);
			fprintf(stderr, "awk: warning: command line argument `%s' is a directory: skipped\n", a->d);
			tx_close(&w->in);
		} else {
			cell_set(awk_var(w, G_FILENAME), cell_input(a->d, a->n));
			cell_set(awk_var(w, G_FNR), cell_num(0));
			str_unref(a);
			w->open = 1;
			if (w->beginfile)
				awk_run(w, w->beginfile);
			return 1;
		}
		str_unref(a);
	}
}

void awk_skip_file(awk *w) {
	if (w->open) {
		tx_close(&w->in);
		w->open = 0;
		if (w->endfile)
			awk_run(w, w->endfile);
	}
}

int awk_read_main(awk *w, char **s, size_t *n) {
	for (;;) {
		if (!w->open && !open_next(w))
			return 0;
		if (read_record(w, &w->in, s, n)) {
			cell *nr = awk_var(w, G_NR), *fnr = awk_var(w, G_FNR);
			cell_set(nr, cell_num(awk_num(nr) + 1));
			cell_set(fnr, cell_num(awk_num(fnr) + 1));
			return 1;
		}
		awk_skip_file(w);
	}
}

int awk_next_record(awk *w) {
	char *s;
	size_t n;
	if (!awk_read_main(w, &s, &n))
		return 0;
	awk_set_record(w, s, n);
	return 1;
}

static void room(awk *w, size_t n) {
	size_t old = w->cfld;
	w->fld = tx_array(w->fld, &w->cfld, n + 1, sizeof *w->fld);
	if (w->cfld > old)
		memset(w->fld + old, 0, (w->cfld - old) * sizeof *w->fld);
}

void awk_set_record(awk *w, const char *s, size_t n) {
	room(w, 0);
	cell_set(&w->fld[0], cell_input(s, n));
	w->split = w->rebuilt = 0;
}

typedef struct {
	awk *w;
	array *a, *seps; // NULL a: fields of the record
	size_t n;
} sink;

static void put(array *a, size_t i, cell v) {
	char num[24];
	snprintf(num, sizeof num, "%zu", i);
	str *k = str_new(num, strlen(num));
	cell_set(&arr_get(a, k, 1)->v, v);
	str_unref(k);
}

static void add_field(sink *o, const char *s, size_t n, const char *sep, size_t sepn) {
	o->n++;
	if (o->a) {
		put(o->a, o->n, cell_input(s, n));
		if (o->seps && sep)
			put(o->seps, o->n, cell_str(sep, sepn));
		return;
	}
	room(o->w, o->n);
	cell_set(&o->w->fld[o->n], cell_input(s, n));
}

static void split_blank(sink *o, const char *s, size_t n, int nl) {
	const char *e = s + n;
	for (;;) {
		while (s < e && (*s == ' ' || *s == '\t' || *s == '\n'))
			s++;
		if (s >= e)
			return;
		const char *b = s;
		while (s < e && *s != ' ' && *s != '\t' && *s != '\n')
			s++;
		const char *z = s;
		while (z < e && (*z == ' ' || *z == '\t' || *z == '\n'))
			z++;
		add_field(o, b, (size_t)(s - b), z < e ? s : NULL, (size_t)(z - s));
	}
	(void)nl;
}

static void split_regex(sink *o, const char *s, size_t n, re *r) {
	re_m m[1];
	size_t at = 0, from = 0;
	if (!n)
		return;
	while (from <= n && re_exec(r, s, n, from, m, 1, 0)) {
		if (m[0].eo == m[0].so) {
			from = (size_t)m[0].eo + 1;
			continue;
		}
		add_field(o, s + at, (size_t)m[0].so - at, s + m[0].so, (size_t)(m[0].eo - m[0].so));
		at = from = (size_t)m[0].eo;
	}
	add_field(o, s + at, n - at, NULL, 0);
}

static void split_char(sink *o, const char *s, size_t n, int c, int nl) {
	const char *e = s + n;
	if (!n)
		return;
	for (;;) {
		const char *p = s;
		while (p < e && (unsigned char)*p != c && !(nl && *p == '\n'))
			p++;
		add_field(o, s, (size_t)(p - s), p < e ? p : NULL, 1);
		if (p >= e)
			return;
		s = p + 1;
	}
}

// split_by splits by a separator string: " " blanks, one character, "" every byte, else a regular expression.
static void split_by(sink *o, const char *s, size_t n, str *fs, int para) {
	awk *w = o->w;
	if (fs->n == 1 && fs->d[0] == ' ')
		split_blank(o, s, n, para);
	else if (fs->n == 0)
		for (size_t i = 0; i < n; i++)
			add_field(o, s + i, 1, i + 1 < n ? "" : NULL, 0);
	else if (fs->n == 1 && fs->d[0] != '\\' && !awk_true(awk_var(w, G_IGNORECASE)))
		split_char(o, s, n, (unsigned char)fs->d[0], para);
	else {
		str *x = fs;
		if (fs->n == 1)
			x = str_new("\\\\", 2);
		else if (para) {
			buf b = {0};
			buf_chr(&b, '(');
			buf_add(&b, fs->d, fs->n);
			buf_str(&b, ")|\n");
			x = str_new(b.p, b.n);
			buf_free(&b);
		}
		re *r = awk_regex(w, x);
		if (x != fs)
			str_unref(x);
		split_regex(o, s, n, r);
	}
}

size_t awk_split(awk *w, const char *s, size_t n, const cell *fs, const re *fsre, array *out, array *seps) {
	sink o = {.w = w, .a = out, .seps = seps};
	if (fsre)
		split_regex(&o, s, n, (re *)(uintptr_t)fsre);
	else {
		str *f = awk_str(w, fs);
		split_by(&o, s, n, f, 0);
		str_unref(f);
	}
	return o.n;
}

static void split_widths(sink *o, const char *s, size_t n, str *fw) {
	const char *p = fw->d;
	while (n) {
		while (*p == ' ')
			p++;
		if (!*p)
			return;
		size_t k = *p == '*' ? n : (size_t)strtoul(p, NULL, 10);
		while (*p && *p != ' ')
			p++;
		if (k > n)
			k = n;
		add_field(o, s, k, NULL, 0);
		s += k;
		n -= k;
	}
}

static void split_fpat(sink *o, const char *s, size_t n, str *pat) {
	re *r = awk_regex(o->w, pat);
	re_m m[1];
	size_t at = 0;
	while (at <= n && re_exec(r, s, n, at, m, 1, 0)) {
		if (m[0].eo == m[0].so && at > 0 && (size_t)m[0].so == at && (size_t)m[0].so < n) {
			at++;
			continue;
		}
		add_field(o, s + m[0].so, (size_t)(m[0].eo - m[0].so), NULL, 0);
		at = (size_t)m[0].eo + 1;
	}
}

void awk_split_record(awk *w) {
	if (w->split)
		return;
	w->split = 1;
	room(w, 0);
	sink o = {.w = w};
	str *s = awk_str(w, &w->fld[0]), *fs = awk_str(w, awk_var(w, G_FS));
	cell *rs = awk_var(w, G_RS), *fw = awk_var(w, G_FIELDWIDTHS), *fp = awk_var(w, G_FPAT);
	if (fw->s && fw->s->n)
		split_widths(&o, s->d, s->n, fw->s);
	else if (fp->s && fp->s->n)
		split_fpat(&o, s->d, s->n, fp->s);
	else
		split_by(&o, s->d, s->n, fs, rs->s && rs->s->n == 0);
	str_unref(s);
	str_unref(fs);
	w->nfld = o.n;
	cell_set(awk_var(w, G_NF), cell_num((double)o.n));
}

static void rebuild(awk *w) {
	buf b = {0};
	str *ofs = awk_str(w, awk_var(w, G_OFS));
	for (size_t i = 1; i <= w->nfld; i++) {
		str *s = awk_str(w, &w->fld[i]);
		if (i > 1)
			buf_add(&b, ofs->d, ofs->n);
		buf_add(&b, s->d, s->n);
		str_unref(s);
	}
	str_unref(ofs);
	cell_set(&w->fld[0], cell_input(b.p ? b.p : "", b.n));
	buf_free(&b);
	w->rebuilt = 0;
}

str *awk_record(awk *w) {
	room(w, 0);
	if (w->rebuilt)
		rebuild(w);
	return awk_str(w, &w->fld[0]);
}

cell *awk_field(awk *w, size_t i) {
	static cell none;
	if (i == 0) {
		room(w, 0);
		if (w->rebuilt)
			rebuild(w);
		return &w->fld[0];
	}
	awk_split_record(w);
	if (i > w->nfld) {
		none = (cell){0};
		return &none;
	}
	return &w->fld[i];
}

void awk_set_nf(awk *w, double d) {
	awk_split_record(w);
	if (d < 0 || isnan(d))
		awk_fatal(w, "fatal: NF set to negative value");
	if (d > 10000000)
		awk_fatal(w, "fatal: NF set to too large a value");
	size_t n = (size_t)d;
	room(w, n);
	for (size_t i = w->nfld + 1; i <= n; i++)
		cell_free(&w->fld[i]);
	w->nfld = n;
	w->rebuilt = 1;
	cell_set(awk_var(w, G_NF), cell_num((double)n));
}

void awk_set_field(awk *w, size_t i, cell v) {
	if (i == 0) {
		str *s = awk_str(w, &v);
		cell_free(&v);
		awk_set_record(w, s->d, s->n);
		str_unref(s);
		return;
	}
	awk_split_record(w);
	if (i > w->nfld)
		awk_set_nf(w, (double)i);
	cell_set(&w->fld[i], v);
	w->rebuilt = 1;
}

static stream *find(awk *w, str *name, int how) {
	for (stream *s = w->streams; s; s = s->next)
		if ((!how || s->how == how) && s->name->n == name->n && !memcmp(s->name->d, name->d, name->n))
			return s;
	return NULL;
}

static int spawn_shell(const char *cmd, int in, int out) {
	char *line = tx_strdup(cmd), *argv[] = {"sh", "-c", line, NULL};
	int fds[3] = {in, out, SBX_INHERIT};
	int pid = sbx_spawn("sh", argv, NULL, fds, 0);
	free(line);
	return pid;
}

static stream *add(awk *w, str *name, int how) {
	stream *s = tx_alloc(sizeof *s);
	s->name = str_ref(name);
	s->how = how;
	s->next = w->streams;
	w->streams = s;
	return s;
}

FILE *awk_output(awk *w, str *name, int how) {
	int kind = how == '|' ? '|' : '>';
	if (kind == '>') {
		if (!strcmp(name->d, "/dev/stdout") || !strcmp(name->d, "-"))
			return stdout;
		if (!strcmp(name->d, "/dev/stderr"))
			return stderr;
	}
	stream *s = find(w, name, kind);
	if (s)
		return s->f;
	if (kind == '>') {
		FILE *f;
		if (tx_fopen_w(name->d, how == T_APPEND, &f))
			awk_fatal(w, "fatal: cannot redirect to `%s': %s", name->d, tx_strerror(errno));
		s = add(w, name, kind);
		return s->f = f;
	}
	int fds[2];
	fflush(NULL);
	if (sbx_pipe(fds))
		awk_fatal(w, "fatal: cannot open pipe `%s' for output: %s", name->d, tx_strerror(errno));
	s = add(w, name, kind);
#ifndef __wasm__
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
#endif
	s->pid = spawn_shell(name->d, fds[0], SBX_INHERIT);
	close(fds[0]);
	if (s->pid < 0)
		awk_fatal(w, "fatal: cannot open pipe `%s' for output: %s", name->d, tx_strerror(errno));
	return s->f = fdopen(fds[1], "w");
}

int awk_getline_from(awk *w, str *name, int pipe, char **p, size_t *n) {
	int how = pipe ? 'r' : '<';
	stream *s = find(w, name, how);
	if (!s) {
		tx_in in;
		int pid = 0;
		fflush(NULL);
		if (pipe) {
			int fds[2];
			if (sbx_pipe(fds))
				return -1;
#ifndef __wasm__
			fcntl(fds[0], F_SETFD, FD_CLOEXEC);
#endif
			pid = spawn_shell(name->d, SBX_INHERIT, fds[1]);
			close(fds[1]);
			if (pid < 0)
				return -1;
			tx_fdin(&in, fds[0]);
		} else if (tx_open(&in, strcmp(name->d, "/dev/stdin") ? name->d : "-"))
			return -1;
		struct sbx_stat st;
		if (!pipe && in.fd > 0 && sbx_fstat(in.fd, &st) == 0 && S_ISDIR(st.mode)) {
			tx_close(&in);
			return -1;
		}
		s = add(w, name, how);
		s->in = in;
		s->pid = pid;
	}
	int hit = read_record(w, &s->in, p, n);
	return hit ? 1 : s->in.err ? -1 : 0;
}

static int finish(stream *s) {
	int r = 0;
	if (s->f) {
		if (ferror(s->f) | fclose(s->f))
			r = -1;
	} else
		tx_close(&s->in);
	if (s->pid > 0) {
		uint32_t st = 0;
		sbx_wait(s->pid, 0, &st);
		r = SBX_WIFSIGNALED(st) ? 256 + SBX_WTERMSIG(st) : SBX_WEXITSTATUS(st);
	}
	str_unref(s->name);
	free(s);
	return r;
}

int awk_close(awk *w, str *name) {
	stream *s = find(w, name, 0);
	if (!s)
		return -1;
	stream **p = &w->streams;
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	return finish(s);
}

int awk_flush(awk *w, str *name) {
	if (!name || !name->n)
		return fflush(NULL) ? -1 : 0;
	if (!strcmp(name->d, "/dev/stdout"))
		return fflush(stdout) ? -1 : 0;
	stream *s = find(w, name, 0);
	return s && s->f && !fflush(s->f) ? 0 : -1;
}

void awk_close_all(awk *w) {
	fflush(stdout);
	while (w->streams) {
		stream *s = w->streams;
		w->streams = s->next;
		finish(s);
	}
}

int awk_system(awk *w, str *cmd) {
	fflush(NULL);
	int pid = spawn_shell(cmd->d, SBX_INHERIT, SBX_INHERIT);
	uint32_t st = 0;
	if (pid < 0 || sbx_wait(pid, 0, &st) < 0)
		return -1;
	return SBX_WIFSIGNALED(st) ? 256 + SBX_WTERMSIG(st) : SBX_WEXITSTATUS(st);
}
