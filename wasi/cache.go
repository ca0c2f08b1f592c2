package wasi

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A compiled module is machine code: one that is damaged must not run. wazero
// checks the code of its cache entries but not what surrounds it, so entries
// are kept here under the sum of their content, and checked before wazero sees
// them, in a folder that only one engine uses:
//
//	DIR/VERSION/MODULE-NAME-SUM   an entry; VERSION and NAME are wazero's
//	DIR/run-*/VERSION/NAME        what an engine has fetched or made; VERSION is
//	                              what is called private below
//
// Entries come into being by rename, so that any number of processes may share
// the folder and be killed at any moment. Every error here is a miss.
type store struct {
	dir   string // "": nothing is kept
	bound int64  // of the size of all entries
}

// runPrefix begins the name of an engine's folder.
const runPrefix = "run-"

// staleAfter is when an engine's folder is no living process's any more: one
// that lives touches it at every compilation, and makes it again if need be.
const staleAfter = time.Hour

// touchAfter is how old an entry's time must be to be set on use. What was used
// last is evicted last.
const touchAfter = time.Minute

// private makes an engine's folder, or "".
func (s store) private() string {
	if s.dir == "" || os.MkdirAll(s.dir, 0o700) != nil {
		return ""
	}
	s.sweep()
	dir, err := os.MkdirTemp(s.dir, runPrefix)
	if err != nil {
		return ""
	}
	return dir
}

// InUse reports whether a folder in Config.CacheDir is a running engine's, by its name. What is elsewhere there may be removed at any time.
func InUse(name string) bool { return strings.HasPrefix(name, runPrefix) }

// touch keeps an engine's folder from being swept, or makes it again.
func touch(private string) {
	now := time.Now()
	if os.Chtimes(filepath.Dir(private), now, now) != nil {
		os.MkdirAll(private, 0o700)
	}
}

// sweep removes folders that killed processes left.
func (s store) sweep() {
	old, _ := filepath.Glob(filepath.Join(s.dir, runPrefix+"*"))
	for _, d := range old {
		if st, err := os.Stat(d); err == nil && time.Since(st.ModTime()) > staleAfter {
			os.RemoveAll(d)
		}
	}
}

// entry is one file of the store.
type entry struct {
	path      string
	name, sum string
	size      int64
	used      time.Time
}

const moduleDigits = 32

// entries lists those of a version ("*" for all) for a module ("" for all).
func (s store) entries(version, module string) (list []entry) {
	if s.dir == "" || version == "" {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(s.dir, version, module+"*-*-*"))
	for _, p := range files {
		part := strings.Split(filepath.Base(p), "-")
		st, err := os.Lstat(p)
		if err != nil || !st.Mode().IsRegular() || len(part) != 3 || len(part[0]) != moduleDigits {
			continue
		}
		list = append(list, entry{p, part[1], part[2], st.Size(), st.ModTime()})
	}
	return list
}

func moduleName(key digest) string { return hex.EncodeToString(key[:moduleDigits/2]) }

// has reports whether there is an entry for a module, unchecked.
func (s store) has(key digest) bool { return len(s.entries("wazero-*", moduleName(key))) > 0 }

// fetch puts the entries of a module where wazero looks for them. What is
// damaged is removed.
func (s store) fetch(key digest, private string) {
	for _, e := range s.entries(filepath.Base(private), moduleName(key)) {
		if sum, err := sumFile(e.path); err != nil || sum != e.sum {
			os.Remove(e.path)
			continue
		}
		to := filepath.Join(private, e.name)
		os.Remove(to)
		if os.Link(e.path, to) != nil && copyFile(e.path, to) != nil {
			os.Remove(to)
		}
		if now := time.Now(); now.Sub(e.used) > touchAfter {
			os.Chtimes(e.path, now, now)
		}
	}
}

// keep moves what is in the private folder to the store, as a module's, and
// empties the folder.
func (s store) keep(key digest, private string) {
	v := filepath.Base(private)
	known := map[string]bool{}
	for _, e := range s.entries(v, moduleName(key)) {
		known[e.name] = true
	}
	files, _ := filepath.Glob(filepath.Join(private, "*"))
	for _, p := range files {
		name := filepath.Base(p)
		if known[name] || !s.add(p, v, moduleName(key)+"-"+name) {
			os.Remove(p)
			continue
		}
		s.evict()
	}
}

// add moves a file that wazero has made to the store.
func (s store) add(file, version, name string) bool {
	if len(filepath.Base(file)) != 2*sha256.Size { // not one that is whole
		return false
	}
	sum, err := sumFile(file)
	return err == nil && os.MkdirAll(filepath.Join(s.dir, version), 0o700) == nil &&
		os.Rename(file, filepath.Join(s.dir, version, name+"-"+sum)) == nil
}

// evict removes what was used longest ago until the rest is within the bound.
func (s store) evict() {
	list := s.entries("wazero-*", "")
	slices.SortFunc(list, func(a, b entry) int { return b.used.Compare(a.used) })
	var total int64
	for _, e := range list {
		if total += e.size; total > s.bound {
			os.Remove(e.path)
		}
	}
}

func sumFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}
