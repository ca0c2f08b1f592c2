package sandbox

import (
	"errors"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestUlimits(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]Ulimit{
		"nofile=10":      {Name: "nofile", Soft: 10, Hard: 10},
		"nofile=10:20":   {Name: "nofile", Soft: 10, Hard: 20},
		"core=-1":        {Name: "core", Soft: -1, Hard: -1},
		"stack=1000:-1":  {Name: "stack", Soft: 1000, Hard: -1},
		"rttime=0:1":     {Name: "rttime", Soft: 0, Hard: 1},
		"nproc=20:10":    {},
		"nproc=-1:10":    {},
		"nproc=10:20:30": {},
		"nproc=":         {},
		"nproc":          {},
		"as=1":           {},
		"NOFILE=1":       {},
	} {
		switch got, err := ParseUlimit(spec); {
		case want.Name == "" && !errors.Is(err, ErrInvalid):
			t.Errorf("%s: %+v %v", spec, got, err)
		case want.Name != "" && (err != nil || got != want):
			t.Errorf("%s: %+v %v, want %+v", spec, got, err, want)
		}
	}
	got, err := rlimits([]Ulimit{{Name: "nofile", Soft: 10, Hard: 20}, {Name: "core", Soft: -1, Hard: -1}, {Name: "nofile", Soft: 30, Hard: 40}})
	if err != nil || len(got) != 2 || got[linux.RLIMIT_NOFILE] != (linux.Rlimit{Cur: 30, Max: 40}) || got[linux.RLIMIT_CORE] != (linux.Rlimit{Cur: linux.RLIM_INFINITY, Max: linux.RLIM_INFINITY}) {
		t.Errorf("%v %v", got, err)
	}
	for _, u := range []Ulimit{{Name: "nofile", Soft: -1, Hard: -1}, {Name: "nofile", Soft: 1, Hard: 1<<20 + 1}, {Name: "core", Soft: -2, Hard: 5}, {Name: "core", Soft: 6, Hard: 5}, {Name: "core", Soft: -1, Hard: 5}, {Name: "no", Soft: 1, Hard: 1}} {
		if _, err := rlimits([]Ulimit{u}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", u, err)
		}
	}
}
