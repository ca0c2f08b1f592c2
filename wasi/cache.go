package wasi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A compiled module is machine code: one that is damaged must not run. wazero
// checks the code of its cache entries but not what surrounds it, so entries
// are kept here under the sum of their content and checked before wazero sees
// them, each in a private folder of its own.
//
//	DIR/b-SUM            wazero's entry
//	DIR/m-MODULE-GOARCH  where wazero looks for it, SUM, and a sum of these lines
//	DIR/run-*            private folders, each for the time of one compilation
//
// Files come into being by rename, so that any number of processes may share
// the folder and be killed at any moment.
type store struct{ dir string }

const storeHeader = "sbx-wasm-cache 1"

// staleAfter is when a private folder is no living process's any more.
const staleAfter = time.Hour

// openStore makes the folder, or answers a store that keeps nothing: a cache
// that cannot be made is no reason not to run.
func openStore(dir string) store {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return store{}
	}
	return store{dir}
}

// private makes an empty folder for one compilation, or "".
func (s store) private() string {
	if s.dir == "" {
		return ""
	}
	dir, err := os.MkdirTemp(s.dir, "run-")
	if err != nil {
		return ""
	}
	return dir
}

// sweep removes private folders that a killed process left.
func (s store) sweep() {
	if s.dir == "" {
		return
	}
	old, _ := filepath.Glob(filepath.Join(s.dir, "run-*"))
	for _, d := range old {
		if st, err := os.Stat(d); err == nil && time.Since(st.ModTime()) > staleAfter {
			os.RemoveAll(d)
		}
	}
}

func (s store) meta(key digest) string {
	return filepath.Join(s.dir, "m-"+hex.EncodeToString(key[:])+"-"+runtime.GOARCH)
}

func (s store) blob(sum string) string { return filepath.Join(s.dir, "b-"+sum) }

// has reports whether there is an entry for a module, unchecked.
func (s store) has(key digest) bool {
	if s.dir == "" {
		return false
	}
	_, err := os.Stat(s.meta(key))
	return err == nil
}

// record is what a meta file says.
type record struct{ name, sum string }

func (r record) text() []byte {
	body := fmt.Sprintf("%s\n%s\n%s\n", storeHeader, r.name, r.sum)
	return fmt.Appendf(nil, "%s%x\n", body, sha256.Sum256([]byte(body)))
}

// read parses a meta file; it must be exactly what text writes.
func (s store) read(key digest) (record, bool) {
	b, err := os.ReadFile(s.meta(key))
	if err != nil || len(b) > 4096 {
		return record{}, false
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) != 5 {
		return record{}, false
	}
	r := record{name: lines[1], sum: lines[2]}
	if !bytes.Equal(b, r.text()) || !filepath.IsLocal(filepath.FromSlash(r.name)) || strings.Count(r.name, "/") != 1 || len(r.sum) != 64 {
		return record{}, false
	}
	return r, true
}

// fetch puts the entry of a module into a private folder, if it is there and
// whole. What is damaged is removed.
func (s store) fetch(key digest, private string) (record, bool) {
	r, ok := s.read(key)
	if !ok {
		return record{}, false
	}
	if sum, err := sumFile(s.blob(r.sum)); err != nil || sum != r.sum {
		os.Remove(s.blob(r.sum))
		os.Remove(s.meta(key))
		return record{}, false
	}
	to := filepath.Join(private, filepath.FromSlash(r.name))
	if os.MkdirAll(filepath.Dir(to), 0o700) != nil {
		return record{}, false
	}
	return r, os.Link(s.blob(r.sum), to) == nil || copyFile(s.blob(r.sum), to) == nil
}

// keep stores the entry that wazero wrote into a private folder, unless it is
// the one that was fetched.
func (s store) keep(key digest, private string, fetched record) {
	entries, _ := filepath.Glob(filepath.Join(private, "*", "*"))
	for _, p := range entries {
		rel, err := filepath.Rel(private, p)
		if err != nil || filepath.ToSlash(rel) == fetched.name || strings.HasSuffix(p, ".tmp") {
			continue
		}
		sum, err := sumFile(p)
		if err != nil || os.Rename(p, s.blob(sum)) != nil {
			continue
		}
		s.writeMeta(key, record{filepath.ToSlash(rel), sum})
		if fetched.sum != "" && fetched.sum != sum {
			os.Remove(s.blob(fetched.sum))
		}
		return
	}
}

func (s store) writeMeta(key digest, r record) {
	f, err := os.CreateTemp(s.dir, "run-meta-*")
	if err != nil {
		return
	}
	_, err = f.Write(r.text())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil || os.Rename(f.Name(), s.meta(key)) != nil {
		os.Remove(f.Name())
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

// quickMark ends a module that says of itself that it runs shortly: an empty
// custom section named "sbx.quick". Such a module is interpreted until it is
// used so often that compiling it pays, for a first run must not wait for that.
const quickMark = "\x00\x0a\x09sbx.quick"

func isQuick(code []byte) bool { return bytes.HasSuffix(code, []byte(quickMark)) }
