package sandbox

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

func TestVolumeLife(t *testing.T) {
	t.Parallel()
	e := openEngine(t, t.TempDir())
	v, err := e.CreateVolume(VolumeOptions{Name: "vol", Labels: map[string]string{"a": "b"}})
	if err != nil || v.Anonymous() || v.Labels["a"] != "b" || v.Created.IsZero() {
		t.Fatalf("%+v %v", v, err)
	}
	again, err := e.CreateVolume(VolumeOptions{Name: "vol"})
	if err != nil || !again.Created.Equal(v.Created) || again.Labels["a"] != "b" {
		t.Errorf("made again: %+v %v", again, err)
	}
	none, err := e.CreateVolume(VolumeOptions{Labels: map[string]string{"x": "y"}})
	if err != nil || !none.Anonymous() || none.Labels["x"] != "y" {
		t.Errorf("without a name: %+v %v", none, err)
	}
	for _, o := range []VolumeOptions{{Name: "x"}, {Name: "../up"}, {Name: "a b"}, {Name: "ok", Driver: "nfs"}} {
		if _, err := e.CreateVolume(o); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	// A folder that a crash left without its record is a volume too.
	if err := os.Remove(v.Path + "/" + volumeRecordName); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Volume("vol"); err != nil || v.Created.IsZero() || len(v.Labels) > 0 {
		t.Errorf("without its record: %+v %v", v, err)
	}
	if err := e.RemoveVolume(t.Context(), "vol"); err != nil {
		t.Error(err)
	}
	if err := e.RemoveVolume(t.Context(), "vol"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := e.Volume("../volumes"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a path: %v", err)
	}
}

// TestVolumesMadeAndRemoved: engines that make and remove the same volume at the
// same time see one that is there whole, or none.
func TestVolumesMadeAndRemoved(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	var wg sync.WaitGroup
	for i := range 4 {
		e := openEngine(t, home)
		wg.Go(func() {
			for range 50 {
				if i%2 == 0 {
					if _, err := e.CreateVolume(VolumeOptions{Name: "vol", Labels: map[string]string{"n": fmt.Sprint(i)}}); err != nil && !errors.Is(err, ErrNotFound) {
						t.Errorf("make: %v", err)
					}
				} else if err := e.RemoveVolume(t.Context(), "vol"); err != nil && !errors.Is(err, ErrNotFound) {
					t.Errorf("remove: %v", err)
				}
				if _, err := e.Volumes(); err != nil {
					t.Errorf("list: %v", err)
				}
			}
		})
	}
	wg.Wait()
}
