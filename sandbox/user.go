package sandbox

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/vfs"
)

// Identity is who the first program runs as.
type Identity struct {
	UID, GID uint32
	Groups   []uint32
	Home     string
	Name     string // "" when the image does not name the user
}

// FindUser resolves name|uid[:group|gid] with the users and groups of a file
// system.
func FindUser(f *vfs.FS, spec string) (Identity, error) {
	ns := vfs.NewNamespace(f)
	defer ns.Close()
	who, _, err := identify(rootWalker(ns), Process{User: spec}, nil)
	return who, err
}

// passwdEntry and groupEntry are lines of passwd(5) and group(5).
type passwdEntry struct {
	name, home string
	uid, gid   uint32
}

type groupEntry struct {
	name    string
	gid     uint32
	members []string
}

// parsePasswd reads the lines of a passwd file that are well formed.
func parsePasswd(b []byte) []passwdEntry {
	var out []passwdEntry
	eachLine(b, func(line string) {
		f := strings.Split(line, ":")
		if len(f) < 7 {
			return
		}
		uid, ok1 := parseID(f[2])
		gid, ok2 := parseID(f[3])
		if ok1 && ok2 {
			out = append(out, passwdEntry{name: f[0], uid: uid, gid: gid, home: f[5]})
		}
	})
	return out
}

// parseGroup reads the lines of a group file that are well formed.
func parseGroup(b []byte) []groupEntry {
	var out []groupEntry
	eachLine(b, func(line string) {
		f := strings.Split(line, ":")
		if len(f) < 3 {
			return
		}
		if gid, ok := parseID(f[2]); ok {
			g := groupEntry{name: f[0], gid: gid}
			if len(f) > 3 && f[3] != "" {
				g.members = strings.Split(f[3], ",")
			}
			out = append(out, g)
		}
	})
	return out
}

func eachLine(b []byte, fn func(string)) {
	in := bufio.NewScanner(bytes.NewReader(b))
	for in.Scan() {
		if line := strings.TrimSpace(in.Text()); line != "" && line[0] != '#' {
			fn(line)
		}
	}
}

func parseID(s string) (uint32, bool) {
	v, err := strconv.ParseUint(s, 10, 31)
	return uint32(v), err == nil
}

// findUser resolves user[:group], each a name or a number, against the image's
// passwd and group files. A number needs no entry; a name does. Without a
// group it is the user's own, with the further groups that list the user.
func findUser(spec string, passwd, group []byte, add []string) (Identity, error) {
	userPart, groupPart, hasGroup := strings.Cut(spec, ":")
	users, groups := parsePasswd(passwd), parseGroup(group)
	id, err := lookupUser(userPart, users)
	if err != nil {
		return id, err
	}
	if hasGroup && groupPart != "" {
		if id.GID, err = lookupGroup(groupPart, groups); err != nil {
			return id, err
		}
	} else {
		for _, g := range groups {
			if id.Name != "" && slices.Contains(g.members, id.Name) {
				id.Groups = append(id.Groups, g.gid)
			}
		}
	}
	for _, name := range add {
		gid, err := lookupGroup(name, groups)
		if err != nil {
			return id, err
		}
		id.Groups = append(id.Groups, gid)
	}
	return id, nil
}

func lookupUser(s string, users []passwdEntry) (Identity, error) {
	if s == "" {
		s = "0"
	}
	num, isNum := parseID(s)
	for _, u := range users {
		if u.name == s || isNum && u.uid == num {
			id := Identity{UID: u.uid, GID: u.gid, Home: u.home, Name: u.name}
			if id.Home == "" {
				id.Home = "/"
			}
			return id, nil
		}
	}
	if !isNum {
		return Identity{}, fail(ErrInvalid, "unable to find user %s: no matching entries in the image's passwd file", s)
	}
	home := "/"
	if num == 0 {
		home = "/root"
	}
	return Identity{UID: num, Home: home}, nil
}

func lookupGroup(s string, groups []groupEntry) (uint32, error) {
	num, isNum := parseID(s)
	for _, g := range groups {
		if g.name == s || isNum && g.gid == num {
			return g.gid, nil
		}
	}
	if !isNum {
		return 0, fail(ErrInvalid, "unable to find group %s: no matching entries in the image's group file", s)
	}
	return num, nil
}
