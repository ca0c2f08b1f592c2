package remote

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// debianRegistry starts Debian's docker-registry with the given auth section.
func debianRegistry(t *testing.T, auth string) (host string) {
	t.Helper()
	bin, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed (apt-get install docker-registry)")
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host = l.Addr().String()
	l.Close()
	config := filepath.Join(dir, "config.yml")
	writeConfig(t, config, "version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: %q}\nhttp: {addr: %q}\n%s", filepath.Join(dir, "data"), host, auth)
	cmd := exec.Command(bin, "serve", config)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 4000 {
		if res, err := http.Get("http://" + host + "/v2/"); err == nil {
			res.Body.Close()
			return host
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("docker-registry does not start: %s", log.String())
	return ""
}

// roundTrip pushes an image, mounts its blobs into a second repository, and pulls both into new stores.
func roundTrip(t *testing.T, host string) {
	t.Helper()
	s := openStore(t, Options{})
	img := makeOne(t, s, host+"/team/one:v1")
	var statuses []registry.Status
	push := func(name string) {
		t.Helper()
		statuses = nil
		_, err := s.Push(context.Background(), mustRef(t, name), registry.PushOptions{Progress: func(e registry.Event) { statuses = append(statuses, e.Status) }})
		if err != nil {
			t.Fatalf("push %s: %v", name, err)
		}
	}
	last := func(want registry.Status) {
		t.Helper()
		if got := statuses[len(statuses)-1]; got != want {
			t.Errorf("the layer ended as %q, want %q", got, want)
		}
	}
	push(host + "/team/one:v1")
	last(registry.StatusPushed)
	push(host + "/team/one:v1")
	last(registry.StatusPushExists)
	if err := s.Tag(context.Background(), host+"/team/one:v1", host+"/team/two:v2"); err != nil {
		t.Fatal(err)
	}
	push(host + "/team/two:v2")
	last(registry.StatusMounted)
	for _, name := range []string{"/team/one:v1", "/team/two:v2"} {
		got, _ := mustPull(t, openStore(t, Options{}), host+name, registry.PullOptions{})
		if got.ID() != img.ID() || got.Digest() != img.Digest() {
			t.Errorf("%s came back as another image", name)
		}
	}
}

func TestDebianRegistry(t *testing.T) {
	roundTrip(t, debianRegistry(t, ""))
}

// annEntry is what `htpasswd -nbB ann s3cret` prints: bcrypt, the one kind that docker-registry takes.
const annEntry = "ann:$2b$04$ca/F.R2HqTjLMBVQaSj06OAxaEVE3Z9EMEwKLocpsJsv3HAWeKdqS\n"

func TestDebianRegistryBasic(t *testing.T) {
	file := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(file, []byte(annEntry), 0o600); err != nil {
		t.Fatal(err)
	}
	host := debianRegistry(t, fmt.Sprintf("auth:\n  htpasswd: {realm: test, path: %q}\n", file))
	dockerConfig(t, "{}")
	c, err := NewClient(t.TempDir(), Options{Backoff: quick})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(context.Background(), host, "ann", "wrong"); err == nil {
		t.Error("logged in with the wrong password")
	}
	if _, err := c.Login(context.Background(), host, "ann", "s3cret"); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, host)
	if _, err := c.Logout(context.Background(), host); err != nil {
		t.Fatal(err)
	}
	_, _, err = openStore(t, Options{}).Pull(context.Background(), mustRef(t, host+"/team/one:v1"), registry.PullOptions{})
	if err == nil || !strings.Contains(err.Error(), "sbx login") {
		t.Errorf("without a login: %v", err)
	}
}
