#ifndef SBX_SED_H
#define SBX_SED_H

#include "re.h"
#include "tx.h"

enum { AD_NONE, AD_NUM, AD_STEP, AD_LAST, AD_RE, AD_ZERO, AD_PLUS, AD_MULT };
typedef struct {
	int type;
	uint64_t a, b;
	re *re; // NULL with AD_RE: the last one used
} addr;

typedef struct {
	const char *name;
	FILE *f;
	int missing; // the last line written lacks its newline
} outfile;

enum { R_TEXT, R_GROUP, R_CASE };
typedef struct {
	int kind, n;    // R_GROUP: number; R_CASE: 'U' 'L' 'E' 'u' 'l'
	char *s;
	size_t len;
} part;

typedef struct {
	re *re;
	part *parts;
	size_t nparts, cparts;
	int global, print, eval, maxref;
	uint64_t number;
	outfile *out;
} subst;

typedef struct {
	addr a1, a2;
	int neg, c, active;
	uint64_t end;
	char *text; // a i c text, label, file name
	size_t len;
	int64_t num;
	size_t target;
	outfile *out;
	subst *sub;
	unsigned char *map;
	tx_in *rin; // R
} cmd;

typedef struct {
	cmd *c;
	size_t n, cap;
	struct {
		char *name;
		size_t at;
	} *labels;
	size_t nlabels, clabels;
	size_t *blocks, nblocks, cblocks;
	outfile **outs;
	size_t nouts, couts;
	// where the parser is
	const char *base, *cur, *end, *file;
	int expr, line;
	int pending; // a\ at the end of a chunk: its text is the next chunk
	int quiet, ere, separate, inplace, nul, unbuffered, posix, sandbox, debug;
	int64_t wrap;
	char *suffix;
} sed;

void sed_chunk(sed *s, const char *p, size_t n, const char *file);
void sed_finish(sed *s);
outfile *sed_out(sed *s, const char *name);
int sed_run(sed *s, char **files, int n);
void sed_special(buf *out, const char **pp, const char *e); // \a \f \n \r \t \v \cX \dNNN \oNNN \xHH
char *sed_eval(const char *cmd, size_t n, size_t *len);

#endif
