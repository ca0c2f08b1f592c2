/* The arguments of ps: UNIX options with a dash, BSD options without, GNU long options. */
#include "ps_int.h"

static struct request *const r = &ps_request;

static void wrong(const char *fmt, const char *arg) NORETURN;
static void wrong(const char *fmt, const char *arg) {
	fflush(stdout);
	fputs("error: ", stderr);
	fprintf(stderr, fmt, arg); /* fmt is one of ours */
	fputs("\n\nUsage:\n ps [options]\n\n Try 'ps --help' for additional help text.\n\nFor more details see ps(1).\n", stderr);
	exit(1);
}

void ps_list_add(int list, int64_t v) {
	struct list *l = &r->lists[list];
	l->v = grow(l->v, l->n, &l->cap, sizeof *l->v);
	l->v[l->n++] = v;
}

static bool add(const char *item, void *arg) {
	int list = *(int *)arg;
	char *end;
	uint32_t id;
	errno = 0;
	long v = strtol(item, &end, 10);
	bool number = end != item && !*end && !errno && v >= 0;
	switch (list) {
	case L_TTY:
		if ((v = tty_number(item)) < 0)
			wrong("TTY could not be found", item);
		break;
	case L_EUID: case L_RUID:
		if (!number && !user_id(item, &id, NULL))
			wrong("user name does not exist", item);
		v = number ? v : (long)id;
		break;
	case L_RGID: case L_EGID:
		if (!number && !group_id(item, &id))
			wrong("group name does not exist", item);
		v = number ? v : (long)id;
		break;
	default:
		if (!number)
			wrong("process ID list syntax error", item);
		if ((v == 0 && list != L_SID) || v > INT32_MAX)
			wrong("process ID out of range", item);
	}
	ps_list_add(list, v);
	return true;
}

static void add_all(int list, const char *text) {
	r->selected = true;
	if (!each_item(text, add, &list) && !*text)
		wrong("process ID list syntax error", text);
}

static bool add_command(const char *item, void *arg) {
	(void)arg;
	r->commands = grow(r->commands, r->ncommands, &r->ccap, sizeof *r->commands);
	r->commands[r->ncommands++] = xstrdup(item);
	return true;
}

/* -g: sessions by number, else effective groups by name. */
static bool add_session(const char *item, void *arg) {
	int list = *item >= '0' && *item <= '9' ? L_SID : L_EGID;
	(void)arg;
	return add(item, &list);
}

static void add_item(const char *name, size_t n, const char *title) {
	char *word = xstrndup(name, n), *colon = strchr(word, ':');
	int width = -1;
	if (colon) {
		*colon = 0;
		width = atoi(colon + 1);
		if (width <= 0 || width > 4096)
			wrong("bad column width in \"%s\"", name);
	}
	const struct column *c = ps_column(word);
	if (!c)
		wrong("unknown user-defined format specifier \"%s\"", word);
	int own = c->width ? c->width : ps_pid_width();
	const char *t = title ? title : c->title;
	if (width < 0)
		width = own > (int)strlen(t) ? own : (int)strlen(t);
	r->items = grow(r->items, r->nitems, &r->icap, sizeof *r->items);
	r->items[r->nitems++] = (struct item){c, xstrdup(t), width};
	free(word);
}

/* "pid,comm=NAME": a title ends at a comma if there is another title behind it, else it is the rest. */
static void add_format(const char *s) {
	while (*s) {
		size_t n = strcspn(s, ", \t\n=");
		if (s[n] == '=') {
			const char *title = s + n + 1, *comma = strchr(title, ',');
			char *t = xstrndup(title, comma ? (size_t)(comma - title) : strlen(title));
			add_item(s, n, t);
			free(t);
			s = comma ? comma + 1 : "";
			continue;
		}
		if (n)
			add_item(s, n, NULL);
		s += n + (s[n] != 0);
	}
}

static bool add_key(const char *item, void *arg) {
	(void)arg;
	bool down = *item == '-';
	const struct column *c = ps_column(item + (*item == '-' || *item == '+'));
	if (!c || r->nkeys == LEN(r->keys))
		wrong("unknown sort specifier", item);
	r->keys[r->nkeys].column = c;
	r->keys[r->nkeys++].down = down;
	return true;
}

/* ---- options. Each takes the rest of its word or the next word as its argument. */

static int words;
static char **word;

static const char *argument(const char *rest, const char *what, const char *option) {
	if (*rest)
		return rest;
	if (words < 2) {
		fflush(stdout);
		char *m = xasprintf("%s must follow %s", what, option);
		wrong("%s", m);
	}
	words--;
	return *++word;
}

#define NEEDS(what) argument(o + 1, what, (char[]){'-', *o, 0})

static void unix_options(const char *o) {
	for (; *o; o++) {
		switch (*o) {
		case 'A': case 'e': r->all = r->selected = true; continue;
		case 'a': r->terminals = r->selected = true; continue;
		case 'd': r->all_but_leaders = r->selected = true; continue;
		case 'N': r->negate = true; continue;
		case 'f': r->full = true; continue;
		case 'F': r->full = r->extra = true; continue;
		case 'j': r->jobs = true; continue;
		case 'l': r->longer = true; continue;
		case 'y': r->rss_for_addr = r->longer = true; continue;
		case 'H': r->tree = TREE_INDENT; continue;
		case 'w': r->wide++; continue;
		case 'c': case 'M': case 'L': case 'T': case 'm': continue; /* one thread stands for its process */
		case 'V': puts("ps (sbx tools) 1.0"); exit(0);
		case 'C': r->selected = true; each_item(NEEDS("list of command names"), add_command, NULL); return;
		case 'G': add_all(L_RGID, NEEDS("list of real groups")); return;
		case 'g': r->selected = true; each_item(NEEDS("list of session leaders OR effective group names"), add_session, NULL); return;
		case 'p': case 'q': add_all(L_PID, NEEDS("list of process IDs")); return;
		case 's': add_all(L_SID, NEEDS("list of session IDs")); return;
		case 't': add_all(L_TTY, NEEDS("list of terminals (pty, tty...)")); return;
		case 'u': add_all(L_EUID, NEEDS("list of users")); return;
		case 'U': add_all(L_RUID, NEEDS("list of real users")); return;
		case 'o': add_format(NEEDS("format specification")); return;
		case 'O': r->around = NEEDS("format or sort specification"); return;
		case 'n': NEEDS("alternate System.map file"); return;
		}
		wrong("unsupported SysV option", "");
	}
}

static void list_formats(void) {
	static const char *const all[] = {"args", "blocked", "bsdstart", "bsdtime", "c", "caught", "class", "cmd", "comm", "command",
	    "cputime", "cputimes", "egid", "egroup", "etime", "etimes", "euid", "euser", "flags", "fname", "gid", "group", "ignored",
	    "lstart", "lwp", "majflt", "minflt", "ni", "nlwp", "pcpu", "pending", "pgid", "pid", "pmem", "ppid", "pri", "psr", "rgid",
	    "rgroup", "rss", "rtprio", "ruid", "ruser", "sess", "sid", "start", "start_time", "stat", "state", "stime", "sz", "tgid",
	    "thcount", "time", "tpgid", "tty", "ucmd", "uid", "user", "vsz", "wchan"};
	for (size_t i = 0; i < LEN(all); i++)
		printf("%-13s%s\n", all[i], ps_column(all[i])->title);
	exit(0);
}

static void bsd_options(const char *o) {
	r->bsd = true;
	if (*o >= '0' && *o <= '9') {
		add_all(L_PID, o);
		return;
	}
	for (; *o; o++) {
		switch (*o) {
		case 'a': r->bsd_a = true; continue;
		case 'x': r->bsd_x = true; continue;
		case 'A': r->all = r->selected = true; continue;
		case 'g': case 'H': case 'm': continue;
		case 'r': r->running = true; continue;
		case 'T': r->this_tty = r->selected = true; continue;
		case 'f': r->tree = TREE_FOREST; continue;
		case 'h': r->headers = false; continue;
		case 'c': r->command_only = true; continue;
		case 'e': ps_environ = true; continue;
		case 'n': ps_numeric = true; continue;
		case 'S': ps_cumulative = true; continue;
		case 'w': r->wide++; continue;
		case 'L': list_formats(); continue;
		case 'V': puts("ps (sbx tools) 1.0"); exit(0);
		case 'u': case 'l': case 'j': case 'v': case 's': r->bsd_format = *o; continue;
		case 'k': each_item(argument(o + 1, "long sort specification", "'k'"), add_key, NULL); return;
		case 'o': add_format(argument(o + 1, "format specification", "o")); return;
		case 'O': r->around = argument(o + 1, "format or sort specification", "O"); return;
		case 'p': add_all(L_PID, argument(o + 1, "list of process IDs", "p")); return;
		case 'U': add_all(L_EUID, argument(o + 1, "list of users", "U")); return;
		case 't': /* without a list it is T */
			if (!o[1] && words < 2) {
				r->this_tty = r->selected = true;
				return;
			}
			add_all(L_TTY, argument(o + 1, "list of terminals", "t"));
			return;
		}
		wrong("unsupported option (BSD syntax)", "");
	}
}

static const struct {
	const char *name;
	int list; /* -1: a flag or a case below */
} longs[] = {{"pid", L_PID}, {"quick-pid", L_PID}, {"ppid", L_PPID}, {"sid", L_SID}, {"tty", L_TTY}, {"user", L_EUID},
    {"User", L_RUID}, {"Group", L_RGID}, {"group", L_EGID}, {"deselect", -1}, {"forest", -1}, {"no-headers", -1},
    {"no-heading", -1}, {"no-headings", -1}, {"noheader", -1}, {"noheaders", -1}, {"noheading", -1}, {"noheadings", -1},
    {"headers", -1}, {"heading", -1}, {"headings", -1}, {"cumulative", -1}, {"help", -1}, {"version", -1}, {"format", -2},
    {"sort", -2}, {"cols", -2}, {"columns", -2}, {"width", -2}, {"rows", -2}, {"lines", -2}};

static void long_option(const char *o, char **argv) {
	size_t n = strcspn(o, "="), i = 0;
	while (i < LEN(longs) && (strlen(longs[i].name) != n || strncmp(longs[i].name, o, n)))
		i++;
	if (i == LEN(longs))
		wrong("unknown gnu long option", "");
	const char *name = longs[i].name, *v = NULL;
	if (longs[i].list != -1)
		v = o[n] ? o + n + 1 : argument("", "a value", o);
	if (longs[i].list >= 0)
		add_all(longs[i].list, v);
	else if (strcmp(name, "deselect") == 0)
		r->negate = true;
	else if (strcmp(name, "forest") == 0)
		r->tree = TREE_FOREST;
	else if (strncmp(name, "no", 2) == 0)
		r->headers = false;
	else if (strcmp(name, "cumulative") == 0)
		ps_cumulative = true;
	else if (strcmp(name, "format") == 0)
		add_format(v);
	else if (strcmp(name, "sort") == 0)
		each_item(v, add_key, NULL);
	else if (v && name[0] != 'r' && name[0] != 'l')
		r->width = atoi(v) > 0 ? atoi(v) : 0;
	else if (strcmp(name, "help") == 0 || strcmp(name, "version") == 0)
		opt_next(2, (char *[]){argv[0], (char *)(name[0] == 'h' ? "--help" : "--version"), NULL}, "", NULL);
}

/* "ps -aux" is meant as "ps aux" unless there is a user x. */
static bool is_aux(const char *o) {
	uint32_t id;
	return strncmp(o, "aux", 3) == 0 && strspn(o, "auxwf") == strlen(o) && !user_id(o + 2, &id, NULL);
}

void ps_arguments(int argc, char **argv) {
	for (words = argc - 1, word = argv + 1; words > 0; words--, word++) {
		const char *a = *word;
		if (a[0] != '-')
			bsd_options(a);
		else if (a[1] == '-' && a[2])
			long_option(a + 2, argv);
		else if (is_aux(a + 1))
			bsd_options(a + 1);
		else if (!a[1] || a[1] == '-')
			wrong("improper list", "");
		else
			unix_options(a + 1);
	}
	bool ready = r->full || r->jobs || r->longer || r->bsd_format;
	if (r->nitems && (ready || r->around))
		wrong("conflicting format options", "");
}

void ps_formats(void) {
	if (r->nitems)
		return;
	const char *cmd = r->command_only ? "ucmd" : "args";
	char *f;
	if (r->around)
		f = xasprintf("pid,%s,state,tname,time,%s=COMMAND", r->around, r->bsd ? "ucmd" : "args");
	else if (r->bsd_format == 'u')
		f = xasprintf("user,pid,%spcpu,pmem,vsz,rss,tname,stat,start_time,bsdtime,%s=COMMAND", r->jobs ? "pgid,sid," : "", cmd);
	else if (r->bsd_format == 'l')
		f = xasprintf("f,uid,pid,ppid,priority,ni,vsz,rss,wchan,stat,tname,bsdtime,%s=COMMAND", cmd);
	else if (r->bsd_format == 'j')
		f = xasprintf("ppid,pid,pgid,sid,tname,tpgid,stat,uid,bsdtime,%s=COMMAND", cmd);
	else if (r->bsd_format == 'v')
		f = xasprintf("pid,tname,stat,bsdtime,maj_flt,trs:5,drs,rss,pmem,%s=COMMAND", cmd);
	else if (r->bsd_format == 's')
		f = xasprintf("uid,pid,pending,blocked,ignored,caught,stat,tname,bsdtime,%s=COMMAND", cmd);
	else if (r->bsd && !r->full && !r->longer && !r->jobs)
		f = xasprintf("pid,tname,stat,bsdtime,%s=COMMAND", cmd);
	else if (r->bsd && r->full && !r->longer && !r->jobs)
		f = xstrdup("user=UID,pid,ppid,c,stime,tname,stat,bsdtime,cmd");
	else if (!r->full && !r->longer && !r->jobs)
		f = xstrdup("pid,tname,time,ucmd");
	else { /* -f, -F, -j, -l and what they are together */
		const char *start = r->longer ? r->rss_for_addr ? "s," : "f,s," : "";
		const char *user = r->full ? "user=UID," : r->longer ? "uid," : "";
		const char *size = !r->longer ? r->extra ? "sz,rss,psr," : "" : r->rss_for_addr ? "opri,ni,rss,sz,wchan," : "opri,ni,addr,sz:2,wchan,";
		f = xasprintf("%s%spid,%s%s%s%s%s%stname,time,%s", start, user, r->full || r->longer ? "ppid," : "",
		    r->jobs ? "pgid,sid," : "", r->full || r->longer ? "c," : "", size, r->longer && r->extra ? r->rss_for_addr ? "psr," : "rss,psr," : "",
		    r->full ? "stime," : "", r->full ? "cmd" : "ucmd");
	}
	add_format(f);
	free(f);
}
