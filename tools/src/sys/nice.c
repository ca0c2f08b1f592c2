/* nice, nohup, timeout */
#include "tool.h"

#include <math.h>

const char nice_help[] = " [OPTION] [COMMAND [ARG]...]\nRun COMMAND with an adjusted niceness, or print the current niceness.\n\n"
    "  -n, --adjustment=N  add integer N to the niceness (default 10)\n";
const char nohup_help[] = " COMMAND [ARG]...\nRun COMMAND, ignoring hangup signals.\n";
const char timeout_help[] = " [OPTION] DURATION COMMAND [ARG]...\nStart COMMAND, and kill it if still running after DURATION.\n\n"
    "      --preserve-status  exit with the same status as COMMAND, even when it times out\n"
    "      --foreground       do not put COMMAND in a process group of its own\n"
    "  -k, --kill-after=DURATION  also send a KILL signal if COMMAND is still running this long after the first\n"
    "  -s, --signal=SIGNAL    specify the signal to be sent on timeout\n"
    "  -v, --verbose          diagnose to stderr any signal sent upon timeout\n\n"
    "DURATION is a number with an optional suffix: s (default), m, h or d. 0 disables the timeout.\n"
    "Exit status: 124 if COMMAND timed out, 125 if timeout itself fails, 126 and 127 if COMMAND cannot be run or found,\n"
    "137 if it was sent KILL, otherwise that of COMMAND.\n";

/* Becomes the command, or tells why not. */
static int run(char **argv, const char *what) {
	sbx_exec(argv[0], argv, NULL);
	int e = errno;
	warn_errno("%s%s", what, quote(argv[0]));
	return e == ENOENT ? 127 : 126;
}

int nice_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"adjustment", 1, 'n'}, {0, 0, 0}};
	const char *by = NULL;
	opt_status = exit_failure = 125;
	/* -N and --N are the old form of -n N and -n -N. */
	while (opt_ind < argc) {
		const char *a = argv[opt_ind];
		if (a[0] == '-' && (a[1] >= '0' && a[1] <= '9')) {
			by = a + 1, opt_ind++;
			continue;
		}
		if (a[0] == '-' && (a[1] == '-' || a[1] == '+') && a[2] >= '0' && a[2] <= '9') {
			by = a + 1, opt_ind++;
			continue;
		}
		if (a[0] != '-' || !a[1] || opt_next(argc, argv, "+n:", longs) == -1)
			break;
		by = opt_arg;
	}
	long add = 10;
	if (by) {
		char *end;
		errno = 0;
		add = strtol(by, &end, 10);
		if (end == by || *end)
			die(125, "invalid adjustment %s", quote(by));
		add = add < -39 ? -39 : add > 39 ? 39 : add;
	}
	int now = 0;
	if (opt_ind >= argc) {
		if (by) {
			warn("a command must be given with an adjustment");
			usage(125);
		}
		if (sbx_nice(0, &now))
			die_errno(125, "cannot get niceness");
		printf("%d\n", now);
		return 0;
	}
	if (sbx_nice((int)add, NULL)) {
		int fatal = errno != EACCES && errno != EPERM;
		warn("cannot set niceness: %s", errtext(errno));
		if (fatal)
			return 125;
	}
	return run(argv + opt_ind, "");
}

/* Opens nohup.out here or at home for what would go to the terminal. */
static int output(char **name) {
	static const int how = SBX_O_CREAT | SBX_O_WRONLY | SBX_O_APPEND;
	*name = xstrdup("nohup.out");
	int fd = sbx_open(*name, how, 0600), e = errno;
	if (fd < 0 && getenv("HOME")) {
		char *second = path_join(getenv("HOME"), "nohup.out");
		fd = sbx_open(second, how, 0600);
		if (fd < 0) {
			int e2 = errno;
			errno = e;
			warn_errno("failed to open %s", quoteaf(*name));
			errno = e2;
			warn_errno("failed to open %s", quoteaf(second));
			exit(exit_failure);
		}
		*name = second;
	}
	if (fd < 0)
		die_errno(exit_failure, "failed to open %s", quoteaf(*name));
	return fd;
}

int nohup_main(int argc, char **argv) {
	exit_failure = opt_status = getenv("POSIXLY_CORRECT") ? 127 : 125;
	while (opt_next(argc, argv, "+", NULL) != -1)
		;
	if (opt_ind >= argc)
		missing_operand(exit_failure);
	bool in = isatty(0), out = isatty(1), err = isatty(2);
	char *name = NULL;
	if (in) {
		int fd = sbx_open("/dev/null", SBX_O_WRONLY, 0);
		if (fd < 0 || sbx_dup2(fd, 0) < 0)
			die_errno(exit_failure, "failed to render standard input unusable");
		if (fd > 2)
			close(fd);
		if (!out && !err)
			warn("ignoring input");
	}
	if (out) {
		int fd = output(&name);
		warn(in ? "ignoring input and appending output to %s" : "appending output to %s", quoteaf(name));
		if (sbx_dup2(fd, 1) < 0)
			die_errno(exit_failure, "failed to redirect standard output");
		if (fd > 2)
			close(fd);
	}
	if (err) {
		if (!out)
			warn(in ? "ignoring input and redirecting stderr to stdout" : "redirecting stderr to stdout");
		if (sbx_dup2(1, 2) < 0)
			die_errno(exit_failure, "failed to redirect standard error");
	}
	sbx_signal(1, 1);
	return run(argv + opt_ind, "failed to run command ");
}

/* ---- timeout */

static int64_t duration(const char *s) { /* milliseconds, rounded up */
	char *end;
	double v = strtod(s, &end);
	double unit = !*end || *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
	if (end == s || !(v >= 0) || unit == 0 || (*end && end[1])) {
		warn("invalid time interval %s", quote(s));
		usage(125);
	}
	v = ceil(v * unit * 1000);
	return v > 1e15 ? (int64_t)1e15 : (int64_t)v;
}

static int64_t clock_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct job {
	int pid;
	bool foreground, verbose;
	const char *command;
};

static void send(const struct job *j, int sig) {
	if (j->verbose)
		warn("sending signal %s to command %s", sig_name(sig), quote(j->command));
	sbx_kill(j->foreground ? j->pid : -j->pid, sig);
	if (sig != 9 && sig != 18)
		sbx_kill(j->foreground ? j->pid : -j->pid, 18); /* it may be stopped */
}

#define BIT(s) (1ULL << ((s) - 1))

int timeout_main(int argc, char **argv) {
	static const struct lopt longs[] = {{"kill-after", 1, 'k'}, {"signal", 1, 's'}, {"verbose", 0, 'v'}, {"foreground", 0, 1},
	    {"preserve-status", 0, 2}, {0, 0, 0}};
	int c, sig = 15, got;
	int64_t kill_after = 0;
	bool preserve = false, timed_out = false;
	struct job j = {0};
	opt_status = exit_failure = 125;
	while ((c = opt_next(argc, argv, "+k:s:v", longs)) != -1) {
		switch (c) {
		case 'k': kill_after = duration(opt_arg); break;
		case 's':
			if ((sig = sig_number(opt_arg)) < 0) {
				warn("%s: invalid signal", quote(opt_arg));
				usage(125);
			}
			break;
		case 'v': j.verbose = true; break;
		case 1: j.foreground = true; break;
		case 2: preserve = true; break;
		}
	}
	if (argc - opt_ind < 2)
		usage(125);
	int64_t wait = duration(argv[opt_ind++]);
	uint64_t set = BIT(17) | BIT(1) | BIT(2) | BIT(3) | BIT(15);
	if (sig > 0)
		set |= BIT(sig);
	j.command = argv[opt_ind];
	sbx_sigwait(set, 0);
	j.pid = sbx_spawn(argv[opt_ind], argv + opt_ind, NULL, NULL, SBX_UNMASK | (j.foreground ? 0 : SBX_NEWPGRP));
	if (j.pid < 0) {
		int e = errno;
		warn_errno("failed to run command %s", quote(argv[opt_ind]));
		return e == ENOENT ? 127 : 126;
	}
	uint32_t st = 0;
	int64_t end = wait ? clock_ms() + wait : -1;
	while ((got = sbx_wait(j.pid, SBX_WNOHANG, &st)) != j.pid) {
		if (got < 0 && errno != EINTR)
			die_errno(125, "error waiting for command");
		int64_t left = end < 0 ? -1 : end - clock_ms();
		int s = end >= 0 && left <= 0 ? -1 : sbx_sigwait(set, left);
		if (s == 17 || (s < 0 && errno == EINTR))
			continue;
		bool alarm = s < 0 && end >= 0 && clock_ms() >= end;
		if (s < 0 && !alarm)
			continue;
		int to = alarm ? (timed_out ? 9 : sig) : s;
		timed_out |= alarm;
		send(&j, to);
		end = kill_after && to != 9 ? clock_ms() + kill_after : -1;
	}
	if (SBX_WIFSIGNALED(st)) {
		int by = SBX_WTERMSIG(st);
		struct sbx_ids me;
		if ((!timed_out || (by == 9 && !j.foreground)) && sbx_ids(&me) == 0)
			sbx_kill((int)me.pid, by); /* dies as it did; of a signal that we block we only tell */
		if (timed_out && by == 9)
			return 137;
		return timed_out && !preserve ? 124 : 128 + by;
	}
	return timed_out && !preserve ? 124 : SBX_WEXITSTATUS(st);
}
