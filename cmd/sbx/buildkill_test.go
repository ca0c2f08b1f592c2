package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBuildKilledAtAnyTime kills builds at random moments, several at once in one home, while another process prunes.
// Whatever was left, the store is whole and the next build makes the image.
func TestBuildKilledAtAnyTime(t *testing.T) {
	c := buildCommand(t)
	ctx := filepath.Join(c.dir, "ctx")
	if err := os.Mkdir(ctx, 0o755); err != nil {
		t.Fatal(err)
	}
	text := `FROM base AS one
COPY data /data
RUN --mount=type=cache,target=/c n=$(cat /c/n 2>/dev/null || echo 0); echo $((n+1)) >/c/n; head -c 300000 /data >/part
FROM base
COPY --from=one /part /data /
RUN sha256sum /data | cut -c1-8 >/sum
CMD ["cat", "/sum"]
`
	body := make([]byte, 600<<10)
	rand.NewChaCha8([32]byte{7}).Read(body)
	for name, b := range map[string][]byte{"Dockerfile": []byte(text), "data": body} {
		if err := os.WriteFile(filepath.Join(ctx, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rounds := 6
	if os.Getenv(longVariable) != "" {
		rounds = 200
	}
	for i := range rounds {
		// Every time something else has to be done.
		for n, b := range body[:64] {
			body[n] = b + 1
		}
		if err := os.WriteFile(filepath.Join(ctx, "data"), body, 0o644); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		a := c.start(&out, "build", "-t", "victim", ctx)
		b := c.start(nil, "build", "-q", "-t", fmt.Sprintf("victim:%d", i%3), ctx)
		p := c.start(nil, "builder", "prune", "-af")
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		_ = a.Process.Kill()
		_ = b.Process.Kill()
		_ = a.Wait()
		_ = b.Wait()
		if err := p.Wait(); err != nil {
			t.Errorf("prune: %v", err)
		}
	}
	if out, err := c.run("build", "-t", "victim", ctx); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := c.run("run", "--rm", "victim")
	sum := sha256.Sum256(body)
	if want := hex.EncodeToString(sum[:4]) + "\n"; err != nil || got != want {
		t.Errorf("the image prints %q, %v; want %q", got, err, want)
	}
	c.check()
	c.checkClean()
	if out, _ := c.run("system", "df", "--format", "{{.Type}} {{.TotalCount}}"); !strings.Contains(out, "Build Cache 0\n") {
		t.Errorf("%s", out)
	}
}
