package sandbox

import (
	"path"
	"strconv"
	"strings"

	"github.com/docker/go-units"
)

// MountType is what stands behind a mount.
type MountType string

// The kinds of mount.
const (
	MountBind   MountType = "bind"   // a host folder
	MountVolume MountType = "volume" // a file system kept by sbx
	MountTmpfs  MountType = "tmpfs"  // memory
)

// Mount puts something at a path of the container.
type Mount struct {
	Type      MountType `json:"type"`
	Source    string    `json:"source,omitempty"` // host path or volume name
	Target    string    `json:"target"`           // absolute path in the container
	ReadOnly  bool      `json:"readOnly,omitempty"`
	Size      int64     `json:"size,omitempty"`      // tmpfs: bytes, 0 = no limit
	Mode      uint32    `json:"mode,omitempty"`      // tmpfs: permission bits, 0 = 1777
	Anonymous bool      `json:"anonymous,omitempty"` // volume: made for this container
	NoCopy    bool      `json:"noCopy,omitempty"`    // volume: stays empty, whatever the image has there
	Create    bool      `json:"create,omitempty"`    // bind: make the host folder if missing (-v)
}

func (m *Mount) check() error {
	if !strings.HasPrefix(m.Target, "/") {
		return fail(ErrInvalid, "invalid mount target %q: it must be an absolute path in the container", m.Target)
	}
	m.Target = path.Clean(m.Target)
	if m.Target == "/" {
		return fail(ErrInvalid, "invalid mount target: it can't be '/'")
	}
	switch m.Type {
	case MountBind:
		if m.Source == "" {
			return fail(ErrInvalid, "mount at %s: a bind mount needs a source folder", m.Target)
		}
	case MountVolume:
		if m.Source != "" && !validName(m.Source) {
			return fail(ErrInvalid, "invalid volume name %q: use %s+, or an absolute path for a host folder", m.Source, nameRule)
		}
	case MountTmpfs:
		if m.Source != "" {
			return fail(ErrInvalid, "mount at %s: a tmpfs has no source", m.Target)
		}
	default:
		return fail(ErrInvalid, "invalid mount type %q: use bind, volume or tmpfs", m.Type)
	}
	return nil
}

// ParseVolume reads the value of -v: [SOURCE:]TARGET[:ro|rw]. A source that
// looks like a path is a host folder, else a volume's name.
func ParseVolume(spec string) (Mount, error) {
	src, dst, opts, err := splitVolume(spec)
	if err != nil {
		return Mount{}, err
	}
	m := Mount{Type: MountVolume, Source: src, Target: dst}
	if isHostPath(src) {
		m.Type, m.Create = MountBind, true
	}
	for o := range strings.SplitSeq(opts, ",") {
		switch o {
		case "", "rw", "z", "Z", "cached", "delegated", "consistent", "rprivate", "private", "rshared", "shared", "rslave", "slave":
		case "ro":
			m.ReadOnly = true
		case "nocopy":
			m.NoCopy = true
		default:
			return Mount{}, fail(ErrInvalid, "invalid volume %q: unknown mode %q: use ro or rw", spec, o)
		}
	}
	return m, m.check()
}

// splitVolume cuts a -v value at its colons, leaving a Windows drive letter
// with its path.
func splitVolume(spec string) (src, dst, opts string, err error) {
	rest, drive := spec, ""
	if len(spec) > 2 && spec[1] == ':' && (spec[2] == '\\' || spec[2] == '/') && isAlnum(spec[0]) {
		drive, rest = spec[:2], spec[2:]
	}
	parts := strings.Split(rest, ":")
	parts[0] = drive + parts[0]
	switch {
	case len(parts) == 1:
		dst = parts[0]
	case len(parts) == 2 && strings.HasPrefix(parts[1], "/"):
		src, dst = parts[0], parts[1]
	case len(parts) == 2:
		dst, opts = parts[0], parts[1]
	case len(parts) == 3:
		src, dst, opts = parts[0], parts[1], parts[2]
	default:
		return "", "", "", fail(ErrInvalid, "invalid volume %q: use [SOURCE:]TARGET[:ro]", spec)
	}
	if dst == "" || len(parts) == 3 && src == "" {
		return "", "", "", fail(ErrInvalid, "invalid volume %q: use [SOURCE:]TARGET[:ro]", spec)
	}
	return src, dst, opts, nil
}

// isHostPath tells ./x, ../x, ~/x, /x, C:\x and C:/x from a volume's name.
func isHostPath(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, ".") || strings.HasPrefix(s, "~") ||
		strings.ContainsRune(s, '\\') || len(s) > 2 && s[1] == ':'
}

// ParseTmpfs reads the value of --tmpfs: TARGET[:size=64m,mode=1770,ro].
func ParseTmpfs(spec string) (Mount, error) {
	dst, opts, _ := strings.Cut(spec, ":")
	m := Mount{Type: MountTmpfs, Target: dst}
	for o := range strings.SplitSeq(opts, ",") {
		key, val, _ := strings.Cut(o, "=")
		var err error
		switch key {
		case "", "rw", "noexec", "exec", "nosuid", "suid", "nodev", "dev", "noatime", "relatime", "uid", "gid", "nr_inodes":
		case "ro":
			m.ReadOnly = true
		case "size":
			m.Size, err = units.RAMInBytes(val)
		case "mode":
			m.Mode, err = parseMode(val)
		default:
			return Mount{}, fail(ErrInvalid, "invalid tmpfs %q: unknown option %q: use size=, mode= or ro", spec, key)
		}
		if err != nil {
			return Mount{}, fail(ErrInvalid, "invalid tmpfs %q: %v", spec, err)
		}
	}
	return m, m.check()
}

// ParseMount reads the value of --mount: comma-separated key=value.
func ParseMount(spec string) (Mount, error) {
	m := Mount{Type: MountVolume}
	for field := range strings.SplitSeq(spec, ",") {
		key, val, has := strings.Cut(field, "=")
		if err := m.set(strings.ToLower(strings.TrimSpace(key)), val, has); err != nil {
			return Mount{}, fail(ErrInvalid, "invalid mount %q: %v", spec, err)
		}
	}
	if m.Target == "" {
		return Mount{}, fail(ErrInvalid, "invalid mount %q: target is required", spec)
	}
	return m, m.check()
}

func (m *Mount) set(key, val string, has bool) (err error) {
	switch key {
	case "type":
		m.Type = MountType(strings.ToLower(val))
	case "source", "src":
		m.Source = val
	case "target", "dst", "destination":
		m.Target = val
	case "readonly", "ro":
		m.ReadOnly = true
		if has {
			m.ReadOnly, err = strconv.ParseBool(val)
		}
	case "tmpfs-size":
		m.Size, err = units.RAMInBytes(val)
	case "tmpfs-mode":
		m.Mode, err = parseMode(val)
	case "volume-nocopy":
		m.NoCopy = true
		if has {
			m.NoCopy, err = strconv.ParseBool(val)
		}
	case "bind-propagation", "consistency", "bind-recursive":
		// accepted: there is nothing to propagate to
	default:
		return fail(ErrInvalid, "unknown key %q: use type, source, target, readonly, tmpfs-size or tmpfs-mode", key)
	}
	return err
}

func parseMode(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 8, 32)
	if err != nil || v > 0o7777 {
		return 0, fail(ErrInvalid, "mode %q is not an octal number up to 7777", s)
	}
	return uint32(v), nil
}
