/* What ps can show of a process. */
#include "ps.h"

bool ps_numeric, ps_bsd_args, ps_environ, ps_cumulative;

#define SHOW(name, ...) static void show_##name(char *o, size_t n, const struct proc *p) { snprintf(o, n, __VA_ARGS__); }
#define NUMBER(name, expr) \
	SHOW(name, "%lld", (long long)(expr)) \
	static int64_t key_##name(const struct proc *p) { return (int64_t)(expr); }
#define MASK(name) SHOW(name, "%016llx", (unsigned long long)p->name)

static uint64_t used(const struct proc *p) { return p->utime + p->stime + (ps_cumulative ? p->cutime + p->cstime : 0); }
static int64_t elapsed(const struct proc *p) {
	int64_t t = (int64_t)(up_ticks() - p->start) / TICKS;
	return t < 0 ? 0 : t;
}
static int64_t since(const struct proc *p) { return (int64_t)(boot_time() + p->start / TICKS); }

/* Per mille of one processor. */
static int64_t cpu(const struct proc *p) {
	int64_t s = elapsed(p);
	return s ? (int64_t)(used(p) * 1000 / TICKS) / s : 0;
}

static int64_t memory(const struct proc *p) {
	static uint64_t total;
	if (!total) {
		char *text = slurp("/proc/meminfo", NULL);
		if (text && sscanf(text, "MemTotal: %llu", (unsigned long long *)&total) != 1)
			total = 0;
		free(text);
		total = total ? total : 1;
	}
	int64_t v = (int64_t)(p->rss * 1000 / total);
	return v > 999 ? 999 : v;
}

NUMBER(pid, p->pid)
NUMBER(ppid, p->ppid)
NUMBER(pgid, p->pgid)
NUMBER(sid, p->sid)
NUMBER(tpgid, p->tpgid)
NUMBER(uid, p->euid)
NUMBER(ruid, p->uid)
NUMBER(gid, p->egid)
NUMBER(rgid, p->gid)
NUMBER(rss, p->rss)
NUMBER(vsz, p->vsize)
NUMBER(sz, p->vsize / 4)
NUMBER(pri, 39 - p->pri)
NUMBER(opri, 60 + p->pri)
NUMBER(priority, p->pri)
NUMBER(nlwp, p->threads)
NUMBER(minflt, p->minflt)
NUMBER(majflt, p->majflt)
NUMBER(etimes, elapsed(p))
NUMBER(times, used(p) / TICKS)
NUMBER(psr, p->cpu)
NUMBER(flags, p->flags >> 6 & 7)
NUMBER(c, cpu(p) / 10 > 99 ? 99 : cpu(p) / 10)
MASK(pending)
MASK(blocked)
MASK(ignored)
MASK(caught)
SHOW(state, "%c", p->state)
SHOW(comm, "%s%s", p->comm, p->state == 'Z' ? " <defunct>" : "")
SHOW(fname, "%.8s", p->comm)
SHOW(tty, "%s", tty_name(p->tty))

static int64_t key_time(const struct proc *p) { return (int64_t)used(p); }
static int64_t key_start(const struct proc *p) { return (int64_t)p->start; }
static int64_t key_cpu(const struct proc *p) { return cpu(p); }
static int64_t key_tty(const struct proc *p) { return p->tty; }
static int64_t key_nice(const struct proc *p) { return p->nice; }

static void show_nice(char *o, size_t n, const struct proc *p) {
	bool real_time = p->policy != 0 && p->policy != 3 && p->policy != 5;
	snprintf(o, n, real_time ? "-" : "%d", (int)p->nice);
}

static void named(char *o, size_t n, const char *name, uint32_t id) {
	if (ps_numeric || !name)
		snprintf(o, n, "%u", id);
	else
		snprintf(o, n, strlen(name) > 8 ? "%.7s+" : "%s", name);
}

static void show_user(char *o, size_t n, const struct proc *p) { named(o, n, user_name(p->euid), p->euid); }
static void show_ruser(char *o, size_t n, const struct proc *p) { named(o, n, user_name(p->uid), p->uid); }
static void show_group(char *o, size_t n, const struct proc *p) { named(o, n, group_name(p->egid), p->egid); }
static void show_rgroup(char *o, size_t n, const struct proc *p) { named(o, n, group_name(p->gid), p->gid); }

static void show_stat(char *o, size_t n, const struct proc *p) {
	snprintf(o, n, "%c%s%s%s%s%s", p->state, p->nice < 0 ? "<" : p->nice > 0 ? "N" : "", p->locked ? "L" : "", p->sid == p->pid ? "s" : "",
	    p->threads > 1 ? "l" : "", p->pgid == p->tpgid && p->tpgid > 0 ? "+" : "");
}

static void show_time(char *o, size_t n, const struct proc *p) {
	unsigned long long t = used(p) / TICKS, d = t / 86400;
	int at = d ? snprintf(o, n, "%llu-", d) : 0;
	snprintf(o + at, n - (size_t)at, "%02llu:%02llu:%02llu", t / 3600 % 24, t / 60 % 60, t % 60);
}

static void show_bsdtime(char *o, size_t n, const struct proc *p) {
	unsigned long long t = used(p) / TICKS;
	snprintf(o, n, "%llu:%02llu", t / 60, t % 60);
}

static void show_etime(char *o, size_t n, const struct proc *p) {
	long long t = elapsed(p), d = t / 86400, h = t / 3600 % 24;
	int at = d ? snprintf(o, n, "%lld-", d) : 0;
	if (d || h)
		at += snprintf(o + at, n - (size_t)at, "%02lld:", h);
	snprintf(o + at, n - (size_t)at, "%02lld:%02lld", t / 60 % 60, t % 60);
}

static void format(char *o, size_t n, const char *fmt, int64_t t) {
	struct when w;
	local_time(t, 0, &w);
	char *s = time_format(fmt, &w);
	snprintf(o, n, "%s", s);
	free(s);
}

static void show_stime(char *o, size_t n, const struct proc *p) {
	struct when w, today;
	int64_t t;
	uint32_t ns;
	now(&t, &ns);
	local_time(t, 0, &today);
	local_time(since(p), 0, &w);
	format(o, n, w.year != today.year ? "%Y" : w.yday != today.yday ? "%b%d" : "%H:%M", since(p));
}

static bool recent(const struct proc *p) {
	int64_t t;
	uint32_t ns;
	now(&t, &ns);
	return t - since(p) <= 86400;
}

static void show_start(char *o, size_t n, const struct proc *p) { format(o, n, recent(p) ? "%H:%M:%S" : "  %b %d", since(p)); }
static void show_bsdstart(char *o, size_t n, const struct proc *p) { format(o, n, recent(p) ? " %H:%M" : "%b %e", since(p)); }
static void show_lstart(char *o, size_t n, const struct proc *p) { format(o, n, "%a %b %e %H:%M:%S %Y", since(p)); }

static void tenths(char *o, size_t n, int64_t v) {
	snprintf(o, n, v > 999 ? "%lld" : "%lld.%lld", (long long)(v / 10), (long long)(v % 10));
}
static void show_cpu(char *o, size_t n, const struct proc *p) { tenths(o, n, cpu(p)); }
static void show_mem(char *o, size_t n, const struct proc *p) { tenths(o, n, memory(p)); }

static void show_class(char *o, size_t n, const struct proc *p) {
	static const char *const names[] = {"TS", "FF", "RR", "B", "ISO", "IDL", "DLN"};
	snprintf(o, n, "%s", p->policy >= 0 && p->policy < (int64_t)LEN(names) ? names[p->policy] : "?");
}

static void show_rtprio(char *o, size_t n, const struct proc *p) {
	snprintf(o, n, p->policy == 1 || p->policy == 2 ? "%d" : "-", (int)p->rtprio);
}

static void wchan(char *o, size_t n, const struct proc *p, int width) {
	char *text = proc_text(p->pid, "wchan", NULL);
	bool none = !text || !*text || strcmp(text, "0") == 0;
	snprintf(o, n, "%.*s", width, none ? "-" : text);
	free(text);
}
static void show_wchan(char *o, size_t n, const struct proc *p) { wchan(o, n, p, 64); }

static int64_t status_kib(const struct proc *p, const char *name) {
	char *text = proc_text(p->pid, "status", NULL), *at = text ? strstr(text, name) : NULL;
	int64_t v = at ? strtoll(at + strlen(name), NULL, 10) : 0;
	free(text);
	return v;
}
static void show_trs(char *o, size_t n, const struct proc *p) { snprintf(o, n, "%lld", (long long)status_kib(p, "\nVmExe:")); }
static void show_drs(char *o, size_t n, const struct proc *p) {
	int64_t v = (int64_t)p->vsize - status_kib(p, "\nVmExe:");
	snprintf(o, n, "%lld", (long long)(v < 0 ? 0 : v));
}

/* Control characters would be obeyed by the terminal. */
static void harmless(char *s) {
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
}

static void show_args(char *o, size_t n, const struct proc *p) {
	int at = p->args ? snprintf(o, n, "%s", p->args) : snprintf(o, n, "[%s]%s", p->comm, p->state == 'Z' ? " <defunct>" : "");
	if (ps_environ && at > 0 && (size_t)at < n) {
		size_t len = 0;
		char *env = proc_text(p->pid, "environ", &len);
		for (size_t i = 0; env && i < len && (size_t)at < n; i += strlen(env + i) + 1)
			at += snprintf(o + at, n - (size_t)at, " %s", env + i);
		free(env);
	}
	harmless(o);
}

static void show_ucomm(char *o, size_t n, const struct proc *p) {
	show_comm(o, n, p);
	harmless(o);
}

static void show_none(char *o, size_t n, const struct proc *p) {
	(void)p;
	snprintf(o, n, "-");
}

static const struct column columns[] = {
    {"%cpu", "%CPU", 4, false, show_cpu, key_cpu}, {"%mem", "%MEM", 4, false, show_mem, key_rss},
    {"addr", "ADDR", 4, true, show_none, NULL}, {"args", "COMMAND", 27, true, show_args, NULL},
    {"blocked", "BLOCKED", 16, false, show_blocked, NULL}, {"bsdstart", "START", 6, false, show_bsdstart, key_start},
    {"bsdtime", "TIME", 6, false, show_bsdtime, key_time}, {"c", "C", 2, false, show_c, key_c},
    {"caught", "CAUGHT", 16, false, show_caught, NULL}, {"class", "CLS", 3, true, show_class, NULL},
    {"cls", "CLS", 3, false, show_class, NULL}, {"cmd", "CMD", 27, true, show_args, NULL},
    {"comm", "COMMAND", 15, true, show_ucomm, NULL}, {"command", "COMMAND", 27, true, show_args, NULL},
    {"cputime", "TIME", 8, false, show_time, key_time}, {"cputimes", "TIME", 8, false, show_times, key_times},
    {"drs", "DRS", 5, false, show_drs, NULL}, {"egid", "EGID", 5, false, show_gid, key_gid},
    {"egroup", "EGROUP", 8, true, show_group, NULL}, {"etime", "ELAPSED", 11, false, show_etime, key_etimes},
    {"etimes", "ELAPSED", 7, false, show_etimes, key_etimes}, {"euid", "EUID", 5, false, show_uid, key_uid},
    {"euser", "EUSER", 8, true, show_user, NULL}, {"f", "F", 1, false, show_flags, key_flags},
    {"flag", "F", 1, false, show_flags, key_flags}, {"flags", "F", 1, false, show_flags, key_flags},
    {"fname", "COMMAND", 8, true, show_fname, NULL}, {"gid", "GID", 5, false, show_gid, key_gid},
    {"group", "GROUP", 8, true, show_group, NULL}, {"ignored", "IGNORED", 16, false, show_ignored, NULL},
    {"lstart", "STARTED", 24, false, show_lstart, key_start}, {"lwp", "LWP", 0, false, show_pid, key_pid},
    {"maj_flt", "MAJFL", 6, false, show_majflt, key_majflt}, {"majflt", "MAJFLT", 6, false, show_majflt, key_majflt},
    {"min_flt", "MINFL", 6, false, show_minflt, key_minflt}, {"minflt", "MINFLT", 6, false, show_minflt, key_minflt},
    {"ni", "NI", 3, false, show_nice, key_nice}, {"nice", "NI", 3, false, show_nice, key_nice},
    {"nlwp", "NLWP", 4, false, show_nlwp, key_nlwp}, {"opri", "PRI", 3, false, show_opri, key_opri},
    {"pcpu", "%CPU", 4, false, show_cpu, key_cpu}, {"pending", "PENDING", 16, false, show_pending, NULL},
    {"pgid", "PGID", 0, false, show_pgid, key_pgid}, {"pgrp", "PGRP", 0, false, show_pgid, key_pgid},
    {"pid", "PID", 0, false, show_pid, key_pid}, {"pmem", "%MEM", 4, false, show_mem, key_rss},
    {"ppid", "PPID", 0, false, show_ppid, key_ppid}, {"pri", "PRI", 3, false, show_pri, key_pri},
    {"priority", "PRI", 3, false, show_priority, key_priority}, {"psr", "PSR", 3, false, show_psr, key_psr},
    {"rgid", "RGID", 5, false, show_rgid, key_rgid}, {"rgroup", "RGROUP", 8, true, show_rgroup, NULL},
    {"rss", "RSS", 5, false, show_rss, key_rss}, {"rssize", "RSS", 5, false, show_rss, key_rss},
    {"rsz", "RSZ", 5, false, show_rss, key_rss}, {"rtprio", "RTPRIO", 6, false, show_rtprio, NULL},
    {"ruid", "RUID", 5, false, show_ruid, key_ruid}, {"ruser", "RUSER", 8, true, show_ruser, NULL},
    {"s", "S", 1, true, show_state, NULL}, {"sess", "SESS", 0, false, show_sid, key_sid},
    {"session", "SESS", 0, false, show_sid, key_sid}, {"sid", "SID", 0, false, show_sid, key_sid},
    {"spid", "SPID", 0, false, show_pid, key_pid}, {"start", "STARTED", 8, false, show_start, key_start},
    {"start_time", "START", 5, true, show_stime, key_start}, {"stat", "STAT", 4, true, show_stat, NULL},
    {"state", "S", 1, true, show_state, NULL}, {"stime", "STIME", 5, true, show_stime, key_start},
    {"sz", "SZ", 5, false, show_sz, key_sz}, {"tgid", "TGID", 0, false, show_pid, key_pid},
    {"thcount", "THCNT", 5, false, show_nlwp, key_nlwp}, {"tid", "TID", 0, false, show_pid, key_pid},
    {"time", "TIME", 8, false, show_time, key_time}, {"times", "TIME", 8, false, show_times, key_times},
    {"tname", "TTY", 8, true, show_tty, key_tty}, {"tpgid", "TPGID", 0, false, show_tpgid, key_tpgid},
    {"trs", "TRS", 4, false, show_trs, NULL}, {"tt", "TT", 8, true, show_tty, key_tty}, {"tty", "TT", 8, true, show_tty, key_tty},
    {"ucmd", "CMD", 15, true, show_ucomm, NULL}, {"ucomm", "COMMAND", 15, true, show_ucomm, NULL},
    {"uid", "UID", 5, false, show_uid, key_uid}, {"uname", "USER", 8, true, show_user, NULL},
    {"user", "USER", 8, true, show_user, NULL}, {"vsize", "VSZ", 6, false, show_vsz, key_vsz},
    {"vsz", "VSZ", 6, false, show_vsz, key_vsz}, {"wchan", "WCHAN", 6, true, show_wchan, NULL},
};

const struct column *ps_column(const char *name) {
	for (size_t i = 0; i < LEN(columns); i++)
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

int ps_pid_width(void) {
	static int width;
	if (!width) {
		char *text = slurp("/proc/sys/kernel/pid_max", NULL);
		long max = text ? strtol(text, NULL, 10) : 0;
		free(text);
		width = 5;
		for (long v = 100000; max - 1 >= v && width < 10; v *= 10)
			width++;
	}
	return width;
}
