package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// builtCommand builds sbx and returns its path.
func builtCommand(t *testing.T) string {
	t.Helper()
	command := filepath.Join(t.TempDir(), "sbx")
	if runtime.GOOS == "windows" {
		command += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return command
}

// patience is how long a step may take to be seen.
const patience = time.Minute

// TestRealImage pulls a real Debian image from a real registry with the built command, runs pipelines of the built-in tools
// over its files, and holds their output against GNU's over the exported tree.
func TestRealImage(t *testing.T) {
	mirror := testimage.Serve(t)
	dir := t.TempDir()
	command := builtCommand(t)
	sbx := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(command, args...)
		cmd.Env = append(os.Environ(), "SBX_HOME="+filepath.Join(dir, "home"), "SBX_REGISTRY_MIRROR="+mirror)
		var diag bytes.Buffer
		cmd.Stderr = &diag
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("sbx %q: %v: %s", args, err, diag.String())
		}
		return string(out)
	}
	if got := sbx("pull", "-q", "debian:12"); strings.TrimSpace(got) != "docker.io/library/debian:12" {
		t.Errorf("pull -q printed %q", got)
	}
	if got := sbx("run", "--userland=builtin", "debian:12", "date", "-u", "-d", "@0", "+%F"); got != "1970-01-01\n" {
		t.Errorf("date printed %q", got)
	}
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(sbx("create", "debian:12", "bash"))
	tree := filepath.Join(dir, "tree.tar")
	sbx("export", "-o", tree, id)
	if out, err := exec.Command("tar", "-x", "--no-same-owner", "--exclude=dev/*", "-C", root, "-f", tree).CombinedOutput(); err != nil {
		t.Fatalf("GNU tar does not take the export: %v: %s", err, out)
	}
	for _, script := range []string{
		`cut -d: -f7 etc/passwd | sort | uniq -c | sort -rn | sed 's/^ *//' | awk '{print $2, $1}' | tr a-z A-Z | tee /dev/null | head -n 3 | wc -c`,
		`find usr/share/zoneinfo -type f | sort | head -n 20 | xargs sha256sum | cut -c1-16 | tr '\n' ' '`,
		`grep -rl root etc/pam.d etc/passwd etc/group 2>/dev/null | sort`,
		`find etc -type l | sort | head -n 30 | while read -r l; do echo "$l -> $(readlink "$l")"; done`,
		`awk -F: '{n += $3} END {print NR, n}' etc/passwd; od -An -tx1 -N16 usr/bin/dpkg; wc -l etc/group`,
	} {
		native := exec.Command("sh", "-c", script)
		native.Dir, native.Env = root, append(os.Environ(), "LC_ALL=C")
		want, err := native.Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if got := sbx("run", "--rm", "--userland=builtin", "-w", "/", "-e", "LC_ALL=C", "debian:12", "sh", "-c", script); got != string(want) {
			t.Errorf("%s\nsbx: %q\nGNU: %q", script, got, want)
		}
	}
}
