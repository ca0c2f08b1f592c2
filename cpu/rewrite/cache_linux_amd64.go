package rewrite

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu"
)

// Cache keeps the code of regions in a folder, from one process to the next: a file for each piece of a
// file of images and the address where it is mapped. What is there is used only if it is whole, was made by this version of
// the package, and from the bytes that the region has now (saved). Any number of
// processes may use one folder. It must be nobody else's to write to.
type Cache struct {
	dir string
	max int64
}

// NewCache makes a cache of a folder, which is made when it is first written to. max bounds the bytes in it.
func NewCache(dir string, max int64) *Cache { return &Cache{dir: dir, max: max} }

// Cached has code kept in a cache, and taken from there.
func Cached(c *Cache) Option { return func(s *settings) { s.cache = c } }

// unusedFor is after what time without use a file's date is set anew when it is used: the oldest go first.
const unusedFor = time.Hour

// path returns the file for a region of an image.
func (c *Cache) path(id regionID, im cpu.Image, size int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d %d %d %d", madeBy(), filepath.Base(im.File.Name()), size, id.off, id.start, id.end))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16]))
}

// madeBy names what makes code in this process: this module's version, if it is one that was published,
// or else the program's own file.
var madeBy = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/sbxrun/sbx" && m.Replace == nil && m.Sum != "" {
				return m.Version + " " + m.Sum
			}
		}
	}
	var st unix.Stat_t
	if unix.Stat("/proc/self/exe", &st) != nil {
		return "" // nothing is kept
	}
	return fmt.Sprint(st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
})

// put writes a file, unless there is one that is longer. That it fails loses nothing.
func (c *Cache) put(path string, parts ...[]byte) error {
	size := int64(0)
	for _, p := range parts {
		size += int64(len(p))
	}
	if st, err := os.Stat(path); err == nil && st.Size() >= size {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, "new-")
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, werr := f.Write(p); err == nil {
			err = werr
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return c.trim()
}

// trim removes what was not used for longest, until what is left is within bounds.
func (c *Cache) trim() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var list []os.FileInfo
	sum := int64(0)
	for _, e := range entries {
		if st, err := e.Info(); err == nil {
			list = append(list, st)
			sum += st.Size()
		}
	}
	if sum <= c.max {
		return nil
	}
	slices.SortFunc(list, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, st := range list {
		if sum <= c.max {
			break
		}
		if os.Remove(filepath.Join(c.dir, st.Name())) == nil {
			sum -= st.Size()
		}
	}
	return nil
}
