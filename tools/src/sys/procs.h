/* procs.h: what /proc tells of processes, for ps, pgrep and their kin. */
#ifndef PROCS_H
#define PROCS_H

#include "tool.h"

struct proc {
	int pid, ppid, pgid, sid, tty, tpgid; /* tty: device number as in stat, 0 none */
	uint32_t uid, euid, gid, egid;
	char state, comm[65];
	int64_t pri, nice, threads;
	uint64_t flags, minflt, majflt, utime, stime, cutime, cstime, start; /* times in ticks, start since boot */
	uint64_t locked, vsize, rss;                                                /* KiB */
	uint64_t pending, blocked, ignored, caught;
	int64_t rtprio, policy, cpu;
	char *args; /* joined by blanks; NULL if there are none */
	size_t at;  /* place in the list, for sorting */
	int depth;  /* in a tree */
};

#define TICKS 100

struct proc *procs_read(size_t *n);       /* by pid; those that end meanwhile are left out */
bool proc_read(int pid, struct proc *p);
char *proc_text(int pid, const char *file, size_t *len); /* /proc/PID/FILE, NULL if there is none */
const char *tty_name(int tty);            /* "pts/0", "?" */
int tty_number(const char *name);         /* -1 if it is no terminal */
uint64_t boot_time(void), up_ticks(void);
/* Calls f with each item of a list with commas or blanks; false as soon as f is. */
bool each_item(const char *list, bool (*f)(const char *item, void *arg), void *arg);

#endif
