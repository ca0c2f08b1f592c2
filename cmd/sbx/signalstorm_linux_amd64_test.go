package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stormed are programs whose output tells whether a register was ever wrong.
const stormed = `p=/usr/bin/perl
for i in $(seq 60); do sha256sum $p; done | sort -u
for i in $(seq 2); do md5sum $p; sha512sum $p; b2sum $p; cksum $p; sum $p; gzip -c < $p | gzip -d | cksum; od -An -tx2 $p | sort | cksum; done | sort -u
perl -e '$s = 1; for (1 .. 200000) { $s = ($s * 1103515245 + 12345) % 2147483648; $h{$s % 5000} += $s / 7 } $t += $h{$_} for sort keys %h; print "$t\n"'
`

// TestStoppedAnywhere has programs be stopped thousands of times a second by the signal that the executor and Go use to stop a thread.
// What they print is what they print in peace.
func TestStoppedAnywhere(t *testing.T) {
	w := newRealWorld(t)
	run := func(storm bool) (string, int) {
		cmd := exec.Command(w.command, "run", "--rm", "--network", "none", "debian:12", "bash", "-c", stormed)
		cmd.Env = w.env
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for signals := 0; ; {
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("storm %v: %v: %s", storm, err, &out)
				}
				return out.String(), signals
			default:
			}
			if !storm {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
			for _, thread := range threads {
				if tid, err := strconv.Atoi(thread.Name()); err == nil && unix.Tgkill(cmd.Process.Pid, tid, unix.SIGURG) == nil {
					signals++
				}
			}
		}
	}
	want, _ := run(false)
	got, signals := run(true)
	t.Logf("%d signals", signals)
	if got != want {
		t.Errorf("in a storm of signals:\n%s\nin peace:\n%s", got, want)
	}
}
