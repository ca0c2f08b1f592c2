#ifndef SBX_FIND_H
#define SBX_FIND_H

#include "re.h"
#include "tool.h"
#include "tx.h"

typedef struct {
	const char *path, *name; // as printed; the last component
	const char *dir;         // the directory part for -execdir, %h
	size_t root;             // length of the starting point
	int depth;
	struct sbx_stat st, lst;
	int have, havel;         // 1 read, -1 failed
	int type;                // DT_* hint
	int follow;              // stat follows links for this one
} item;

extern const char find_help[];
typedef struct node node;
typedef struct find find;
struct node {
	int op; // 'a' 'o' '!' ',' or 't'
	node *l, *r;
	int (*test)(find *f, node *n, item *it);
	const char *s;
	char cmp;            // '+' '-' '='
	int64_t num, unit;
	int64_t sec, nsec;   // a reference time
	int which;           // which time, kind of test
	uint32_t mode;
	uint64_t dev, ino;
	re *re;
	FILE *out;
	char **argv;         // -exec
	int argc, plus, dirs, ask;
	char **batch;        // arguments waiting for -exec +
	size_t nbatch, cbatch, batchlen;
	char *batchdir;
};

struct find {
	int follow; // 'P' 'L' 'H'
	int depthfirst, xdev, warn, prune, quit, status, daystart, has_action, regextype;
	int64_t maxdepth, mindepth;
	int64_t now, nowns;
	node *expr;
	char **paths;
	int npaths;
	node **execs; // with +: to be run at the end
	size_t nexecs, cexecs;
};

void find_parse(find *f, int argc, char **argv);
int find_eval(find *f, node *n, item *it);
const struct sbx_stat *find_stat(find *f, item *it); // honours -L and -H; NULL when gone
void find_error(find *f, int err, const char *path);
int find_printf(find *f, node *n, item *it);
int find_ls(find *f, node *n, item *it);
int find_exec(find *f, node *n, item *it);
void find_exec_end(find *f); // runs what -exec + gathered
int find_delete(find *f, node *n, item *it);

#endif
