package build

import (
	"context"
	"errors"
	"time"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// maxCache is what the build cache may take beyond what images need. What was
// used longest ago goes first.
const maxCache = 10 << 30

// maxRecords bounds the number of its entries.
const maxRecords = 20_000

// PruneOptions says what PruneCache leaves. The zero value removes the steps
// whose layers no image has.
type PruneOptions struct {
	All         bool          // steps of images and cache mounts too
	Until       time.Duration // only what was not used for so long
	KeepStorage int64         // what was used last stays, up to so many bytes

	bounds bool // only what is over the bounds goes
}

// Pruned is what PruneCache removed.
type Pruned struct {
	IDs   []string // keys of steps and cache mounts
	Freed int64
}

// PruneCache removes what the build cache has. A step that a build has found
// stays until that has ended.
func PruneCache(ctx context.Context, e *sandbox.Engine, o PruneOptions) (p Pruned, err error) {
	if !o.bounds {
		defer func() {
			if err == nil {
				e.EmitBuilderPrune(p.Freed)
			}
		}()
	}
	now, kept, n := time.Now(), int64(0), 0
	removed, freed, err := e.Store().PruneBuilds(ctx, func(r registry.BuildRecord, size int64, shared bool) bool {
		n++
		if o.Until > 0 && now.Sub(r.Used) < o.Until || shared && !o.All && !o.bounds {
			return true
		}
		if o.bounds && n > maxRecords {
			return false
		}
		if o.KeepStorage > 0 && kept+size <= o.KeepStorage {
			kept += size
			return true
		}
		return false
	})
	for _, r := range removed {
		p.IDs = append(p.IDs, r.Key)
	}
	p.Freed = freed
	if err != nil || !o.All && !o.bounds {
		return p, err
	}
	mounts, err := e.BuildMounts()
	if err != nil {
		return p, err
	}
	for _, m := range mounts {
		if o.Until > 0 && now.Sub(m.Used) < o.Until {
			continue
		}
		if kept+m.Size <= o.KeepStorage {
			kept += m.Size
			continue
		}
		switch err := e.RemoveBuildMount(m.Key); {
		case err == nil:
			p.IDs, p.Freed = append(p.IDs, m.Key), p.Freed+m.Size
		case !errors.Is(err, sandbox.ErrConflict):
			return p, err
		}
	}
	return p, nil
}
