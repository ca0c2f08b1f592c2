package sandbox

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

func TestConfigCheck(t *testing.T) {
	for _, c := range []struct {
		cfg Config
		err string // a part of the message; "" is fine
	}{
		{Config{Image: "x"}, ""},
		{Config{}, "no image"},
		{Config{Image: "x", Name: "-"}, "invalid container name"},
		{Config{Image: "x", Pull: "sometimes"}, "pull policy"},
		{Config{Image: "x", Userland: "mine"}, "userland"},
		{Config{Image: "x", WorkingDir: "rel"}, "absolute path"},
		{Config{Image: "x", Env: []string{"=1"}}, "environment"},
		{Config{Image: "x", Env: []string{"A=\x00"}}, "environment"},
		{Config{Image: "x", Hostname: "a b"}, "host name"},
		{Config{Image: "x", Hostname: strings.Repeat("h", 65)}, "host name"},
		{Config{Image: "x", ExtraHosts: []string{"db"}}, "NAME:ADDRESS"},
		{Config{Image: "x", Memory: -1}, "negative"},
		{Config{Image: "x", Mounts: []Mount{{Type: MountTmpfs, Target: "/a"}, {Type: MountTmpfs, Target: "/a/"}}}, "two mounts"},
	} {
		err := c.cfg.check()
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || !errors.Is(err, ErrInvalid)) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.err)
		}
	}
}

func TestParseMounts(t *testing.T) {
	vol, tmp, mnt := ParseVolume, ParseTmpfs, ParseMount
	for _, c := range []struct {
		parse func(string) (Mount, error)
		in    string
		want  Mount
		bad   bool
	}{
		{vol, "/host:/data", Mount{Type: MountBind, Source: "/host", Target: "/data", Create: true}, false},
		{vol, "/host:/data:ro", Mount{Type: MountBind, Source: "/host", Target: "/data", Create: true, ReadOnly: true}, false},
		{vol, "./x:/data/", Mount{Type: MountBind, Source: "./x", Target: "/data", Create: true}, false},
		{vol, `C:\dir:/data:ro`, Mount{Type: MountBind, Source: `C:\dir`, Target: "/data", Create: true, ReadOnly: true}, false},
		{vol, "cache:/data", Mount{Type: MountVolume, Source: "cache", Target: "/data"}, false},
		{vol, "/data", Mount{Type: MountVolume, Target: "/data"}, false},
		{vol, "cache:/data:rw,z", Mount{Type: MountVolume, Source: "cache", Target: "/data"}, false},
		{vol, "cache:data", Mount{}, true},
		{vol, "/a:/b:/c:ro", Mount{}, true},
		{vol, ":/b:ro", Mount{}, true},
		{vol, "/a:/b:quick", Mount{}, true},
		{vol, "/a:/", Mount{}, true},
		{vol, "", Mount{}, true},
		{tmp, "/run", Mount{Type: MountTmpfs, Target: "/run"}, false},
		{tmp, "/run:size=64m,mode=1770,ro", Mount{Type: MountTmpfs, Target: "/run", Size: 64 << 20, Mode: 0o1770, ReadOnly: true}, false},
		{tmp, "/run:size=lots", Mount{}, true},
		{tmp, "/run:mode=9", Mount{}, true},
		{tmp, "/run:colour=red", Mount{}, true},
		{tmp, "run", Mount{}, true},
		{mnt, "type=bind,src=/h,dst=/d,readonly", Mount{Type: MountBind, Source: "/h", Target: "/d", ReadOnly: true}, false},
		{mnt, "type=bind,source=/h,target=/d,ro=false", Mount{Type: MountBind, Source: "/h", Target: "/d"}, false},
		{mnt, "source=v1,destination=/d", Mount{Type: MountVolume, Source: "v1", Target: "/d"}, false},
		{mnt, "type=tmpfs,dst=/d,tmpfs-size=1k,tmpfs-mode=700", Mount{Type: MountTmpfs, Target: "/d", Size: 1024, Mode: 0o700}, false},
		{mnt, "type=tmpfs,src=/x,dst=/d", Mount{}, true},
		{mnt, "type=bind,dst=/d", Mount{}, true},
		{mnt, "type=nfs,dst=/d", Mount{}, true},
		{mnt, "type=bind,src=/h", Mount{}, true},
		{mnt, "type=bind,src=/h,dst=/d,speed=9", Mount{}, true},
	} {
		got, err := c.parse(c.in)
		if c.bad {
			if err == nil || !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %+v, %v", c.in, got, err)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.in, got, err, c.want)
		}
	}
}

func FuzzParseMounts(f *testing.F) {
	for _, s := range []string{"/a:/b:ro", `C:\x:/y`, "type=tmpfs,dst=/x,tmpfs-size=1m", "/run:size=1,mode=7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (Mount, error){ParseVolume, ParseTmpfs, ParseMount} {
			if m, err := parse(s); err == nil && !strings.HasPrefix(m.Target, "/") {
				t.Errorf("%q gives the target %q", s, m.Target)
			}
		}
	})
}

func TestEnvFile(t *testing.T) {
	look := func(k string) (string, bool) { return "host-" + k, k == "HOME" }
	in := "\ufeff# note\nA=1\n  B=two words \n\nHOME\nGONE\nC=\nQ=\"x\"\n"
	got, err := ReadEnvFile(strings.NewReader(in), look)
	want := []string{"A=1", "B=two words ", "HOME=host-HOME", "C=", `Q="x"`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	for _, bad := range []string{"=x", "A B=1"} {
		if _, err := ReadEnvFile(strings.NewReader(bad), look); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMergeEnv(t *testing.T) {
	got := mergeEnv([]string{"A=1", "B=2", "C=3"}, []string{"B=x", "D=4", "A", "D=5", "A=9"})
	if want := []string{"B=x", "C=3", "D=5", "A=9"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if v := envValue(got, "D"); v != "5" {
		t.Errorf("D = %q", v)
	}
}

// TestMakeProcess holds docker's rules of ENTRYPOINT and CMD.
func TestMakeProcess(t *testing.T) {
	img := registry.ContainerConfig{ImageConfig: ocispec.ImageConfig{Entrypoint: []string{"/entry", "-x"}, Cmd: []string{"serve"}, User: "www", WorkingDir: "/srv", Env: []string{"LANG=C"}}}
	for _, c := range []struct {
		img  registry.ContainerConfig
		cfg  Config
		argv []string
	}{
		{img, Config{}, []string{"/entry", "-x", "serve"}},
		{img, Config{Cmd: []string{"a", "b"}}, []string{"/entry", "-x", "a", "b"}},
		{img, Config{Entrypoint: []string{"sh"}}, []string{"sh"}},
		{img, Config{Entrypoint: []string{"sh"}, Cmd: []string{"-c", "x"}}, []string{"sh", "-c", "x"}},
		{img, Config{ClearEntrypoint: true, Cmd: []string{"ls"}}, []string{"ls"}},
		{img, Config{ClearEntrypoint: true}, nil},
		{registry.ContainerConfig{}, Config{}, nil},
		{registry.ContainerConfig{ImageConfig: ocispec.ImageConfig{Cmd: []string{"bash"}}}, Config{}, []string{"bash"}},
	} {
		p, err := makeProcess(c.img, c.cfg, "0123456789abcdef")
		if c.argv == nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%+v: %v", c.cfg, err)
			}
			continue
		}
		if got := append([]string{p.Path}, p.Args...); err != nil || !slices.Equal(got, c.argv) {
			t.Errorf("%+v: %q %v, want %q", c.cfg, got, err, c.argv)
		}
	}
	p, _ := makeProcess(img, Config{TTY: true, Env: []string{"A=1"}}, "0123456789abcdef")
	want := []string{"PATH=" + defaultPath, "HOSTNAME=0123456789ab", "TERM=xterm", "LANG=C", "A=1"}
	if !slices.Equal(p.Env, want) || p.User != "www" || p.Cwd != "/srv" {
		t.Errorf("process %+v", p)
	}
}

func TestEtcFiles(t *testing.T) {
	c := Config{ExtraHosts: []string{"db:10.0.0.2", "six:fe80::1"}, Domainname: "lan", DNS: []string{"9.9.9.9"}, DNSSearch: []string{"a.b"}}
	got := map[string]string{}
	for _, f := range etcFiles(c, "0123456789abcdef", nil) {
		got[f.path] = f.text
	}
	for path, part := range map[string]string{
		"/etc/hostname":    "0123456789ab\n",
		"/etc/hosts":       "10.0.0.2\tdb\nfe80::1\tsix\n127.0.1.1\t0123456789ab.lan 0123456789ab\n",
		"/etc/resolv.conf": "search a.b\nnameserver 9.9.9.9\n",
	} {
		if !strings.Contains(got[path], part) {
			t.Errorf("%s: %q lacks %q", path, got[path], part)
		}
	}
}

func TestDescribe(t *testing.T) {
	now := time.Unix(1e9, 0)
	human := func(d time.Duration) string { return d.String() }
	for want, st := range map[string]State{
		"Up 3m0s":             {Status: StatusRunning, StartedAt: now.Add(-3 * time.Minute)},
		"Exited (137) 2s ago": {Status: StatusExited, ExitCode: 137, FinishedAt: now.Add(-2 * time.Second)},
		"Created":             {Status: StatusCreated},
		"Dead":                {Status: StatusDead},
	} {
		if got := st.Describe(now, human); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if c := (Process{Path: "sh", Args: []string{"-c", "x"}}).Command(); c != "sh -c x" {
		t.Errorf("command %q", c)
	}
	if !reflect.DeepEqual((Process{}).Args, []string(nil)) {
		t.Error("zero process")
	}
}
