package mqueue

import (
	"fmt"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/pseudofs"
	"github.com/sbxrun/sbx/vfs"
)

// handle is an open queue, as a file: it reads as a line about the queue.
type handle struct {
	pseudofs.File
	q *Queue
}

var _ vfs.Handle = (*handle)(nil)

// ReadAt reads the line.
func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	q := h.q
	q.fs.mu.Lock()
	n := q.note
	signo := 0
	if n.Notify == linux.SIGEV_SIGNAL && n.Owner != nil {
		signo = int(n.Signo)
	}
	text := fmt.Sprintf("QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", q.size, n.Notify, signo, n.PID)
	q.attr.Atime = q.fs.now()
	q.fs.mu.Unlock()
	if off >= int64(len(text)) {
		return 0, nil
	}
	return copy(p, text[off:]), nil
}

// WriteAt refuses with EINVAL.
func (h *handle) WriteAt([]byte, int64) (int, error) { return 0, linux.EINVAL }

// Append refuses likewise.
func (h *handle) Append([]byte) (int64, int, error) { return 0, 0, linux.EINVAL }

// Close lets the queue go.
func (h *handle) Close() error {
	h.q.fs.Unref(h.q.attr.Ino)
	return nil
}
