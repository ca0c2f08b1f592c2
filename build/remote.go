package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

// maxDownload bounds what ADD takes from a URL.
const maxDownload = 16 << 30

// download is a file that was downloaded; it is gone with the build.
type download struct {
	file *os.File
	e    entry
}

func (d *download) stat(string) (entry, error) { return d.e, nil }

func (d *download) list(p string) ([]string, error) {
	return nil, &fs.PathError{Op: "readdir", Path: p, Err: linux.ENOTDIR}
}

func (d *download) open(string) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(d.file, 0, d.e.size)), nil
}

// download fetches a file for ADD, once in a build.
func (b *builder) download(ctx context.Context, r *remoteFile) (source, error) {
	b.mu.Lock()
	have := b.downloads[r.url]
	b.mu.Unlock()
	if have == nil {
		d, name, err := b.fetch(ctx, r)
		if err != nil {
			return source{}, err
		}
		have = &source{t: d, path: name, name: name, entry: d.e}
		b.mu.Lock()
		if b.downloads == nil {
			b.downloads = map[string]*source{}
		}
		b.downloads[r.url] = have
		b.mu.Unlock()
	}
	return *have, nil
}

// fetch downloads one file. Nothing in the answer is trusted but its bytes,
// and those only as far as the checksum says.
func (b *builder) fetch(ctx context.Context, r *remoteFile) (*download, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept-Encoding", "identity")
	res, err := b.client().Do(req)
	if err != nil {
		return nil, "", fmt.Errorf("failed to load cache key: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode >= 300 {
		return nil, "", fmt.Errorf("failed to load cache key: invalid response status %d", res.StatusCode)
	}
	f, err := os.CreateTemp("", "sbx-add-")
	if err != nil {
		return nil, "", err
	}
	b.keepFile(f)
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), &limited{r: ctxReader{ctx, res.Body}, left: maxDownload})
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", r.url, err)
	}
	if res.ContentLength >= 0 && n != res.ContentLength {
		return nil, "", fmt.Errorf("%s: %w", r.url, io.ErrUnexpectedEOF)
	}
	sum := registry.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
	if r.checksum != "" && sum != r.checksum {
		return nil, "", fmt.Errorf("digest mismatch %s: %s", sum, r.checksum)
	}
	at := time.Unix(0, 0)
	if t, err := http.ParseTime(res.Header.Get("Last-Modified")); err == nil {
		at = t
	}
	return &download{f, entry{mode: linux.S_IFREG | 0o600, size: n, mtime: vfs.TimespecOf(at)}}, r.fileName(res), nil
}

// fileName is what a download is called in a folder.
func (r *remoteFile) fileName(res *http.Response) string {
	if _, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition")); err == nil {
		if name := path.Base(clean(params["filename"])); name != "." && name != "/" && name != "" {
			return name
		}
	}
	if r.name != "" {
		return r.name
	}
	return "download"
}

// keepFile closes and removes a file with the build.
func (b *builder) keepFile(f *os.File) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in.closers = append(b.in.closers, func() error {
		_ = f.Close()
		return os.Remove(f.Name())
	})
}

// client downloads for ADD.
func (b *builder) client() *http.Client {
	if b.o.HTTP != nil {
		return b.o.HTTP
	}
	return b.e.GuestHTTP(b.o.ExtraHosts)
}
