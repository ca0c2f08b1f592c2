package testimage

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Mirror returns the mirror of Debian's packages that this machine uses itself, and skips tb when there is none that
// answers.
func Mirror(tb testing.TB) string {
	tb.Helper()
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, f := range append(files, "/etc/apt/sources.list") {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[0] != "URIs:" && fields[0] != "deb" {
				continue
			}
			for _, uri := range fields[1:] {
				if strings.HasPrefix(uri, "http://") && answers(uri) {
					return strings.TrimSuffix(uri, "/")
				}
			}
		}
	}
	tb.Skip("no mirror of Debian's packages answers: the sources of apt name none over HTTP that has bookworm")
	return ""
}

// answers tells whether a mirror has Debian 12.
func answers(uri string) bool {
	c := http.Client{Timeout: 10 * time.Second}
	res, err := c.Head(strings.TrimSuffix(uri, "/") + "/dists/bookworm/InRelease")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
