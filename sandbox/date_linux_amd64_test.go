package sandbox

import (
	"bytes"
	"context"
	"os/exec"
	"testing"

	"github.com/sbxrun/sbx/internal/testimage"
	"github.com/sbxrun/sbx/registry"
)

// BenchmarkDate runs Debian's date in a process that has done so before, beside the host's: a container each time, and a further command in
// one that runs.
func BenchmarkDate(b *testing.B) {
	b.Setenv("SBX_REGISTRY_MIRROR", testimage.Serve(b))
	ctx := context.Background()
	e, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	ref, err := registry.ParseRef("debian:12")
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := e.Pull(ctx, ref, registry.PullOptions{}); err != nil {
		b.Fatal(err)
	}
	b.Run("host", func(b *testing.B) {
		for b.Loop() {
			if out, err := exec.Command("date").Output(); err != nil || len(out) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("container", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			r, err := e.Run(ctx, Config{Image: "debian:12", AutoRemove: true, Cmd: []string{"date"}}, CreateOptions{}, IO{Stdout: &out})
			if err != nil {
				b.Fatal(err)
			}
			if code, err := r.Wait(ctx); code != 0 || err != nil || out.Len() == 0 {
				b.Fatal(code, err)
			}
		}
	})
	b.Run("command", func(b *testing.B) {
		r, err := e.Run(ctx, Config{Image: "debian:12", AutoRemove: true, Cmd: []string{"sleep", "1000000"}}, CreateOptions{}, IO{})
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			r.Kill()
			_, _ = r.Wait(ctx)
		}()
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			s, err := e.Exec(ctx, r.ID(), ExecConfig{Cmd: []string{"date"}})
			if err != nil {
				b.Fatal(err)
			}
			if code, err := s.Serve(IO{Stdout: &out}); code != 0 || err != nil || out.Len() == 0 {
				b.Fatal(code, err)
			}
		}
	})
}
