package proc

import (
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// kind is an index into kinds: what file of a process's folder an inode is.
type kind uint8

// The kinds that code names. A descriptor's kind follows that of its directory.
const (
	kindFolder kind = iota
	kindTasks
	kindFDs
	kindFD
	kindFDInfos
	kindFDInfo
	kindNS
	kindNet
	kindExe
	kindCwd
	kindRoot
	kindRest
)

// pidView is what a file of a process is rendered from.
type pidView struct {
	Task
	st  Status
	src Source
	ref ref
}

// entry is one line of the table of files in a process's folder.
type entry struct {
	name        string
	in          kind   // the directory that has it
	mode        uint32 // type and permissions
	render      func(*pidView) (string, error)
	store       func(Task, string) error
	text        string // of a link that leads nowhere
	processOnly bool   // not below task/
	children    int    // not 0: has names from this table
}

func (e *entry) isDir() bool { return e.mode&linux.S_IFMT == linux.S_IFDIR }

const (
	reg  = linux.S_IFREG
	dirx = linux.S_IFDIR
	lnk  = linux.S_IFLNK | 0o777
)

func fixed(s string) func(*pidView) (string, error) {
	return func(*pidView) (string, error) { return s, nil }
}

// kinds is the table of files in a process's folder, in the order of listing.
var kinds = buildKinds()

func buildKinds() []entry {
	t := []entry{
		kindFolder:  {mode: dirx | 0o555, children: 1},
		kindTasks:   {name: "task", mode: dirx | 0o555, processOnly: true},
		kindFDs:     {name: "fd", mode: dirx | 0o500},
		kindFD:      {in: kindFDs, mode: lnk},
		kindFDInfos: {name: "fdinfo", mode: dirx | 0o555},
		kindFDInfo:  {in: kindFDInfos, mode: reg | 0o444, render: renderFDInfo},
		kindNS:      {name: "ns", mode: dirx | 0o511, children: 1},
		kindNet:     {name: "net", mode: dirx | 0o555, children: 1},
		kindExe:     {name: "exe", mode: lnk},
		kindCwd:     {name: "cwd", mode: lnk},
		kindRoot:    {name: "root", mode: lnk},
	}
	t = append(t,
		entry{name: "stat", mode: reg | 0o444, render: renderStat},
		entry{name: "statm", mode: reg | 0o444, render: renderStatm},
		entry{name: "status", mode: reg | 0o444, render: renderStatus},
		entry{name: "cmdline", mode: reg | 0o444, render: renderCmdline},
		entry{name: "comm", mode: reg | 0o644, render: renderComm, store: storeComm},
		entry{name: "environ", mode: reg | 0o400, render: renderEnviron},
		entry{name: "maps", mode: reg | 0o444, render: renderMaps},
		entry{name: "smaps", mode: reg | 0o444, render: renderSmaps},
		entry{name: "mounts", mode: reg | 0o444, render: renderMounts},
		entry{name: "mountinfo", mode: reg | 0o444, render: renderMountinfo},
		entry{name: "mountstats", mode: reg | 0o400, render: renderMountstats, processOnly: true},
		entry{name: "limits", mode: reg | 0o444, render: renderLimits},
		entry{name: "io", mode: reg | 0o400, render: renderIO},
		entry{name: "oom_score", mode: reg | 0o444, render: fixed("0\n")},
		entry{name: "oom_score_adj", mode: reg | 0o644, render: renderOOM, store: storeOOM},
		entry{name: "oom_adj", mode: reg | 0o644, render: renderOOMOld},
		entry{name: "cgroup", mode: reg | 0o444, render: fixed("0::/\n")},
		entry{name: "cpuset", mode: reg | 0o444, render: fixed("/\n")},
		entry{name: "loginuid", mode: reg | 0o644, render: renderLoginUID, store: storeLoginUID},
		entry{name: "sessionid", mode: reg | 0o444, render: fixed("4294967295")},
		entry{name: "personality", mode: reg | 0o400, render: fixed("00000000\n")},
		entry{name: "wchan", mode: reg | 0o444, render: fixed("0")},
		entry{name: "uid_map", mode: reg | 0o644, render: fixed("         0          0 4294967295\n")},
		entry{name: "gid_map", mode: reg | 0o644, render: fixed("         0          0 4294967295\n")},
		entry{name: "setgroups", mode: reg | 0o644, render: fixed("allow\n"), processOnly: true},
		entry{name: "schedstat", mode: reg | 0o444, render: renderSchedstat},
		entry{name: "coredump_filter", mode: reg | 0o644, render: fixed("00000033\n"), processOnly: true},
		entry{name: "timerslack_ns", mode: reg | 0o666, render: fixed("50000\n"), processOnly: true},
		entry{name: "auxv", mode: reg | 0o400},
	)
	for i, ns := range [...]string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"} {
		text := ns + ":[" + strconv.FormatInt(4026531835+int64(i), 10) + "]"
		t = append(t, entry{name: ns, in: kindNS, mode: lnk, text: text})
		if ns == "pid" || ns == "time" {
			t = append(t, entry{name: ns + "_for_children", in: kindNS, mode: lnk, text: text})
		}
	}
	for _, n := range netFiles() {
		t = append(t, entry{name: n.path, in: kindNet, mode: reg | 0o444, render: func(*pidView) (string, error) { return n.render(nil), nil }})
	}
	return t
}

// storeComm keeps a newline at the end, as Linux does.
func storeComm(t Task, s string) error {
	return t.SetComm(s[:min(len(s), 15)])
}

func storeLoginUID(t Task, s string) error {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return linux.EINVAL
	}
	return t.SetLoginUID(uint32(n))
}

func storeOOM(t Task, s string) error {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < -1000 || n > 1000 {
		return linux.EINVAL
	}
	return t.SetOOMScoreAdj(n)
}
