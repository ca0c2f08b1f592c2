package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// copySetup is what is in the container; HOST is a folder of the host.
const copySetup = `mkdir -p /w/d/sub /w/real /w/into; cd /w
echo file >d/file; echo g >d/sub/g; chmod 640 d/file; chown 7:8 d/file
ln -s /etc/hostname d/abs; ln -s ../../../../../../etc/passwd d/up; ln -s nowhere d/dangling
ln -s /w/real dirlink; ln -s /w/d/sub sublink; ln -s d/sub/g filelink; ln -s real/new newlink; ln -s loop loop
ln -s HOST/secret leak; ln -s HOST leakdir; ln -s ../../../../../../../..HOST/secret leakup; echo mine >/etc/passwd
echo ready
`

// copyCase is a cp, and what it does. CONTAINER: and HOST/ are written box: and the folder.
type copyCase struct {
	args  string
	stdin string // a file of the host
	diag  string // what is said; cp then exits with 1
	made  string // names and contents that are new below /w or on the host
}

// copyCases follow docker's description of cp, rule by rule.
var copyCases = []copyCase{
	// A file: to a new name, over a file, into a folder, into a folder that is not there.
	{args: "one box:/w/new", made: "c new=one"},
	{args: "one box:/w/new", made: "c new=one"},
	{args: "two box:/w/new", made: "c new=two"},
	{args: "one box:/w/into", made: "c into/one=one"},
	{args: "one box:w/into/", made: "c into/one=one"}, // paths begin at the root
	{args: "one box:/w/nosuch/", diag: "the folder /w/nosuch/ does not exist"},
	{args: "one box:/w/nosuch/.", diag: "the folder /w/nosuch/. does not exist"},
	{args: "one box:/w/nosuch/one", diag: "could not find the file /w/nosuch/ in container box"},
	{args: "one box:/w/d/file/", diag: "not a directory"},
	{args: "nosuch box:/w", diag: "cannot copy nosuch"},
	{args: "one/. box:/w", diag: "cannot copy one/.: not a directory"},
	// A folder: to a new name, into a folder, what is in it, onto a file.
	{args: "dir box:/w/fresh", made: "c fresh/ fresh/a=a fresh/link->../x fresh/s/ fresh/s/b=b"},
	{args: "dir/. box:/w/fresh2", made: "c fresh2/ fresh2/a=a fresh2/link->../x fresh2/s/ fresh2/s/b=b"},
	{args: "dir box:/w/fresh3/.", made: "c fresh3/ fresh3/a=a fresh3/link->../x fresh3/s/ fresh3/s/b=b"},
	{args: "dir box:/w/into", made: "c into/dir/ into/dir/a=a into/dir/link->../x into/dir/s/ into/dir/s/b=b"},
	{args: "dir/. box:/w/into", made: "c into/a=a into/link->../x into/s/ into/s/b=b"},
	{args: "dir box:/w/d/file", diag: "cannot copy a folder onto the file"},
	{args: "dir box:/w/nosuch/dir", diag: "could not find the file /w/nosuch/ in container box"},
	// A link as the destination is followed, in the container.
	{args: "one box:/w/dirlink", made: "c real/one=one"},
	{args: "dir box:/w/dirlink/", made: "c real/dir/ real/dir/a=a real/dir/link->../x real/dir/s/ real/dir/s/b=b"},
	{args: "one box:/w/filelink", made: "c d/sub/g=one"},
	{args: "one box:/w/newlink", made: "c real/new=one"},
	{args: "one box:/w/loop", diag: "container box: /w/loop: too many levels of symbolic links"},
	{args: "one box:/w/leak", diag: "in container box"},
	{args: "one box:/w/leakdir", diag: "in container box"},
	{args: "one box:/w/leakdir/", diag: "does not exist"},
	{args: "one box:/w/leakup", diag: "in container box"},
	// A link as the source: itself, or with -L what it leads to.
	{args: "hostlink box:/w/l1", made: "c l1->one"},
	{args: "-L hostlink box:/w/l2", made: "c l2=one"},
	{args: "--follow-link hostlink box:/w/into", made: "c into/hostlink=one"},
	// From the container.
	{args: "box:/w/d/file out", made: "h out=file"},
	{args: "box:/w/d/file outdir", made: "h outdir/file=file"},
	{args: "box:/w/d/file outlink", made: "h pointed=file"},
	{args: "box:/w/d/file nosuch/x", diag: `invalid output path: directory "nosuch" does not exist`},
	{args: "box:/w/d/file nosuch/", diag: "the folder nosuch/ does not exist"},
	{args: "box:/w/d one", diag: "cannot copy a folder onto the file one"},
	{args: "box:/w/d outdir", made: "h outdir/d/ outdir/d/file=file outdir/d/sub/ outdir/d/sub/g=one outdir/d/abs->/etc/hostname outdir/d/up->../../../../../../etc/passwd outdir/d/dangling->nowhere"},
	{args: "box:/w/d/. outdir", made: "h outdir/file=file outdir/sub/ outdir/sub/g=one outdir/abs->/etc/hostname outdir/up->../../../../../../etc/passwd outdir/dangling->nowhere"},
	{args: "box:/w/d/sub other", made: "h other/ other/g=one"},
	{args: "box:/w/nosuch out", diag: "could not find the file /w/nosuch in container box"},
	{args: "box:/w/d/file/. out", diag: "not a directory"},
	{args: "box:/w/filelink outdir", made: "h outdir/filelink->d/sub/g"},
	{args: "-L box:/w/filelink outdir", made: "h outdir/filelink=one"},
	{args: "-L box:/w/sublink outdir", made: "h outdir/sublink/ outdir/sublink/g=one"},
	// Links never lead to the host: what they name is looked for in the container.
	{args: "-L box:/w/d/up outdir", made: "h outdir/up=mine"},
	{args: "-L box:/w/leak outdir", diag: "could not find the file /w/leak in container box"},
	{args: "-L box:/w/leakup outdir", diag: "could not find the file /w/leakup in container box"},
	{args: "box:/w/leakdir/secret outdir", diag: "could not find the file /w/leakdir/secret in container box"},
	{args: "box:/../../../../w/d/../d/file out", made: "h out=file"},
	{args: "-L box:/w/loop out", diag: "too many levels"},
	// Archives.
	{args: "- box:/w/into", stdin: "archive.tar", made: "c into/t/ into/t/x=x"},
	{args: "- box:/w/into", stdin: "packed.tar.gz", made: "c into/t/x=x"},
	{args: "- box:/w/into", stdin: "empty"},
	{args: "- box:/w/dirlink", stdin: "archive.tar", made: "c real/t/ real/t/x=x"},
	{args: "- box:/w/nosuch", stdin: "archive.tar", diag: "could not find the file /w/nosuch in container box"},
	{args: "- box:/w/d/file", stdin: "archive.tar", diag: "not a directory"},
	{args: "- box:/w/into", stdin: "cut.tar", diag: "unexpected EOF"},
	{args: "- box:/w/into", stdin: "one", diag: "unexpected EOF"},
	{args: "- box:/w/into", stdin: "escape.tar", made: "c into/e=e into/out->/w/real real/deep=deep"},
	// Several containers, none.
	{args: "one nosuch:/w", diag: "no such container: nosuch"},
	{args: "nosuch:/w .", diag: "no such container: nosuch"},
}

// copyWorld is a container of the host and a folder to copy from and to.
type copyWorld struct {
	*command
	host string
}

func newCopyWorld(t *testing.T) *copyWorld {
	c := buildCommand(t)
	t.Cleanup(func() { endAll(t, c.home) })
	return &copyWorld{c, filepath.Join(c.dir, "host")}
}

// begin makes the host's folder and the container anew; it stays running if asked for.
func (w *copyWorld) begin(t *testing.T, running bool) {
	t.Helper()
	w.t = t
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.RemoveAll(w.host))
	for _, dir := range []string{"dir/s", "outdir"} {
		must(os.MkdirAll(filepath.Join(w.host, dir), 0o755))
	}
	for name, text := range map[string]string{"one": "one", "two": "two", "dir/a": "a", "dir/s/b": "b", "secret": "secret"} {
		must(os.WriteFile(filepath.Join(w.host, name), []byte(text), 0o640))
	}
	for name, target := range map[string]string{"hostlink": "one", "outlink": "pointed", "dir/link": "../x"} {
		must(os.Symlink(target, filepath.Join(w.host, name)))
	}
	whole := archiveOf(t, tar.Header{Name: "t/x", Size: 1, Uid: 5, Gid: 6}, "x")
	must(os.WriteFile(filepath.Join(w.host, "archive.tar"), whole, 0o644))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(whole)
	must(errors.Join(err, z.Close()))
	must(os.WriteFile(filepath.Join(w.host, "packed.tar.gz"), packed.Bytes(), 0o644))
	must(os.WriteFile(filepath.Join(w.host, "empty"), nil, 0o644))
	must(os.WriteFile(filepath.Join(w.host, "cut.tar"), whole[:300], 0o644))
	must(os.WriteFile(filepath.Join(w.host, "escape.tar"), archiveOf(t, tar.Header{Name: "../../../e", Size: 1}, "e",
		tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "/w/real"}, "", tar.Header{Name: "out/deep", Size: 4}, "deep"), 0o644))
	w.run("rm", "-f", "box")
	script := strings.ReplaceAll(copySetup, "HOST", w.host)
	if !running {
		_, err := w.run("run", "--name", "box", "base", "sh", "-c", script)
		must(err)
		return
	}
	_, err = w.run("run", "-d", "--name", "box", "--tmpfs", "/ram", "-v", "vol:/vol", "base", "sh", "-c", script+"\nsleep 1000")
	must(err)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if out, _ := w.run("logs", "box"); out == "ready\n" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("never ready")
		}
	}
}

// archiveOf is an archive of pairs of headers and contents.
func archiveOf(t *testing.T, list ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for i := 0; i < len(list); i += 2 {
		h := list[i].(tar.Header)
		h.Mode = 0o644
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, list[i+1].(string)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cp is a copy, from the host's folder.
func (w *copyWorld) cp(args []string, stdin string) (stdout []byte, diag string, code int) {
	cmd := exec.Command(w.path, append([]string{"cp"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = w.env, w.host, &out, &errs
	if stdin != "" {
		f, err := os.Open(filepath.Join(w.host, stdin))
		if err != nil {
			w.t.Fatal(err)
		}
		defer f.Close()
		cmd.Stdin = f
	}
	cmd.Run()
	return out.Bytes(), errs.String(), cmd.ProcessState.ExitCode()
}

// trees are the files of the container below /w, as export has them, and of the host: "c name" and "h name".
func (w *copyWorld) trees() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	out, err := w.run("export", "box")
	if err != nil {
		w.t.Fatal(err)
	}
	for a := tar.NewReader(strings.NewReader(out)); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		name, ok := strings.CutPrefix(strings.TrimPrefix(h.Name, "./"), "w/")
		if !ok || name == "" {
			continue
		}
		body, err := io.ReadAll(a)
		if err != nil {
			w.t.Fatal(err)
		}
		all["c "+strings.TrimSuffix(name, "/")] = map[byte]string{tar.TypeDir: "/", tar.TypeSymlink: "->" + h.Linkname, tar.TypeReg: "=" + strings.TrimSpace(string(body))}[h.Typeflag]
	}
	err = filepath.WalkDir(w.host, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == w.host {
			return err
		}
		name := "h " + strings.TrimPrefix(p, w.host+"/")
		switch d.Type() {
		case fs.ModeDir:
			all[name] = "/"
		case fs.ModeSymlink:
			target, err := os.Readlink(p)
			all[name] = "->" + target
			return err
		default:
			body, err := os.ReadFile(p)
			all[name] = "=" + strings.TrimSpace(string(body))
			return err
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// TestCopyRules holds cp against docker's description of it, of a container that runs and of one that does not: each copy makes
// what it should and nothing else, on neither side.
func TestCopyRules(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links")
	}
	w := newCopyWorld(t)
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			w.begin(t, running)
			now := w.trees()
			for _, c := range copyCases {
				_, diag, code := w.cp(strings.Fields(c.args), c.stdin)
				if (code == 0) != (c.diag == "") || code > 1 || !strings.Contains(diag, c.diag) || c.diag == "" && diag != "" {
					t.Errorf("cp %s: %d %s", c.args, code, diag)
				}
				want := maps.Clone(now)
				side, made, _ := strings.Cut(c.made, " ")
				for _, m := range strings.Fields(made) {
					i := strings.IndexAny(m, "=")
					if j := strings.Index(m, "->"); i < 0 && j >= 0 {
						i = j
					} else if i < 0 {
						i = len(m) - 1
					}
					want[side+" "+m[:i]] = m[i:]
				}
				now = w.trees()
				for _, name := range slices.Sorted(maps.Keys(maps.Collect(both(now, want)))) {
					if now[name] != want[name] {
						t.Errorf("cp %s: %s%s, want %q", c.args, name, now[name], want[name])
					}
				}
			}
		})
	}
}

// both yields the entries of two maps.
func both(a, b map[string]string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for _, m := range []map[string]string{a, b} {
			for k, v := range m {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// TestCopyOwners: what is copied in is root's, with -a whose it was; what comes out as an archive has its owners.
func TestCopyOwners(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	w := newCopyWorld(t)
	for _, running := range []bool{false, true} {
		w.begin(t, running)
		if err := os.Lchown(filepath.Join(w.host, "one"), 1234, 4321); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ args, stdin, from, want string }{
			{"box:/w/d/file -", "", "", "file 640 7:8"},
			{"one box:/w/x", "", "box:/w/x", "x 640 0:0"},
			{"-a one box:/w/y", "", "box:/w/y", "y 640 1234:4321"},
			{"- box:/w/into", "archive.tar", "box:/w/into/t/x", "x 644 0:0"},
			{"-a - box:/w/into", "archive.tar", "box:/w/into/t/x", "x 644 5:6"},
		} {
			out, diag, code := w.cp(strings.Fields(c.args), c.stdin)
			if code != 0 {
				t.Errorf("running=%v: cp %s: %d %s", running, c.args, code, diag)
			}
			if c.from != "" {
				out, _, _ = w.cp([]string{c.from, "-"}, "")
			}
			h, err := tar.NewReader(bytes.NewReader(out)).Next()
			if err != nil {
				t.Fatalf("running=%v: cp %s: %v", running, c.args, err)
			}
			if got := fmt.Sprintf("%s %o %d:%d", h.Name, h.Mode, h.Uid, h.Gid); got != c.want {
				t.Errorf("running=%v: cp %s: %s, want %s", running, c.args, got, c.want)
			}
		}
	}
}

// TestCopyRunning: programs of a running container see what is copied in at once, in its layers, volumes and what it has in
// memory, and what they write is what comes out; while it is paused too.
func TestCopyRunning(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links")
	}
	w := newCopyWorld(t)
	w.begin(t, true)
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	if err := os.WriteFile(filepath.Join(w.host, "big"), big, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.host, "back"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/w", "/vol", "/ram", "/tmp"} {
		if _, diag, code := w.cp([]string{"big", "box:" + dir}, ""); code != 0 {
			t.Fatalf("%s: %d %s", dir, code, diag)
		}
		if out, err := w.run("exec", "box", "sh", "-c", "cat "+dir+"/big | wc -c; echo more >"+dir+"/mine"); err != nil || strings.TrimSpace(out) != fmt.Sprint(len(big)) {
			t.Errorf("%s: %q %v", dir, out, err)
		}
		if _, diag, code := w.cp([]string{"box:" + dir + "/.", "back" + dir}, ""); code != 0 {
			t.Errorf("%s: %d %s", dir, code, diag)
		}
		if got, err := os.ReadFile(filepath.Join(w.host, "back", dir, "big")); err != nil || !bytes.Equal(got, big) {
			t.Errorf("%s: %d bytes back, %v", dir, len(got), err)
		}
		if got, err := os.ReadFile(filepath.Join(w.host, "back", dir, "mine")); err != nil || string(got) != "more\n" {
			t.Errorf("%s: %q back, %v", dir, got, err)
		}
	}
	if _, err := w.run("pause", "box"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"one", "box:/w/paused"}, {"box:/w/paused", "unpaused"}} {
		if _, diag, code := w.cp(args, ""); code != 0 {
			t.Errorf("paused: cp %v: %d %s", args, code, diag)
		}
	}
	if _, err := w.run("unpause", "box"); err != nil {
		t.Fatal(err)
	}
	// What the kernel tells, and devices, are not there.
	for _, dir := range []string{"/proc", "/dev", "/sys"} {
		out, diag, code := w.cp([]string{"box:" + dir, "-"}, "")
		if code != 0 {
			t.Errorf("%s: %d %s", dir, code, diag)
		}
		if a := tar.NewReader(bytes.NewReader(out)); true {
			a.Next()
			if h, err := a.Next(); err == nil {
				t.Errorf("%s has %s", dir, h.Name)
			}
		}
	}
	// And all of it is kept.
	if _, err := w.run("stop", "-t", "0", "box"); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"/w/paused", "/vol/big"} {
		if _, diag, code := w.cp([]string{"box:" + from, "kept"}, ""); code != 0 {
			t.Errorf("%s: %d %s", from, code, diag)
		}
	}
	if got, err := os.ReadFile(filepath.Join(w.host, "kept")); err != nil || !bytes.Equal(got, big) {
		t.Errorf("kept: %d bytes, %v", len(got), err)
	}
}
