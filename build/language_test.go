package build

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/registry"
)

func TestHeredocs(t *testing.T) {
	b := newBench(t)
	r := b.ok(`FROM base
ARG name=world
RUN <<EOF
greeting="Hello"
echo "${greeting} ${name}!" >/r1
mkdir /dest
EOF
RUN <<-EOF
	cat >/r2 <<X
	inner
	X
EOF
RUN cat <<ONE >/o1 && cat <<TWO >/o2
one $name
ONE
two
TWO
RUN <<EOF sh >/r3
echo "from sh"
EOF
RUN <<S
#!/bin/sh
echo "$0 $name" >/r4
S
COPY <<-E1 /dest/c1
	hello '$name' "${name}"
E1
COPY --chmod=755 <<'E2' /dest/c2
hello $name
E2
WORKDIR /dest
COPY <<c3 <<c4 ./
3
c3
4 ${missing:-none}
c4
`)
	for file, want := range map[string]string{
		"r1": "Hello world!", "r2": "inner", "o1": "one world", "o2": "two", "r3": "from sh", "r4": "/dev/pipes/S world",
		"dest/c1": `hello 'world' "world"`, "dest/c2": "hello $name", "dest/c3": "3", "dest/c4": "4 none",
	} {
		if got := r.text(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if e, err := r.tree().stat("dest/c2"); err != nil || e.mode&0o777 != 0o755 {
		t.Errorf("mode %o, %v", e.mode, err)
	}
}

func TestArguments(t *testing.T) {
	b := newBench(t)
	const text = `ARG BASE=scratch
ARG VERSION=1
ARG DERIVED=${BASE}-$VERSION
FROM $BASE
RUN echo "before:$VERSION"
ARG VERSION
ARG DERIVED
ARG EMPTY
ARG OWN=own-$VERSION
ENV SHADOW=env
ARG SHADOW=arg
ARG TARGETPLATFORM
ARG TARGETARCH
RUN echo "v=$VERSION d=$DERIVED e=${EMPTY-unset} o=$OWN s=$SHADOW p=$TARGETPLATFORM/$TARGETARCH h=$HTTP_PROXY:$http_proxy"
FROM base AS second
RUN echo "second:$VERSION$OWN"
ARG VERSION=2
RUN echo "third:$VERSION"
`
	r := b.ok(text, func(o *Options) { o.Args, o.Target = map[string]string{"BASE": "base"}, "0" })
	if want := "before:\nv=1 d=base-1 e=unset o=own-1 s=env p=linux/amd64/amd64 h=:\n"; r.log() != want {
		t.Errorf("got %q, want %q", r.log(), want)
	}
	r = b.ok(text, func(o *Options) {
		o.Args = map[string]string{"BASE": "base", "VERSION": "9", "EMPTY": "", "HTTP_PROXY": "p1", "http_proxy": "p2"}
		o.Target = "0"
	})
	if want := "v=9 d=base-9 e= o=own-9 s=env p=linux/amd64/amd64 h=p1:p2\n"; r.log() != want {
		t.Errorf("got %q, want %q", r.log(), want)
	}
	if cfg := string(r.res.Image.RawConfig()); strings.Contains(cfg, "p1") || !strings.Contains(cfg, "VERSION=9") {
		t.Errorf("the history names proxies, or no arguments: %s", cfg)
	}
	r = b.ok(text)
	if want := "second:\nthird:2\n"; r.log() != want {
		t.Errorf("got %q, want %q", r.log(), want)
	}
	if env := r.res.Image.Config().Config.Env; len(env) != 1 || !strings.HasPrefix(env[0], "PATH=") {
		t.Errorf("arguments in the environment of the image: %q", env)
	}
}

// Nothing of the host's environment is seen by a program of a RUN.
func TestEnvironmentIsTheImages(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "leaks")
	t.Setenv("HTTP_PROXY", "http://leaks")
	b := newBench(t)
	r := b.ok("FROM base\nENV A=1\nRUN env | sort\n")
	var names []string
	for line := range strings.Lines(r.log()) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	for _, n := range names {
		if !slices.Contains([]string{"A", "HOME", "PATH", "PWD", "OLDPWD", "SHLVL", "_", "PPID", "IFS", "PS4", "OPTIND"}, n) {
			t.Errorf("the program sees %s", n)
		}
	}
	if strings.Contains(r.log(), "leaks") {
		t.Error(r.log())
	}
}

func TestConfiguration(t *testing.T) {
	b := newBench(t)
	r := b.ok(`FROM base
MAINTAINER me
LABEL a=1 b="x y"
ENV K=v L="a b" M=$K
EXPOSE 80 443/tcp 5000-5001/udp
VOLUME /v1 /v2
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-c"]
USER user:staff
WORKDIR /home/user
WORKDIR sub
HEALTHCHECK --interval=5s --retries=2 CMD test -e /ok
ENTRYPOINT exec top
ONBUILD RUN echo later
`, func(o *Options) { o.Labels = map[string]string{"c": "3"} })
	c := r.res.Image.Config()
	cc := c.Config
	if c.Author != "me" || cc.User != "user:staff" || cc.WorkingDir != "/home/user/sub" || cc.StopSignal != "SIGINT" {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(slices.Sorted(maps.Keys(cc.ExposedPorts)), []string{"443/tcp", "5000/udp", "5001/udp", "80/tcp"}) || !slices.Equal(slices.Sorted(maps.Keys(cc.Volumes)), []string{"/v1", "/v2"}) {
		t.Errorf("%v %v", cc.ExposedPorts, cc.Volumes)
	}
	if !slices.Equal(cc.Env[1:], []string{"K=v", "L=a b", "M="}) || cc.Labels["a"] != "1" || cc.Labels["b"] != "x y" || cc.Labels["c"] != "3" {
		t.Errorf("%q %q", cc.Env, cc.Labels)
	}
	if !slices.Equal(cc.Entrypoint, []string{"/bin/bash", "-c", "exec top"}) || cc.Cmd != nil || !slices.Equal(cc.OnBuild, []string{"RUN echo later"}) {
		t.Errorf("%q %q %q", cc.Entrypoint, cc.Cmd, cc.OnBuild)
	}
	if cc.Healthcheck == nil || cc.Healthcheck.Interval != 5*time.Second || cc.Healthcheck.Retries != 2 {
		t.Errorf("%+v", cc.Healthcheck)
	}
	wantLines(t, r.list("/home/user"), "/home/user/sub 755 1000:50 dir")
}

func TestOnbuild(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"app.txt": "app"})
	b.ok("FROM base\nONBUILD COPY app.txt /app/\nONBUILD ENV TRIGGERED=1\nONBUILD RUN cat /app/app.txt\n", func(o *Options) { o.Tags = []string{"parent"} })
	r := b.ok("FROM parent\nRUN echo own $TRIGGERED\n")
	if r.log() != "appown 1\n" {
		t.Errorf("%q", r.log())
	}
	if c := r.res.Image.Config().Config; len(c.OnBuild) != 0 || !slices.Contains(c.Env, "TRIGGERED=1") {
		t.Errorf("%+v", c)
	}
	// Triggers of a stage are for the stages that go on from it, and may name others.
	r = b.ok(`FROM base AS src
RUN mkdir /in && echo 12 >/in/file
FROM base AS first
ONBUILD COPY --from=src /in/file /out/foo
FROM first AS mid
RUN cp /out/foo /out/bar
FROM scratch
COPY --from=mid /out/bar /
`)
	if r.text("bar") != "12" {
		t.Errorf("%q", r.list("/"))
	}
	if r := b.build("FROM base AS a\nONBUILD COPY nothing /\nFROM a\n"); r.err == nil || !strings.Contains(r.err.Error(), "not found") {
		t.Errorf("%v", r.err)
	}
	var be *Error
	if errors.As(b.build("FROM parent\nCOPY nothing /\n").err, &be); be == nil || be.Line != 2 {
		t.Errorf("%+v", be)
	}
}

func TestStages(t *testing.T) {
	b := newBench(t)
	const text = `FROM base AS One
RUN echo one >/one
FROM base AS unused
RUN exit 1
FROM one AS two
ENV FROM_TWO=2
RUN echo two >/two
FROM scratch AS Final
COPY --from=0 /one /a
COPY --from=TWO /one /two /b/
FROM base AS after
RUN echo after
`
	r := b.ok(text, func(o *Options) { o.Target = "final" })
	wantLines(t, r.list("/"), "/a 644 0:0 one\n/b 755 0:0 dir\n/b/one 644 0:0 one\n/b/two 644 0:0 two")
	for _, s := range r.states() {
		if strings.Contains(s, "exit 1") || strings.Contains(s, "after") {
			t.Errorf("a stage that nothing needs was built: %s", s)
		}
	}
	var names []string
	for _, e := range r.events {
		if e.Kind == Started && !strings.HasPrefix(e.Name, "[internal]") && strings.HasPrefix(e.Name, "[") {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	wantLines(t, names, `
		[final 1/2] COPY --from=one /one /a
		[final 2/2] COPY --from=two /one /two /b/
		[one 1/2] FROM localhost/base:latest
		[one 2/2] RUN echo one >/one
		[two 1/1] RUN echo two >/two
	`)
	r = b.ok(text, func(o *Options) { o.Target = "two" })
	if !slices.Contains(r.res.Image.Config().Config.Env, "FROM_TWO=2") {
		t.Error("ENV of a stage is lost")
	}
	if n := len(r.res.Image.History()); n != 4 {
		t.Errorf("%d lines of history", n)
	}
	for target, want := range map[string]string{"nothing": "target stage", "unused": "exit code: 1"} {
		if r := b.build(text, func(o *Options) { o.Target = target }); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s: %v", target, r.err)
		}
	}
	// A stage is named before it is an image's name, and one that comes later is none.
	if r := b.build("FROM base AS a\nCOPY --from=later / /\nFROM base AS later\n", func(o *Options) { o.Target = "a" }); r.err == nil {
		t.Error("a stage that comes later was copied from")
	}
}

// Stages that do not need each other go side by side: each of these waits for the other to have been seen.
func TestStagesGoSideBySide(t *testing.T) {
	b := newBench(t)
	r := b.ok(`FROM base AS one
RUN --mount=type=cache,target=/meet touch /meet/one; n=0; while [ ! -e /meet/two ]; do n=$((n+1)); [ $n -lt 1000 ] || exit 1; sleep 0.01; done
FROM base AS two
RUN --mount=type=cache,target=/meet touch /meet/two; n=0; while [ ! -e /meet/one ]; do n=$((n+1)); [ $n -lt 1000 ] || exit 1; sleep 0.01; done
FROM scratch
COPY --from=one /etc/passwd /1
COPY --from=two /etc/passwd /2
`)
	if r.done() != 4 {
		t.Errorf("%q", r.states())
	}
}

func TestBadDockerfiles(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct{ text, want string }{
		{"", "no instructions"},
		{"# only a comment\n", "no instructions"},
		{"RUN x\n", "no build stage"},
		{"ARG X\n", "no instructions"},
		{"FROM\n", "FROM requires"},
		{"FROM $NOTHING\n", "should not be blank"},
		{"FROM base AS 1x\n", "invalid name for build stage"},
		{"FROM base\nRUNN x\n", "unknown instruction: RUNN (did you mean RUN?)"},
		{"FROM base\nCOPY a\n", "COPY requires"},
		{"FROM base\nRUN --mount=type=ssh x\n", "type=ssh is not supported"},
		{"FROM base\nRUN --network=host x\n", "--network=host is not supported"},
		{"FROM base\nRUN --security=insecure x\n", "not supported"},
		{"FROM base\nRUN --mount=type=tmpfs x\n", "target"},
		{"FROM base\nRUN --mount=type=nope,target=/x x\n", "unsupported mount type"},
		{"FROM base\nRUN --mount=type=cache,target=/ x\n", "invalid mount target"},
		{"FROM base\nSTOPSIGNAL NOPE\n", "invalid signal"},
		{"FROM base\nEXPOSE x\n", "invalid containerPort"},
		{"FROM base\nENV A=${\n", "syntax error"},
		{"FROM base\nONBUILD FROM x\n", "isn't allowed"},
		{"FROM --platform=x/y/z/w base\n", "failed to parse platform"},
		{"FROM Upper/Case\n", "failed to parse stage name"},
		{"FROM localhost/nothing\n", "nothing"},
	} {
		r := b.build(tt.text)
		if r.err == nil || !strings.Contains(r.err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, r.err, tt.want)
		}
	}
	if r := b.build("FROM base\n", func(o *Options) { o.Text, o.File = nil, "/nonexistent" }); r.err == nil || !strings.Contains(r.err.Error(), "failed to read dockerfile: open /nonexistent: no such file") {
		t.Errorf("%v", r.err)
	}
	if r := b.build("FROM base\n", func(o *Options) { o.Tags = []string{"a@sha256:" + strings.Repeat("0", 64)} }); !errors.Is(r.err, registry.ErrInvalidRef) {
		t.Errorf("%v", r.err)
	}
}

// A build that is cancelled ends, and leaves no image.
func TestCancel(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	o := Options{Text: strings.NewReader("FROM base\nRUN echo up; sleep 1000\n"), Tags: []string{"never"}, Progress: func(e Event) {
		if e.Kind == Printed {
			cancel()
		}
	}}
	if _, err := Build(ctx, b.e, o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := b.e.Image(context.Background(), "never"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if n, err := b.e.Store().GC(context.Background()); err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
