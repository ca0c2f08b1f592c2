package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// fifoKey is the inode of a FIFO.
type fifoKey struct {
	super vfs.Super
	ino   vfs.Ino
}

// fifoTable finds the pipe behind the FIFOs that are open.
type fifoTable struct {
	mu sync.Mutex
	m  map[fifoKey]*pipe
}

// fifoUse returns the pipe of a FIFO and counts a user.
func (k *Kernel) fifoUse(key fifoKey) *pipe {
	k.fifos.mu.Lock()
	defer k.fifos.mu.Unlock()
	p := k.fifos.m[key]
	if p == nil {
		p = k.newPipe()
		k.fifos.m[key] = p
	}
	p.users++
	return p
}

// fifoDone drops a user; the last one takes the pipe with what is in it.
func (k *Kernel) fifoDone(key fifoKey, p *pipe) {
	k.fifos.mu.Lock()
	defer k.fifos.mu.Unlock()
	if p.users--; p.users == 0 {
		delete(k.fifos.m, key)
	}
}

// openFifo opens a FIFO as fifo(7) says: a reader waits for a writer and the
// other way round; without waiting, a reader succeeds and a writer gets ENXIO.
func (t *Task) openFifo(loc vfs.Loc, flags int) (*File, error) {
	key := fifoKey{loc.Super(), loc.Ino}
	e := &pipeEnd{fifo: key}
	switch flags & linux.O_ACCMODE {
	case linux.O_RDONLY:
		e.rd = true
	case linux.O_WRONLY:
		e.wr = true
	case linux.O_RDWR:
		e.rd, e.wr = true, true
	default:
		return nil, linux.EINVAL
	}
	p := t.k.fifoUse(key)
	e.p = p
	f, err := t.k.newFile(e, flags)
	if err != nil {
		t.k.fifoDone(key, p)
		return nil, err
	}
	if err := e.open(t, flags&linux.O_NONBLOCK != 0); err != nil {
		t.k.openFiles.Add(-1)
		t.k.fifoDone(key, p)
		return nil, err
	}
	return f, nil
}

// open counts the end in and waits for the other side.
func (e *pipeEnd) open(t *Task, nonblock bool) error {
	p := e.p
	p.mu.Lock()
	if e.wr && !e.rd && nonblock && p.readers == 0 {
		p.mu.Unlock()
		return linux.ENXIO
	}
	if e.rd {
		p.readers++
		p.rOpens++
	}
	if e.wr {
		p.writers++
		p.wOpens++
	}
	wait := false
	if e.rd && !e.wr && p.writers == 0 {
		e.seenWOpens = p.wOpens
		wait = !nonblock
	}
	if e.wr && !e.rd && p.readers == 0 {
		wait = true
	}
	rSeen, wSeen := p.rOpens, p.wOpens
	p.mu.Unlock()
	p.q.Wake()
	if !wait {
		return nil
	}
	err := t.await(&p.q, forever, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if e.rd {
			return p.wOpens != wSeen
		}
		return p.rOpens != rSeen
	})
	if err != nil {
		e.undo()
		return err
	}
	if e.rd {
		e.seenWOpens = 0
	}
	return nil
}

// undo takes an open back that did not get its other side.
func (e *pipeEnd) undo() {
	e.p.mu.Lock()
	if e.rd {
		e.p.readers--
	}
	if e.wr {
		e.p.writers--
	}
	e.p.mu.Unlock()
	e.p.q.Wake()
}
