package registry

import (
	"errors"
	"os"
	"syscall"

	"github.com/sbxrun/sbx/internal/hostfile"
)

// openContent opens a layer's contents to be read. Nobody asks when that was last done, and to note it costs
// a tenth of reading a page; only who owns the file may leave it out.
func openContent(path string) (*os.File, error) {
	f, err := hostfile.OpenFile(path, os.O_RDONLY|syscall.O_NOATIME, 0)
	if errors.Is(err, syscall.EPERM) {
		return hostfile.Open(path)
	}
	return f, err
}
