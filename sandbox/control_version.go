package sandbox

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// streamVersion is that of what follows the lines of a call: frames, pieces, datagrams. It is one more whenever one of them
// changes its form. Both sides say theirs in their lines.
const streamVersion = 1

// errVersion: the sbx that runs the container speaks another version of the control protocol.
var errVersion = errors.New("another version")

// side is what each side of a call says of itself.
type side struct {
	Version int    `json:"version,omitempty"` // streamVersion; an sbx from before there were versions says none
	Sbx     string `json:"sbx,omitempty"`     // the program's own version, for people
}

// ours is the side that this program is.
var ours = sync.OnceValue(func() side {
	s := side{Version: streamVersion}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/sbxrun/sbx" {
				s.Sbx = m.Version
			}
		}
	}
	return s
})

func (s side) String() string {
	if s.Sbx == "" {
		return fmt.Sprintf("streams of version %d", s.Version)
	}
	return fmt.Sprintf("%.64q, streams of version %d", s.Sbx, s.Version)
}

// versioned are the operations that go on with what streamVersion is of. The others are lines of JSON, or an archive, or nothing
// but an end; and so that a container can be stopped by any sbx, the frames of "stop" and "wait" are not read by one of another version.
var versioned = []string{"attach", "exec", "pack", "unpack", "connect", "launch"}

// sameVersion is the error of an operation that the two sides cannot do together.
func sameVersion(op string, caller, called side) error {
	if caller.Version == called.Version || !slices.Contains(versioned, op) {
		return nil
	}
	return fail(errVersion, "this container is run by another version of sbx (%s); this is %s: stop it or use that one", called, caller)
}

// differs tells in r's log, once for each of the first neighbours, that connections with it are refused because another sbx
// runs it.
func (r *Run) differs(way, neighbour string) error {
	const enough = 16
	r.refusedMu.Lock()
	told := slices.Contains(r.refused, way+neighbour) || len(r.refused) >= enough
	if !told {
		r.refused = append(r.refused, way+neighbour)
	}
	r.refusedMu.Unlock()
	if !told {
		r.log.remark(fmt.Sprintf("sbx: connections %s %s are refused: another version of sbx runs that container; restart the older one", way, neighbour))
	}
	return linux.ECONNREFUSED
}
