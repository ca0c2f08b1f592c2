package registry

import (
	"path/filepath"
	"runtime"
	"testing"
)

// TestDefaultHome holds the folder of the store against what each host expects.
func TestDefaultHome(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"SBX_HOME", "XDG_DATA_HOME", "LocalAppData"} {
		t.Setenv(v, "")
	}
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	check := func(want string) {
		t.Helper()
		if got, err := DefaultHome(); err != nil || got != want {
			t.Errorf("the store is in %q (%v), want %q", got, err, want)
		}
	}
	usual := filepath.Join(dir, ".local", "share", "sbx")
	if runtime.GOOS == "darwin" {
		usual = filepath.Join(dir, "Library", "Application Support", "sbx")
	}
	check(usual)
	if runtime.GOOS == "windows" {
		t.Setenv("LocalAppData", filepath.Join(dir, "local"))
		check(filepath.Join(dir, "local", "sbx"))
	} else {
		t.Setenv("XDG_DATA_HOME", "not/absolute") // the XDG specification: to be ignored
		check(usual)
		t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
		check(filepath.Join(dir, "data", "sbx"))
	}
	t.Setenv("SBX_HOME", filepath.Join(dir, "moved"))
	check(filepath.Join(dir, "moved"))
	t.Chdir(dir)
	t.Setenv("SBX_HOME", "relative")
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DefaultHome(); err != nil || (got != filepath.Join(dir, "relative") && got != filepath.Join(real, "relative")) {
		t.Errorf("the store is in %q (%v)", got, err)
	}
	s, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !filepath.IsAbs(s.Home()) || filepath.Base(s.Home()) != "relative" {
		t.Errorf("opened %s", s.Home())
	}
}
