package proc

import (
	"fmt"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// escapeMount writes the bytes that separate fields, and the backslash, in octal.
func escapeMount(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`).Replace(s)
}

// mountOptions is the options of a mount as in its line.
func mountOptions(flags int64) string {
	o := "rw"
	if flags&linux.ST_RDONLY != 0 {
		o = "ro"
	}
	for _, f := range [...]struct {
		bit  int64
		name string
	}{
		{linux.ST_NOSUID, "nosuid"}, {linux.ST_NODEV, "nodev"}, {linux.ST_NOEXEC, "noexec"},
		{linux.ST_NOATIME, "noatime"}, {linux.ST_RELATIME, "relatime"},
	} {
		if flags&f.bit != 0 {
			o += "," + f.name
		}
	}
	return o
}

func source(m *vfs.MountInfo) string {
	if m.Source == "" {
		return "none"
	}
	return escapeMount(m.Source)
}

// renderMounts is /proc/PID/mounts, in the form of fstab(5).
func renderMounts(v *pidView) (string, error) {
	var b strings.Builder
	for _, m := range v.Mounts() {
		fmt.Fprintf(&b, "%s %s %s %s 0 0\n", source(&m), escapeMount(m.Path), m.Type, mountOptions(m.Flags))
	}
	return b.String(), nil
}

// renderMountinfo is /proc/PID/mountinfo, proc_pid_mountinfo(5).
func renderMountinfo(v *pidView) (string, error) {
	var b strings.Builder
	for _, m := range v.Mounts() {
		root := m.Root
		if root == "" {
			root = "/"
		}
		super := "rw"
		if m.Flags&linux.ST_RDONLY != 0 {
			super = "ro"
		}
		fmt.Fprintf(&b, "%d %d %d:%d %s %s %s - %s %s %s\n", m.ID, m.Parent, linux.Major(m.Dev), linux.Minor(m.Dev),
			escapeMount(root), escapeMount(m.Path), mountOptions(m.Flags), m.Type, source(&m), super)
	}
	return b.String(), nil
}

// renderMountstats is /proc/PID/mountstats, without statistics.
func renderMountstats(v *pidView) (string, error) {
	var b strings.Builder
	for _, m := range v.Mounts() {
		if m.Source == "" {
			b.WriteString("no device")
		} else {
			b.WriteString("device " + escapeMount(m.Source))
		}
		fmt.Fprintf(&b, " mounted on %s with fstype %s\n", escapeMount(m.Path), m.Type)
	}
	return b.String(), nil
}
