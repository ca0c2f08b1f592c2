package sandbox

import (
	"context"
	"runtime"

	"github.com/sbxrun/sbx/registry"
)

// Info tells what an engine has and what it can run.
type Info struct {
	Home              string
	Containers        int
	ContainersRunning int
	ContainersStopped int
	Images            int
	Platform          string   // of images that are pulled when none is asked for
	Engines           []string // what runs programs here
	Tools             []string // names of the built-in programs
	OS, Architecture  string   // of the host
	NCPU              int
}

// Info counts and describes.
func (e *Engine) Info(ctx context.Context) (Info, error) {
	i := Info{
		Home: e.home, Platform: registry.FormatPlatform(registry.DefaultPlatform()), Engines: []string{EngineBuiltin, EngineWasm},
		Tools: toolNames(), OS: runtime.GOOS, Architecture: runtime.GOARCH, NCPU: runtime.NumCPU(),
	}
	list, err := e.List(ListOptions{All: true})
	if err != nil {
		return i, err
	}
	i.Containers = len(list)
	for _, c := range list {
		if c.State.Active() {
			i.ContainersRunning++
		}
	}
	i.ContainersStopped = i.Containers - i.ContainersRunning
	images, err := e.Images(ctx)
	i.Images = len(images)
	return i, err
}
