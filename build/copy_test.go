package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestCopyRules goes through what COPY means by its sources and its
// destination.
func TestCopyRules(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the context has links and modes that Windows keeps differently")
	}
	b := newBench(t)
	b.write(map[string]string{
		"a": "A", "b": "B", "foo.go": "foo", "fox.go": "fox", "sub/one": "1", "sub/deep/two": "2", "sub/deep/er/three": "3", "empty/": "",
		"link": "-> a", "dirlink": "-> sub", "abs": "-> /sub/one", "up": "-> ../../../../b", "lost": "-> nowhere", "sub/inner": "-> one", "sp ace": "S", "[x]": "X",
	})
	must(t, os.Chmod(filepath.Join(b.dir, "b"), 0o750))
	for _, tt := range []struct{ name, lines, want string }{
		{"a file as a file", "COPY a /x", "/x 644 0:0 A"},
		{"its mode", "COPY b /x", "/x 750 0:0 B"},
		{"into a new folder", "COPY a /d/", "/d 755 0:0 dir\n/d/a 644 0:0 A"},
		{"as a file in a new folder", "COPY a /d/e/x", "/d 755 0:0 dir\n/d/e 755 0:0 dir\n/d/e/x 644 0:0 A"},
		{"into a folder that is there", "COPY a /d/\nCOPY b /d", "/d 755 0:0 dir\n/d/a 644 0:0 A\n/d/b 750 0:0 B"},
		{"several", "COPY a b /d/", "/d 755 0:0 dir\n/d/a 644 0:0 A\n/d/b 750 0:0 B"},
		{"over a file", "COPY a /x\nCOPY b /x", "/x 750 0:0 B"},
		{"relative to WORKDIR", "WORKDIR /w\nCOPY a x\nCOPY a ./\nCOPY b .", "/w 755 0:0 dir\n/w/a 644 0:0 A\n/w/b 750 0:0 B\n/w/x 644 0:0 A"},
		{"a folder: what is in it", "COPY sub /d", "/d 755 0:0 dir\n/d/deep 755 0:0 dir\n/d/deep/er 755 0:0 dir\n/d/deep/er/three 644 0:0 3\n/d/deep/two 644 0:0 2\n/d/inner 777 0:0 -> one\n/d/one 644 0:0 1"},
		{"with a slash", "COPY sub/deep/ /d/", "/d 755 0:0 dir\n/d/er 755 0:0 dir\n/d/er/three 644 0:0 3\n/d/two 644 0:0 2"},
		{"with a dot", "COPY sub/deep/. /d", "/d 755 0:0 dir\n/d/er 755 0:0 dir\n/d/er/three 644 0:0 3\n/d/two 644 0:0 2"},
		{"an empty folder", "COPY empty /d", "/d 755 0:0 dir"},
		{"a pattern", "COPY fo* /d/", "/d 755 0:0 dir\n/d/foo.go 644 0:0 foo\n/d/fox.go 644 0:0 fox"},
		{"a pattern of one file", "COPY foo* /x", "/x 644 0:0 foo"},
		{"a pattern of a folder", "COPY su* /d/", "/d 755 0:0 dir\n/d/deep 755 0:0 dir\n/d/deep/er 755 0:0 dir\n/d/deep/er/three 644 0:0 3\n/d/deep/two 644 0:0 2\n/d/inner 777 0:0 -> one\n/d/one 644 0:0 1"},
		{"a pattern in the middle", "COPY s*/d??p/two /x", "/x 644 0:0 2"},
		{"a pattern of nothing", "COPY nothing* a /d/", "/d 755 0:0 dir\n/d/a 644 0:0 A"},
		{"a pattern of nothing alone", "COPY nothing* /d/", "/d 755 0:0 dir"},
		{"an escaped pattern", `COPY [[]x] /d/`, "/d 755 0:0 dir\n/d/[x] 644 0:0 X"},
		{"JSON form", `COPY ["sp ace", "/d/"]`, "/d 755 0:0 dir\n/d/sp ace 644 0:0 S"},
		{"a link is followed", "COPY link /d/", "/d 755 0:0 dir\n/d/link 644 0:0 A"},
		{"through a link", "COPY dirlink/one /x", "/x 644 0:0 1"},
		{"a pattern through a link", "COPY dirlink/o* /x", "/x 644 0:0 1"},
		{"an absolute link stays inside", "COPY abs /x", "/x 644 0:0 1"},
		{"a link upwards stays inside", "COPY up /x", "/x 750 0:0 B"},
		{"dots upwards stay inside", "COPY ../../a /x", "/x 644 0:0 A"},
		{"a slash is the context", "COPY /a /x", "/x 644 0:0 A"},
		{"links in a folder stay links", "COPY . /d", strings.Join([]string{
			"/d 755 0:0 dir", "/d/[x] 644 0:0 X", "/d/a 644 0:0 A", "/d/abs 777 0:0 -> /sub/one", "/d/b 750 0:0 B", "/d/dirlink 777 0:0 -> sub", "/d/empty 755 0:0 dir",
			"/d/foo.go 644 0:0 foo", "/d/fox.go 644 0:0 fox", "/d/link 777 0:0 -> a", "/d/lost 777 0:0 -> nowhere", "/d/sp ace 644 0:0 S", "/d/sub 755 0:0 dir",
			"/d/sub/deep 755 0:0 dir", "/d/sub/deep/er 755 0:0 dir", "/d/sub/deep/er/three 644 0:0 3", "/d/sub/deep/two 644 0:0 2", "/d/sub/inner 777 0:0 -> one", "/d/sub/one 644 0:0 1",
			"/d/up 777 0:0 -> ../../../../b"}, "\n")},
		{"owner", "COPY --chown=7 a /d/\nCOPY --chown=1:2 sub/deep /e", "/d 755 7:7 dir\n/d/a 644 7:7 A\n/e 755 1:2 dir\n/e/er 755 1:2 dir\n/e/er/three 644 1:2 3\n/e/two 644 1:2 2"},
		{"mode", "COPY --chmod=0400 a /x\nCOPY --chmod=u=rwX,go=X sub/deep /e", "/e 755 0:0 dir\n/e/er 711 0:0 dir\n/e/er/three 600 0:0 3\n/e/two 600 0:0 2\n/x 400 0:0 A"},
		{"exclude", "COPY --exclude=*.go --exclude=sub --exclude=l* --exclude=*[^a] . /d", "/d 755 0:0 dir\n/d/a 644 0:0 A"},
		{"exclude with an exception", "COPY --exclude=deep --exclude=!deep/er sub /d", "/d 755 0:0 dir\n/d/deep 755 0:0 dir\n/d/deep/er 755 0:0 dir\n/d/deep/er/three 644 0:0 3\n/d/inner 777 0:0 -> one\n/d/one 644 0:0 1"},
		{"exclude of a pattern", "COPY --exclude=*x.go fo* /d/", "/d 755 0:0 dir\n/d/foo.go 644 0:0 foo"},
		{"parents", "COPY --parents sub/deep/two a /d/", "/d 755 0:0 dir\n/d/a 644 0:0 A\n/d/sub 755 0:0 dir\n/d/sub/deep 755 0:0 dir\n/d/sub/deep/two 644 0:0 2"},
		{"parents of a folder", "COPY --parents ./sub/./deep /d/", "/d 755 0:0 dir\n/d/deep 755 0:0 dir\n/d/deep/er 755 0:0 dir\n/d/deep/er/three 644 0:0 3\n/d/deep/two 644 0:0 2"},
		{"parents of a deep pattern", "COPY --parents s*/./**/t* /d/", "/d 755 0:0 dir\n/d/deep 755 0:0 dir\n/d/deep/er 755 0:0 dir\n/d/deep/er/three 644 0:0 3\n/d/deep/two 644 0:0 2"},
		{"variables", "ENV D=/dd F=a\nCOPY ${F} $D/${X:-y}", "/dd 755 0:0 dir\n/dd/y 644 0:0 A"},
		{"a folder over a folder", "COPY sub /d\nCOPY sub/deep /d/deep", "/d 755 0:0 dir\n/d/deep 755 0:0 dir\n/d/deep/er 755 0:0 dir\n/d/deep/er/three 644 0:0 3\n/d/deep/two 644 0:0 2\n/d/inner 777 0:0 -> one\n/d/one 644 0:0 1"},
		{"heredocs", "COPY <<one <<two /d/\n1\none\n2\ntwo", "/d 755 0:0 dir\n/d/one 644 0:0 1\n/d/two 644 0:0 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := b.ok("FROM scratch\n" + tt.lines + "\n")
			wantLines(t, r.list("/"), tt.want)
		})
	}
}

// TestCopyErrors is what COPY cannot do.
func TestCopyErrors(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"a": "A", "b": "B", "sub/one": "1", "two/sub": "a file"})
	must(t, os.Symlink(filepath.Join(b.e.Home(), "oci", "oci-layout"), filepath.Join(b.dir, "out")))
	must(t, os.Symlink("loop", filepath.Join(b.dir, "loop")))
	for _, tt := range []struct{ lines, want string }{
		{"COPY missing /", `"/missing": not found`},
		{"COPY sub/missing /", `"/sub/missing": not found`},
		{"COPY out /", `"/out": not found`},
		{"COPY loop /", "too many"},
		{"COPY a b /x", "must be a directory"},
		{"COPY [ab] /x", "must be a directory"},
		{"COPY a /x\nCOPY a /x/", "cannot copy to non-directory: /x"},
		{"COPY a /x\nCOPY sub /x", "cannot copy to non-directory: /x"},
		{"COPY sub /d/a\nCOPY a /d/", "cannot replace to directory /d/a with file"},
		{"COPY two /d\nCOPY . /d", "cannot copy to non-directory: /d/sub"},
		{"COPY --chmod=9 a /", "invalid chmod"},
		{"COPY --chown=nobody a /", "unable to find user nobody"},
		{"COPY --from=9 a /", "no such stage"},
		{"COPY --from=$X a /", "variable expansion is not supported"},
		{"COPY a", "requires"},
		{"ADD git@github.com:x/y.git /", "git repository"},
		{"ADD --checksum=sha256:00 a /", "checksum"},
	} {
		r := b.build("FROM scratch\n"+tt.lines+"\n", func(o *Options) { o.Contexts = map[string]string{} })
		if r.err == nil || !strings.Contains(r.err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.lines, r.err, tt.want)
		}
	}
}

// A destination is resolved as the image's own programs would resolve it.
func TestCopyThroughLinksOfTheImage(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"f": "F", "dir/g": "G"})
	r := b.ok(`FROM base
RUN mkdir /real && ln -s /real /link && ln -s ../../../real/up /up && ln -s /real/file /file && echo old >/real/file && ln -s /real/file /real/inner
COPY f /link/
COPY f /file
COPY f /up
COPY dir /link
COPY f /real/inner
`)
	wantLines(t, r.list("/real"), `
		/real/f 644 0:0 F
		/real/file 644 0:0 F
		/real/g 644 0:0 G
		/real/inner 777 0:0 -> /real/file
		/real/up 644 0:0 F
	`)
}

func TestCopyFromStage(t *testing.T) {
	b := newBench(t)
	r := b.ok(`FROM base AS one
RUN mkdir -p /d/sub && echo x >/d/sub/f && ln /d/sub/f /d/hard && chown 1:2 /d/sub/f && chmod 4755 /d/sub/f && ln -s sub/f /d/sym && mkfifo /d/pipe && chown 5:6 /d
FROM scratch
COPY --from=one /d /copy
COPY --from=0 /d/sym /file
COPY --from=one --chown=9:9 d/sub /owned
`)
	wantLines(t, r.list("/"), `
		/copy 755 0:0 dir
		/copy/hard 4755 1:2 x
		/copy/pipe 644 0:0 special
		/copy/sub 755 0:0 dir
		/copy/sub/f 4755 1:2 x
		/copy/sym 777 0:0 -> sub/f
		/file 4755 1:2 x
		/owned 755 9:9 dir
		/owned/f 4755 9:9 x
	`)
	tr := r.tree()
	h, _ := tr.stat("copy/hard")
	f, _ := tr.stat("copy/sub/f")
	if h.inode == 0 || h.inode != f.inode {
		t.Errorf("the hard link became two files: %d, %d", h.inode, f.inode)
	}
}

// --link makes a layer that stands by itself, and is found whatever is below it.
func TestCopyLink(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"f": "F"})
	b.ok("FROM base\nCOPY --link --chown=3 f /opt/x/\n")
	r := b.ok("FROM base\nRUN echo other >/other\nCOPY --link --chown=3 f /opt/x/\nRUN cat /opt/x/f\n")
	wantLines(t, r.states(), "RUN echo other >/other: DONE\nCOPY --chown=3 --link f /opt/x/: CACHED\nRUN cat /opt/x/f: DONE")
	wantLines(t, r.list("/opt"), "/opt/x 755 3:3 dir\n/opt/x/f 644 3:3 F")
}

// tarOf packs files: a name that ends with "/" is a folder, "-> x" a link, "=> x" a hard link.
func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: files[i], Mode: 0o640, Uid: 11, Gid: 12, Size: int64(len(files[i+1]))}
		if strings.HasSuffix(files[i], "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o750
		} else if target, ok := strings.CutPrefix(files[i+1], "-> "); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, target, 0
		} else if target, ok := strings.CutPrefix(files[i+1], "=> "); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, target, 0
		}
		must(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte(files[i+1]))
			must(t, err)
		}
	}
	must(t, w.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

func TestAddArchives(t *testing.T) {
	b := newBench(t)
	plain := tarOf(t, "./", "", "d/", "", "d/f", "F", "d/l", "-> f", "d/h", "=> d/f", "e/deep/x", "X")
	b.write(map[string]string{
		"a.tar": string(plain), "b.tar.gz": string(gzipped(t, plain)), "text": "no archive", "fake.tar": "neither", "gz.gz": string(gzipped(t, []byte("text"))),
		"evil.tar": string(tarOf(t, "../../up", "U", "/abs", "A", "s", "-> /etc", "s/in", "I")),
	})
	const unpacked = `
		/x 755 0:0 dir
		/x/d 750 11:12 dir
		/x/d/f 640 11:12 F
		/x/d/h 640 11:12 F
		/x/d/l 777 11:12 -> f
		/x/e 755 0:0 dir
		/x/e/deep 755 0:0 dir
		/x/e/deep/x 640 11:12 X
	`
	archives := []string{"a.tar", "b.tar.gz", "[ab].tar*"}
	for _, tool := range []string{"xz", "bzip2"} {
		cmd := exec.Command(tool, "-c")
		cmd.Stdin = bytes.NewReader(plain)
		out, err := cmd.Output()
		if errors.Is(err, exec.ErrNotFound) {
			t.Logf("%s is not installed: its archives are not tried", tool)
			continue
		}
		must(t, err)
		b.write(map[string]string{"by." + tool: string(out)})
		archives = append(archives, "by."+tool)
	}
	for _, f := range archives {
		r := b.ok("FROM scratch\nADD " + f + " /x\n")
		wantLines(t, r.list("/"), unpacked)
	}
	r := b.ok("FROM scratch\nADD --chown=5:5 a.tar /x/\n")
	if l := r.list("/x"); !strings.Contains(l[1], "5:5") {
		t.Errorf("--chown of an archive: %q", l)
	}
	r = b.ok("FROM scratch\nADD text fake.tar gz.gz /\nADD --unpack=false a.tar /kept.tar\nCOPY b.tar.gz /\n")
	names, err := r.tree().list("")
	must(t, err)
	if got := strings.Join(names, " "); got != "b.tar.gz fake.tar gz.gz kept.tar text" {
		t.Errorf("files %s", got)
	}
	// What an archive names stays in the destination, or follows links as root of the image would.
	r = b.ok("FROM base\nADD evil.tar /in/\n")
	wantLines(t, append(r.list("/in"), "/etc/in "+r.text("etc/in")), `
		/in/abs 640 11:12 A
		/in/s 777 11:12 -> /etc
		/in/up 640 11:12 U
		/etc/in I
	`)
	bad := b.build("FROM scratch\nADD cut.tar /\n")
	if bad.err == nil {
		t.Error("a missing archive was added")
	}
	b.write(map[string]string{"cut.tar": string(plain[:len(plain)-1540])})
	if r := b.build("FROM scratch\nADD cut.tar /\n"); r.err == nil || !strings.Contains(r.err.Error(), "cannot be read") {
		t.Errorf("an archive that is cut: %v", r.err)
	}
}
