package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sbxrun/sbx/internal/hostfile"
)

// The files of a container's folder.
const (
	configName = "config.json"
	stateName  = "state.json"
	upperName  = "upper.tar"
	lockName   = "lock"
	againName  = "again"     // the lock of whoever waits to start it again
	crashName  = "crash.txt" // what the Go runtime said of a supervisor that it ended

	newPrefix = ".new-" // a folder that is being made
	namesDir  = ".names"
	allLock   = ".lock"

	maxRecord = 4 << 20 // bytes of config.json and state.json that are read
)

// disk is $SBX_HOME/containers. A container exists while its folder holds
// config.json; until it has state.json too it was made and not started. Two
// locks guard it: .lock for making, naming and sweeping (held briefly), and
// <id>/lock for whoever runs or changes one container. .lock is taken before
// an <id>/lock, never after.
type disk struct {
	root   string
	events *eventLog // nil: nobody is told of containers that were found dead
}

func (d disk) dir(id string) string        { return filepath.Join(d.root, id) }
func (d disk) file(id, name string) string { return filepath.Join(d.root, id, name) }
func (d disk) nameFile(name string) string { return filepath.Join(d.root, namesDir, nameKey(name)) }
func (d disk) lockAll(ctx context.Context) (*fileLock, error) {
	if err := os.MkdirAll(filepath.Join(d.root, namesDir), 0o700); err != nil {
		return nil, err
	}
	return waitLock(ctx, filepath.Join(d.root, allLock))
}

// nameKey turns a name into a file name that no host folds or forbids.
func nameKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// add makes a container's folder and returns its lock, held. An empty name is
// chosen; a name in use is ErrConflict.
func (d disk) add(ctx context.Context, rec *Record) (*fileLock, error) {
	all, err := d.lockAll(ctx)
	if err != nil {
		return nil, err
	}
	defer all.unlock()
	d.sweep()
	if err := d.claimName(rec); err != nil {
		return nil, err
	}
	tmp := d.dir(newPrefix + rec.ID)
	if err := d.fill(tmp, rec); err != nil {
		_ = os.RemoveAll(tmp)
		return nil, err
	}
	if err := os.Rename(tmp, d.dir(rec.ID)); err != nil {
		_ = os.RemoveAll(tmp)
		return nil, err
	}
	return tryLock(d.file(rec.ID, lockName))
}

// fill makes the folder, which nobody looks into before it has its own name.
func (d disk) fill(dir string, rec *Record) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return diskError(err)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return diskError(hostfile.WriteFile(filepath.Join(dir, configName), append(b, '\n'), 0o600))
}

// claimName writes the name's file. The caller holds .lock, so a file whose
// container is not there is what a crash left, and one that is written only in
// part is not believed.
func (d disk) claimName(rec *Record) error {
	if rec.Name != "" {
		if id, used := d.nameOwner(rec.Name); used {
			return fail(ErrConflict, "the container name %q is already in use by container %s: remove that one (sbx rm %s) or use another name", rec.Name, ShortID(id), rec.Name)
		}
		return diskError(hostfile.WriteFile(d.nameFile(rec.Name), []byte(rec.ID), 0o600))
	}
	for try := 0; ; try++ {
		name := randomName(try)
		if _, used := d.nameOwner(name); !used {
			rec.Name = name
			return diskError(hostfile.WriteFile(d.nameFile(name), []byte(rec.ID), 0o600))
		}
	}
}

// nameOwner finds the container that has a name. A file that is damaged, or
// tells of a container that is not there, is not believed: the records are
// asked.
func (d disk) nameOwner(name string) (string, bool) {
	b, err := hostfile.ReadFile(d.nameFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	id := string(b)
	if len(id) == idLen && isHex(id) {
		if rec, err := d.record(id); err == nil && rec.Name == name || errors.Is(err, ErrCorrupt) {
			return id, true // else it is what an sbx left that was killed while it renamed
		}
	}
	ids, _ := d.ids()
	for _, id := range ids {
		if rec, err := d.record(id); err == nil && rec.Name == name {
			return id, true
		}
	}
	return "", false
}

// sweep removes what crashes left. The caller holds .lock.
func (d disk) sweep() {
	list, _ := os.ReadDir(d.root)
	for _, e := range list {
		if strings.HasPrefix(e.Name(), newPrefix) {
			_ = os.RemoveAll(d.dir(e.Name()))
		} else if len(e.Name()) == idLen && isHex(e.Name()) {
			if _, err := os.Stat(d.file(e.Name(), configName)); errors.Is(err, fs.ErrNotExist) {
				_ = os.RemoveAll(d.dir(e.Name()))
			}
		}
	}
}

// tidy deletes what processes left that were killed while they made or removed a container.
func (d disk) tidy(ctx context.Context) error {
	all, err := d.lockAll(ctx)
	if err != nil {
		return err
	}
	defer all.unlock()
	d.sweep()
	dir := filepath.Join(d.root, namesDir)
	list, err := os.ReadDir(dir)
	for _, e := range list { // a name is claimed and its container made under the same lock
		path := filepath.Join(dir, e.Name())
		id, rerr := hostfile.ReadFile(path)
		if rerr == nil && len(id) == idLen && isHex(string(id)) && !strings.HasPrefix(e.Name(), ".") {
			if _, serr := os.Stat(d.dir(string(id))); serr == nil {
				continue
			}
		}
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// ids lists the containers, in no order.
func (d disk) ids() ([]string, error) {
	list, err := os.ReadDir(d.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range list {
		if len(e.Name()) == idLen && isHex(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// find resolves a full id, a name, or a unique prefix of an id, in that order.
func (d disk) find(ref string) (string, error) {
	if len(ref) == idLen && isHex(ref) {
		if _, err := os.Stat(d.file(ref, configName)); err == nil {
			return ref, nil
		}
	}
	if validName(ref) {
		if id, ok := d.nameOwner(ref); ok {
			return id, nil
		}
	}
	if !isHex(ref) {
		return "", noContainer(ref)
	}
	ids, err := d.ids()
	if err != nil {
		return "", err
	}
	found := ""
	for _, id := range ids {
		if !strings.HasPrefix(id, ref) {
			continue
		}
		if found != "" {
			return "", fail(ErrInvalid, "more than one container starts with %s: give more digits", ref)
		}
		found = id
	}
	if found == "" {
		return "", noContainer(ref)
	}
	return found, nil
}

func noContainer(ref string) error {
	return fail(ErrNotFound, "no such container: %s", ref)
}

// record reads config.json. A container that is gone is ErrNotFound, one that
// cannot be read ErrCorrupt.
func (d disk) record(id string) (Record, error) {
	var rec Record
	err := readJSON(d.file(id, configName), &rec)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rec, noContainer(ShortID(id))
	case err != nil:
		return Record{ID: id}, damaged(id, "its record", err)
	case rec.ID != id:
		return Record{ID: id}, damaged(id, "its folder", errors.New("the record is another's"))
	}
	return rec, nil
}

func damaged(id, what string, err error) error {
	return fail(ErrCorrupt, "container %s is damaged (%s: %v): remove it with sbx rm -f %s", ShortID(id), what, reasonOf(err), ShortID(id))
}

// stored is what state.json says. Each reading begins with nothing: what a state has not got is not in the file.
func (d disk) stored(id string) (st State, err error) {
	err = readJSON(d.file(id, stateName), &st)
	return st, err
}

// state reads state.json and corrects one that a crash made untrue: running,
// but with nobody holding the lock, or about to be started by nobody. held says that the caller has the lock.
func (d disk) state(id string, held bool) State {
	st, err := d.stored(id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return State{Status: StatusCreated}
	case err != nil:
		return State{Status: StatusDead, Error: damaged(id, "its state", err).Error(), ExitCode: exitSignal + 9}
	}
	if st.Status == StatusRestarting {
		return d.orphaned(id, st, held)
	}
	if st.Status != StatusRunning {
		return st
	}
	if !held {
		lock, err := tryLock(d.file(id, lockName))
		if err != nil {
			return st
		}
		defer lock.unlock()
		return d.state(id, true)
	}
	st.Status, st.ExitCode, st.HostPID, st.Control, st.Ports, st.Endpoints, st.Paused = StatusExited, exitSignal+9, 0, "", nil, nil, false
	st.Health.over()
	st.FinishedAt = time.Now().UTC()
	st.Error = "the sbx that ran it was killed; what it changed is kept but for its last seconds"
	if fi, err := os.Stat(d.file(id, crashName)); err == nil && fi.Size() > 0 {
		st.Error = "the sbx that ran it crashed (" + d.file(id, crashName) + " tells how); what it changed is kept but for its last seconds"
	}
	sweepTemp(d.dir(id))
	if err := writeJSON(d.file(id, stateName), st); err == nil && d.events != nil {
		if rec, err := d.record(id); err == nil {
			d.events.container(rec, "die", "exitCode", strconv.Itoa(st.ExitCode))
		}
	}
	return st
}

// lock takes a container's own lock; a container that is running is
// ErrConflict. wait bounds how long somebody's short work is waited for.
func (d disk) lock(ctx context.Context, id string, wait time.Duration) (*fileLock, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, errLocked)
	defer cancel()
	lock, err := waitLock(ctx, d.file(id, lockName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noContainer(ShortID(id))
	case errors.Is(err, errLocked):
		return nil, fail(ErrConflict, "container %s is in use by another sbx", ShortID(id))
	case err != nil:
		return nil, err
	}
	if _, err := os.Stat(d.file(id, configName)); err != nil {
		lock.unlock()
		return nil, noContainer(ShortID(id))
	}
	return lock, nil
}

// remove deletes a container whose lock the caller holds, and drops the lock.
// Without config.json the container is gone, whatever happens afterwards.
func (d disk) remove(id, name string, lock *fileLock) error {
	err := os.Remove(d.file(id, configName))
	lock.unlock()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove container %s: %w", ShortID(id), err)
	}
	for _, name := range [...]string{stateName, lockName} {
		_ = os.Remove(d.file(id, name))
	}
	if err = os.Remove(d.dir(id)); err != nil { // it has more than most have
		err = os.RemoveAll(d.dir(id))
	}
	all, lerr := d.lockAll(context.Background())
	if lerr != nil {
		return errors.Join(err, lerr)
	}
	defer all.unlock()
	if b, rerr := hostfile.ReadFile(d.nameFile(name)); rerr == nil && string(b) == id {
		_ = os.Remove(d.nameFile(name))
	}
	return err
}

func readJSON(path string, v any) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.Size() > maxRecord {
		return fmt.Errorf("%s is too large", filepath.Base(path))
	}
	b, err := hostfile.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeAtomic(path, append(b, '\n'))
}

// writeAtomic replaces path by b in one step.
func writeAtomic(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix)
	if err != nil {
		return diskError(err)
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return diskError(err)
}
