package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// installedPrograms are the programs of docs/programs.md: the folder testdata/installed/GROUP has a file of the packages to install and
// a script for each program.
const installedPrograms = "testdata/installed"

// installSome installs the packages that it is given.
const installSome = `export DEBIAN_FRONTEND=noninteractive; printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
echo "deb [trusted=yes] MIRROR SUITE main" > /etc/apt/sources.list; rm -f /etc/apt/sources.list.d/*
apt-get -q -o Acquire::Retries=3 update > /dev/null; echo "update $?"; apt-get -q -o Acquire::Retries=3 install -y --no-install-recommends PACKAGES > /tmp/log 2>&1; echo "install $?"; grep -E '^(E:|dpkg: error)' /tmp/log; rm /tmp/log; dpkg --audit`

// compilerTime bounds a script: some build for minutes on a busy machine.
const compilerTime = 20 * time.Minute

// programRow is a row of docs/programs.md.
type programRow struct {
	script, debian string // GROUP/NAME; 12 or 13
	differs        bool   // it does not do in sbx what it does in a chroot
}

// programRows reads docs/programs.md.
func programRows(t *testing.T) (rows []programRow) {
	t.Helper()
	text, err := os.ReadFile("../../docs/programs.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || !strings.Contains(cells[3], "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if !slices.Contains([]string{"same", "tried", "differs"}, cells[4]) {
			t.Errorf("docs/programs.md: %s: the result is %q", cells[0], cells[4])
		}
		if cells[4] == "differs" && cells[5] == "" {
			t.Errorf("docs/programs.md: %s: no note says what differs", cells[0])
		}
		rows = append(rows, programRow{cells[3], cells[2], cells[4] == "differs"})
	}
	return rows
}

// TestProgramsTable holds docs/programs.md against the scripts: each row has one, each has a row, each group can be installed.
func TestProgramsTable(t *testing.T) {
	var told, there []string
	for _, row := range programRows(t) {
		if row.debian != "12" && row.debian != "13" {
			t.Errorf("%s: Debian %q", row.script, row.debian)
		}
		told = append(told, row.script)
	}
	scripts, err := filepath.Glob(installedPrograms + "/*/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		if _, err := os.Stat(filepath.Join(filepath.Dir(name), "packages")); err != nil {
			t.Error(err)
		}
		short, err := filepath.Rel(installedPrograms, strings.TrimSuffix(name, ".sh"))
		if err != nil {
			t.Fatal(err)
		}
		there = append(there, filepath.ToSlash(short))
	}
	slices.Sort(told)
	told = slices.Compact(told)
	slices.Sort(there)
	if !slices.Equal(told, there) {
		t.Errorf("docs/programs.md tells of\n%q\nand there are scripts of\n%q", told, there)
	}
}

// installedScript reads the script of a program.
func installedScript(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(installedPrograms, filepath.FromSlash(name)+".sh"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestInstalledPrograms installs the programs of docs/programs.md with apt in sbx and in a chroot, and has each do in sbx what it does in
// the chroot. A row that says that they differ is held to that too, so that it goes when its
// cause does. It is for long runs.
func TestInstalledPrograms(t *testing.T) {
	if os.Getenv(longVariable) == "" {
		t.Skipf("installs for an hour: %s asks for it", longVariable)
	}
	r := newRealImages(t)
	r.limit = compilerTime
	assets := t.TempDir()
	mirror := testimage.Mirror(t)
	suites := map[string]string{"12": "bookworm", "13": "trixie"}
	groups := map[[2]string][]programRow{}
	for _, row := range programRows(t) {
		group, _, _ := strings.Cut(row.script, "/")
		key := [2]string{row.debian, group}
		groups[key] = append(groups[key], row)
	}
	for key, rows := range groups {
		debian, group := key[0], key[1]
		t.Run(debian+"/"+group, func(t *testing.T) {
			install := strings.NewReplacer("MIRROR", mirror, "SUITE", suites[debian], "PACKAGES", groupPackages(t, group, debian)).Replace(installSome)
			image, tree := r.installed(t, "debian:"+debian, group, install)
			for _, row := range rows {
				t.Run(row.script, func(t *testing.T) {
					script := installedScript(t, row.script)
					if !row.differs {
						r.compare(t, image, tree, script, assets)
						return
					}
					if r.difference(t, image, tree, script, assets) == "" {
						t.Errorf("docs/programs.md says that it differs, and it is the same")
					}
				})
			}
		})
	}
}

// groupPackages reads what is installed for a group: its file "packages", or "packages.13" where another Debian has other names.
func groupPackages(t *testing.T, group, debian string) string {
	t.Helper()
	name := filepath.Join(installedPrograms, group, "packages")
	packages, err := os.ReadFile(name + "." + debian)
	if errors.Is(err, fs.ErrNotExist) {
		packages, err = os.ReadFile(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(packages))
}

// installed makes an image and a chroot with packages in them.
func (r *realImages) installed(t *testing.T, image, group, script string) (made string, tree chroot) {
	t.Helper()
	tree = r.tree(t, image)
	if text, err := os.ReadFile("/etc/resolv.conf"); err == nil {
		os.WriteFile(filepath.Join(tree.root, "etc", "resolv.conf"), text, 0o644)
	}
	made = strings.ReplaceAll(image, ":", "") + "-" + group
	args := []string{"run", "--name", made, "-h", "chroot", "-w", "/"}
	for _, v := range variables {
		args = append(args, "-e", v)
	}
	var want, got outcome
	var both sync.WaitGroup // most of their time goes in waiting for the mirror
	both.Go(func() {
		want = finishWithin(t, installTime, tree.run(script, chrootRun{work: t.TempDir(), hostNetwork: true}))
	})
	both.Go(func() {
		got = finishWithin(t, installTime, r.sbx(append(args, image, "bash", "-c", shellScript, script)...))
	})
	both.Wait()
	if !strings.Contains(want.out, "update 0\ninstall 0\n") {
		t.Skipf("not installed in a chroot: %s%s", want.out, want.diag)
	}
	if got.out != want.out {
		t.Errorf("installation: %s%s", got.out, got.diag) // what was installed still runs
	}
	r.must(t, "commit", made, made)
	r.must(t, "rm", made)
	return made, tree
}
