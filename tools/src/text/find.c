// find: the walk. It is iterative: depth is bounded by memory, not by the stack.
#include <dirent.h>
#include "find.h"

const char find_help[] =
	" [-H] [-L] [-P] [path...] [expression]\n\n"
	"operators: ( EXPR )  ! EXPR  -not EXPR  EXPR1 -a EXPR2  EXPR1 -o EXPR2  EXPR1 , EXPR2\n"
	"options: -depth -maxdepth N -mindepth N -mount -xdev -follow -daystart -regextype TYPE\n"
	"tests (N can be +N or -N or N): -amin N -anewer FILE -atime N -cmin N -cnewer FILE -ctime N\n"
	"      -empty -false -gid N -group NAME -ilname PATTERN -iname PATTERN -inum N\n"
	"      -ipath PATTERN -iregex PATTERN -links N -lname PATTERN -mmin N -mtime N\n"
	"      -name PATTERN -newer FILE -newerXY REF -nouser -nogroup -path PATTERN\n"
	"      -perm [-/]MODE -regex PATTERN -readable -writable -executable -samefile NAME\n"
	"      -size N[bcwkMG] -true -type [bcdpfls] -uid N -user NAME -xtype [bcdpfls]\n"
	"actions: -delete -print0 -printf FORMAT -fprintf FILE FORMAT -print -fprint0 FILE -fprint FILE\n"
	"      -ls -fls FILE -prune -quit -exec COMMAND ; -exec COMMAND {} + -ok COMMAND ;\n"
	"      -execdir COMMAND ; -execdir COMMAND {} + -okdir COMMAND ;\n";

void find_error(find *f, int err, const char *path) {
	fflush(stdout);
	fprintf(stderr, "find: %s: %s\n", quoteaf(path), errtext(err));
	f->status = 1;
}

const struct sbx_stat *find_stat(find *f, item *it) {
	if (!it->have) {
		int follow = f->follow == 'L' || (f->follow == 'H' && it->depth == 0);
		it->have = 1;
		if (sbx_stat(it->path, follow ? 0 : SBX_NOFOLLOW, &it->st)) {
			int e = errno;
			if (!(follow && (e == ENOENT || e == ELOOP) && sbx_stat(it->path, SBX_NOFOLLOW, &it->st) == 0)) {
				it->have = -1;
				errno = e;
			}
		}
	}
	return it->have > 0 ? &it->st : NULL;
}

int find_eval(find *f, node *n, item *it) {
	switch (n->op) {
	case 'a': return find_eval(f, n->l, it) && find_eval(f, n->r, it);
	case 'o': return find_eval(f, n->l, it) || find_eval(f, n->r, it);
	case '!': return !find_eval(f, n->l, it);
	case ',': find_eval(f, n->l, it); return find_eval(f, n->r, it);
	}
	return n->test(f, n, it);
}

typedef struct {
	struct ent *e;
	int n, i, visited, pruned;
	size_t len; // of this directory's path
	uint64_t dev, ino;
} frame;

static const char *last_part(const char *p) {
	const char *s = p + strlen(p);
	while (s > p + 1 && s[-1] == '/')
		s--;
	while (s > p && s[-1] != '/')
		s--;
	return s;
}

static void visit(find *f, item *it) {
	f->prune = 0;
	if (it->depth >= f->mindepth && !f->quit)
		find_eval(f, f->expr, it);
}

static int loops(const frame *st, size_t n, const struct sbx_stat *s) {
	for (size_t i = 0; i < n; i++)
		if (st[i].dev == s->dev && st[i].ino == s->ino)
			return 1;
	return 0;
}

// linux_type makes Linux's number of a directory entry's type; WASI's differ. 0 where it takes a stat to know.
static int linux_type(unsigned char type) {
	switch (type) {
	case DT_DIR: return 4;
	case DT_REG: return 8;
	case DT_LNK: return 10;
	}
	return 0;
}

// enter visits one item and pushes a frame when it is a directory to go into.
static void enter(find *f, buf *path, size_t root, int depth, int type, frame **stack, size_t *ns, size_t *cap, uint64_t dev) {
	char *p = buf_z(path);
	item it = {.path = p, .root = root, .depth = depth, .type = type};
	it.name = last_part(p);
	const struct sbx_stat *st = NULL;
	int isdir = type == 4;
	if (depth == 0 || f->follow == 'L' || type == 0 || isdir) {
		st = find_stat(f, &it);
		if (!st) {
			if (errno != ENOENT || depth == 0 || 1)
				find_error(f, errno, p);
			return;
		}
		isdir = S_ISDIR(st->mode);
	}
	if (isdir && f->follow == 'L' && loops(*stack, *ns, st)) {
		fflush(stdout);
		fprintf(stderr, "find: File system loop detected; %s is part of the same file system loop.\n", quoteaf(p));
		f->status = 1;
		return;
	}
	int other = isdir && f->xdev && depth > 0 && st->dev != dev;
	if (!f->depthfirst)
		visit(f, &it);
	int descend = isdir && !other && depth < f->maxdepth && !(f->prune && !f->depthfirst) && !f->quit;
	f->prune = 0;
	if (!descend) {
		if (f->depthfirst)
			visit(f, &it);
		return;
	}
	frame fr = {.len = path->n, .dev = st->dev, .ino = st->ino};
	fr.e = dir_list(p, &fr.n);
	if (fr.n < 0) {
		find_error(f, errno, p);
		fr.n = 0;
		if (f->depthfirst)
			visit(f, &it);
		return;
	}
	*stack = tx_array(*stack, cap, *ns + 1, sizeof **stack);
	(*stack)[(*ns)++] = fr;
}

static void walk(find *f, const char *start) {
	buf path = {0};
	frame *st = NULL;
	size_t ns = 0, cap = 0, root = strlen(start);
	buf_str(&path, start);
	enter(f, &path, root, 0, 0, &st, &ns, &cap, 0);
	uint64_t dev = ns ? st[0].dev : 0;
	while (ns && !f->quit) {
		frame *t = &st[ns - 1];
		path.n = t->len;
		if (t->i < t->n) {
			struct ent *e = &t->e[t->i++];
			if (path.n && path.p[path.n - 1] != '/')
				buf_chr(&path, '/');
			buf_str(&path, e->name);
			enter(f, &path, root, (int)ns, linux_type(e->type), &st, &ns, &cap, dev);
			continue;
		}
		dir_free(t->e, t->n);
		ns--;
		if (f->depthfirst) {
			item it = {.path = buf_z(&path), .root = root, .depth = (int)ns, .type = 4};
			it.name = last_part(it.path);
			visit(f, &it);
		}
	}
	while (ns) {
		ns--;
		dir_free(st[ns].e, st[ns].n);
	}
	free(st);
	buf_free(&path);
}

int find_main(int argc, char **argv) {
	tx_begin("find", 1);
	find f = {.follow = 'P', .maxdepth = INT64_MAX, .regextype = RE_EMACS};
	uint32_t ns;
	now(&f.now, &ns);
	f.nowns = ns;
	find_parse(&f, argc, argv);
	for (int i = 0; i < f.npaths && !f.quit; i++)
		walk(&f, f.paths[i]);
	find_exec_end(&f);
	return tx_end(f.status);
}
