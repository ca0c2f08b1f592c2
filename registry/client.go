package registry

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Remote speaks the distribution protocol (opencontainers/distribution-spec) to registries. registry/remote has the
// implementation. It retries and resumes by itself; what it returns has not been verified. Only the Domain and Path
// of a Ref matter to it.
type Remote interface {
	// Manifest fetches a manifest or index by tag or digest, with the media type that the registry announced.
	// Bodies larger than limit are refused with ErrTooLarge.
	Manifest(ctx context.Context, ref Ref, reference string, limit int64) (body []byte, mediaType string, err error)
	// Head returns the digest that a tag has in the registry, "" when the registry does not say.
	Head(ctx context.Context, ref Ref, reference string) (Digest, error)
	// Blob streams a blob from offset on. It never delivers more than d.Size-offset bytes and one.
	Blob(ctx context.Context, ref Ref, d ocispec.Descriptor, offset int64) (io.ReadCloser, error)
	// HasBlob tells whether a blob is in the repository.
	HasBlob(ctx context.Context, ref Ref, d Digest) (bool, error)
	// PushBlob uploads a blob unless it can be mounted from the repository mountFrom ("" for none) of the same
	// registry. open may be called again when an attempt fails; progress is told bytes sent so far.
	PushBlob(ctx context.Context, ref Ref, d ocispec.Descriptor, mountFrom string, open func() (io.ReadCloser, error), progress func(sent int64)) (mounted bool, err error)
	// PushManifest stores a manifest under a tag or digest.
	PushManifest(ctx context.Context, ref Ref, reference, mediaType string, body []byte) error
	// Close gives idle connections back.
	Close() error
}

// Status says what is happening to a layer. The values are the words that docker prints.
type Status string

// The statuses of events.
const (
	StatusWaiting     Status = "Waiting"
	StatusDownloading Status = "Downloading"
	StatusExtracting  Status = "Extracting"
	StatusPulled      Status = "Pull complete"
	StatusExists      Status = "Already exists"
	StatusPreparing   Status = "Preparing"
	StatusPushing     Status = "Pushing"
	StatusPushed      Status = "Pushed"
	StatusMounted     Status = "Mounted from"
	StatusPushExists  Status = "Layer already exists"
	StatusLoading     Status = "Loading layer"
	StatusLoaded      Status = "Loaded layer"
)

// Event is one step of the progress of one layer.
type Event struct {
	Layer   Digest // digest of the blob; its first 12 digits are what docker shows
	Status  Status
	Current int64  // bytes so far
	Total   int64  // bytes in all; 0 when unknown
	Detail  string // StatusMounted: the repository
}

// ID is the short form of the layer's digest.
func (e Event) ID() string {
	if len(e.Layer) < len(sha256Prefix)+12 {
		return string(e.Layer)
	}
	return hexOf(e.Layer)[:12]
}
