#ifndef SBX_GREP_H
#define SBX_GREP_H

#include "re.h"
#include "tx.h"

typedef struct {
	struct {
		const char *glob;
		int kind; // 'i' include, 'x' exclude
	} *g;
	size_t n, cap;
} globs;

typedef struct {
	int mode, icase, word, line, zero, nomsg, invert, offset, number, names, only, quiet, text, recurse, skipdir, list, count, tab, nul, color;
	int64_t before, after, ctx, max;
	int has_ctx, digits_at;
	const char *label;
	globs files, dirs;
	buf pats;
	int npat, from_file, match_empty, nothing;
	re *re, **more; // more: every program; usually just re
	size_t nmore, cmore;
	int any, errors;
	int printed; // something was printed: context groups need a separator
} grep;

// grep_path searches a file, or a directory's files when recursing. top: named on the command line.
void grep_path(grep *g, const char *path, int top, int implicit);
// grep_fd searches one open file and returns whether a line was selected.
int grep_fd(grep *g, int fd, const char *name);

#endif
