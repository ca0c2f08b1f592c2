package sandbox

import (
	"bufio"
	"io"
	"strings"
)

// defaultPath is PATH where neither the image nor the user sets one.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// maxEnvLine bounds a line of an environment file.
const maxEnvLine = 1 << 20

// ReadEnvFile reads lines NAME=VALUE; blank lines and lines that start with
// '#' are skipped, nothing is unquoted. A bare NAME takes its value from
// lookup (usually os.LookupEnv) and is left out where that has none.
func ReadEnvFile(r io.Reader, lookup func(string) (string, bool)) ([]string, error) {
	var env []string
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxEnvLine)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimLeft(strings.TrimPrefix(in.Text(), "\ufeff"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		name, _, has := strings.Cut(line, "=")
		if name == "" || strings.ContainsAny(name, " \t") {
			return nil, fail(ErrInvalid, "line %d: %q is not NAME=VALUE", n, line)
		}
		if has {
			env = append(env, line)
		} else if v, ok := lookup(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env, in.Err()
}

// mergeEnv lays over on base: a NAME=VALUE replaces in place or is appended,
// a bare NAME removes.
func mergeEnv(base, over []string) []string {
	out := make([]string, 0, len(base)+len(over))
	at := map[string]int{}
	put := func(kv string) {
		name, _, has := strings.Cut(kv, "=")
		i, known := at[name]
		switch {
		case !has:
			if known {
				out[i] = ""
				delete(at, name)
			}
		case known:
			out[i] = kv
		default:
			at[name] = len(out)
			out = append(out, kv)
		}
	}
	for _, kv := range base {
		put(kv)
	}
	for _, kv := range over {
		put(kv)
	}
	kept := out[:0]
	for _, kv := range out {
		if kv != "" {
			kept = append(kept, kv)
		}
	}
	return kept
}

// envValue is the value of name in env, or "".
func envValue(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}
