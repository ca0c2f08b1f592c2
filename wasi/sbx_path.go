package wasi

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// defaultPath is where execvp(3) looks without PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookPath finds a program by name as execvp(3) does: a name with a slash is a
// path, others are looked up in PATH of env. EACCES is remembered while later
// folders are tried.
func (p *proc) lookPath(name string, env []string) (string, error) {
	if name == "" {
		return "", linux.ENOENT
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	result := error(linux.ENOENT)
	for _, dir := range strings.Split(pathOf(env), ":") {
		if dir == "" {
			dir = "."
		}
		path := dir + "/" + name
		var a vfs.Attr
		if err := p.t.Stat(linux.AT_FDCWD, path, 0, &a); err != nil {
			continue
		}
		if a.Mode&linux.S_IFMT != linux.S_IFREG || p.t.Access(linux.AT_FDCWD, path, linux.X_OK, linux.AT_EACCESS) != nil {
			result = linux.EACCES
			continue
		}
		return path, nil
	}
	return "", result
}

func pathOf(env []string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			return v
		}
	}
	return defaultPath
}
