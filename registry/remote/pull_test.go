package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ggcrname "github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/sbxrun/sbx/registry"
)

func TestPull(t *testing.T) {
	for _, mt := range []types.MediaType{types.OCIManifestSchema1, types.DockerManifestSchema2} {
		t.Run(string(mt), func(t *testing.T) {
			host := serve(t, nil)
			want := ggcrImage(t, mt, tarOf(t, "a", "1"), tarOf(t, "b", noise(3<<20, 1)))
			put(t, host+"/x:1", want)
			s := openStore(t, Options{})
			var mu sync.Mutex
			last := map[string]registry.Status{}
			img, res := mustPull(t, s, host+"/x:1", registry.PullOptions{Progress: func(e registry.Event) {
				mu.Lock()
				defer mu.Unlock()
				last[e.ID()] = e.Status
			}})
			d, _ := want.Digest()
			id, _ := want.ConfigName()
			if string(img.Digest()) != d.String() || string(img.ID()) != id.String() || string(res.Digest) != d.String() || res.UpToDate {
				t.Errorf("got %s %s %+v, want %s %s", img.Digest(), img.ID(), res, d, id)
			}
			if len(last) != 2 {
				t.Errorf("events of %d layers, want 2", len(last))
			}
			for id, st := range last {
				if st != registry.StatusPulled {
					t.Errorf("layer %s ended as %q", id, st)
				}
			}
			if _, res := mustPull(t, s, host+"/x:1", registry.PullOptions{}); !res.UpToDate {
				t.Error("the second pull is not up to date")
			}
			byDigest, _ := mustPull(t, openStore(t, Options{}), host+"/x@"+d.String(), registry.PullOptions{})
			if len(byDigest.RepoTags()) != 0 || len(byDigest.RepoDigests()) != 1 || byDigest.RepoDigests()[0] != host+"/x@"+d.String() {
				t.Errorf("by digest: tags %v, digests %v", byDigest.RepoTags(), byDigest.RepoDigests())
			}
			if err := s.Check(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPullMoved pulls a tag that has moved: the old image stays, without a name.
func TestPullMoved(t *testing.T) {
	host := serve(t, nil)
	s := openStore(t, Options{})
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	first, _ := mustPull(t, s, host+"/x", registry.PullOptions{})
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "2")))
	second, res := mustPull(t, s, host+"/x", registry.PullOptions{})
	if res.UpToDate || first.ID() == second.ID() {
		t.Fatal("the new image was not pulled")
	}
	old, err := s.Resolve(string(first.ID()))
	if err != nil || len(old.RepoTags()) != 0 {
		t.Errorf("old image: %v, tags %v", err, old.RepoTags())
	}
}

func TestPullPlatform(t *testing.T) {
	host := serve(t, nil)
	want := map[string]string{}
	ix := v1.ImageIndex(mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	for _, p := range []string{"linux/amd64", "linux/arm64/v8", "linux/arm/v5", "linux/arm/v7", "unknown/unknown"} {
		vp, _ := v1.ParsePlatform(p)
		img := ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "platform", p))
		cf, _ := img.ConfigFile()
		cf = cf.DeepCopy()
		cf.OS, cf.Architecture, cf.Variant = vp.OS, vp.Architecture, vp.Variant
		img, _ = mutate.ConfigFile(img, cf)
		d, _ := img.Digest()
		want[p] = d.String()
		ix = mutate.AppendManifests(ix, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: vp}})
	}
	nested := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), mutate.IndexAddendum{Add: ix})
	r, _ := ggcrname.ParseReference(host+"/multi", ggcrname.Insecure)
	if err := ggcrremote.WriteIndex(r, ix); err != nil {
		t.Fatal(err)
	}
	rn, _ := ggcrname.ParseReference(host+"/nested", ggcrname.Insecure)
	if err := ggcrremote.WriteIndex(rn, nested); err != nil {
		t.Fatal(err)
	}
	top, _ := ix.Digest()
	for _, tt := range []struct{ name, platform, want string }{
		{"multi", "", "linux/amd64"}, {"nested", "", "linux/amd64"}, {"multi", "linux/arm64", "linux/arm64/v8"}, {"multi", "aarch64", "linux/arm64/v8"},
		{"multi", "linux/arm", "linux/arm/v7"}, {"multi", "linux/arm/v5", "linux/arm/v5"},
	} {
		o := registry.PullOptions{}
		if tt.platform != "" {
			p, err := registry.ParsePlatform(tt.platform)
			if err != nil {
				t.Fatal(err)
			}
			o.Platform = &p
		}
		img, res := mustPull(t, openStore(t, Options{}), host+"/"+tt.name, o)
		if string(img.Digest()) != want[tt.want] {
			t.Errorf("%s %s: got the image for %v", tt.name, tt.platform, img.Platform())
		}
		if tt.name == "multi" && string(res.Digest) != top.String() {
			t.Errorf("digest %s, want the index's", res.Digest)
		}
	}
	s390 := registry.Platform{OS: "linux", Architecture: "s390x"}
	_, _, err := openStore(t, Options{}).Pull(context.Background(), mustRef(t, host+"/multi"), registry.PullOptions{Platform: &s390})
	if !errors.Is(err, registry.ErrPlatform) || !strings.Contains(err.Error(), "linux/arm/v5") {
		t.Errorf("s390x: %v", err)
	}
	put(t, host+"/single", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	if _, _, err = openStore(t, Options{}).Pull(context.Background(), mustRef(t, host+"/single"), registry.PullOptions{Platform: &s390}); !errors.Is(err, registry.ErrPlatform) {
		t.Errorf("single manifest: %v", err)
	}
}

// TestPullResume breaks every connection after some bytes, and answers 429 and 503 in between.
func TestPullResume(t *testing.T) {
	for _, ranges := range []bool{true, false} {
		t.Run(fmt.Sprint("ranges=", ranges), func(t *testing.T) {
			var resumed, refused atomic.Int32
			host := serve(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/sha256:") {
						h.ServeHTTP(w, r)
						return
					}
					if n := refused.Add(1); n%3 == 0 {
						w.Header().Set("Retry-After", "0")
						w.WriteHeader([]int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[n%2])
						return
					}
					limit := 300 << 10
					if rg := r.Header.Get("Range"); rg != "" {
						resumed.Add(1)
						if !ranges {
							r.Header.Del("Range")
							from, _ := strconv.Atoi(rg[len("bytes="):strings.IndexByte(rg, '-')])
							limit += from
						}
					}
					h.ServeHTTP(&cutWriter{ResponseWriter: w, left: limit}, r)
				})
			})
			put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", noise(1<<20, 7)), tarOf(t, "b", noise(900<<10, 9))))
			refused.Store(0)
			s := openStore(t, Options{})
			mustPull(t, s, host+"/x", registry.PullOptions{})
			if resumed.Load() < 4 {
				t.Errorf("%d resumed requests", resumed.Load())
			}
			if err := s.Check(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
}

// cutWriter breaks the connection after some bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		c.ResponseWriter.Write(p[:c.left])
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// TestPullContinues interrupts a pull for good; the next one, as of another process, goes on where it stopped.
func TestPullContinues(t *testing.T) {
	var cut atomic.Bool
	var offsets sync.Map
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				offsets.Store(r.Header.Get("Range"), true)
				if cut.Load() {
					w = &cutWriter{ResponseWriter: w, left: 700 << 10}
				}
			}
			h.ServeHTTP(w, r)
		})
	})
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", noise(2<<20, 7))))
	cut.Store(true)
	s := openStore(t, Options{Backoff: Backoff{First: time.Millisecond, Attempts: 1, Unreachable: 1}})
	if _, _, err := s.Pull(context.Background(), mustRef(t, host+"/x"), registry.PullOptions{}); !errors.Is(err, registry.ErrNoNetwork) {
		t.Fatalf("cut: %v", err)
	}
	cut.Store(false)
	mustPull(t, s, host+"/x", registry.PullOptions{})
	found := false
	offsets.Range(func(k, _ any) bool {
		found = found || strings.HasPrefix(k.(string), "bytes=") && k != "bytes=0-"
		return true
	})
	if !found {
		t.Error("the second pull started again from nothing")
	}
}

func TestRetryAfter(t *testing.T) {
	var n atomic.Int32
	var first, second time.Time
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/manifests/") && r.Method == http.MethodGet {
				switch n.Add(1) {
				case 1:
					first = time.Now()
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusTooManyRequests)
					return
				case 2:
					second = time.Now()
				}
			}
			h.ServeHTTP(w, r)
		})
	})
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	n.Store(0)
	mustPull(t, openStore(t, Options{}), host+"/x", registry.PullOptions{})
	if second.Sub(first) < 900*time.Millisecond {
		t.Errorf("waited %v, the registry asked for 1s", second.Sub(first))
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{First: 100 * time.Millisecond, Max: time.Second, Attempts: 4}.withDefaults()
	busy := &retryError{status: 503}
	for n, want := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond} {
		wait, again := b.next(busy, n)
		if !again || wait < want/2 || wait > want {
			t.Errorf("attempt %d: %v %v, want up to %v", n, wait, again, want)
		}
	}
	if _, again := b.next(busy, 4); again {
		t.Error("a fifth attempt")
	}
	if _, again := b.next(errors.New("no"), 1); again {
		t.Error("an error that does not pass is retried")
	}
	if _, again := b.next(&retryError{status: 429, after: time.Hour}, 1); again {
		t.Error("waits for an hour")
	}
}

// TestPullStall pulls from a registry that stops sending without closing the connection.
func TestPullStall(t *testing.T) {
	var once sync.Once
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				once.Do(func() { w = &stallWriter{w, 100 << 10, r.Context()} })
			}
			h.ServeHTTP(w, r)
		})
	})
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", noise(500<<10, 3))))
	once = sync.Once{}
	mustPull(t, openStore(t, Options{Stall: 100 * time.Millisecond}), host+"/x", registry.PullOptions{})
}

type stallWriter struct {
	http.ResponseWriter
	left int
	ctx  context.Context
}

func (c *stallWriter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		c.ResponseWriter.Write(p[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		<-c.ctx.Done()
		return 0, c.ctx.Err()
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestPullCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				cancel()
				<-r.Context().Done()
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	if _, _, err := openStore(t, Options{}).Pull(ctx, mustRef(t, host+"/x"), registry.PullOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPullErrors(t *testing.T) {
	host := serve(t, nil)
	put(t, host+"/x", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	for _, tt := range []struct {
		ref  string
		want error
		say  string
	}{
		{host + "/x:none", registry.ErrNotFound, "check the name and the tag"},
		{host + "/none", registry.ErrNotFound, "check the name and the tag"},
		{"127.0.0.1:1/x", registry.ErrNoNetwork, "check the network"},
		{"none.invalid/x", registry.ErrNoNetwork, "check the network"},
	} {
		_, _, err := openStore(t, Options{}).Pull(context.Background(), mustRef(t, tt.ref), registry.PullOptions{})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %v and %q", tt.ref, err, tt.want, tt.say)
		}
	}
}

func TestMirror(t *testing.T) {
	host := serve(t, nil)
	put(t, host+"/library/debian:latest", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	t.Run("stand-in", func(t *testing.T) {
		t.Setenv(MirrorVariable, "http://"+host)
		img, _ := mustPull(t, openStore(t, Options{}), "debian", registry.PullOptions{})
		if len(img.RepoTags()) != 1 || img.RepoTags()[0] != "debian:latest" {
			t.Errorf("tags %v", img.RepoTags())
		}
		if _, _, err := openStore(t, Options{}).Pull(context.Background(), mustRef(t, "absent"), registry.PullOptions{}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("absent: %v", err)
		}
	})
	t.Run("config", func(t *testing.T) {
		empty := serve(t, nil)
		mustPull(t, openStore(t, Options{Config: &Config{Mirrors: []string{"http://" + empty, "http://" + host}}}), "debian", registry.PullOptions{})
	})
	t.Run("bad", func(t *testing.T) {
		t.Setenv(MirrorVariable, "ftp://x")
		if _, err := NewClient(t.TempDir(), Options{}); err == nil {
			t.Error("a mirror that is no URL is accepted")
		}
	})
}
