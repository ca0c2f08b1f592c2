package vfs

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// Extent is a part of a file, in bytes.
type Extent struct{ Offset, Len int64 }

// LayerEntry is one entry of a layer. Path is relative to the root; the type is
// in Mode. A base name ".wh.NAME" hides NAME of lower layers, ".wh..wh..opq" all
// of its directory.
type LayerEntry struct {
	Path     string
	Mode     uint32
	UID, GID uint32
	Size     int64
	Offset   int64 // in the layer's content
	Mtime    Timespec
	Rdev     uint64
	Link     string // target of a symbolic link, or with Hard the path linked to
	Hard     bool
	Xattrs   map[string]string
	Holes    []Extent // in order, apart from each other
}

// Limits bounds what one image may ask for.
type Limits struct {
	Entries    int   // of all layers together
	Depth      int   // components of a path
	Layers     int   // at most 65535
	Strings    int64 // bytes of names and link targets
	XattrBytes int64
}

// DefaultLimits returns limits that real images stay far below.
func DefaultLimits() Limits {
	return Limits{Entries: 4 << 20, Depth: 1024, Layers: 1024, Strings: 512 << 20, XattrBytes: 64 << 20}
}

// ErrLayer is wrapped by every error about an entry that no layer may have.
var ErrLayer = errors.New("bad layer entry")

func layerErr(p, why string) error { return fmt.Errorf("%w %q: %s", ErrLayer, p, why) }

const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
	whiteoutMeta   = ".wh..wh." // aufs's own files
)

// cleanPath makes a path of an archive relative and lexically clean; "" is the
// root. One that would leave the tree is refused.
func cleanPath(p string, lim *Limits) (string, error) {
	if len(p) >= 16*linux.PATH_MAX {
		return "", layerErr(p[:64]+"...", "path too long")
	}
	if strings.IndexByte(p, 0) >= 0 {
		return "", layerErr(p, "NUL in a name")
	}
	c := path.Clean(strings.TrimLeft(p, "/"))
	if c == "." {
		return "", nil
	}
	if c == ".." || strings.HasPrefix(c, "../") {
		return "", layerErr(p, "path leaves the image")
	}
	if lim.Depth > 0 && strings.Count(c, "/") >= lim.Depth {
		return "", layerErr(p[:min(len(p), 256)], "too deep")
	}
	for rest := c; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if len(name) > linux.NAME_MAX && !(rest == "" && isWhiteout(name) && len(name) <= len(whiteoutPrefix)+linux.NAME_MAX) {
			return "", layerErr(name[:64]+"...", "name too long")
		}
	}
	return c, nil
}

// whiteout tells what an entry hides: a name, or with opaque the whole
// directory. Files that are only aufs's own are skipped.
func whiteout(base string) (name string, opaque, skip bool, err error) {
	switch {
	case base == whiteoutOpaque:
		return "", true, false, nil
	case strings.HasPrefix(base, whiteoutMeta):
		return "", false, true, nil
	}
	name = base[len(whiteoutPrefix):]
	if name == "" || name == "." || name == ".." {
		return "", false, false, layerErr(base, "whiteout of no name")
	}
	return name, false, false, nil
}

func isWhiteout(base string) bool { return strings.HasPrefix(base, whiteoutPrefix) }

// check looks at what does not depend on the tree.
func (e *LayerEntry) check() error {
	if e.Hard {
		return nil
	}
	switch e.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		if e.Size < 0 || e.Offset < 0 || e.Offset > maxFile-e.Size {
			return layerErr(e.Path, "bad size")
		}
		end := int64(0)
		for _, h := range e.Holes {
			if h.Offset < end || h.Len <= 0 || h.Len > e.Size-h.Offset {
				return layerErr(e.Path, "bad holes")
			}
			end = h.Offset + h.Len
		}
	case linux.S_IFLNK:
		if e.Link == "" || len(e.Link) >= linux.PATH_MAX || strings.IndexByte(e.Link, 0) >= 0 {
			return layerErr(e.Path, "bad link target")
		}
	case linux.S_IFDIR, linux.S_IFIFO, linux.S_IFCHR, linux.S_IFBLK, linux.S_IFSOCK:
	default:
		return layerErr(e.Path, "unknown type")
	}
	return nil
}

func (e *LayerEntry) xattrBytes() (n int64) {
	for k, v := range e.Xattrs {
		n += int64(len(k) + len(v))
	}
	return n
}
