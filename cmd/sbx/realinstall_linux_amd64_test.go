package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// installScript installs a server as a user does, from the mirror that the image's own sources name.
const installScript = `apt-get -q -o Acquire::Retries=3 update
echo "update $?"
apt-get -q -o Acquire::Retries=3 install -y nginx
echo "install $?"
dpkg --audit
echo "audit $?"
dpkg -l
dpkg --verify
`

// serveScript has the installed server serve its own page on port 80, read its configuration again, and end.
const serveScript = `nginx -t; echo $?
nginx; echo $?
get() { exec 3<> /dev/tcp/127.0.0.1/80 && printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3 && cat <&3; exec 3>&-; }
body() { get "$1" | sed '1,/^\r$/d'; }
ready() { for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/80) 2> /dev/null && break; sleep 0.1; done; }
get / | head -n 1; body / | cmp - /var/www/html/index.nginx-debian.html && echo same
get /none | head -n 1
master=$(cat /run/nginx.pid)
tr '\0' '\n' < /proc/$master/cmdline
cp /usr/share/common-licenses/GPL-3 /var/www/html/page
sed -i '0,/location \/ {/s//location = \/new { return 200 "after HUP"; }\n\tlocation \/ {/' /etc/nginx/sites-available/default
kill -HUP $master
for i in $(seq 400); do if body /new | grep -q HUP; then new=$((new + 1)); else new=0; fi; [ $new -lt 10 ] || break; sleep 0.05; done # until no old worker answers
body /new; echo; body /page | sha256sum
nginx -s quit 2> /dev/null; for i in $(seq 100); do [ -e /proc/$master ] || break; sleep 0.1; done; ls /run/nginx.pid
nginx -g 'daemon off;' & ready; kill -QUIT $!; wait $!; echo $?
`

// changing are files that no two installations have the same content in: logs, caches of times and places in memory.
var changing = regexp.MustCompile(`^(var/log/.*|var/cache/apt/.*\.bin|var/cache/ldconfig/aux-cache|var/lib/apt/lists/.*|var/lib/apt/extended_states|var/cache/debconf/.*)$`)

// notInstalled are places that are the sandbox's or the chroot's own.
var notInstalled = regexp.MustCompile(`^(dev|proc|sys|assets|work|tmp|run/mount)(/.*)?$|^(\.|etc/hosts|etc/hostname|etc/resolv\.conf|\.dockerenv|etc/mtab)$`)

// TestRealInstall has Debian's apt install nginx in sbx and in a chroot, maintainer scripts and triggers and all, holds the two trees
// against each other, and then has both serve.
func TestRealInstall(t *testing.T) {
	r := newRealImages(t)
	for _, image := range []string{"debian:12", "debian:13"} {
		t.Run(image, func(t *testing.T) {
			tree := r.tree(t, image)
			if text, err := os.ReadFile("/etc/resolv.conf"); err == nil {
				os.WriteFile(filepath.Join(tree.root, "etc", "resolv.conf"), text, 0o644)
			}
			t.Parallel()
			r.install(t, image, tree)
		})
	}
}

func (r *realImages) install(t *testing.T, image string, tree chroot) {
	name := strings.NewReplacer("/", "-", ":", "-").Replace(t.Name())
	runIn := func(image, name, network, script string) outcome {
		args := []string{"run", "--name", name, "-h", "chroot", "--network", network, "-w", "/"}
		for _, v := range variables {
			args = append(args, "-e", v)
		}
		return finish(t, r.sbx(append(args, image, "bash", "-c", shellScript, script)...))
	}
	var want, got outcome
	var both sync.WaitGroup
	both.Go(func() { want = finish(t, tree.run(installScript, chrootRun{work: t.TempDir(), hostNetwork: true})) })
	both.Go(func() { got = runIn(image, name, "bridge", installScript) })
	both.Wait()
	if !strings.Contains(want.out, "update 0\n") || !strings.Contains(want.out, "install 0\n") || strings.Contains(want.diag, "Failed to fetch") {
		t.Skipf("the mirror does not answer here: %s%s", want.out, want.diag)
	}
	if got, want := installed(got), installed(want); got != want {
		t.Errorf("%s\nsbx:    %d\n%s%s\nchroot: %d\n%s%s\n", firstDifference(got, want), got.code, got.out, got.diag, want.code, want.out, want.diag)
	}
	if !strings.Contains(got.out, "install 0\naudit 0\n") {
		t.Fatalf("not installed: %s%s", got.out, got.diag)
	}
	r.compareTrees(t, name, tree)

	r.must(t, "commit", name, strings.ToLower(name))
	r.must(t, "rm", name)
	want = finish(t, tree.run(serveScript, chrootRun{work: t.TempDir()}))
	got = runIn(strings.ToLower(name), name+"-serves", "none", serveScript)
	if got != want {
		t.Errorf("%s\nsbx:    %d\n%s%s\nchroot: %d\n%s%s\n", firstDifference(got, want), got.code, got.out, got.diag, want.code, want.out, want.diag)
	}
	if !strings.Contains(got.out, "same\n") || !strings.Contains(got.out, "after HUP\n") || !strings.HasSuffix(got.out, "\n0\n") {
		t.Errorf("it did not serve: %s%s", got.out, got.diag)
	}
}

// aptTells is what apt and dpkg say that is not the same at every time.
var aptTells = regexp.MustCompile(`^(Get|Hit|Ign|Err):|^Fetched |^Preconfiguring|^\(Reading database`)

// installed is an outcome of apt's without how the download went.
func installed(o outcome) outcome {
	keep := func(text string) string {
		return strings.Join(slices.DeleteFunc(strings.SplitAfter(text, "\n"), aptTells.MatchString), "")
	}
	return outcome{keep(o.out), keep(o.diag), o.code}
}

// compareTrees compares the whole tree of a container with the chroot's.
func (r *realImages) compareTrees(t *testing.T, container string, tree chroot) {
	t.Helper()
	want, err := hostFiles(tree.root)
	if err != nil {
		t.Fatal(err)
	}
	var diag bytes.Buffer
	cmd := r.sbx("export", container)
	cmd.Stderr = &diag
	archive, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got, err := archiveFiles(archive, ".")
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("export: %v: %s", err, &diag)
	}
	for _, f := range []files{got, want} {
		for name, what := range f {
			if fields := strings.Fields(what); changing.MatchString(name) && fields[0] == "file" {
				f[name] = strings.Join(fields[:3], " ")
			}
		}
	}
	if d := differences(got, want, notInstalled.MatchString); d != "" {
		t.Errorf("files differ:\n%s", d)
	}
}
