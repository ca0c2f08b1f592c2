/* Processes as /proc shows them. */
#include "procs.h"

#include <dirent.h>

char *proc_text(int pid, const char *file, size_t *len) {
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	return slurp(path, len);
}

static char *status_line(char *text, const char *name) {
	size_t n = strlen(name);
	for (char *p = text; p && *p; p = strchrnul(p, '\n'), p += *p == '\n')
		if (strncmp(p, name, n) == 0 && p[n] == ':')
			return p + n + 1;
	return "";
}

static void ids(char *text, const char *name, uint32_t *real, uint32_t *effective) {
	char *end;
	*real = (uint32_t)strtoul(status_line(text, name), &end, 10);
	*effective = (uint32_t)strtoul(end, NULL, 10);
}

static bool parse_stat(char *text, struct proc *p) {
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || close < open || close[1] != ' ')
		return false;
	size_t n = (size_t)(close - open - 1);
	n = n < sizeof p->comm ? n : sizeof p->comm - 1;
	memcpy(p->comm, open + 1, n);
	p->comm[n] = 0;
	p->state = close[2];
	uint64_t v[42] = {0};
	char *s = close + 3;
	int k = 0;
	for (; k < 42 && *s; k++)
		v[k] = (uint64_t)strtoll(s, &s, 10);
	if (k < 22)
		return false;
	p->ppid = (int)v[0], p->pgid = (int)v[1], p->sid = (int)v[2], p->tty = (int)v[3], p->tpgid = (int)v[4];
	p->flags = v[5], p->minflt = v[6], p->majflt = v[8];
	p->utime = v[10], p->stime = v[11], p->cutime = v[12], p->cstime = v[13];
	p->pri = (int64_t)v[14], p->nice = (int64_t)v[15], p->threads = (int64_t)v[16], p->start = v[18];
	p->vsize = v[19] / 1024, p->rss = v[20] * 4;
	p->cpu = (int64_t)v[35], p->rtprio = (int64_t)v[36], p->policy = (int64_t)v[37];
	return true;
}

bool proc_read(int pid, struct proc *p) {
	memset(p, 0, sizeof *p);
	p->pid = pid;
	char *text = proc_text(pid, "stat", NULL);
	bool ok = text && parse_stat(text, p);
	free(text);
	if (!ok || !(text = proc_text(pid, "status", NULL)))
		return false;
	ids(text, "Uid", &p->uid, &p->euid);
	ids(text, "Gid", &p->gid, &p->egid);
	p->locked = strtoull(status_line(text, "VmLck"), NULL, 10);
	p->pending = strtoull(status_line(text, "SigPnd"), NULL, 16);
	p->blocked = strtoull(status_line(text, "SigBlk"), NULL, 16);
	p->ignored = strtoull(status_line(text, "SigIgn"), NULL, 16);
	p->caught = strtoull(status_line(text, "SigCgt"), NULL, 16);
	free(text);
	size_t n = 0;
	text = proc_text(pid, "cmdline", &n);
	while (n && !text[n - 1])
		n--;
	if (n) {
		for (size_t i = 0; i < n; i++)
			if (!text[i])
				text[i] = ' ';
		text[n] = 0;
		p->args = text;
	} else
		free(text);
	return true;
}

static int by_pid(const void *a, const void *b) { return ((const struct proc *)a)->pid - ((const struct proc *)b)->pid; }

struct proc *procs_read(size_t *n) {
	struct proc *list = NULL;
	size_t cap = 0;
	DIR *d = opendir("/proc");
	if (!d)
		die_errno(1, "cannot open /proc");
	*n = 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		list = grow(list, *n, &cap, sizeof *list);
		if (proc_read(atoi(e->d_name), &list[*n]))
			++*n;
	}
	closedir(d);
	if (*n)
		qsort(list, *n, sizeof *list, by_pid);
	for (size_t i = 0; i < *n; i++)
		list[i].at = i;
	return list;
}

/* The form of device numbers in stat: 12 bits of major in the middle. */
static int dev_major(int tty) { return tty >> 8 & 0xfff; }
static int dev_minor(int tty) { return (tty & 0xff) | (tty >> 12 & 0xfff00); }

const char *tty_name(int tty) {
	static char ring[4][24];
	static int at;
	char *b = ring[at++ % 4];
	int ma = dev_major(tty), mi = dev_minor(tty);
	if (!tty)
		return "?";
	if (ma >= 136 && ma <= 143)
		snprintf(b, 24, "pts/%d", (ma - 136) * 256 + mi);
	else if (ma == 4)
		snprintf(b, 24, mi < 64 ? "tty%d" : "ttyS%d", mi < 64 ? mi : mi - 64);
	else if (ma == 5 && mi == 1)
		return "console";
	else
		return "?";
	return b;
}

int tty_number(const char *name) {
	if (strcmp(name, "-") == 0 || strcmp(name, "?") == 0)
		return 0;
	for (int i = *name != '/'; i < (*name == '/' ? 1 : 4); i++) {
		struct sbx_stat st;
		char path[256];
		snprintf(path, sizeof path, i == 0 ? "%s" : i == 1 ? "/dev/%s" : i == 2 ? "/dev/tty%s" : "/dev/pts/%s", name);
		if (sbx_stat(path, 0, &st) == 0 && S_ISCHR(st.mode)) {
			uint32_t ma = sbx_major(st.rdev), mi = sbx_minor(st.rdev);
			return (int)((mi & 0xff) | ma << 8 | (mi & ~0xffU) << 12);
		}
	}
	return -1;
}

uint64_t boot_time(void) {
	static uint64_t t;
	if (!t) {
		char *text = slurp("/proc/stat", NULL), *p = text ? strstr(text, "\nbtime ") : NULL;
		t = p ? strtoull(p + 7, NULL, 10) : 0;
		free(text);
	}
	return t;
}

uint64_t up_ticks(void) {
	static uint64_t t;
	if (!t) {
		char *text = slurp("/proc/uptime", NULL);
		t = text ? (uint64_t)(strtod(text, NULL) * TICKS) : 0;
		free(text);
	}
	return t;
}

bool each_item(const char *list, bool (*f)(const char *item, void *arg), void *arg) {
	char *copy = xstrdup(list), *save = NULL;
	bool ok = *list != 0;
	for (char *w = strtok_r(copy, ", \t\n", &save); w && ok; w = strtok_r(NULL, ", \t\n", &save))
		ok = f(w, arg);
	free(copy);
	return ok;
}
