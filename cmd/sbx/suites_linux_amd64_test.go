package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// suites are others' tests of a whole system: testdata/suites has a script for each, which prints a line "PASS NAME", "FAIL NAME" or
// "SKIP NAME" for every test, or for those in $NAMES, and the list of those that have passed once.
var suites = []string{"stress-ng", "regrtest"}

// suiteTime bounds a suite.
const suiteTime = 90 * time.Minute

var suiteVerdict = regexp.MustCompile(`(?m)^(PASS|FAIL|SKIP) (\S+)$`)

// TestSuites runs them in sbx, and what did not pass there in a chroot. It is for long runs.
func TestSuites(t *testing.T) {
	if os.Getenv(longVariable) == "" {
		t.Skipf("takes hours: %s asks for it", longVariable)
	}
	r := newRealImages(t)
	const dir = "testdata/suites"
	packages, err := os.ReadFile(filepath.Join(dir, "packages"))
	if err != nil {
		t.Fatal(err)
	}
	install := strings.NewReplacer("MIRROR", testimage.Mirror(t), "SUITE", "bookworm", "PACKAGES", strings.TrimSpace(string(packages))).Replace(installSome)
	image, tree := r.installed(t, "debian:12", "suites", install)
	for _, suite := range suites {
		t.Run(suite, func(t *testing.T) {
			script, err := os.ReadFile(filepath.Join(dir, suite+".sh"))
			if err != nil {
				t.Fatal(err)
			}
			verdicts := func(o outcome) map[string]string {
				found := map[string]string{}
				for _, m := range suiteVerdict.FindAllStringSubmatch(o.out, -1) {
					found[m[2]] = m[1]
				}
				return found
			}
			args := []string{"run", "--rm", "--network", "none", "-m", "6g"} // a hundred Pythons: fork copies what they have touched
			for _, v := range variables {
				args = append(args, "-e", v)
			}
			got := finishWithin(t, suiteTime, r.sbx(append(args, image, "bash", "-c", shellScript, string(script))...))
			if len(verdicts(got)) == 0 {
				t.Fatalf("no test ran: %s%s", tail([]byte(got.out)), tail([]byte(got.diag)))
			}
			native := func(names []string) map[string]string {
				only := "NAMES='" + strings.Join(names, " ") + "'\n"
				return verdicts(finishWithin(t, suiteTime, tree.run(only+string(script), chrootRun{work: t.TempDir()})))
			}
			loadPasses(t, filepath.Join(dir, suite+".txt")).hold(t, verdicts(got), native, true, []byte(got.out))
		})
	}
}
