/* ps_int.h: what the arguments of ps ask for. */
#ifndef PS_INT_H
#define PS_INT_H

#include "ps.h"

enum { L_PID, L_PPID, L_SID, L_TTY, L_EUID, L_RUID, L_RGID, L_EGID, LISTS };
enum { TREE_NONE, TREE_INDENT, TREE_FOREST };

struct list {
	int64_t *v;
	size_t n, cap;
};

struct item {
	const struct column *column;
	char *title;
	int width;
};

struct request {
	bool all, all_but_leaders, terminals, bsd_a, bsd_x, running, this_tty, negate, selected; /* selected: something was asked for */
	struct list lists[LISTS];
	char **commands;
	size_t ncommands, ccap;
	bool bsd, full, extra, jobs, longer, rss_for_addr, command_only; /* -f -F -j -l -y c */
	char bsd_format;                                                 /* u, l, j, v or s */
	struct item *items;
	size_t nitems, icap;
	const char *around; /* -O */
	struct {
		const struct column *column;
		bool down;
	} keys[16];
	size_t nkeys;
	int tree, width, wide;
	bool headers;
};

extern struct request ps_request;

void ps_arguments(int argc, char **argv);
void ps_formats(void); /* the columns, unless -o gave them */
void ps_list_add(int list, int64_t v);

#endif
