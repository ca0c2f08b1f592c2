package build

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"os"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// noNetwork fails every request.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

// FuzzDockerfile builds a text against nothing and the embedded image, with
// programs that do not run. It must end, and what it makes must be an image.
func FuzzDockerfile(f *testing.F) {
	for _, s := range []string{
		"FROM scratch\n", "FROM base\nRUN echo\nCOPY a /b\nCMD x", "ARG A=base\nFROM ${A} AS x\nENV B=$A C=\"${B:-d}\"\nFROM x\nCOPY --from=x / /y\nONBUILD ADD a b",
		"# escape=`\nFROM base\nRUN a `\n b\n", "FROM base\nRUN <<E\nx\nE\nCOPY <<-'F' <<G /d/\n\t$x\nF\n${y}\nG\n", "FROM base\nCOPY --parents --exclude=*.x **/**/d?/[a-c]* ./x/../y/\n",
		"FROM base\nWORKDIR a\nWORKDIR ../..\nUSER 7:user\nCOPY --chown=user:1 --chmod=u+s,g=o . .\n", "FROM base\nEXPOSE 1-9/udp $x\nVOLUME [\"/a\"]\nLABEL a=b c d=e\nSTOPSIGNAL 9\nSHELL [\"x\"]\nHEALTHCHECK NONE\nMAINTAINER m",
		"FROM base\nRUN --mount=type=cache,target=/x,sharing=locked --mount=type=secret,id=s,env=E --mount=type=tmpfs,target=y,size=1k --mount=target=z --network=none x\n",
		"FROM scratch\nADD a.tar /\nADD http://x.invalid/y /z\nADD --checksum=sha256:00 http://x.invalid /\n", "FROM a AS a\nFROM a\nCOPY --from=0 --link x /\n", "FROM base\nENV a=aaaaaaaaaaaaaaaa\nENV a=$a$a$a$a$a$a\nENV a=$a$a$a$a$a\n",
		"FROM --platform=$BUILDPLATFORM base\nARG TARGETARCH\nRUN [\"$TARGETARCH\", \"\\u0000\"]\n", "FROM base\nCOPY /../../etc/passwd /../../x\nCOPY [\"a\", \"\"]\n", "FROM base\nONBUILD ONBUILD RUN x\n", "FROM base\r\nRUN x\\\r\n y\r\n",
	} {
		f.Add(s)
	}
	home, dir := f.TempDir(), f.TempDir()
	for name, text := range map[string]string{"a": "A", "d1/b.x": "B", "d1/c": "C", "a.tar": string(tarOf(f, "t", "T")), ".dockerignore": "d1/b*\n"} {
		must(f, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(f, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	must(f, os.Symlink("/etc", filepath.Join(dir, "link")))
	e, err := sandbox.Open(home)
	must(f, err)
	f.Cleanup(func() { must(f, e.Close()) })
	f.Fuzz(func(t *testing.T, text string) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		o := Options{Dir: dir, Text: strings.NewReader(text), HTTP: &http.Client{Transport: noNetwork{}}, Secrets: map[string]Secret{"s": {Value: []byte("v")}}}
		o.find = func(ctx context.Context, name string, _ sandbox.PullPolicy, _ sandbox.CreateOptions) (registry.Image, error) {
			return e.Image(ctx, name)
		}
		o.run = func(_ context.Context, s sandbox.Step) (int, error) {
			// It changes a file, as a program would.
			ino, err := s.Root.Create(s.Root.Root(), "ran-"+newKey("x").list(s.Argv).sum(), vfs.CreateOpts{Mode: 0o100644})
			_ = ino
			return 0, err
		}
		res, err := Build(ctx, e, o)
		if ctx.Err() != nil {
			t.Fatalf("it takes too long: %v", err)
		}
		if err != nil {
			return
		}
		if err := e.Store().Export(ctx, res.Image, io.Discard); err != nil {
			t.Errorf("the image cannot be read: %v", err)
		}
	})
}

// FuzzChmod holds symbolic modes against the rules that any mode keeps.
func FuzzChmod(f *testing.F) {
	for _, s := range []string{"644", "u=rwX,go=rX", "+x", "a-w,u+s", "g=u", "7777", "o=t", "=", "u", ",", "u=rwx,g"} {
		f.Add(s, uint32(0o644), true)
	}
	f.Fuzz(func(t *testing.T, s string, mode uint32, dir bool) {
		c, err := parseChmod(s)
		if err != nil || c == nil {
			return
		}
		once := c.apply(mode&allBits, dir)
		if once > allBits {
			t.Errorf("%q makes %o of %o", s, once, mode)
		}
	})
}
