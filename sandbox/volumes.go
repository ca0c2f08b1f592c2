package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Volume is a file system that outlives containers.
type Volume struct {
	Name    string
	Created time.Time
	Labels  map[string]string
	Path    string   // the folder that keeps it
	Size    int64    // bytes of that
	Users   []string // ids of the containers that mount it, running or not
}

// volumeRecord is what volume.json in a volume's folder keeps. A volume without
// it, which a crash can leave, has no labels and is as old as its folder.
type volumeRecord struct {
	Created time.Time         `json:"created"`
	Labels  map[string]string `json:"labels,omitempty"`
}

const volumeRecordName = "volume.json"

// anonymousLabel is docker's mark of volumes that nobody named.
const anonymousLabel = "com.docker.volume.anonymous"

// Anonymous tells whether nobody named it.
func (v Volume) Anonymous() bool {
	_, marked := v.Labels[anonymousLabel]
	return marked || len(v.Name) == idLen && isHex(v.Name)
}

// VolumeOptions are what a user may ask of a new volume.
type VolumeOptions struct {
	Name   string // "": one is made up
	Driver string // "" or "local"
	Labels map[string]string
}

// CreateVolume makes a volume. One of that name that is there already stays as it
// is, and is returned.
func (e *Engine) CreateVolume(o VolumeOptions) (Volume, error) {
	if o.Driver != "" && o.Driver != "local" {
		return Volume{}, fail(ErrInvalid, "no volume driver %q: this version has local", o.Driver)
	}
	if o.Name == "" {
		o.Name = newID()
		labels := map[string]string{anonymousLabel: ""}
		for k, v := range o.Labels {
			labels[k] = v
		}
		o.Labels = labels
	}
	if !validName(o.Name) {
		return Volume{}, fail(ErrInvalid, "invalid volume name %q: use letters, digits, '_', '.' and '-', two or more, a letter or digit first (%s+)", o.Name, nameRule)
	}
	if err := e.makeVolume(o.Name, o.Labels); err != nil {
		return Volume{}, err
	}
	return e.Volume(o.Name)
}

// makeVolume makes a volume's folder and record where they are missing.
func (e *Engine) makeVolume(name string, labels map[string]string) error {
	dir := e.volumeDir(name)
	file := filepath.Join(dir, volumeRecordName)
	for {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		if err := os.MkdirAll(dir, 0o700); errors.Is(err, fs.ErrExist) {
			continue // it was removed between two looks
		} else if err != nil {
			return diskError(err)
		}
		err := writeJSON(file, volumeRecord{Created: time.Now().UTC(), Labels: labels})
		if err == nil {
			e.emit(EventVolume, "create", name, "driver", "local")
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		} // else the folder was removed between the two steps
	}
}

// Volume finds a volume by its name.
func (e *Engine) Volume(name string) (Volume, error) {
	users, err := e.volumeUsers()
	if err != nil {
		return Volume{}, err
	}
	return e.volume(name, users)
}

func (e *Engine) volume(name string, users map[string][]string) (Volume, error) {
	v := Volume{Name: name, Path: e.volumeDir(name), Users: users[name]}
	fi, err := os.Stat(v.Path)
	if !validName(name) || errors.Is(err, fs.ErrNotExist) {
		return v, fail(ErrNotFound, "no such volume: %s", name)
	}
	if err != nil {
		return v, err
	}
	var rec volumeRecord
	if err := readJSON(filepath.Join(v.Path, volumeRecordName), &rec); err != nil {
		rec = volumeRecord{Created: fi.ModTime().UTC()}
	}
	v.Created, v.Labels, v.Size = rec.Created, rec.Labels, dirSize(v.Path)
	return v, nil
}

// Volumes lists the volumes by name.
func (e *Engine) Volumes() ([]Volume, error) {
	list, err := os.ReadDir(filepath.Join(e.home, "volumes"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	users, err := e.volumeUsers()
	if err != nil {
		return nil, err
	}
	var out []Volume
	for _, d := range list {
		switch v, err := e.volume(d.Name(), users); {
		case err == nil:
			out = append(out, v)
		case !errors.Is(err, ErrNotFound): // it was removed meanwhile, or is none
			return nil, err
		}
	}
	return out, nil
}

// volumeUsers tells which containers mount each volume.
func (e *Engine) volumeUsers() (map[string][]string, error) {
	list, err := e.List(ListOptions{All: true})
	users := map[string][]string{}
	for _, c := range list {
		for _, m := range c.Config.Mounts {
			if m.Type == MountVolume && !slices.Contains(users[m.Source], c.ID) {
				users[m.Source] = append(users[m.Source], c.ID)
			}
		}
	}
	return users, err
}

// RemoveVolume deletes a volume that no container mounts: ErrConflict for others.
func (e *Engine) RemoveVolume(ctx context.Context, name string) error {
	all, err := e.disk.lockAll(ctx) // nobody makes a container meanwhile
	if err != nil {
		return err
	}
	defer all.unlock()
	v, err := e.Volume(name)
	if err != nil {
		return err
	}
	if len(v.Users) > 0 {
		short := make([]string, len(v.Users))
		for i, id := range v.Users {
			short[i] = ShortID(id)
		}
		return fail(ErrConflict, "volume %s is in use by container %s: remove that first", name, strings.Join(short, ", "))
	}
	return e.removeVolume(name)
}

// PruneVolumes removes the volumes that no container mounts and that want, if
// not nil, says yes to: those without a name, with all set every one.
func (e *Engine) PruneVolumes(ctx context.Context, all bool, want func(Volume) bool) (names []string, freed int64, err error) {
	list, err := e.Volumes()
	if err != nil {
		return nil, 0, err
	}
	var errs []error
	for _, v := range list {
		if len(v.Users) > 0 || !all && !v.Anonymous() || want != nil && !want(v) {
			continue
		}
		switch err := e.RemoveVolume(ctx, v.Name); {
		case err == nil:
			names, freed = append(names, v.Name), freed+v.Size
		case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound): // mounted, or removed, meanwhile
		default:
			errs = append(errs, err)
		}
	}
	e.emitPrune(EventVolume, freed)
	return names, freed, errors.Join(errs...)
}
