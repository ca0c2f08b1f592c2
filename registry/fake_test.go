package registry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// fakeRemote is a registry in memory that serves whatever a test wants, true or not.
type fakeRemote struct {
	mu        sync.Mutex
	manifests map[string]fakeDoc // by tag or digest
	blobs     map[Digest][]byte
	fetches   int
}

type fakeDoc struct {
	body []byte
	mt   string
}

func newFake() *fakeRemote {
	return &fakeRemote{manifests: map[string]fakeDoc{}, blobs: map[Digest][]byte{}}
}

// with opens a store on the fake.
func (f *fakeRemote) option() Option {
	return WithRemote(func(string) (Remote, error) { return f, nil })
}

// add serves an image under a tag.
func (f *fakeRemote) add(tag string, m *made) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.manifests[tag] = fakeDoc{m.manifest, m.mt}
	f.manifests[string(m.digest())] = fakeDoc{m.manifest, m.mt}
	for d, b := range m.blobs {
		f.blobs[d] = b
	}
}

// doc serves a document under a tag and its digest.
func (f *fakeRemote) doc(tag, mt string, body []byte) {
	f.manifests[tag] = fakeDoc{body, mt}
	f.manifests[string(digestOf(body))] = fakeDoc{body, mt}
}

func (f *fakeRemote) Manifest(_ context.Context, ref Ref, reference string, limit int64) ([]byte, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, ok := f.manifests[reference]
	if !ok {
		return nil, "", Errorf(ErrNotFound, "manifest for %s not found", reference)
	}
	if int64(len(d.body)) > limit {
		return nil, "", Errorf(ErrTooLarge, "the manifest is larger than %d bytes", limit)
	}
	return d.body, d.mt, nil
}

func (f *fakeRemote) Head(_ context.Context, _ Ref, reference string) (Digest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, ok := f.manifests[reference]; ok {
		return digestOf(d.body), nil
	}
	return "", Errorf(ErrNotFound, "not found")
}

func (f *fakeRemote) Blob(_ context.Context, _ Ref, d ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.blobs[d.Digest]
	if !ok {
		return nil, Errorf(ErrNotFound, "blob %s not found", d.Digest)
	}
	f.fetches++
	return io.NopCloser(bytes.NewReader(b[min(offset, int64(len(b))):])), nil
}

func (f *fakeRemote) HasBlob(_ context.Context, _ Ref, d Digest) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.blobs[d]
	return ok, nil
}

func (f *fakeRemote) PushBlob(_ context.Context, _ Ref, d ocispec.Descriptor, _ string, open func() (io.ReadCloser, error), _ func(int64)) (bool, error) {
	r, err := open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err == nil && digestOf(b) != d.Digest {
		err = fmt.Errorf("pushed %s as %s", digestOf(b), d.Digest)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blobs[d.Digest] = b
	return false, err
}

func (f *fakeRemote) PushManifest(_ context.Context, _ Ref, reference, mt string, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doc(reference, mt, body)
	return nil
}

func (f *fakeRemote) Close() error { return nil }
