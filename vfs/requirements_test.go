package vfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Linux programs and hostile images demand of storage, and the test that
// shows it: of this package, or with a slash of another. After a colon, words
// of the case within it.
var requirements = [...]struct{ what, test string }{
	{"(dev, ino) survive copy-up", "TestInodeKeepsNumber"},
	{"nlink, rename NOREPLACE and EXCHANGE", "TestDifferentialRandom:RENAME_EXCHANGE"},
	{"open files without names, O_TMPFILE and link", "TestDifferentialRandom:O_TMPFILE"},
	{"cookies stay good while entries come and go", "TestCookiesStayGood"},
	{"atomic append", "TestConcurrentUse"},
	{"flock and OFD locks", "TestLocksLikeTheHost"},
	{"POSIX locks, waiting, deadlock", "TestLockWaits"},
	{"offsets shared by dup and fork", "kernel/fd_test.go"},
	{"fallocate, SEEK_HOLE, SEEK_DATA", "TestDifferentialRandom:SeekData"},
	{"pages shared by all mappers", "TestMappingRandom"},
	{"xattrs, ns times, credentials, umask, sticky, setgid, set-id bits", "TestDifferentialRandom:umask"},
	{"all of it over an image", "TestDifferentialOverIndex"},
	{"times that do not fit", "TestTimesAreClamped"},
	{"FIFO, socket and device inodes", "TestDifferentialRandom:S_IFSOCK"},
	{"inotify on inodes and entries", "TestWatches"},
	{"a fork is one moment", "TestForkIsOneMoment"},

	{"parents are never followed through links", "TestBuildIndexHostile:parents are not followed through a link of the same layer"},
	{"nor by whiteouts", "TestBuildIndexHostile:whiteouts do not follow links"},
	{"last duplicate wins", "TestBuildIndexHostile:last duplicate wins"},
	{"whiteouts hide lower layers only", "TestBuildIndexHostile:whiteout hides lower layers only"},
	{"a repeated opaque whiteout costs nothing", "TestRepeatedOpaqueIsCheap"},
	{"hard links point into the merged tree", "TestBuildIndexHostile:hard link out of the image"},
	{"and not at directories", "TestBuildIndexHostile:hard link to a directory"},
	{"the same through a tar", "TestApplyTarHostile"},
	{"declared sizes are bounded by the stream", "registry/hostile_test.go:declared size"},
	{"cap on ratio and total bytes", "registry/hostile_test.go:bomb behind the end of the tar"},
	{"cap on entries", "registry/hostile_test.go:entries"},
	{"cap on depth", "registry/hostile_test.go:depth"},
	{"cap on PAX bytes", "registry/hostile_test.go:pax records"},
	{"cap on manifest bytes", "registry/hostile_test.go:huge"},
	{"cap on config bytes", "registry/hostile_test.go:huge config"},
	{"cap on index nesting", "registry/archive_test.go:nesting"},
	{"digests are parsed before they become paths", "registry/hostile_test.go:digest is a path"},
	{"a document of both kinds is refused", "registry/hostile_test.go:both kinds"},
	{"credentials only to their registry", "registry/remote/auth_test.go:TestCredentialsStayHome"},
	{"not to an unvalidated realm", "registry/remote/auth_test.go:TestCheckRealm"},
	{"not to foreign-layer URLs", "registry/remote/auth_test.go:TestForeignLayer"},
	{"names that Windows cannot hold stay inside", "TestWindowsNamesStayInside"},
	{"damage of the index is an error", "TestIndexDamage"},
}

// The table tells the truth: each test that it names is there.
func TestRequirementsHaveTests(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	check(t, err, nil)
	var here strings.Builder
	for _, f := range files {
		if f != "requirements_test.go" {
			b, err := os.ReadFile(f)
			check(t, err, nil)
			here.Write(b)
		}
	}
	for _, r := range requirements {
		name, words, _ := strings.Cut(r.test, ":")
		text := here.String()
		if strings.Contains(name, "/") {
			b, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
			if err != nil {
				t.Errorf("%s: %v", r.what, err)
			}
			text, name = string(b), ""
		}
		if name != "" && !strings.Contains(text, "func "+name+"(") {
			t.Errorf("%s: there is no %s", r.what, name)
		}
		if !strings.Contains(text, words) {
			t.Errorf("%s: no %q in it", r.what, words)
		}
	}
}
