package dev

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// node is one entry of a fresh /dev.
type node struct {
	name         string
	mode         uint32
	major, minor uint32
	target       string
}

const (
	char = linux.S_IFCHR
	dir  = linux.S_IFDIR
	link = linux.S_IFLNK | 0o777
)

// nodes is what container engines put there (OCI runtime specification,
// "Default Devices" and "Default Symbolic Links").
var nodes = [...]node{
	{"null", char | 0o666, majorMem, minorNull, ""},
	{"zero", char | 0o666, majorMem, minorZero, ""},
	{"full", char | 0o666, majorMem, minorFull, ""},
	{"random", char | 0o666, majorMem, minorRandom, ""},
	{"urandom", char | 0o666, majorMem, minorURandom, ""},
	{"tty", char | 0o666, majorTTYAux, minorTTY, ""},
	{"pts", dir | 0o755, 0, 0, ""},
	{"shm", dir | linux.S_ISVTX | 0o777, 0, 0, ""},
	{"mqueue", dir | linux.S_ISVTX | 0o777, 0, 0, ""},
	{"ptmx", link, 0, 0, "pts/ptmx"},
	{"fd", link, 0, 0, "/proc/self/fd"},
	{"stdin", link, 0, 0, "/proc/self/fd/0"},
	{"stdout", link, 0, 0, "/proc/self/fd/1"},
	{"stderr", link, 0, 0, "/proc/self/fd/2"},
	{"core", link, 0, 0, "/proc/kcore"},
}

// Populate makes the entries of a fresh /dev in the root of fs, which is to be
// mounted there: devices, links, and the mount points pts, shm and mqueue. With
// console, also that node.
func Populate(fs vfs.Super, console bool, ttyGID uint32) error {
	for _, n := range nodes {
		if err := makeNode(fs, n, ttyGID); err != nil {
			return err
		}
	}
	if console {
		return makeNode(fs, node{"console", char | 0o620, majorTTYAux, minorConsole, ""}, ttyGID)
	}
	return nil
}

func makeNode(fs vfs.Super, n node, ttyGID uint32) error {
	o := vfs.CreateOpts{Mode: n.mode, Target: n.target}
	if n.mode&linux.S_IFMT == linux.S_IFCHR {
		o.Rdev = linux.Makedev(n.major, n.minor)
	}
	if n.major == majorTTYAux {
		o.GID = ttyGID
	}
	_, err := fs.Create(fs.Root(), n.name, o)
	return err
}
