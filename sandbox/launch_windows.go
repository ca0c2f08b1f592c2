package sandbox

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownSession takes a process away from the console of its parent.
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}

// rootDir is a folder that nobody wants to remove.
func rootDir() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return `C:\`
	}
	return filepath.VolumeName(home) + `\`
}
