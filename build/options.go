package build

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// Options is what a build is made of. The context is one of Dir, Tar and URL;
// without any there are no files to copy.
type Options struct {
	Dir string    // a folder of the host
	Tar io.Reader // an archive, compressed or not; or a Dockerfile, which has no context then
	URL string    // where such an archive, or Dockerfile, is downloaded

	// File is the Dockerfile: a path of the host when the context is Dir or
	// none, else a name in the archive. "" is Dockerfile in the context.
	File string
	// Text is the Dockerfile itself, instead of File.
	Text io.Reader

	Tags      []string          // names of the image
	Args      map[string]string // build arguments
	Target    string            // stage to build; "" is the last
	Platform  string            // os/arch[/variant]; "" is what programs run for here
	Labels    map[string]string
	NoCache   bool     // do every step
	NoCacheOf []string // do the steps of these stages
	Pull      bool     // ask registries for newer images

	Network    string            // of RUN: "" or default, none
	ExtraHosts []string          // name:address
	Memory     int64             // bytes that the programs of a RUN may use; 0: no limit
	ShmSize    int64             // bytes of /dev/shm; 0: 64 MiB
	Ulimits    []sandbox.Ulimit  // of the programs of a RUN
	Secrets    map[string]Secret // by id
	Contexts   map[string]string // further contexts: a folder, or docker-image://NAME

	// Epoch, if set, is the time of the image, its history, and whatever in its
	// layers would be younger.
	Epoch *time.Time

	Outputs []Output // none: an image in the store
	// Progress is told what happens. It is called by one goroutine at a time and
	// must be quick.
	Progress func(Event)

	// HTTP downloads what ADD names by URL; nil is a client that reaches what
	// programs of a RUN may reach.
	HTTP *http.Client

	// for tests: what runs a program, and what finds an image
	run  func(context.Context, sandbox.Step) (int, error)
	find func(context.Context, string, sandbox.PullPolicy, sandbox.CreateOptions) (registry.Image, error)
}

// Secret is something that a RUN may read and that stays in no layer.
type Secret struct {
	File  string // of the host
	Value []byte // instead of File
}

// Result is what a build made.
type Result struct {
	Image registry.Image // zero when no output is an image of the store
}
