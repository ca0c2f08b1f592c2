package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sbxrun/sbx/vfs"
)

// tempPrefix starts the names of files that are being written.
const tempPrefix = ".tmp-"

// keeper saves a file system in memory to one file, when it changed.
type keeper struct {
	saved uint64   // the generation that the file has
	bytes int64    // what it held then
	upper bool     // over an image: without changes there is no file
	made  []string // mount points that sbx made there, which are no change
}

// loaded says that the file was just read into fs.
func (k *keeper) loaded(fs *vfs.FS) {
	snap := fs.Fork() // generations count from here
	defer snap.Close()
	k.saved, k.bytes = snap.Generation(), snap.Usage().Bytes
}

// keep writes fs to path in one step unless the file has it already, and
// returns how many bytes it holds. fs may be in use meanwhile.
func (k *keeper) keep(live *vfs.FS, path string) (int64, error) {
	if live.Generation() == k.saved {
		return k.bytes, nil
	}
	snap := live.Fork()
	defer snap.Close()
	if k.upper && len(dropScaffold(snap.Changes(), k.made)) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		k.saved, k.bytes = snap.Generation(), 0
		return 0, nil
	}
	if err := writeAtomicFunc(path, func(w io.Writer) error { return snap.Diff(w, vfs.DiffOptions{}) }); err != nil {
		return 0, err
	}
	k.saved, k.bytes = snap.Generation(), snap.Usage().Bytes
	return k.bytes, nil
}

// sweepTemp removes what an sbx that was killed had not written to the end.
// The caller holds the folder's lock.
func sweepTemp(dir string) {
	list, _ := os.ReadDir(dir)
	for _, f := range list {
		if strings.HasPrefix(f.Name(), tempPrefix) {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}

// How often what a container changed is saved while it runs, so that an sbx
// which is killed loses no more than that: every flushEvery, less often when
// the saving would take more than one part in flushShare of the time.
var flushEvery = 2 * time.Second // a variable for tests

const flushShare = 20

// flusher saves a running container now and then.
type flusher struct {
	mu    sync.Mutex
	timer *time.Timer // nil after end
	busy  sync.WaitGroup
}

// startFlusher calls flush until end is called.
func startFlusher(flush func()) *flusher {
	f := &flusher{}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = time.AfterFunc(flushEvery, func() {
		f.mu.Lock()
		ended := f.timer == nil
		if !ended {
			f.busy.Add(1)
		}
		f.mu.Unlock()
		if ended {
			return
		}
		began := time.Now()
		flush()
		f.busy.Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.timer != nil {
			f.timer.Reset(max(flushEvery, flushShare*time.Since(began)))
		}
	})
	return f
}

// end waits for a flush under way; a nil flusher is none.
func (f *flusher) end() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.timer.Stop()
	f.timer = nil
	f.mu.Unlock()
	f.busy.Wait()
}
