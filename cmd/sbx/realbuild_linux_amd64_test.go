package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sbxrun/sbx/internal/testimage"
)

// realBuild is a context with a Dockerfile that uses Debian's own programs.
var realBuild = map[string]string{
	"data.txt": "a banana\n",
	"Dockerfile": `FROM debian:12 AS work
RUN useradd -m app && install -d -o app -g app -m 2750 /srv/app
COPY --chown=app:app --chmod=u=rw,go= data.txt /srv/app/
USER app
WORKDIR /srv/app
RUN perl -pe 's/a/b/g' data.txt >out.txt && ln out.txt hard && ln -s out.txt soft && tar -czf all.tar.gz data.txt out.txt && sha256sum *.txt >sums && mkfifo -m 600 pipe
FROM debian:12
ENV GREETING=hi
RUN bash -c 'shopt -s extglob; echo ${GREETING@U}' >/greeting && rm -rf /usr/share/doc/bash /usr/share/man && chmod 4755 /usr/bin/[
COPY --from=work /srv/app /srv/app
ADD pack.tar.gz /packed
RUN <<EOF
#!/usr/bin/perl
open my $f, '>', '/made-by-perl'; print $f "$0\n"; close $f;
EOF
CMD ["sh", "-c", "cat /greeting /srv/app/sums /srv/app/soft /packed/x /made-by-perl; id -u; ls /usr/share/doc/bash 2>/dev/null || echo gone"]
`,
}

// TestBuildRealImage builds on a real Debian image, and holds what comes of it against what other OCI tools make of the
// same image: the files that umoci unpacks, and what the command prints natively in them, and with podman where that can run.
func TestBuildRealImage(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	mirror := testimage.Serve(t)
	dir := t.TempDir()
	command := builtCommand(t)
	sbx := func(args ...string) (string, string) {
		t.Helper()
		cmd := exec.Command(command, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SBX_HOME="+filepath.Join(dir, "home"), "SBX_REGISTRY_MIRROR="+mirror)
		var out, diag bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &diag
		if err := cmd.Run(); err != nil {
			t.Fatalf("sbx %q: %v: %s", args, err, diag.String())
		}
		return out.String(), diag.String()
	}
	ctx := filepath.Join(dir, "ctx")
	if err := os.Mkdir(ctx, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range realBuild {
		if err := os.WriteFile(filepath.Join(ctx, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pack := exec.Command("sh", "-c", "mkdir p && echo packed >p/x && tar -czf ctx/pack.tar.gz -C p .")
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sbx("build", "-t", "real", "ctx")
	if _, again := sbx("build", "-t", "real", "ctx"); strings.Count(again, " CACHED\n") != 10 || strings.Contains(again, "\n#8 0.") {
		t.Errorf("not every step is found the second time:\n%s", again)
	}
	got, _ := sbx("run", "--rm", "real")
	if !strings.HasPrefix(got, "HI\n") || !strings.HasSuffix(got, "b bbnbnb\npacked\n/dev/pipes/EOF\n0\ngone\n") {
		t.Errorf("the image prints %q", got)
	}
	sbx("save", "-o", "real.tar", "real")
	sbx("create", "--name", "tree", "real", "true")
	sbx("export", "-o", "tree.tar", "tree")
	t.Run("umoci", func(t *testing.T) { unpackedByUmoci(t, dir, got) })
	t.Run("podman", func(t *testing.T) { runByPodman(t, dir, got) })
}

// unpackedByUmoci compares the files, and what the command prints in a chroot.
func unpackedByUmoci(t *testing.T, dir, want string) {
	for _, tool := range []string{"umoci", "skopeo"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("only root can unpack owners and chroot")
	}
	for _, args := range [][]string{
		{"skopeo", "copy", "-q", "docker-archive:real.tar", "oci:layout:real"},
		{"umoci", "unpack", "--image", "layout:real", "bundle"},
		{"tar", "-cf", "umoci.tar", "-C", "bundle/rootfs", "."},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
	ours, theirs := tarTree(t, filepath.Join(dir, "tree.tar")), tarTree(t, filepath.Join(dir, "umoci.tar"))
	for name, line := range theirs {
		if ours[name] != line {
			t.Errorf("%s: sbx has %q, umoci %q", name, ours[name], line)
		}
	}
	for name, line := range ours {
		if _, ok := theirs[name]; !ok {
			t.Errorf("%s: sbx has %q, umoci nothing", name, line)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", "cat /greeting /srv/app/sums /srv/app/soft /packed/x /made-by-perl; id -u; ls /usr/share/doc/bash 2>/dev/null || echo gone")
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: filepath.Join(dir, "bundle", "rootfs")}
	if out, err := cmd.Output(); err != nil || string(out) != want {
		t.Errorf("natively it prints %q, %v; in sbx %q", out, err, want)
	}
}

// tarTree describes the files of an archive by name. Times of folders on the way to mount points are left out.
func tarTree(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Trim(strings.TrimPrefix(h.Name, "./"), "/")
		if h.Typeflag == tar.TypeLink {
			h.Typeflag, h.Size = tar.TypeReg, 0 // whichever name comes first
		}
		if name == "" || name == "dev/console" || strings.HasPrefix(name, "dev/") {
			continue
		}
		line := fmt.Sprintf("%c %o %d:%d %s", h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid, strings.TrimPrefix(h.Linkname, "./"))
		if h.Typeflag == tar.TypeReg {
			line = fmt.Sprintf("%c %o %d:%d", h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid)
		}
		out[name] = line
	}
}

// runByPodman loads and runs the image with podman.
func runByPodman(t *testing.T, dir, want string) {
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip(err)
	}
	podman := func(args ...string) (string, error) {
		args = append([]string{"--root", filepath.Join(dir, "pod"), "--runroot", filepath.Join(dir, "podrun"), "--storage-driver", "vfs"}, args...)
		cmd := exec.Command("podman", args...)
		var out, diag bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &diag
		if err := cmd.Run(); err != nil {
			return out.String(), fmt.Errorf("podman %q: %w: %s", args[6:], err, diag.String())
		}
		return out.String(), nil
	}
	// Whether podman can run anything here is told by an image that sbx has not made.
	plain := filepath.Join(dir, "plain")
	if err := os.Mkdir(plain, 0o755); err == nil {
		err = errors.Join(os.WriteFile(filepath.Join(plain, "true"), staticTrue, 0o755), os.WriteFile(filepath.Join(plain, "Containerfile"), []byte("FROM scratch\nCOPY true /true\nCMD [\"/true\"]\n"), 0o644))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := podman("build", "-q", "-t", "localhost/plain", plain); err != nil {
		t.Skipf("podman builds nothing here, to compare with: %v", err)
	}
	run := []string{"run", "--rm", "--network=none"}
	if _, err := podman(append(run, "localhost/plain")...); err != nil {
		// In a container of its own it may still, with less around it.
		run = append(run, "--cgroups=disabled", "--ulimit=host")
		if _, err := podman(append(run, "localhost/plain")...); err != nil {
			t.Skipf("podman runs no image here, not its own either: %v", err)
		}
	}
	if _, err := podman("load", "-i", filepath.Join(dir, "real.tar")); err != nil {
		t.Fatalf("podman does not take the image: %v", err)
	}
	if got, err := podman(append(run, "docker.io/library/real")...); err != nil || got != want {
		t.Errorf("podman prints %q, %v; sbx %q", got, err, want)
	}
}

// staticTrue is a program of x86-64 that ends with 0.
var staticTrue = []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00\x01\x00\x00\x00\x78\x00\x40\x00\x00\x00\x00\x00" +
	"\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x38\x00\x01\x00\x00\x00\x00\x00\x00\x00" +
	"\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00" +
	"\x81\x00\x00\x00\x00\x00\x00\x00\x81\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00" +
	"\xb0\x3c\x31\xff\x0f\x05\x0f\x0b\x90")

// TestBuildNginx is the Dockerfile of a tutorial: apt brings a web server.
func TestBuildNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	packages := testimage.Mirror(t)
	mirror := testimage.Serve(t)
	dir := t.TempDir()
	command := builtCommand(t)
	text := "FROM debian:12\nRUN rm -f /etc/apt/sources.list.d/* && echo 'deb [trusted=yes] " + packages + " bookworm main' >/etc/apt/sources.list\n" +
		"RUN apt-get update\nRUN apt-get install -y nginx\nEXPOSE 80\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	sbx := func(args ...string) outcome {
		cmd := exec.Command(command, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SBX_HOME="+filepath.Join(dir, "home"), "SBX_REGISTRY_MIRROR="+mirror)
		return finish(t, cmd)
	}
	first := sbx("build", "-t", "my-nginx", ".")
	if first.code != 0 || !strings.Contains(first.diag, "Setting up nginx") {
		t.Fatalf("exit %d\n%s", first.code, first.diag)
	}
	for _, line := range []string{"\n#7 [4/4] RUN apt-get install -y nginx\n#7 0.", " naming to docker.io/library/my-nginx:latest done\n"} {
		if !strings.Contains(first.diag, line) {
			t.Errorf("the progress has no %q", line)
		}
	}
	if again := sbx("build", "-t", "my-nginx", "."); strings.Count(again.diag, " CACHED\n") != 4 {
		t.Errorf("the second build: %s", again.diag)
	}
	if check := sbx("run", "--rm", "my-nginx", "sh", "-c", "nginx -t 2>&1 | tail -1; dpkg -V nginx nginx-common && echo whole"); check.out != "nginx: configuration file /etc/nginx/nginx.conf test is successful\nwhole\n" {
		t.Errorf("%+v", check)
	}
}
