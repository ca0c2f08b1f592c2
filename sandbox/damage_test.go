package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbxrun/sbx/registry"
)

// TestDamagedIndex damages the names in an image's index, which are not summed
// up at a start: the start that fails tells why, and the next one works.
func TestDamagedIndex(t *testing.T) {
	home, ctx := t.TempDir(), context.Background()
	e := openEngine(t, home)
	if _, _, err := sh(ctx, e, Config{AutoRemove: true}, ":"); err != nil {
		t.Fatal(err)
	}
	list, _ := filepath.Glob(filepath.Join(home, "v1", "image", "*.idx"))
	if len(list) == 0 {
		t.Fatal("no index")
	}
	for _, path := range list {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		inodes := 96 + 64*int(binary.LittleEndian.Uint32(b[12:]))
		clear(b[inodes:])
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, code, err := sh(ctx, e, Config{AutoRemove: true}, "echo hi"); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("with a damaged index: %q %d %v", out, code, err)
	}
	if out, code, err := sh(ctx, e, Config{AutoRemove: true}, "echo hi"); out != "hi\n" || code != 0 || err != nil {
		t.Errorf("afterwards: %q %d %v", out, code, err)
	}
	if err := e.store.Check(ctx); err != nil {
		t.Error(err)
	}
}
