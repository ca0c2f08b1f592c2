/* Linux signals by name and number. */
#include "tool.h"

#include <strings.h>

static const struct {
	const char *name, *text;
} signals[] = {
    {"EXIT", ""}, {"HUP", "Hangup"}, {"INT", "Interrupt"}, {"QUIT", "Quit"}, {"ILL", "Illegal instruction"},
    {"TRAP", "Trace/breakpoint trap"}, {"ABRT", "Aborted"}, {"BUS", "Bus error"}, {"FPE", "Floating point exception"},
    {"KILL", "Killed"}, {"USR1", "User defined signal 1"}, {"SEGV", "Segmentation fault"}, {"USR2", "User defined signal 2"},
    {"PIPE", "Broken pipe"}, {"ALRM", "Alarm clock"}, {"TERM", "Terminated"}, {"STKFLT", "Stack fault"},
    {"CHLD", "Child exited"}, {"CONT", "Continued"}, {"STOP", "Stopped (signal)"}, {"TSTP", "Stopped"},
    {"TTIN", "Stopped (tty input)"}, {"TTOU", "Stopped (tty output)"}, {"URG", "Urgent I/O condition"},
    {"XCPU", "CPU time limit exceeded"}, {"XFSZ", "File size limit exceeded"}, {"VTALRM", "Virtual timer expired"},
    {"PROF", "Profiling timer expired"}, {"WINCH", "Window changed"}, {"POLL", "I/O possible"}, {"PWR", "Power failure"},
    {"SYS", "Bad system call"},
};

static int realtime(const char *s) {
	int base = strncasecmp(s, "RTMIN", 5) == 0 ? 34 : strncasecmp(s, "RTMAX", 5) == 0 ? 64 : 0;
	if (!base)
		return -1;
	int v = base + (s[5] ? atoi(s + 5) : 0);
	return v >= 34 && v <= 64 && (!s[5] || s[5] == (base == 34 ? '+' : '-')) ? v : -1;
}

int sig_number(const char *name) {
	if (*name >= '0' && *name <= '9') {
		char *end;
		unsigned long v = strtoul(name, &end, 10);
		v = v < 256 ? v & 0x7f : v; /* a wait status is taken too */
		return *end || v > 64 ? -1 : (int)v;
	}
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < LEN(signals); i++)
		if (strcasecmp(signals[i].name, name) == 0)
			return (int)i;
	if (strcasecmp(name, "CLD") == 0)
		return 17;
	if (strcasecmp(name, "IO") == 0)
		return 29;
	if (strcasecmp(name, "IOT") == 0)
		return 6;
	return realtime(name);
}

const char *sig_name(int sig) {
	static char buf[16];
	if (sig >= 0 && sig < (int)LEN(signals))
		return signals[sig].name;
	if (sig < 34 || sig > 64)
		return NULL;
	if (sig == 34 || sig == 64)
		return sig == 34 ? "RTMIN" : "RTMAX";
	snprintf(buf, sizeof buf, sig <= 49 ? "RTMIN+%d" : "RTMAX-%d", sig <= 49 ? sig - 34 : 64 - sig);
	return buf;
}

const char *sig_text(int sig) {
	if (sig > 0 && sig < (int)LEN(signals))
		return signals[sig].text;
	return sig >= 34 && sig <= 64 ? "Real-time signal" : "Unknown signal";
}
