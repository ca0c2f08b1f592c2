// Maps of /dev/zero and of its neighbours.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void try(const char *path, int how, int prot, int flags, long off) {
	int fd = open(path, how);
	char *p = mmap(0, 16384, prot, flags, fd, off);
	int err = p == MAP_FAILED ? errno : 0;
	close(fd);
	printf("%s %d %d %d: %d", path, how, prot, flags, err);
	if (!err && prot & PROT_READ) printf(", %d", p[5000]);
	if (!err && prot & PROT_WRITE) {
		p[5000] = 7;
		if (!fork()) {
			p[5000]++;
			_exit(0);
		}
		wait(0);
		printf(", %d", p[5000]);
	}
	puts("");
	if (!err) munmap(p, 16384);
}

int main(void) {
	const char *paths[] = {"/dev/zero", "/dev/null", "/dev/full", "/dev/urandom"};
	for (int i = 0; i < 4; i++)
		for (int how = O_RDONLY; how <= O_RDWR; how++)
			for (int prot = PROT_NONE; prot <= (PROT_READ | PROT_WRITE); prot++) {
				try(paths[i], how, prot, MAP_SHARED, 0);
				try(paths[i], how, prot, MAP_PRIVATE, 0);
			}
	try("/dev/zero", O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, 4096);
	try("/dev/zero", O_RDWR, PROT_READ | PROT_WRITE, MAP_PRIVATE, 100);
	try("/dev/zero", O_RDWR, PROT_READ, 0, 0);
	return 0;
}
