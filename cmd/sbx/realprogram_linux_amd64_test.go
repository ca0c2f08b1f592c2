package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// programs are commands of Debian's that must print, say and answer the same in sbx as in a chroot of the same tree.
var programs = []string{
	`date -u -d @86400 +%F; /bin/echo one two; printf '%s %d %.3f\n' x 42 3.14159; false; echo $?`,
	`ls /; ls -l /usr/lib/apt/methods | tail -n +2 | awk '{print $1, $3, $4, $5, $NF}'; stat -c '%a %U %s %F' /etc/passwd /bin /tmp`,
	`cut -d: -f7 /etc/passwd | sort | uniq -c | sort -rn; find /usr/share -name '*.gz' | sort | wc -l`,
	`for f in /bin/bash /bin/ls /usr/bin/perl; do sha256sum $f; md5sum < $f; done; seq 1 5000 | sha1sum`,
	`grep -c . /etc/services /etc/passwd 2>/dev/null; grep -P '^r\w+t' /etc/passwd; sed -n 's/root/ROOT/gp' /etc/passwd`,
	`i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo $i; (exit 7); echo $?; kill -l 15`,
	`bash -c 'declare -A m; for w in a b a c a; do ((m[$w]++)); done; for k in "${!m[@]}"; do echo $k ${m[$k]}; done | sort; echo ${BASH_VERSINFO[0]}'`,
	`bash -c 'trap "echo got TERM" TERM; kill -TERM $$; echo after; f() { local x=$1; echo $((x*x)); }; f 12; shopt -s extglob; echo @(a|b)'`,
	`bash -c 'coproc cat; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x; eval "exec ${COPROC[1]}>&-"; diff <(seq 3) <(seq 4)'; echo $?`,
	`perl -e 'my %h; $h{$_ % 7} += $_ for 1..10000; print join(",", map {"$_=$h{$_}"} sort keys %h), "\n"; printf "%.10f\n", atan2(1,1)*4; print sprintf("%vd", $^V), "\n"'`,
	`perl -e 'my $p = fork; if (!$p) { exit 3 } waitpid $p, 0; print $? >> 8, "\n"; pipe my $r, my $w; if (!fork) { print $w "child\n"; exit } close $w; print <$r>; $SIG{ALRM} = sub { print "alarm\n"; exit 5 }; alarm 1; sleep 9'; echo $?`,
	`cd /tmp && mkdir -p t/a && echo x > t/a/f && ln -s a t/l && tar --sort=name -cf t.tar t && tar -tvf t.tar | awk '{print $1, $3, $6, $7, $8}' && gzip -9 < t.tar | gzip -d | cmp - t.tar && echo same; rm -rf t t.tar`,
	`dd if=/dev/zero bs=4096 count=300 2>/dev/null | md5sum; head -c 100000 /bin/bash | base64 | tail -n 2; od -An -tx1 -N32 /bin/true`,
	`sort -g <<< $'3.5\n1e2\n-7\n0.25'; seq 0.1 0.3 2; expr 12345 \* 678; factor 1234567890`,
	`dpkg --print-architecture; dpkg -l bash | tail -n 1 | awk '{print $1, $2, $4}'; dpkg-query -W -f '${Version}\n' coreutils; apt-config dump | grep -c APT`,
	`awk 'BEGIN { for (i = 0; i < 200000; i++) s += i * 1.5; printf "%d %s\n", s, substr("hello", 2, 3) }'`,
	`cat /nonexistent; ls /nonexistent; cd /nonexistent; nosuchcommand; /etc/passwd; echo $?`,
	`sleep 0.05 & wait $!; echo $?; { sh -c 'kill -SEGV $$'; } 2>/dev/null; echo $?; timeout 0.2 sleep 5; echo $?`,
	`env -i A=1 /usr/bin/env; id -u; umask 027; touch /tmp/u; stat -c %a /tmp/u; rm /tmp/u; getent passwd root; hostname >/dev/null && echo ok`,
}

// TestRealPrograms runs the image's own programs in sbx and in a chroot.
func TestRealPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can chroot")
	}
	mirror := testimage.Serve(t)
	dir := t.TempDir()
	command, home, root := builtCommand(t), filepath.Join(dir, "home"), filepath.Join(dir, "root")
	env := append(os.Environ(), "SBX_HOME="+home, "SBX_REGISTRY_MIRROR="+mirror)
	sbx := func(args ...string) *exec.Cmd {
		cmd := exec.Command(command, args...)
		cmd.Env = env
		return cmd
	}
	for _, args := range [][]string{{"pull", "-q", "debian:12"}, {"create", "--name", "tree", "debian:12", "true"}, {"export", "-o", filepath.Join(dir, "tree.tar"), "tree"}} {
		if out, err := sbx(args...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xpf", filepath.Join(dir, "tree.tar"), "-C", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, dev := range [][]string{{"null", "3"}, {"zero", "5"}, {"full", "7"}, {"random", "8"}, {"urandom", "9"}} {
		os.Remove(filepath.Join(root, "dev", dev[0]))
		if out, err := exec.Command("mknod", "-m", "666", filepath.Join(root, "dev", dev[0]), "c", "1", dev[1]).CombinedOutput(); err != nil {
			t.Skipf("a chroot has no devices here: %v: %s", err, out)
		}
	}
	// Process substitution needs /dev/fd, which leads to /proc.
	os.Symlink("/proc/self/fd", filepath.Join(root, "dev", "fd"))
	if err := exec.Command("mount", "-t", "proc", "proc", filepath.Join(root, "proc")).Run(); err != nil {
		t.Skipf("a chroot has no /proc here: %v", err)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", filepath.Join(root, "proc")).Run() })

	const vars = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, script := range programs {
		// Not as process 1, whom signals do not end.
		script = "bash -c '" + strings.ReplaceAll(script, "'", `'\''`) + "'; exit $?"
		native := exec.Command("/bin/bash", "-c", script)
		native.Dir, native.Env = "/", []string{vars, "HOME=/root", "LC_ALL=C"}
		native.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		want := finish(t, native)
		got := finish(t, sbx("run", "--rm", "-e", "LC_ALL=C", "-w", "/", "debian:12", "bash", "-c", script))
		if got != want {
			t.Errorf("%s\nsbx:    %d %q %q\nchroot: %d %q %q", script, got.code, got.out, got.diag, want.code, want.out, want.diag)
		}
	}
}

// outcome is what a command did.
type outcome struct {
	out, diag string
	code      int
}

func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return outcome{out.String(), diag.String(), cmd.ProcessState.ExitCode()}
}
