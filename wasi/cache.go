package wasi

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
)

// openCache opens the folder of compiled modules, or nil when there is none: a
// cache that cannot be made is no reason not to run. wazero keys entries by the
// module, its own version and the processor's features, writes each to a
// temporary name, syncs and renames it, and checks a sum when it reads, so many
// processes may share the folder.
func openCache(dir string) wazero.CompilationCache {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil
	}
	return cache
}

// dropCache removes wazero's entries under dir, which hold something damaged.
// Other processes that read them have them open or compile anew.
func dropCache(dir string) {
	versions, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, v := range versions {
		if !v.IsDir() || !strings.HasPrefix(v.Name(), "wazero-") {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(dir, v.Name()))
		if err != nil {
			continue
		}
		for _, f := range entries {
			os.Remove(filepath.Join(dir, v.Name(), f.Name()))
		}
	}
}
