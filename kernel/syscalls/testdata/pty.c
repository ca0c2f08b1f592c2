// Tells what the requests of ioctl_tty(2) answer on a pseudo-terminal.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct termios2 { unsigned iflag, oflag, cflag, lflag; unsigned char line, cc[19]; unsigned ispeed, ospeed; };
#define GETS2 0x802c542a
#define SETS2 0x402c542b

static void tell(const char *what, long r) {
	if (r < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, r);
	fflush(stdout);
}

static void number(const char *what, int fd, unsigned long req) {
	int v = -7;
	long r = ioctl(fd, req, &v);
	tell(what, r);
	if (r == 0)
		printf("\t%d\n", v);
}

static void set(const char *what, int fd, unsigned long req, int v) { tell(what, ioctl(fd, req, &v)); }

static void speeds(const char *what, int fd) {
	struct termios2 t = {0};
	tell(what, ioctl(fd, GETS2, &t));
	printf("\t%o %o %o %o %d %u %u\n", t.iflag, t.oflag, t.cflag, t.lflag, t.cc[0], t.ispeed, t.ospeed);
}

struct termio_ { unsigned short iflag, oflag, cflag, lflag; unsigned char line, cc[8]; };

static void old(const char *what, int fd) {
	struct termio_ t = {0};
	tell(what, ioctl(fd, TCGETA, &t));
	printf("\t%o %o %o %o %d %d %d\n", t.iflag, t.oflag, t.cflag, t.lflag, t.line, t.cc[0], t.cc[7]);
	t.lflag &= ~8, t.oflag |= 010, t.cc[0] = 7;
	tell("TCSETA", ioctl(fd, TCSETA, &t));
	tell("again", ioctl(fd, TCGETA, &t));
	printf("\t%o %o %o %o %d %d %d\n", t.iflag, t.oflag, t.cflag, t.lflag, t.line, t.cc[0], t.cc[7]);
	t.lflag |= 8, t.oflag &= ~010, t.cc[0] = 3;
	tell("TCSETAF", ioctl(fd, TCSETAF, &t));
	tell("TCSETAW", ioctl(fd, TCSETAW, &t));
	tell("nowhere", ioctl(fd, TCSETA, 1));
	struct { unsigned flags[4]; unsigned char line, cc[19]; } lock;
	memset(&lock, 255, sizeof lock);
	tell("TIOCGLCKTRMIOS", ioctl(fd, TIOCGLCKTRMIOS, &lock));
	printf("\t%x %x %d %d\n", lock.flags[0], lock.flags[3], lock.line, lock.cc[18]);
	tell("of no terminal", ioctl(0, TIOCGLCKTRMIOS, &lock));
}

static void on(int s) { printf("signal %d\n", s); fflush(stdout); }

int main(void) {
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (m < 0)
		return 1;
	number("TIOCGPTLCK", m, TIOCGPTLCK);
	tell("peer of a locked one", ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	set("TIOCSPTLCK", m, TIOCSPTLCK, 0);
	number("TIOCGPTLCK", m, TIOCGPTLCK);
	int s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	tell("TIOCGPTPEER", s);
	int n = -1;
	ioctl(m, TIOCGPTN, &n);
	char path[64], link[64] = "";
	sprintf(path, "/proc/self/fd/%d", s);
	char want[64];
	sprintf(want, "/dev/pts/%d", n);
	readlink(path, link, sizeof link - 1);
	struct stat a, b;
	printf("path %d flags %#x %#x\n", strcmp(link, want), fcntl(s, F_GETFL) & ~(0100000 | O_CLOEXEC), fcntl(s, F_GETFD));
	fstat(s, &a);
	printf("the same file %d\n", stat(want, &b) == 0 && a.st_ino == b.st_ino && a.st_rdev == b.st_rdev && a.st_dev == b.st_dev);
	tell("peer of the slave", ioctl(s, TIOCGPTPEER, O_RDWR));
	number("TIOCGPTLCK of the slave", s, TIOCGPTLCK);
	number("TIOCGETD", s, TIOCGETD);
	number("TIOCGEXCL", s, TIOCGEXCL);
	tell("TIOCEXCL", ioctl(s, TIOCEXCL, 0));
	number("TIOCGEXCL", s, TIOCGEXCL);
	tell("TIOCNXCL", ioctl(s, TIOCNXCL, 0));
	number("TIOCOUTQ", s, TIOCOUTQ);
	tell("TCSBRKP", ioctl(s, TCSBRKP, 1));

	speeds("TCGETS2", s);
	struct termios2 t;
	ioctl(s, GETS2, &t);
	t.cflag = t.cflag & ~010017 | 010002; // B115200
	tell("TCSETS2", ioctl(s, SETS2, &t));
	speeds("115200", s);
	old("of System V", s);
	t.cflag = t.cflag & ~010017 | 010000; // BOTHER
	t.ospeed = 12345, t.ispeed = 333;
	tell("TCSETS2", ioctl(s, SETS2, &t));
	speeds("another", s);
	t.cflag |= 010000 << 16;
	tell("TCSETSW2", ioctl(s, SETS2 + 1, &t));
	speeds("another of input", s);
	char short_[36];
	tell("TCGETS", ioctl(s, TCGETS, short_));
	tell("TCSETSF", ioctl(s, TCSETSF, short_));
	speeds("kept", s);
	tell("TCSETS2 of nothing", ioctl(s, SETS2, (void *)8));
	tell("TCGETS2 of a file", ioctl(open("/proc/self/comm", O_RDONLY), GETS2, &t));

	number("TIOCGPKT", m, TIOCGPKT);
	set("TIOCPKT", m, TIOCPKT, 1);
	number("TIOCGPKT", m, TIOCGPKT);
	set("TIOCPKT of the slave", s, TIOCPKT, 1);
	write(s, "data", 4);
	char p[16];
	long r = read(m, p, sizeof p);
	printf("packet %ld: %d %.*s\n", r, p[0], (int)r - 1, p + 1);
	tell("TCFLSH", ioctl(s, TCFLSH, 2));
	struct pollfd f = {m, POLLIN | POLLPRI};
	poll(&f, 1, 0);
	r = read(m, p, sizeof p);
	printf("poll %#x, packet %ld: %d\n", f.revents, r, p[0]);
	set("TIOCPKT", m, TIOCPKT, 0);
	tell("TIOCSIG of what may not be", ioctl(m, _IOW('T', 0x36, int), SIGKILL));
	tell("TIOCSIG of the slave", ioctl(s, _IOW('T', 0x36, int), SIGINT));

	if (fork() == 0) {
		setsid();
		signal(SIGINT, on);
		signal(SIGHUP, on);
		tell("TIOCSCTTY", ioctl(s, TIOCSCTTY, 0));
		tell("TIOCSIG", ioctl(m, _IOW('T', 0x36, int), SIGINT));
		tell("TIOCVHANGUP", ioctl(s, TIOCVHANGUP, 0));
		tell("a write", write(s, "x", 1));
		tell("a read", read(s, p, 1));
		exit(0);
	}
	wait(0);
	f.fd = m;
	poll(&f, 1, 0);
	printf("the master sees %#x\n", f.revents);
	return 0;
}
