// find: -printf, -ls, -exec and -delete.
#include "find.h"

static int letter(uint32_t mode) {
	static const struct {
		uint32_t m;
		char c;
	} t[] = {{0100000, 'f'}, {0040000, 'd'}, {0120000, 'l'}, {0060000, 'b'}, {0020000, 'c'}, {0010000, 'p'}, {0140000, 's'}};
	for (size_t i = 0; i < LEN(t); i++)
		if ((mode & S_IFMT) == t[i].m)
			return t[i].c;
	return 'U';
}

static char *fmt_time(const char *f, int64_t t, int64_t ns) {
	struct when w;
	local_time(t, (uint32_t)ns, &w);
	return time_format(f, &w);
}

// time_field is %Ak, %Ck, %Tk and, with k 0, %a %c %t.
static char *time_field(int which, int k, const struct sbx_stat *s) {
	int64_t t = which == 'a' ? s->atime : which == 'c' ? s->ctime : which == 'b' ? s->btime : s->mtime;
	int64_t ns = which == 'a' ? s->atime_ns : which == 'c' ? s->ctime_ns : which == 'b' ? s->btime_ns : s->mtime_ns;
	char frac[16], f[64];
	snprintf(frac, sizeof frac, ".%09lld0", (long long)ns);
	switch (k) {
	case 0: snprintf(f, sizeof f, "%%a %%b %%e %%H:%%M:%%S%s %%Y", frac); break;
	case '@': snprintf(f, sizeof f, "%%s%s", frac); break;
	case '+': snprintf(f, sizeof f, "%%Y-%%m-%%d+%%H:%%M:%%S%s", frac); break;
	case 'S': snprintf(f, sizeof f, "%%S%s", frac); break;
	case 'T': case 'X': snprintf(f, sizeof f, "%%H:%%M:%%S%s", frac); break;
	case 'r': snprintf(f, sizeof f, "%%I:%%M:%%S%s %%p", frac); break;
	default: snprintf(f, sizeof f, "%%%c", k);
	}
	return fmt_time(f, t, ns);
}

static char *dirname_of(const item *it) {
	const char *s = strrchr(it->path, '/');
	if (s && !s[1]) { // a starting point with slashes behind it
		char *c = tx_strdup(it->path);
		size_t n = strlen(c);
		while (n > 1 && c[n - 1] == '/')
			c[--n] = 0;
		char *t = strrchr(c, '/');
		if (!t) {
			free(c);
			return tx_strdup(".");
		}
		*t = 0;
		return c;
	}
	return s ? tx_memdup(it->path, (size_t)(s - it->path)) : tx_strdup(".");
}

static char *decimal(uint64_t v) { return xasprintf("%llu", (unsigned long long)v); }

// field renders one directive; NULL for one that is not known.
static char *field(find *f, item *it, int c, int k) {
	const struct sbx_stat *s = strchr("pfhPHd", c) ? NULL : find_stat(f, it);
	static const struct sbx_stat zero;
	char b[24];
	const char *nm;
	if (!s)
		s = &zero;
	switch (c) {
	case 'p': return tx_strdup(it->path);
	case 'f': return tx_strdup(it->name);
	case 'h': return dirname_of(it);
	case 'P': {
		const char *p = it->path + it->root;
		return tx_strdup(*p == '/' ? p + 1 : p);
	}
	case 'H': return tx_memdup(it->path, it->root);
	case 'd': return decimal((uint64_t)it->depth);
	case 's': return decimal((uint64_t)s->size);
	case 'k': return decimal((uint64_t)(s->blocks + 1) / 2);
	case 'b': return decimal((uint64_t)s->blocks);
	case 'm': return xasprintf("%o", s->mode & 07777);
	case 'M': mode_string(s->mode, b); return tx_strdup(b);
	case 'u': nm = user_name(s->uid); return nm ? tx_strdup(nm) : decimal(s->uid);
	case 'U': return decimal(s->uid);
	case 'g': nm = group_name(s->gid); return nm ? tx_strdup(nm) : decimal(s->gid);
	case 'G': return decimal(s->gid);
	case 'i': return decimal(s->ino);
	case 'n': return decimal(s->nlink);
	case 'D': return decimal(s->dev);
	case 'y': return xasprintf("%c", letter(s->mode));
	case 'Y': {
		struct sbx_stat t;
		if (S_ISLNK(s->mode)) {
			if (sbx_stat(it->path, 0, &t))
				return tx_strdup(errno == ELOOP ? "L" : errno == ENOENT || errno == ENOTDIR ? "N" : "?");
			s = &t;
		}
		return xasprintf("%c", letter(s->mode));
	}
	case 'l': {
		char *l = S_ISLNK(s->mode) ? read_link(it->path) : NULL;
		return l ? l : tx_strdup("");
	}
	case 'S': return xasprintf("%g", s->size ? 512.0 * (double)s->blocks / (double)s->size : 1.0);
	case 'F': return tx_strdup("overlay");
	case 'Z': return tx_strdup("");
	case 't': return time_field('m', 0, s);
	case 'a': return time_field('a', 0, s);
	case 'c': return time_field('c', 0, s);
	case 'T': return time_field('m', k, s);
	case 'A': return time_field('a', k, s);
	case 'C': return time_field('c', k, s);
	case 'B': return time_field('b', k, s);
	}
	return NULL;
}

static const char *escape(const char *p, FILE *out, int *stop) {
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	const char *e = *p ? strchr(from, *p) : NULL;
	if (e)
		fputc(to[e - from], out);
	else if (*p == 'c') {
		*stop = 1;
		fflush(out);
	} else if (*p >= '0' && *p <= '7') {
		int v = 0;
		for (int k = 0; k < 3 && *p >= '0' && *p <= '7'; k++)
			v = v * 8 + *p++ - '0';
		fputc(v & 255, out);
		return p;
	} else {
		fputc('\\', out);
		if (!*p)
			return p;
		fputc(*p, out);
	}
	return p + 1;
}

int find_printf(find *f, node *n, item *it) {
	int stop = 0;
	for (const char *p = n->s; *p && !stop;) {
		if (*p == '\\') {
			p = escape(p + 1, n->out, &stop);
			continue;
		}
		if (*p != '%') {
			fputc(*p++, n->out);
			continue;
		}
		const char *start = p++;
		if (*p == '%') {
			fputc('%', n->out);
			p++;
			continue;
		}
		int left = 0, zero = 0, width = 0, prec = -1;
		for (; *p && strchr("-0+# ", *p); p++)
			left |= *p == '-', zero |= *p == '0';
		for (; tx_isdigit((unsigned char)*p); p++)
			width = width > 4096 ? width : width * 10 + *p - '0';
		if (*p == '.')
			for (prec = 0, p++; tx_isdigit((unsigned char)*p); p++)
				prec = prec > 4096 ? prec : prec * 10 + *p - '0';
		int c = (unsigned char)*p, k = 0;
		if (c)
			p++;
		if (c && strchr("TACB", c) && *p)
			k = (unsigned char)*p++;
		char *v = c ? field(f, it, c, k) : NULL;
		if (!v) {
			fwrite(start, 1, (size_t)(p - start), n->out);
			continue;
		}
		if (zero && !left && strchr("sdkbmUGin", c))
			for (int w = (int)strlen(v); w < width; w++)
				fputc('0', n->out);
		else if (!left)
			fprintf(n->out, "%*s", width > (int)strlen(v) ? width - (int)strlen(v) : 0, "");
		int len = prec >= 0 && prec < (int)strlen(v) && strchr("pfhPHugl", c) ? prec : (int)strlen(v);
		fprintf(n->out, "%.*s", len, v);
		if (left)
			fprintf(n->out, "%*s", width > len ? width - len : 0, "");
		free(v);
	}
	return 1;
}

int find_ls(find *f, node *n, item *it) {
	const struct sbx_stat *s = find_stat(f, it);
	if (!s)
		return 1;
	char m[11];
	mode_string(s->mode, m);
	const char *u = user_name(s->uid), *g = group_name(s->gid);
	char ub[24], gb[24];
	fprintf(n->out, "%9llu %6llu %s %3u %-8s %-8s ", (unsigned long long)s->ino, (unsigned long long)(s->blocks + 1) / 2, m, s->nlink, u ? u : umax(s->uid, ub), g ? g : umax(s->gid, gb));
	if (S_ISBLK(s->mode) || S_ISCHR(s->mode))
		fprintf(n->out, "%3u, %3u", sbx_major(s->rdev), sbx_minor(s->rdev));
	else
		fprintf(n->out, "%8llu", (unsigned long long)s->size);
	int64_t half = 31556952 / 2;
	int recent = s->mtime > f->now - half && s->mtime <= f->now + 3600;
	char *t = fmt_time(recent ? "%b %e %H:%M" : "%b %e  %Y", s->mtime, 0);
	fprintf(n->out, " %s ", t);
	free(t);
	for (const char *p = it->path; *p; p++)
		if ((unsigned char)*p <= 32 || *p == '"' || *p == '\\' || (unsigned char)*p >= 127) {
			if (*p == '\n')
				fputs("\\n", n->out);
			else if (strchr(" \"\\", *p))
				fprintf(n->out, "\\%c", *p);
			else
				fprintf(n->out, "\\%03o", (unsigned char)*p);
		} else
			fputc(*p, n->out);
	if (S_ISLNK(s->mode)) {
		char *l = read_link(it->path);
		fprintf(n->out, " -> %s", l ? l : "");
		free(l);
	}
	fputc('\n', n->out);
	return 1;
}

// run starts a command, in dir when given, and returns its exit status (as a shell sees it).
static int run(find *f, char **argv, const char *dir) {
	char cwd[4097];
	fflush(NULL);
	if (dir && (!sbx_getcwd(cwd, sizeof cwd) || sbx_chdir(dir))) {
		find_error(f, errno, dir);
		return 1;
	}
	int fds[3] = {SBX_INHERIT, SBX_INHERIT, SBX_INHERIT};
	int pid = sbx_spawn(argv[0], argv, NULL, fds, 0), e = errno;
	if (dir && sbx_chdir(cwd))
		tx_die(errno, "%s", cwd);
	if (pid < 0) {
		fprintf(stderr, "find: %s: %s\n", quoteaf(argv[0]), errtext(e));
		return 127;
	}
	uint32_t st;
	if (sbx_wait(pid, 0, &st) < 0)
		tx_die(errno, "wait");
	if (SBX_WIFSIGNALED(st)) {
		fprintf(stderr, "find: %s terminated by signal %d\n", argv[0], SBX_WTERMSIG(st));
		return 128 + SBX_WTERMSIG(st);
	}
	return SBX_WEXITSTATUS(st);
}

static char *replace(const char *a, const char *with) {
	buf b = {0};
	for (const char *p; (p = strstr(a, "{}")); a = p + 2) {
		buf_add(&b, a, (size_t)(p - a));
		buf_str(&b, with);
	}
	buf_str(&b, a);
	return buf_z(&b);
}

static void run_batch(find *f, node *n) {
	if (!n->nbatch)
		return;
	char **argv = tx_alloc(((size_t)n->argc + n->nbatch + 1) * sizeof *argv);
	memcpy(argv, n->argv, (size_t)n->argc * sizeof *argv);
	memcpy(argv + n->argc, n->batch, n->nbatch * sizeof *argv);
	if (run(f, argv, n->batchdir))
		f->status = 1;
	for (size_t i = 0; i < n->nbatch; i++)
		free(n->batch[i]);
	n->nbatch = n->batchlen = 0;
	free(n->batchdir);
	n->batchdir = NULL;
	free(argv);
}

void find_exec_end(find *f) {
	for (size_t i = 0; i < f->nexecs; i++)
		run_batch(f, f->execs[i]);
}

static int confirmed(char **argv, int argc) {
	fflush(stdout);
	fprintf(stderr, "<");
	for (int i = 0; i < argc && i < 1; i++)
		fprintf(stderr, " %s", argv[i]);
	fprintf(stderr, " ... %s > ? ", argc > 1 ? argv[argc - 1] : "");
	int c = getchar(), yes = c == 'y' || c == 'Y';
	while (c != '\n' && c != EOF)
		c = getchar();
	return yes;
}

int find_exec(find *f, node *n, item *it) {
	char *dir = NULL, *name = NULL;
	if (n->dirs) {
		dir = dirname_of(it);
		if (!*dir) {
			free(dir);
			dir = tx_strdup("/");
		}
		name = xasprintf("./%s", it->name);
		if (!strcmp(it->path, "/"))
			name[1] = 0, name[0] = '/';
	} else
		name = tx_strdup(it->path);
	if (n->plus) {
		if (n->nbatch && (n->batchlen + strlen(name) > 100000 || (dir && n->batchdir && strcmp(dir, n->batchdir))))
			run_batch(f, n);
		if (dir) {
			free(n->batchdir);
			n->batchdir = dir;
		}
		n->batch = tx_array(n->batch, &n->cbatch, n->nbatch + 1, sizeof *n->batch);
		n->batchlen += strlen(name) + 9;
		n->batch[n->nbatch++] = name;
		return 1;
	}
	char **argv = tx_alloc(((size_t)n->argc + 1) * sizeof *argv);
	for (int i = 0; i < n->argc; i++)
		argv[i] = replace(n->argv[i], name);
	int ok = n->ask && !confirmed(argv, n->argc) ? 0 : run(f, argv, dir) == 0;
	for (int i = 0; i < n->argc; i++)
		free(argv[i]);
	free(argv);
	free(name);
	free(dir);
	return ok;
}

int find_delete(find *f, node *n, item *it) {
	const struct sbx_stat *s = find_stat(f, it);
	if (!strcmp(it->path, "."))
		return 1;
	int dir = it->type == 4 || (s && S_ISDIR(s->mode));
	if ((dir ? rmdir(it->path) : unlink(it->path)) == 0)
		return 1;
	int e = errno;
	fflush(stdout);
	fprintf(stderr, "find: cannot delete %s: %s\n", quoteaf(it->path), errtext(e));
	f->status = 1;
	return 0;
}
