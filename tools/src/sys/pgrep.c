/* pgrep, pkill, pidof */
#include "../text/re.h"
#include "procs.h"

const char pgrep_help[] = " [options] <pattern>\nFind processes by name and other traits.\n\n"
    "  -d, --delimiter <string>  output delimiter          -l, --list-name     list PID and process name\n"
    "  -a, --list-full           list PID and full command line\n"
    "  -v, --inverse             negates the matching      -c, --count         count of matching processes\n"
    "  -f, --full                match the full command line\n"
    "  -g, --pgroup <PGID,...>   -P, --parent <PPID,...>   -s, --session <SID,...>\n"
    "  -i, --ignore-case         -n, --newest              -o, --oldest        -x, --exact\n"
    "  -t, --terminal <tty,...>  -u, --euid <ID,...>       -U, --uid <ID,...>  -G, --group <GID,...>\n"
    "  -r, --runstates <state>   match run states [D,S,Z,...]\n";
const char pkill_help[] = " [options] <pattern>\nSend a signal to processes by name and other traits.\n\n"
    "  -<sig>, --signal <sig>    signal to send (a number or a name)\n  -e, --echo                display what is killed\n"
    "  -c, --count  -f, --full  -g, --pgroup <PGID,...>  -G, --group <GID,...>  -i, --ignore-case  -n, --newest  -o, --oldest\n"
    "  -P, --parent <PPID,...>  -s, --session <SID,...>  -t, --terminal <tty,...>  -u, --euid <ID,...>  -U, --uid <ID,...>\n"
    "  -x, --exact  -r, --runstates <state>\n";
const char pidof_help[] = " [options] [program [...]]\nFind the process ID of a running program.\n\n"
    "  -s, --single-shot         return one PID only\n  -q                        quiet mode, only set the exit code\n"
    "  -x                        also find shells running the named scripts\n"
    "  -o, --omit-pid <PID,...>  omit processes with PID\n  -S, --separator SEP       use SEP as separator put between PIDs\n";

struct nums {
	int64_t v[256];
	int n;
	char kind;
};

enum { BY_PGID, BY_PPID, BY_SID, BY_TTY, BY_EUID, BY_UID, BY_GID, KINDS };
static struct nums want[KINDS];

static NORETURN void syntax(void) {
	fprintf(stderr, "Try `%s --help' for more information.\n", prog);
	exit(2);
}

static bool add_number(const char *item, void *arg) {
	struct nums *l = arg;
	uint32_t id;
	char *end;
	long v = strtol(item, &end, 10);
	if (l->n == (int)LEN(l->v))
		die(2, "too many items in a list");
	switch (l->kind) {
	case 't':
		v = tty_number(item);
		break;
	case 'u': case 'U':
		if (*end && !user_id(item, &id, NULL)) {
			warn("invalid user name: %s", item);
			return false;
		}
		v = *end ? (long)id : v;
		break;
	case 'G':
		if (*end && !group_id(item, &id)) {
			warn("invalid group name: %s", item);
			return false;
		}
		v = *end ? (long)id : v;
		break;
	default:
		if (*end) {
			warn(l->kind == 'g' ? "invalid process group: %s" : l->kind == 's' ? "invalid session: %s" : "not a number: %s", item);
			return false;
		}
		if (!v && l->kind != 'P') {
			struct sbx_ids me;
			sbx_ids(&me);
			v = l->kind == 'g' ? me.pgid : me.sid;
		}
	}
	l->v[l->n++] = v;
	return true;
}

static void add_list(int kind, char letter, const char *list) {
	want[kind].kind = letter;
	if (!each_item(list, add_number, &want[kind]))
		exit(2);
}

static bool in(const struct nums *l, int64_t v) {
	for (int i = 0; i < l->n; i++)
		if (l->v[i] == v)
			return true;
	return !l->kind;
}

static bool traits(const struct proc *p, const char *states) {
	return in(&want[BY_PGID], p->pgid) && in(&want[BY_PPID], p->ppid) && in(&want[BY_SID], p->sid) &&
	    in(&want[BY_TTY], p->tty) && in(&want[BY_EUID], p->euid) && in(&want[BY_UID], p->uid) && in(&want[BY_GID], p->gid) &&
	    (!states || strchr(states, p->state));
}

void re_fail(const char *msg) { die(3, "%s", msg); }

static re *compile(const char *pattern, bool exact, bool fold) {
	const char *bad = NULL;
	char *whole = exact ? xasprintf("^(%s)$", pattern) : xstrdup(pattern);
	re *r = re_compile(whole, strlen(whole), RE_ERE | (fold ? RE_ICASE : 0), &bad);
	if (!r)
		die(2, "regex error: %s", bad);
	free(whole);
	return r;
}

/* Takes -SIGNAL out of the arguments of pkill. */
static int signal_option(int *argc, char **argv) {
	for (int i = 1; i < *argc && strcmp(argv[i], "--"); i++) {
		if (argv[i][0] != '-' || !argv[i][1] || argv[i][1] == '-')
			continue;
		int sig = sig_number(argv[i] + 1);
		if (sig < 0 || (sig == 0 && argv[i][1] != '0'))
			continue;
		memmove(argv + i, argv + i + 1, sizeof *argv * (size_t)(*argc - i));
		--*argc;
		return sig;
	}
	return 15;
}

static int grep_kill(int argc, char **argv, bool kills) {
	static const struct lopt longs[] = {{"signal", 1, 1}, {"count", 0, 'c'}, {"delimiter", 1, 'd'}, {"list-name", 0, 'l'},
	    {"list-full", 0, 'a'}, {"full", 0, 'f'}, {"pgroup", 1, 'g'}, {"group", 1, 'G'}, {"ignore-case", 0, 'i'}, {"newest", 0, 'n'},
	    {"oldest", 0, 'o'}, {"older", 1, 'O'}, {"parent", 1, 'P'}, {"session", 1, 's'}, {"terminal", 1, 't'}, {"euid", 1, 'u'},
	    {"uid", 1, 'U'}, {"inverse", 0, 'v'}, {"exact", 0, 'x'}, {"runstates", 1, 'r'}, {"echo", 0, 'e'}, {0, 0, 0}};
	bool count = false, list = false, full_list = false, full = false, fold = false, newest = false, oldest = false;
	bool invert = false, exact = false, echo = false, criteria = false;
	const char *delimiter = "\n", *states = NULL;
	long older = 0;
	int c, sig = kills ? signal_option(&argc, argv) : 15;
	opt_status = exit_failure = 2;
	while ((c = opt_next(argc, argv, kills ? "cfg:G:inoO:P:s:t:u:U:vxr:e" : "acd:fg:G:ilnoO:P:s:t:u:U:vxr:", longs)) != -1) {
		switch (c) {
		case 1:
			if ((sig = sig_number(opt_arg)) < 0)
				die(2, "unknown signal name %s", opt_arg);
			break;
		case 'c': count = true; break;
		case 'd': delimiter = opt_arg; break;
		case 'l': list = true; break;
		case 'a': full_list = true; break;
		case 'f': full = true; break;
		case 'i': fold = true; break;
		case 'n': newest = criteria = true; break;
		case 'o': oldest = criteria = true; break;
		case 'O': older = atol(opt_arg); criteria = true; break;
		case 'v': invert = true; break;
		case 'x': exact = true; break;
		case 'e': echo = true; break;
		case 'r': states = opt_arg; criteria = true; break;
		case 'g': add_list(BY_PGID, 'g', opt_arg); criteria = true; break;
		case 'P': add_list(BY_PPID, 'P', opt_arg); criteria = true; break;
		case 's': add_list(BY_SID, 's', opt_arg); criteria = true; break;
		case 't': add_list(BY_TTY, 't', opt_arg); criteria = true; break;
		case 'u': add_list(BY_EUID, 'u', opt_arg); criteria = true; break;
		case 'U': add_list(BY_UID, 'U', opt_arg); criteria = true; break;
		case 'G': add_list(BY_GID, 'G', opt_arg); criteria = true; break;
		}
	}
	if (argc - opt_ind > 1) {
		warn("only one pattern can be provided");
		syntax();
	}
	if (opt_ind >= argc && !criteria) {
		warn("no matching criteria specified");
		syntax();
	}
	if (newest + oldest + (invert && (newest || oldest)) > 1) {
		warn("-n, -o and -v exclude one another");
		syntax();
	}
	re *want_name = NULL;
	if (opt_ind < argc) {
		want_name = compile(argv[opt_ind], exact, fold);
		if (!full && strlen(argv[opt_ind]) > 15)
			warn("pattern that searches for process name longer than 15 characters will result in zero matches\n"
			     "Try `%s -f' option to match against the complete command line.", prog);
	}
	struct sbx_ids me;
	sbx_ids(&me);
	size_t n;
	struct proc *all = procs_read(&n), *best = NULL;
	unsigned found = 0;
	int rc = 1;
	for (size_t i = 0; i < n; i++) {
		struct proc *p = &all[i];
		if (p->pid == (int)me.pid)
			continue;
		const char *text = full && p->args ? p->args : p->comm;
		bool hit = traits(p, states) && (!want_name || re_exec(want_name, text, strlen(text), 0, NULL, 0, 0) == 1);
		if (older && (int64_t)(up_ticks() - p->start) < older * TICKS)
			hit = false;
		if (hit == invert)
			continue;
		if ((newest || oldest) && best && (newest ? p->start < best->start : p->start >= best->start))
			continue;
		if ((newest || oldest) && best)
			best->depth = 0;
		best = p;
		p->depth = 1;
	}
	for (size_t i = 0; i < n; i++) {
		struct proc *p = &all[i];
		if (!p->depth)
			continue;
		if (kills && sbx_kill(p->pid, sig)) {
			if (errno != ESRCH)
				warn_errno("killing pid %d failed", p->pid);
			continue;
		}
		rc = 0;
		if (kills && echo)
			printf("%s killed (pid %d)\n", p->comm, p->pid);
		if (!kills && !count) {
			if (found)
				fputs(delimiter, stdout);
			printf("%d", p->pid);
			if (full_list && !p->args)
				printf(" [%s]", p->comm);
			else if (full_list || list)
				printf(" %s", full_list ? p->args : p->comm);
		}
		found++;
	}
	if (count)
		printf("%u\n", found);
	else if (!kills && found)
		putchar('\n');
	return rc;
}

int pgrep_main(int argc, char **argv) { return grep_kill(argc, argv, false); }
int pkill_main(int argc, char **argv) { return grep_kill(argc, argv, true); }

/* ---- pidof */

static struct nums omitted;

static bool omit(const char *item, void *arg) {
	struct sbx_ids me;
	(void)arg;
	sbx_ids(&me);
	if (omitted.n < (int)LEN(omitted.v))
		omitted.v[omitted.n++] = strcmp(item, "%PPID") ? atoi(item) : (int)me.ppid;
	return true;
}

/* The words of a command line, of which the first two matter. */
static bool named(const struct proc *p, const char *name, bool scripts) {
	size_t len;
	char *args = proc_text(p->pid, "cmdline", &len);
	bool ok = false;
	if (args && len) {
		const char *a = *args == '-' ? args + 1 : args;
		ok = strcmp(a, name) == 0 || (!strchr(name, '/') && strcmp(base_of(a), name) == 0);
		size_t n = strlen(args) + 1;
		if (!ok && scripts && n < len) {
			const char *b = args + n;
			ok = (strcmp(b, name) == 0 || strcmp(base_of(b), name) == 0) && strcmp(p->comm, base_of(b)) == 0;
		}
	}
	free(args);
	return ok;
}

int pidof_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"single-shot", 0, 's'}, {"omit-pid", 1, 'o'}, {"separator", 1, 'S'},
	    {"check-root", 0, 'c'}, {"with-workers", 0, 'w'}, {0, 0, 0}};
	const char *separator = " ";
	bool single = false, quiet = false, scripts = false, any = false;
	int c;
	while ((c = opt_next(argc, argv, "sqxo:S:d:cnw", longs)) != -1) {
		switch (c) {
		case 's': single = true; break;
		case 'q': quiet = true; break;
		case 'x': scripts = true; break;
		case 'o': each_item(opt_arg, omit, NULL); break;
		case 'S': case 'd': separator = opt_arg; break;
		}
	}
	struct sbx_ids me;
	sbx_ids(&me);
	size_t n;
	struct proc *all = procs_read(&n);
	for (; opt_ind < argc; opt_ind++) {
		for (size_t i = n; i-- > 0;) {
			struct proc *p = &all[i];
			bool skip = p->pid == (int)me.pid;
			for (int k = 0; k < omitted.n; k++)
				skip |= omitted.v[k] == p->pid;
			if (skip || !named(p, argv[opt_ind], scripts))
				continue;
			if (!quiet)
				printf("%s%d", any ? separator : "", p->pid);
			any = true;
			if (single)
				break;
		}
	}
	if (any && !quiet)
		putchar('\n');
	return !any;
}
