package shell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// dynamicVars are computed when read, unless a script unset or replaced them.
var dynamicVars = map[string]func(*Shell) *variable{
	"RANDOM":  func(sh *Shell) *variable { return scalarVar(strconv.Itoa(int(sh.nextRandom() >> 16 & 0x7fff))) },
	"SRANDOM": func(sh *Shell) *variable { return scalarVar(strconv.FormatUint(uint64(sh.nextRandom()), 10)) },
	"SECONDS": func(sh *Shell) *variable {
		n := int64(sh.t.Clock().Now().Sub(sh.started).Seconds()) + sh.secBase
		return scalarVar(strconv.FormatInt(n, 10))
	},
	"EPOCHSECONDS": func(sh *Shell) *variable {
		return scalarVar(strconv.FormatInt(sh.t.Clock().Now().Unix(), 10))
	},
	"EPOCHREALTIME": func(sh *Shell) *variable {
		us := sh.t.Clock().Now().UnixMicro()
		return scalarVar(fmt.Sprintf("%d.%06d", us/1e6, us%1e6))
	},
	"LINENO":        func(sh *Shell) *variable { return scalarVar(strconv.Itoa(sh.line)) },
	"BASHPID":       func(sh *Shell) *variable { return scalarVar(strconv.Itoa(sh.t.Getpid())) },
	"BASH_SUBSHELL": func(sh *Shell) *variable { return scalarVar(strconv.Itoa(sh.subshell)) },
	"BASH_COMMAND":  func(sh *Shell) *variable { return scalarVar(sh.command) },
	"_":             func(sh *Shell) *variable { return scalarVar(sh.lastArg) },
	"FUNCNAME":      (*Shell).funcNames,
	"BASH_SOURCE":   (*Shell).bashSource,
	"BASH_LINENO":   (*Shell).bashLineno,
	"PIPESTATUS": func(sh *Shell) *variable {
		out := make([]string, len(sh.pipeStatus))
		for i, n := range sh.pipeStatus {
			out[i] = strconv.Itoa(n)
		}
		return listVar(out)
	},
	"DIRSTACK": func(sh *Shell) *variable { return listVar(sh.dirStack()) },
	"GROUPS": func(sh *Shell) *variable {
		c := sh.t.Credentials()
		out := []string{strconv.Itoa(int(c.GID))}
		for _, g := range c.Groups {
			if g != c.GID {
				out = append(out, strconv.Itoa(int(g)))
			}
		}
		return listVar(out)
	},
	"SHELLOPTS": func(sh *Shell) *variable {
		var on []string
		for o := range optNames {
			if sh.opts[o] {
				on = append(on, optNames[o].name)
			}
		}
		slices.Sort(on)
		v := scalarVar(strings.Join(on, ":"))
		v.attr = attrReadonly
		return v
	},
	"BASHOPTS": func(sh *Shell) *variable {
		var on []string
		for _, name := range sortedKeys(sh.shopts) {
			if sh.shopts[name] {
				on = append(on, name)
			}
		}
		v := scalarVar(strings.Join(on, ":"))
		v.attr = attrReadonly
		return v
	},
}

// dynamic reports whether name is computed in this shell.
func (sh *Shell) dynamic(name string) bool {
	if sh.plain[name] {
		return false
	}
	return sh.bash || name == "LINENO"
}

func scalarVar(s string) *variable { return &variable{str: s, set: true} }

func listVar(list []string) *variable {
	return &variable{attr: attrIndexed, set: true, arr: newArray(list)}
}

// nextRandom is a linear congruential step.
func (sh *Shell) nextRandom() uint32 {
	sh.rng = sh.rng*1664525 + 1013904223
	return sh.rng
}

func (sh *Shell) funcNames() *variable {
	var out []string
	for i := len(sh.frames) - 1; i >= 0; i-- {
		out = append(out, sh.frames[i].fn)
	}
	if len(out) == 0 {
		return nil
	}
	if sh.file != "" {
		out = append(out, "main")
	}
	return listVar(out)
}

func (sh *Shell) bashSource() *variable {
	var out []string
	for i := len(sh.frames) - 1; i >= 0; i-- {
		out = append(out, sh.frames[i].source)
	}
	if sh.file != "" {
		out = append(out, sh.file)
	}
	return listVar(out)
}

func (sh *Shell) bashLineno() *variable {
	var out []string
	for i := len(sh.frames) - 1; i >= 0; i-- {
		out = append(out, strconv.Itoa(sh.frames[i].call))
	}
	if sh.file != "" {
		out = append(out, "0")
	}
	return listVar(out)
}

// onAssign does what assigning some variables means beside.
func (sh *Shell) onAssign(name, value string) {
	switch name {
	case "PATH":
		clear(sh.hash)
	case "RANDOM":
		if n, err := strconv.ParseUint(value, 10, 32); err == nil {
			sh.rng = uint32(n)
		}
	case "SECONDS":
		n, _ := strconv.ParseInt(value, 10, 64)
		sh.secBase, sh.started = n, sh.t.Clock().Now()
	case "OPTIND":
		sh.getopt.at = 0
	}
}
