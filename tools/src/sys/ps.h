/* ps.h: the columns of ps. */
#ifndef PS_H
#define PS_H

#include "procs.h"

struct column {
	const char *name, *title;
	int width; /* 0: as wide as a pid; -1: as long as it is */
	bool left;
	void (*show)(char *out, size_t n, const struct proc *p);
	int64_t (*key)(const struct proc *p); /* to sort by; NULL: by what is shown */
};

const struct column *ps_column(const char *name); /* NULL: no such */
int ps_pid_width(void);
extern bool ps_numeric, ps_bsd_args, ps_environ, ps_cumulative; /* n, BSD manners, e, S */

#endif
