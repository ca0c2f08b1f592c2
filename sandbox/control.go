package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// The control socket is how other sbx processes reach a running container: a
// Unix socket in a folder that only its owner enters. A caller sends one JSON
// line, is answered by one, and for some operations by bytes up to the end.

// request is the caller's line.
type request struct {
	Op     string       `json:"op"` // "signal", "upper" or "volume"
	Signal linux.Signal `json:"signal,omitempty"`
	Volume string       `json:"volume,omitempty"` // its name
}

// response is the container's line; an empty Error is success.
type response struct {
	Error string `json:"error,omitempty"`
}

const (
	maxSocketPath  = 100 // bytes, below what every host's sockaddr_un holds
	maxRequest     = 1 << 16
	controlTimeout = 10 * time.Second
	closeTimeout   = time.Second // for answers that are due at the end
)

// control is the listening end. A nil control is closed.
type control struct {
	path string
	dir  string // made for the socket alone; removed with it
	l    net.Listener
	once sync.Once
	wg   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // open; true while an answer is due. nil when closed
}

// controlPath is where a container's socket is. That of a killed run stays until the container is removed.
func (e *Engine) controlPath(id string) string {
	return filepath.Join(e.home, "run", ShortID(id)+".sock")
}

// listenControl opens the socket. Nobody is answered before serve is called.
func listenControl(path string) (*control, error) {
	c := &control{conns: map[net.Conn]bool{}, path: path}
	if len(c.path) > maxSocketPath {
		dir, err := os.MkdirTemp("", "sbx")
		if err != nil {
			return nil, err
		}
		c.dir, c.path = dir, filepath.Join(dir, "s")
	} else if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return nil, err
	}
	_ = os.Remove(c.path)
	l, err := net.Listen("unix", c.path)
	if err != nil {
		c.close()
		return nil, err
	}
	c.l = l
	return c, nil
}

func (c *control) serve(r *Run) {
	for {
		conn, err := c.l.Accept()
		if err != nil {
			return
		}
		if !c.track(conn) {
			return
		}
		c.wg.Go(func() {
			defer c.drop(conn)
			_ = conn.SetDeadline(time.Now().Add(controlTimeout))
			c.answer(r, conn)
		})
	}
}

// track remembers a connection so that close ends it.
func (c *control) track(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		_ = conn.Close()
		return false
	}
	c.conns[conn] = false
	return true
}

// due notes that a connection is owed an answer, which may be that the
// container has just been killed: close lets it out.
func (c *control) due(conn net.Conn, owed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns != nil {
		c.conns[conn] = owed
	} else if !owed {
		_ = conn.Close() // what would follow is no more
	}
}

func (c *control) drop(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	_ = conn.Close()
}

func (c *control) answer(r *Run, conn net.Conn) {
	var req request
	err := json.NewDecoder(io.LimitReader(conn, maxRequest)).Decode(&req)
	var body func(io.Writer) error
	c.due(conn, true)
	if err == nil {
		switch req.Op {
		case "signal":
			err = r.Signal(req.Signal)
		case "upper":
			fork := r.tree.fs.Fork()
			defer fork.Close()
			body = func(w io.Writer) error { return fork.Diff(w, vfs.DiffOptions{}) }
		case "volume":
			v := r.mounts.volume(req.Volume)
			if v == nil {
				err = fail(ErrNotFound, "no such volume: %s", req.Volume)
				break
			}
			fork := v.fs.Fork()
			defer fork.Close()
			body = func(w io.Writer) error { return fork.Diff(w, vfs.DiffOptions{}) }
		default:
			err = fail(ErrInvalid, "unknown operation %q", req.Op)
		}
	}
	var resp response
	if err != nil {
		resp.Error, body = err.Error(), nil
	}
	if err := json.NewEncoder(conn).Encode(resp); err != nil || body == nil {
		return
	}
	_ = conn.SetDeadline(time.Time{})
	c.due(conn, false)
	_ = body(conn)
}

// close stops listening and ends the answers under way.
func (c *control) close() {
	if c == nil {
		return
	}
	c.once.Do(func() {
		if c.l != nil {
			_ = c.l.Close() // which removes it
		}
		c.mu.Lock()
		for conn, owed := range c.conns {
			if owed {
				_ = conn.SetDeadline(time.Now().Add(closeTimeout))
			} else {
				_ = conn.Close()
			}
		}
		c.conns = nil
		c.mu.Unlock()
		c.wg.Wait()
		if c.dir != "" {
			_ = os.Remove(c.dir)
		}
	})
}

// callControl asks the sbx that runs a container. The reader, to be closed,
// is what follows the answer.
func callControl(ctx context.Context, st State, req request) (io.ReadCloser, error) {
	if st.Control == "" {
		return nil, errors.New("the sbx that runs it cannot be reached")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", st.Control)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	b, _ := json.Marshal(req)
	in := bufio.NewReader(conn)
	var line []byte
	if _, err = conn.Write(append(b, '\n')); err == nil {
		line, err = in.ReadSlice('\n')
	}
	var resp response
	if err == nil {
		err = json.Unmarshal(line, &resp)
	}
	if err == nil && resp.Error != "" {
		err = errors.New(resp.Error)
	}
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, err
	}
	return &controlBody{Reader: in, conn: conn, stop: stop}, nil
}

// controlBody is the rest of an answer.
type controlBody struct {
	io.Reader
	conn net.Conn
	stop func() bool
}

func (b *controlBody) Close() error {
	b.stop()
	return b.conn.Close()
}

// Signal sends a signal to the first program of a running container, whichever
// sbx runs it.
func (e *Engine) Signal(ctx context.Context, ref string, sig linux.Signal) error {
	id, err := e.disk.find(ref)
	if err != nil {
		return err
	}
	st := e.disk.state(id, false)
	if st.Status != StatusRunning {
		return fail(ErrConflict, "container %s is not running", ref)
	}
	return e.signalID(ctx, id, st, sig)
}

func (e *Engine) signalID(ctx context.Context, id string, st State, sig linux.Signal) error {
	e.mu.Lock()
	r := e.running[id]
	e.mu.Unlock()
	if r != nil {
		return r.Signal(sig)
	}
	body, err := callControl(ctx, st, request{Op: "signal", Signal: sig})
	if err != nil {
		return err
	}
	return body.Close()
}

// killRunning kills a container and waits until it is saved.
func (e *Engine) killRunning(ctx context.Context, id string) error {
	st := e.disk.state(id, false)
	if st.Status != StatusRunning {
		return nil
	}
	if err := e.signalID(ctx, id, st, linux.SIGKILL); err != nil && e.disk.state(id, false).Status == StatusRunning {
		return fail(ErrConflict, "container %s cannot be killed: %v", ShortID(id), err)
	}
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	for e.disk.state(id, false).Status == StatusRunning {
		select {
		case <-ctx.Done():
			return fail(ErrConflict, "container %s does not end", ShortID(id))
		case <-time.After(lockPoll):
		}
	}
	return nil
}
