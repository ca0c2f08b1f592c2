package shell

import (
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// checkImports fails for every non-test file that imports a package through
// which a guest could reach the host.
func checkImports(t *testing.T, dirs ...string) {
	t.Helper()
	banned := []string{"os", "os/", "syscall", "net", "net/", "path/filepath", "io/ioutil", "golang.org/x/sys", "golang.org/x/term", "mvdan.cc/sh/v3/interp"}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			f, err := parser.ParseFile(gotoken.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range f.Imports {
				p, _ := strconv.Unquote(imp.Path.Value)
				for _, b := range banned {
					if p == b || strings.HasSuffix(b, "/") && strings.HasPrefix(p, b) {
						t.Errorf("%s imports %s", e.Name(), p)
					}
				}
			}
		}
	}
}
