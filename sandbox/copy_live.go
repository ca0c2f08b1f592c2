package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// fileArgs are those of the operations on the files of a running container.
type fileArgs struct {
	Path    string `json:"path"` // for unpack the folder
	Follow  bool   `json:"follow,omitempty"`
	Name    string `json:"name,omitempty"`    // pack: of the root in the archive
	Archive bool   `json:"archive,omitempty"` // unpack: keep owners
}

// fileResult is how packing or unpacking went.
type fileResult struct {
	Bytes int64       `json:"bytes,omitempty"`
	Errno linux.Errno `json:"errno,omitempty"`
	Error string      `json:"error,omitempty"` // of another kind, which is one of errorKinds
	Kind  string      `json:"kind,omitempty"`
}

func fileResultOf(n int64, err error) fileResult {
	res := fileResult{Bytes: n}
	if err != nil && !errors.As(err, &res.Errno) {
		res.Error, res.Kind = err.Error(), kindOf(err)
	}
	return res
}

func (r fileResult) err() error {
	switch {
	case r.Errno != 0:
		return r.Errno
	case r.Error != "":
		return errorOf(r.Kind, r.Error)
	}
	return nil
}

// filesOf is a running container's tree as its root sees it, with what sbx mounted and without the devices and what the kernel tells:
// reading those never ends, or means another process. Guests that watch see what is done. It is to be closed.
func (r *Run) filesOf() (guestSide, *vfs.Namespace, error) {
	k := r.reach.Load()
	if k == nil {
		return guestSide{}, nil, fail(ErrConflict, "container %s is ending", r.rec.Name)
	}
	ns := k.Namespace().Clone()
	for _, m := range ns.Mounts() {
		switch m.Type {
		case "overlay", "tmpfs", "9p":
			if m.Path != "/dev" {
				continue
			}
		}
		if loc, err := rootWalker(ns).Resolve(vfs.Loc{}, m.Path, 0); err == nil {
			_ = ns.Unmount(loc, linux.MNT_DETACH) // it may lie in another that is gone
		}
	}
	return guestSide{rootWalker(ns)}, ns, nil
}

// copies does an operation on the files of a running container.
func copies(r *Run, c *call, do func(g guestSide, a fileArgs) error) error {
	var a fileArgs
	if err := c.decode(&a); err != nil {
		return err
	}
	g, ns, err := r.filesOf()
	if err != nil {
		return err
	}
	defer ns.Close()
	return do(g, a)
}

// statResult answers "stat": place, or why there is none.
type statResult struct {
	place
	Errno linux.Errno `json:"errno,omitempty"`
}

func opStat(r *Run, c *call) error {
	return copies(r, c, func(g guestSide, a fileArgs) error {
		there, err := g.stat(a.Path, a.Follow)
		res := statResult{place: there}
		if err != nil {
			res.Errno = linux.ErrnoOf(err)
		}
		return c.accept(res)
	})
}

func opPack(r *Run, c *call) error {
	return copies(r, c, func(g guestSide, a fileArgs) error {
		if err := c.accept(nil); err != nil {
			return nil
		}
		c.stream()
		pieces, ok := c.pieces()
		if !ok {
			return nil
		}
		w := bufio.NewWriterSize(pieces, copyChunk)
		err := g.pack(w, a.Path, a.Name, CopyOptions{FollowLink: a.Follow})
		if err == nil && w.Flush() != nil {
			return nil // nobody listens
		}
		return c.finish(pieces.CloseWrite, 0, err)
	})
}

func opUnpack(r *Run, c *call) error {
	return copies(r, c, func(g guestSide, a fileArgs) error {
		if err := c.accept(nil); err != nil {
			return nil
		}
		c.stream()
		pieces, ok := c.pieces()
		if !ok {
			return nil
		}
		n, err := g.unpack(a.Path, pieces, a.Archive)
		if err == nil {
			_, err = io.Copy(io.Discard, pieces) // what is behind the archive's end
		}
		return c.finish(nil, n, err)
	})
}

// pieces is what follows a call, in pieces with an end.
func (c *call) pieces() (*streamConn, bool) {
	conn, ok := c.conn.(net.Conn)
	return &streamConn{Conn: conn, in: c.in}, ok
}

// finish ends what was packed, and tells how it went.
func (c *call) finish(end func() error, n int64, err error) error {
	if end != nil {
		if err := end(); err != nil {
			return nil
		}
	}
	_ = json.NewEncoder(c.conn).Encode(fileResultOf(n, err))
	return nil
}

// liveFiles are the files of a container that an sbx runs, which does what is asked for.
type liveFiles struct {
	e     *Engine
	id    string
	name  string
	state State
}

func (l *liveFiles) Close() {}

func (l *liveFiles) call(ctx context.Context, op string, a fileArgs) (*answer, error) {
	got, err := l.e.callControl(ctx, l.id, l.state, op, a)
	if errors.Is(err, errUnreachable) {
		err = fail(ErrConflict, "the files of the running container %s cannot be reached: %v", l.name, err)
	}
	return got, err
}

func (l *liveFiles) stat(ctx context.Context, p string, follow bool) (place, error) {
	got, err := l.call(ctx, "stat", fileArgs{Path: p, Follow: follow})
	if err != nil {
		return place{err: err}, err
	}
	defer got.Close()
	var res statResult
	if err := json.Unmarshal(got.result, &res); err != nil {
		return place{err: err}, err
	}
	if res.Errno != 0 {
		res.err = res.Errno
	}
	return res.place, res.err
}

// done reads how it went.
func (l *liveFiles) done(ctx context.Context, got *answer) (int64, error) {
	line, err := readLine(got.Reader)
	var res fileResult
	if err == nil {
		err = json.Unmarshal(line, &res)
	}
	if err != nil {
		return 0, l.cut(ctx)
	}
	return res.Bytes, res.err()
}

// cut says why the other side is silent.
func (l *liveFiles) cut(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fail(ErrConflict, "container %s ended while its files were copied", l.name)
}

func (l *liveFiles) pack(ctx context.Context, w io.Writer, src, name string, o CopyOptions) error {
	got, err := l.call(ctx, "pack", fileArgs{Path: src, Name: name, Follow: o.FollowLink})
	if err != nil {
		return err
	}
	defer got.Close()
	in := &tellingReader{Reader: &streamConn{Conn: got.conn, in: got.Reader}}
	_, err = io.Copy(w, in)
	switch {
	case in.err != nil:
		return l.cut(ctx)
	case err != nil:
		return err // of who reads it, who has enough
	}
	_, err = l.done(ctx, got)
	return err
}

// unpack reads r in the background, and does not wait for that when the other side has had enough.
func (l *liveFiles) unpack(ctx context.Context, dir string, r io.Reader, archive bool) (int64, error) {
	got, err := l.call(ctx, "unpack", fileArgs{Path: dir, Archive: archive})
	if err != nil {
		return 0, err
	}
	defer got.Close()
	failed := make(chan error, 1) // of reading r
	go func() {
		pieces := &streamConn{Conn: got.conn, in: got.Reader}
		in := &tellingReader{Reader: r}
		_, err := io.CopyBuffer(pieces, in, make([]byte, copyChunk))
		switch {
		case in.err != nil:
			failed <- in.err
			_ = got.conn.Close() // the other side must not take it for whole
		case err == nil:
			_ = pieces.CloseWrite()
		}
	}()
	n, err := l.done(ctx, got)
	select {
	case err = <-failed:
	default:
	}
	return n, err
}

// tellingReader remembers how reading failed.
type tellingReader struct {
	io.Reader
	err error
}

func (t *tellingReader) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err
}
