package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// realImages is the built command with real images, and a place for their trees.
type realImages struct {
	command, dir string
	env          []string
	limit        time.Duration // of a script
}

// newRealImages builds sbx and serves the real images; it skips t on a machine that has none of them, or where a chroot with a
// network and a process table of its own can't be had.
func newRealImages(t *testing.T) *realImages {
	t.Helper()
	if testing.Short() {
		t.Skip("short")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can chroot")
	}
	mirror := testimage.Serve(t)
	dir := t.TempDir()
	return &realImages{command: builtCommand(t), dir: dir, env: append(os.Environ(), "SBX_HOME="+filepath.Join(dir, "home"), "SBX_REGISTRY_MIRROR="+mirror), limit: scriptTime}
}

// sbx is a command line of sbx.
func (r *realImages) sbx(args ...string) *exec.Cmd {
	cmd := exec.Command(r.command, args...)
	cmd.Env = r.env
	return cmd
}

// must runs a command line of sbx that has to work.
func (r *realImages) must(t *testing.T, args ...string) {
	t.Helper()
	if out, err := r.sbx(args...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
}

// chroot is an image's tree on the host.
type chroot struct {
	root string
}

// tree pulls an image and lays it out on the host; it skips t when the image was not made.
func (r *realImages) tree(t *testing.T, image string) chroot {
	t.Helper()
	if out, err := r.sbx("pull", "-q", image).CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("not found")) {
			t.Skipf("%s was not made: %s", image, out)
		}
		t.Fatalf("pull %s: %v: %s", image, err, out)
	}
	return r.layOut(t, image)
}

// layOut lays an image out on the host, with the devices that programs need.
func (r *realImages) layOut(t *testing.T, image string) chroot {
	t.Helper()
	dir := t.TempDir() // of this test: a tree goes with the test that has it
	root, archive := filepath.Join(dir, "tree"), filepath.Join(dir, "tree.tar")
	container := fmt.Sprintf("tree-%s-%d", strings.ReplaceAll(image, ":", "-"), time.Now().UnixNano())
	r.must(t, "create", "--name", container, image, "true")
	r.must(t, "export", "-o", archive, container)
	r.must(t, "rm", container)
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xpf", archive, "-C", root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	os.Remove(archive)
	for _, dev := range [][]string{{"null", "1", "3"}, {"zero", "1", "5"}, {"full", "1", "7"}, {"random", "1", "8"}, {"urandom", "1", "9"}, {"tty", "5", "0"}} {
		os.Remove(filepath.Join(root, "dev", dev[0]))
		if out, err := exec.Command("mknod", "-m", "666", filepath.Join(root, "dev", dev[0]), "c", dev[1], dev[2]).CombinedOutput(); err != nil {
			t.Skipf("a chroot has no devices here: %v: %s", err, out)
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"} {
		os.Remove(filepath.Join(root, "dev", name))
		if err := os.Symlink(target, filepath.Join(root, "dev", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"dev/pts", "dev/shm", "work", "assets"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc", "hosts"), []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := chroot{root}
	switch out, err := c.run("true", chrootRun{work: t.TempDir()}).CombinedOutput(); {
	case errors.Is(err, fs.ErrPermission):
		t.Skipf("no namespaces here: %v", err)
	case err != nil:
		t.Fatalf("chroot: %v: %s", err, out)
	}
	return c
}

// chrootRun is how a script runs natively.
type chrootRun struct {
	work, assets string // what /work and /assets are
	hostNetwork  bool   // not only a loopback of its own
}

// prologue makes of a chroot in new namespaces what a container has; only then the script starts, as it does in sbx.
const prologue = `set -e
mount --make-rprivate -t proc proc /proc
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
perl -e 'socket(S, 2, 2, 0) or die; $up = pack("a16sx14", "lo", 65); ioctl(S, 0x8914, $up) or die "lo: $!"'
perl -e '$name = "chroot"; syscall(170, $name, 6) == 0 or die "hostname: $!"'
cd /work
set +e
`

// shellScript runs a script not as process 1, whom signals do not end.
const shellScript = `bash -c "$0"; exit $?`

// variables are the environment of scripts.
var variables = []string{"HOME=/root", "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

// run is a script in the tree, in namespaces of its own, which end with it. What is mounted for it goes with them.
func (c chroot) run(script string, how chrootRun) *exec.Cmd {
	binds := fmt.Sprintf("mount --bind '%s' '%s/work'\n", how.work, c.root)
	if how.assets != "" {
		binds += fmt.Sprintf("mount --bind '%s' '%s/assets'\n", how.assets, c.root)
	}
	// Mounted from outside, where the folders are seen; then the script's bash becomes process 1.
	cmd := exec.Command("/bin/sh", "-c", "set -e\nmount --make-rprivate /\n"+binds+`exec env --default-signal chroot "$0" /bin/bash -c "$1" "$2"`, c.root, prologue+shellScript, script)
	cmd.Dir, cmd.Env = "/", variables
	flags := syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	if !how.hostNetwork {
		flags |= syscall.CLONE_NEWNET
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags), Setsid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// outcome is what a command did.
type outcome struct {
	out, diag string
	code      int
}

// scriptTime and installTime bound what hangs.
const scriptTime, installTime = 3 * time.Minute, 20 * time.Minute

// finish runs a command to its end.
func finish(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	return finishWithin(t, scriptTime, cmd)
}

func finishWithin(t *testing.T, limit time.Duration, cmd *exec.Cmd) outcome {
	t.Helper()
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return outcome{out.String(), diag.String(), cmd.ProcessState.ExitCode()}
}

// files are the names of a tree, and what each is: kind, permissions, owner, and content or target.
type files map[string]string

// describeFile is a file's entry; body gives its content.
func describeFile(h *tar.Header, body io.Reader) (string, error) {
	what := fmt.Sprintf("%s %04o %d:%d", kinds[h.Typeflag], h.Mode&0o7777, h.Uid, h.Gid)
	switch h.Typeflag {
	case tar.TypeReg:
		sum := sha256.New()
		n, err := io.Copy(sum, body)
		return fmt.Sprintf("%s %d bytes %x", what, n, sum.Sum(nil)[:8]), err
	case tar.TypeSymlink:
		return what + " -> " + h.Linkname, nil
	case tar.TypeChar, tar.TypeBlock:
		return fmt.Sprintf("%s %d,%d", what, h.Devmajor, h.Devminor), nil
	}
	return what, nil
}

var kinds = map[byte]string{tar.TypeReg: "file", tar.TypeDir: "folder", tar.TypeSymlink: "link", tar.TypeFifo: "fifo", tar.TypeChar: "char", tar.TypeBlock: "block"}

// hostFiles describes a folder of the host.
func hostFiles(root string) (files, error) {
	found := files{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Mode()&fs.ModeSocket != 0 { // archives have no sockets
			return err
		}
		target, _ := os.Readlink(path)
		h, err := tar.FileInfoHeader(info, target)
		if err != nil {
			return err
		}
		h.Linkname = target
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var body io.Reader
		if info.Mode().IsRegular() {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			body = f
		}
		found[name], err = describeFile(h, body)
		return err
	})
	return found, err
}

// archiveFiles describes what is in an archive, whose names all begin with a folder.
func archiveFiles(r io.Reader, folder string) (files, error) {
	found := files{}
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(folder, h.Name)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeLink { // the same file again
			first, err := filepath.Rel(folder, h.Linkname)
			if err != nil {
				return nil, err
			}
			found[name] = found[first]
			continue
		}
		if found[name], err = describeFile(h, a); err != nil {
			return nil, err
		}
	}
}

// differences lists names that are not the same in both trees, without those that ignore names.
func differences(got, want files, ignore func(name string) bool) string {
	all := maps.Clone(got)
	maps.Copy(all, want)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if got[name] != want[name] && (ignore == nil || !ignore(name)) {
			fmt.Fprintf(&b, "%s\n\tsbx:    %s\n\tchroot: %s\n", name, got[name], want[name])
		}
	}
	return b.String()
}
