/* Copying of files and trees, shared by cp, mv and install. */
#ifndef COPY_H
#define COPY_H

#include "tool.h"

enum { K_MODE = 1, K_OWNER = 2, K_TIMES = 4, K_LINKS = 8, K_ALL = 15 };

struct copy_options {
	bool move, recursive, force, link, symlink, update, verbose, remove, one_fs, no_mode, attrs_only;
	char ask;    /* 'i', 'n' or 0 */
	char deref;  /* 'L', 'H', 'P' */
	char backup; /* 0, 's' simple, 'e' existing, '#' numbered */
	int keep;
	const char *suffix;
};
extern struct copy_options co;

int copy_top(const char *from, const char *to); /* one argument; 0 or 1 */

#endif
