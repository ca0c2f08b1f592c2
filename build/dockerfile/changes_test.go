package dockerfile

import (
	"errors"
	"slices"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

func TestChanges(t *testing.T) {
	from := registry.ContainerConfig{ImageConfig: ocispec.ImageConfig{Env: []string{"A=1"}}}
	c, err := Changes(from, []string{
		`CMD ["sh", "-c", "x y"]`, "entrypoint run it", `ENV A=2 B="c d" E=f\ g`, "ENV OLD form here", "EXPOSE 80 53/udp 7000-7002", `LABEL k="v w"`, "USER app",
		"WORKDIR /w", "WORKDIR x", "STOPSIGNAL SIGINT", `VOLUME ["/a b"]`, "VOLUME /x /y", "HEALTHCHECK --interval=5s CMD true", "ONBUILD RUN x", "ENV C=$A",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Cmd, []string{"sh", "-c", "x y"}) || !slices.Equal(c.Entrypoint, []string{"/bin/sh", "-c", "run it"}) ||
		!slices.Equal(c.Env, []string{"A=2", "B=c d", "E=f g", "OLD=form here", "C=2"}) || c.Labels["k"] != "v w" || len(c.Volumes) != 3 || len(c.ExposedPorts) != 5 ||
		c.User != "app" || c.WorkingDir != "/w/x" || c.StopSignal != "SIGINT" || !slices.Equal(c.OnBuild, []string{"RUN x"}) {
		t.Errorf("%+v", c)
	}
	if h := c.Healthcheck; h == nil || h.Interval != 5*time.Second || !slices.Equal(h.Test, []string{"CMD-SHELL", "true"}) {
		t.Errorf("health check %+v", h)
	}
	if !slices.Equal(from.Env, []string{"A=1"}) {
		t.Errorf("the configuration that was given is changed: %q", from.Env)
	}
	for _, bad := range []string{"RUN x", "ENV", `ENV a="b`, "LABEL a=b c", "", "FROM x", "ENV A=1\nENV B=2", "COPY a b", "EXPOSE http", "EXPOSE 9-1", "EXPOSE 80/x", "STOPSIGNAL NONE"} {
		if _, err := Changes(registry.ContainerConfig{}, []string{bad}); !errors.Is(err, registry.ErrUnsupported) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A new entry point makes the base image's command void, but not the one of the same stage.
func TestEntrypointDropsCommand(t *testing.T) {
	from := registry.ContainerConfig{ImageConfig: ocispec.ImageConfig{Cmd: []string{"old"}}}
	for _, tt := range []struct {
		lines []string
		cmd   []string
	}{
		{[]string{`ENTRYPOINT ["e"]`}, nil},
		{[]string{`CMD ["new"]`, `ENTRYPOINT ["e"]`}, []string{"new"}},
		{[]string{`ENTRYPOINT ["e"]`, `CMD ["new"]`}, []string{"new"}},
	} {
		c, err := Changes(from, tt.lines)
		if err != nil || !slices.Equal(c.Cmd, tt.cmd) {
			t.Errorf("%q: %q, %v", tt.lines, c.Cmd, err)
		}
	}
}
