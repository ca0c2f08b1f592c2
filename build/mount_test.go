package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMounts(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"ctx/a": "A", "f": "F", "unseen": "U", ".dockerignore": "unseen\n"})
	secret := filepath.Join(t.TempDir(), "s")
	must(t, os.WriteFile(secret, []byte("from a file"), 0o600))
	r := b.ok(`FROM base AS src
RUN mkdir /data && echo D >/data/d
FROM base
RUN --mount=type=tmpfs,target=/t,size=64k echo x >/t/f && ls /t && ! head -c 100000 /dev/zero >/t/big 2>/dev/null
RUN --mount=type=bind,from=src,source=/data,target=/m cat /m/d && ! touch /m/x 2>/dev/null
RUN --mount=type=bind,from=src,source=/data,target=/m,rw echo changed >/m/d && cat /m/d
RUN --mount=type=bind,from=src,source=/data,target=/m cat /m/d
RUN --mount=type=bind,from=src,source=/data/d,target=/one cat /one
RUN --mount=target=/c cat /c/f /c/ctx/a && [ ! -e /c/unseen ]
RUN --mount=source=f,target=/deep/er/file cat /deep/er/file
RUN --mount=type=secret,id=one cat /run/secrets/one && stat -c ' %a %u' /run/secrets/one
RUN --mount=type=secret,id=two,target=/etc/two,mode=0444,uid=1000 stat -c '%a %u' /etc/two && cat /etc/two
RUN --mount=type=secret,id=two,env=TWO echo "env $TWO"
RUN --mount=type=secret,id=missing [ ! -e /run/secrets/missing ]
`, func(o *Options) {
		o.Secrets = map[string]Secret{"one": {File: secret}, "two": {Value: []byte("two\n")}}
	})
	want := "f\nD\nchanged\nD\nD\nFAFfrom a file 400 0\n444 1000\ntwo\nenv two\n\n"
	if r.log() != want {
		t.Errorf("got %q, want %q", r.log(), want)
	}
	for _, p := range []string{"t", "m", "one", "c", "deep", "run/secrets", "etc/two"} {
		if _, err := r.tree().stat(p); err == nil {
			t.Errorf("the mount point /%s is in the image", p)
		}
	}
	if n := len(r.res.Image.Layers()); n != 1 {
		t.Errorf("%d layers: steps that changed nothing made some", n)
	}
	if r := b.build("FROM base\nRUN --mount=type=secret,id=missing,required true\n"); r.err == nil || !strings.Contains(r.err.Error(), "secret missing: not found") {
		t.Errorf("%v", r.err)
	}
	if r := b.build("FROM base\nRUN --mount=type=bind,source=nothing,target=/x true\n"); r.err == nil || !strings.Contains(r.err.Error(), "not found") {
		t.Errorf("%v", r.err)
	}
}

// What is mounted decides whether a step is done again; a secret does not.
func TestMountsInKeys(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"f": "1", "g": "1"})
	const text = "FROM base\nRUN --mount=source=f,target=/f --mount=type=secret,id=s cat /f\n"
	b.ok(text, func(o *Options) { o.Secrets = map[string]Secret{"s": {Value: []byte("1")}} })
	if r := b.ok(text, func(o *Options) { o.Secrets = map[string]Secret{"s": {Value: []byte("2")}} }); r.done() != 0 {
		t.Errorf("another secret: %q", r.states())
	}
	b.write(map[string]string{"g": "2"})
	if r := b.ok(text); r.done() != 0 {
		t.Errorf("another file: %q", r.states())
	}
	b.write(map[string]string{"f": "2"})
	if r := b.ok(text); r.done() != 1 {
		t.Errorf("the file: %q", r.states())
	}
}

func TestCacheMounts(t *testing.T) {
	b := newBench(t)
	count := func(salt, opts string) string {
		r := b.ok("FROM base\nRUN --mount=type=cache,target=/c" + opts + " echo " + salt + " >>/c/log; cat /c/log | wc -l; stat -c '%a %u:%g' /c\n")
		return strings.TrimSpace(r.log())
	}
	for i, want := range []string{"1", "2", "3"} {
		if got := count(want, ""); got != want+"\n755 0:0" {
			t.Errorf("use %d: %q", i, got)
		}
	}
	if got := count("a", ",id=other,mode=0700,uid=7,gid=8"); got != "1\n700 7:8" {
		t.Errorf("another id: %q", got)
	}
	if got := count("b", ",id=other"); got != "2\n700 7:8" {
		t.Errorf("the other id again: %q", got)
	}
	// What a failed step wrote is kept, as with BuildKit.
	if r := b.build("FROM base\nRUN --mount=type=cache,target=/c echo failed >>/c/log; exit 1\n"); r.err == nil {
		t.Error("a step that fails did not")
	}
	if got := count("c", ",sharing=locked"); got != "5\n755 0:0" {
		t.Errorf("after a failure: %q", got)
	}
	r := b.ok("FROM base AS seed\nRUN mkdir /s && echo seeded >/s/f\nFROM base\nRUN --mount=type=cache,target=/c,from=seed,source=/s cat /c/f; echo more >>/c/f\n")
	if r.log() != "seeded\n" {
		t.Errorf("%q", r.log())
	}
	r = b.ok("FROM base AS seed\nRUN mkdir /s && echo seeded >/s/f\nFROM base\nRUN --mount=type=cache,target=/c,from=seed,source=/s cat /c/f; :\n")
	if r.log() != "seeded\nmore\n" {
		t.Errorf("%q", r.log())
	}
	mounts, err := b.e.BuildMounts()
	if err != nil || len(mounts) != 3 || mounts[0].Size == 0 {
		t.Errorf("%+v, %v", mounts, err)
	}
	// Two at once with sharing=locked: one after the other.
	r = b.ok(`FROM base AS one
RUN --mount=type=cache,id=l,target=/c,sharing=locked n=$(cat /c/n 2>/dev/null || echo 0); sleep 0.1; echo $((n+1)) >/c/n
FROM base AS two
RUN --mount=type=cache,id=l,target=/c,sharing=locked n=$(cat /c/n 2>/dev/null || echo 0); sleep 0.1; echo $((n+1)) >/c/n; :
FROM base
COPY --from=one /etc/passwd /1
COPY --from=two /etc/passwd /2
RUN --mount=type=cache,id=l,target=/c cat /c/n
`)
	if r.log() != "2\n" {
		t.Errorf("two steps counted to %q", r.log())
	}
}

func TestNetworkOfRun(t *testing.T) {
	b := newBench(t)
	r := b.ok("FROM base\nRUN cat /etc/resolv.conf /etc/hosts\nRUN --network=none cat /etc/resolv.conf\n", func(o *Options) { o.ExtraHosts = []string{"db:10.1.2.3"} })
	if log := r.log(); !strings.Contains(log, "10.1.2.3\tdb") || strings.Count(log, "nameserver") != 1 {
		t.Errorf("%q", log)
	}
	for _, p := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/hostname"} {
		if text := r.text(clean(p)); strings.Contains(text, "db") || strings.Contains(text, "nameserver") {
			t.Errorf("%s of the image has %q", p, text)
		}
	}
}
