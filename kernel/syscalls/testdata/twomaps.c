// Code that is written through one mapping of its memory and executed through another: in one process, and in
// one whose parent writes it. Also what the flag AC does, which old ways to tell processors apart look at.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned char *at;
static int (*code)(void);

static void returns(int v) {
	unsigned char mov_ret[] = {0xb8, v, 0, 0, 0, 0xc3};
	memcpy(at, mov_ret, sizeof mov_ret);
}

int main(void) {
	setvbuf(stdout, NULL, _IONBF, 0);
	int fd = memfd_create("code", 0);
	if (ftruncate(fd, 1 << 16)) return 1;
	at = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code = (int (*)(void))mmap(NULL, 1 << 16, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	for (int i = 0; i < 6; i++) {
		returns(i);
		long sum = 0;
		for (int k = 0; k < 1000; k++) sum += code();
		printf("%d: %ld\n", i, sum);
		at[1] = 40 + i; // the constant alone
		printf("%d: %d\n", i, code());
	}
	int go[2], done[2];
	char c;
	if (pipe(go) || pipe(done)) return 1;
	if (fork() == 0) {
		close(go[1]);
		while (read(go[0], &c, 1) == 1) {
			printf("child: %d\n", code());
			if (write(done[1], "x", 1) != 1) return 1;
		}
		return 0;
	}
	for (int i = 60; i < 64; i++) {
		returns(i);
		if (write(go[1], "x", 1) != 1 || read(done[0], &c, 1) != 1) return 1;
	}
	close(go[1]);
	wait(NULL);

	unsigned long changed;
	__asm__ volatile("pushf\n pop %%rcx\n mov %%rcx, %%rax\n xor $0x40000, %%eax\n push %%rax\n popf\n pushf\n pop %%rax\n"
			 "push %%rcx\n popf\n xor %%rcx, %%rax\n mov %%rax, %0" : "=r"(changed) : : "rax", "rcx", "cc", "memory");
	printf("changed flags: %lx\n", changed);
	return 0;
}
