package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// HomeEnv is the environment variable that moves everything sbx keeps.
const HomeEnv = "SBX_HOME"

// DefaultHome is the folder that holds images, containers and volumes:
// $SBX_HOME, else where the host keeps an application's data.
func DefaultHome() (string, error) {
	if dir := os.Getenv(HomeEnv); dir != "" {
		return filepath.Abs(dir)
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("no home folder: set " + HomeEnv + " to a folder for images and containers")
	}
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
			return filepath.Join(dir, "sbx"), nil
		}
		return filepath.Join(user, "AppData", "Local", "sbx"), nil
	case "darwin", "ios":
		return filepath.Join(user, "Library", "Application Support", "sbx"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sbx"), nil
	}
	return filepath.Join(user, ".local", "share", "sbx"), nil
}
