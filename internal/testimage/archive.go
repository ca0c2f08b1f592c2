package testimage

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Archive returns the URL of the Debian archive that this machine's own apt sources name, and skips tb when there is
// none, or it does not answer.
func Archive(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(COMPONENT)", "Created-By: Packages").Output()
	if err != nil {
		tb.Skipf("no apt sources: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 3 || f[0] != "Debian" || f[2] != "main" || strings.Contains(f[1], "security") {
			continue
		}
		client := http.Client{Timeout: 20 * time.Second}
		resp, err := client.Head(strings.TrimSuffix(f[1], "/") + "/dists/stable/Release")
		if err != nil {
			tb.Skipf("the Debian archive does not answer: %v", err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			tb.Skipf("the Debian archive: %s", resp.Status)
		}
		return f[1]
	}
	tb.Skip("no Debian archive in the apt sources (run apt-get update once)")
	return ""
}
