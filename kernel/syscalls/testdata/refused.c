// What a user without rights is refused, and how.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BAD ((void *)0x10)
#define R(call) say(#call, call)
static void say(const char *what, long v) {
  int e = errno;
  printf("%s: %ld %s\n", what, v, v == -1 ? strerror(e) : "");
  fflush(stdout);
}
int main(void) {
  struct timespec ts = {0, 0};
  struct timeval tv = {0, 0};
  char handle[40] = {8};
  setresgid(65534, 65534, 65534), setresuid(65534, 65534, 65534);
  int fd = open("/", O_RDONLY);
  R(mount("none", "/", "tmpfs", 0, 0)), R(mount("/", "/", 0, MS_BIND, 0)), R(umount2("/", 0)), R(syscall(SYS_pivot_root, "/", "/"));
  R(syscall(SYS_swapon, "/x", 0)), R(syscall(SYS_swapoff, "/x")), R(syscall(SYS_reboot, 0xfee1dead, 672274793, RB_ENABLE_CAD, 0));
  R(syscall(SYS_acct, "/x")), R(settimeofday(&tv, 0)), R(clock_settime(CLOCK_REALTIME, &ts)), R(syscall(SYS_vhangup));
  R(unshare(CLONE_NEWNS)), R(unshare(CLONE_NEWPID)), R(unshare(CLONE_NEWNET)), R(unshare(CLONE_NEWUTS)), R(unshare(CLONE_NEWIPC)), R(unshare(CLONE_NEWCGROUP)), R(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0)), R(unshare(1 << 3));
  R(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY)), R(syscall(SYS_open_by_handle_at, AT_FDCWD, handle, 0)), R(syscall(SYS_syslog, 3, handle, 10)), R(syscall(SYS_sethostname, "x", 1)), R(syscall(SYS_setdomainname, "x", 1)), R(chroot("/"));
  R(syscall(SYS_fsopen, "tmpfs", 0)), R(syscall(SYS_move_mount, fd, "", fd, "", 0)), R(syscall(SYS_mount_setattr, fd, "", 0, handle, 32));
  R(syscall(SYS_name_to_handle_at, AT_FDCWD, "nothing", BAD, BAD, 0)), R(syscall(SYS_name_to_handle_at, AT_FDCWD, "/", handle, &fd, 1 << 20));
  return 0;
}
