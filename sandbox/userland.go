package sandbox

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/tools"
	"github.com/sbxrun/sbx/vfs"
)

// The built-in userland is sbx's own shell and tools as files: the shells are
// one line that the shell's loader knows, the tools are hard links of a few
// multi-call WASM modules, which look at the name they are called by.

// userlandFormat is part of every userland's fingerprint: it changes when
// this file lays the same tools out differently.
const userlandFormat = "1"

// moduleDir is where the modules are under their own names.
const moduleDir = "usr/lib/sbx"

// shells are the names that the built-in shell answers to.
var shells = [...]string{"bash", "dash", "sh"}

// userlandTime is the time of all files that sbx makes: fixed, so that the
// same tools make the same layer.
var userlandTime = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// layerWriter writes tar entries that are the same for the same calls.
type layerWriter struct {
	tw  *tar.Writer
	err error
}

func newLayerWriter(w io.Writer) *layerWriter { return &layerWriter{tw: tar.NewWriter(w)} }

func (l *layerWriter) put(h *tar.Header, body []byte) {
	h.ModTime, h.Format = userlandTime, tar.FormatUSTAR
	h.Size = int64(len(body))
	if l.err == nil {
		l.err = l.tw.WriteHeader(h)
	}
	if l.err == nil && len(body) > 0 {
		_, l.err = l.tw.Write(body)
	}
}

func (l *layerWriter) dir(name string, mode int64) {
	l.put(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

func (l *layerWriter) file(name string, mode int64, body []byte) {
	l.put(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, body)
}

func (l *layerWriter) symlink(name, target string) {
	l.put(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, nil)
}

func (l *layerWriter) hardlink(name, target string) {
	l.put(&tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o755}, nil)
}

func (l *layerWriter) close() error {
	if l.err == nil {
		l.err = l.tw.Close()
	}
	return l.err
}

// putUserland writes the shells and tools into the folders bins, the modules
// themselves into moduleDir.
func putUserland(l *layerWriter, bins []string) error {
	for _, m := range tools.Modules() {
		file := path.Join(moduleDir, m.Name+".wasm")
		l.file(file, 0o755, m.Wasm())
		for _, bin := range bins {
			for _, tool := range m.Tools {
				l.hardlink(path.Join(bin, tool), file)
			}
		}
	}
	for _, bin := range bins {
		for _, sh := range shells {
			l.file(path.Join(bin, sh), 0o755, []byte(kernel.BuiltinMagic+sh+"\n"))
		}
	}
	return l.err
}

// userlandKey names the userland of this binary.
var userlandKey = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(userlandFormat + "\n" + tools.Sums))
	return hex.EncodeToString(sum[:16])
})

// writeUserland writes the layer that --userland=builtin lays over an image.
func writeUserland(w io.Writer, bins []string) error {
	l := newLayerWriter(w)
	// Folders that the image has keep what they are: only ours are listed.
	l.dir(moduleDir, 0o755)
	if err := putUserland(l, bins); err != nil {
		return err
	}
	return l.close()
}

// openImageRoot opens the merged tree of an image, with the built-in userland
// on top where asked for.
func (e *Engine) openImageRoot(ctx context.Context, img registry.Image, u Userland) (*registry.Root, error) {
	if u != UserlandBuiltin {
		return e.store.OpenRoot(ctx, img)
	}
	// What was merged before tells which userland fits: the image need not be
	// looked into again.
	for _, bins := range binDirs {
		if src, ok := e.knownUserland(bins); ok && e.store.HasRoot(img, src) {
			return e.store.OpenRoot(ctx, img, src)
		}
	}
	bins, err := e.binDirsOf(ctx, img)
	if err != nil {
		return nil, err
	}
	src, err := e.userlandLayer(bins)
	if err != nil {
		return nil, err
	}
	return e.store.OpenRoot(ctx, img, src)
}

// binDirs are where programs go in an image: usr/bin, and bin too where that
// is a folder of its own.
var binDirs = [...][]string{{"usr/bin"}, {"usr/bin", "bin"}}

// binDirsOf looks which of them an image needs.
func (e *Engine) binDirsOf(ctx context.Context, img registry.Image) ([]string, error) {
	root, err := e.store.OpenRoot(ctx, img)
	if err != nil {
		return nil, err
	}
	t := newTree(root, 0)
	defer t.close()
	var a vfs.Attr
	err = t.walker().Stat(vfs.Loc{}, "/bin", linux.AT_SYMLINK_NOFOLLOW, &a)
	if err != nil || a.Mode&linux.S_IFMT == linux.S_IFDIR {
		return binDirs[1], nil
	}
	return binDirs[0], nil
}

// userlandSource is the layer as the store wants it, but for its digest.
func userlandSource(bins []string) *registry.LayerSource {
	return &registry.LayerSource{Open: func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(writeUserland(w, bins)) }()
		return r, nil
	}}
}

// knownDigest is the file that keeps a userland's digest.
type knownDigest struct{ DiffID registry.Digest }

func (e *Engine) knownFile(bins []string) string {
	return filepath.Join(e.cacheDir(), "userland-"+userlandKey()+"-"+strings.ReplaceAll(strings.Join(bins, "-"), "/", "_")+".json")
}

// knownUserland is the layer when its digest was found before.
func (e *Engine) knownUserland(bins []string) (*registry.LayerSource, bool) {
	var known knownDigest
	if readJSON(e.knownFile(bins), &known) != nil {
		return nil, false
	}
	d, err := registry.ParseDigest(string(known.DiffID))
	src := userlandSource(bins)
	src.DiffID = d
	return src, err == nil
}

// userlandLayer is the layer with its digest, which is found once for each
// version of the tools and kept in the cache folder.
func (e *Engine) userlandLayer(bins []string) (*registry.LayerSource, error) {
	if src, ok := e.knownUserland(bins); ok {
		return src, nil
	}
	src := userlandSource(bins)
	h := sha256.New()
	if err := writeUserland(h, bins); err != nil {
		return nil, err
	}
	src.DiffID = registry.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
	if err := os.MkdirAll(e.cacheDir(), 0o700); err == nil {
		_ = writeJSON(e.knownFile(bins), knownDigest{src.DiffID}) // only a cache
	}
	return src, nil
}

func (e *Engine) cacheDir() string { return filepath.Join(e.home, "cache") }

// toolNames lists the built-in programs, sorted.
func toolNames() []string {
	out := slices.Clone(shells[:])
	for _, m := range tools.Modules() {
		out = append(out, m.Tools...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
