package shell

import (
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// passwd finds the line of /etc/passwd, the guest's own, whose field holds value.
func (sh *Shell) passwd(field int, value string) []string {
	for _, line := range strings.Split(sh.smallFile("/etc/passwd"), "\n") {
		f := strings.Split(line, ":")
		if len(f) >= 7 && f[field] == value {
			return f
		}
	}
	return nil
}

// smallFile reads one of the guest's tables; an unreadable one is empty.
func (sh *Shell) smallFile(name string) string {
	fd, err := sh.t.Open(linux.AT_FDCWD, name, linux.O_RDONLY|linux.O_CLOEXEC|linux.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer sh.t.Close(fd)
	text, err := sh.readAll(fd, 1<<20)
	if err != nil {
		return ""
	}
	return text
}

func (sh *Shell) passwdHome(user string) (string, bool) {
	if f := sh.passwd(0, user); f != nil {
		return f[5], true
	}
	return "", false
}

func (sh *Shell) userName() string {
	uid := sh.t.Credentials().EUID
	if f := sh.passwd(2, strconv.Itoa(int(uid))); f != nil {
		return f[0]
	}
	if uid == 0 {
		return "root"
	}
	return "I have no name!"
}
