package sandbox

import (
	"github.com/docker/go-units"

	"github.com/sbxrun/sbx/abi/linux"
)

// Ulimit is what a program may use of one thing, as setrlimit(2) has it; -1 is no limit.
type Ulimit struct {
	Name string // such as nofile, as docker names it
	Hard int64
	Soft int64
}

// ParseUlimit reads NAME=SOFT[:HARD], as --ulimit takes it.
func ParseUlimit(spec string) (Ulimit, error) {
	u, err := units.ParseUlimit(spec)
	if err != nil {
		return Ulimit{}, fail(ErrInvalid, "invalid ulimit %q: use NAME=SOFT[:HARD], such as nofile=1024:2048: %v", spec, err)
	}
	return Ulimit(*u), nil
}

// rlimits are limits by their number; of two for one thing the latter counts.
func rlimits(list []Ulimit) (map[int]linux.Rlimit, error) {
	out := make(map[int]linux.Rlimit, len(list))
	for _, u := range list {
		r, err := (&units.Ulimit{Name: u.Name, Hard: u.Hard, Soft: u.Soft}).GetRlimit()
		if err != nil {
			return nil, fail(ErrInvalid, "%v", err)
		}
		if u.Soft < -1 || u.Hard < -1 || r.Soft > r.Hard {
			return nil, fail(ErrInvalid, "invalid ulimit %s=%d:%d: the soft limit must not be above the hard one, and both be -1 or more", u.Name, u.Soft, u.Hard)
		}
		if r.Type == linux.RLIMIT_NOFILE && r.Hard > kernelFiles {
			return nil, fail(ErrInvalid, "invalid ulimit %s=%d:%d: the most is %d", u.Name, u.Soft, u.Hard, kernelFiles)
		}
		out[r.Type] = linux.Rlimit{Cur: r.Soft, Max: r.Hard}
	}
	return out, nil
}

// kernelFiles is fs.nr_open, the most that a limit of open files may be.
const kernelFiles = 1 << 20
