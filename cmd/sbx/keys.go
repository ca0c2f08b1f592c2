package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sbxrun/sbx/sandbox"
)

// defaultKeys leave a container that runs on: docker's.
const defaultKeys = "ctrl-p,ctrl-q"

func registerKeys(fl *pflag.FlagSet, keys *string) {
	fl.StringVar(keys, "detach-keys", defaultKeys, "`Keys` that leave the container while it goes on: letters and ctrl-x, with commas between")
}

// detachKeys are the keys that are asked for, by the flag or else by detachKeys
// in docker's config.json.
func detachKeys(fl *pflag.FlagSet, keys string) ([]byte, error) {
	if !fl.Changed("detach-keys") {
		dir := os.Getenv("DOCKER_CONFIG")
		if home, err := os.UserHomeDir(); dir == "" && err == nil {
			dir = filepath.Join(home, ".docker")
		}
		var config struct {
			DetachKeys string `json:"detachKeys"`
		}
		if b, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil && json.Unmarshal(b, &config) == nil && config.DetachKeys != "" {
			keys = config.DetachKeys
		}
	}
	return parseKeys(keys)
}

// parseKeys reads docker's syntax: single characters, ctrl-a to ctrl-z, ctrl-@,
// ctrl-[, ctrl-\, ctrl-], ctrl-^ and ctrl-_, and DEL, with commas between. "" is
// no keys.
func parseKeys(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	var keys []byte
	for key := range strings.SplitSeq(s, ",") {
		ctrl, isCtrl := strings.CutPrefix(key, "ctrl-")
		switch {
		case len(key) == 1:
			keys = append(keys, key[0])
		case isCtrl && len(ctrl) == 1 && ctrl[0] >= 'a' && ctrl[0] <= 'z':
			keys = append(keys, ctrl[0]-'a'+1)
		case isCtrl && len(ctrl) == 1 && strings.Contains(`@[\]^_`, ctrl):
			keys = append(keys, ctrl[0]-'@')
		case key == "DEL":
			keys = append(keys, 0x7f)
		default:
			return nil, usagef("invalid key %q in --detach-keys: use a character, ctrl-a to ctrl-z, ctrl-@, ctrl-[, ctrl-\\, ctrl-], ctrl-^, ctrl-_ or DEL", key)
		}
	}
	return keys, nil
}

// keyReader passes on what is typed, up to the keys that leave: then it gives
// sandbox.ErrDetached. A beginning of the keys is held back until it is clear
// whether the rest follows.
type keyReader struct {
	r    io.Reader
	keys []byte
	n    int    // of keys that were typed
	out  []byte // to be given out
	err  error  // after out
}

func (k *keyReader) Read(p []byte) (int, error) {
	for len(k.out) == 0 && k.err == nil {
		buf := make([]byte, len(p))
		n, err := k.r.Read(buf)
		k.scan(buf[:n])
		if err != nil && k.err == nil {
			k.out, k.n, k.err = append(k.out, k.keys[:k.n]...), 0, err
		}
	}
	n := copy(p, k.out)
	if k.out = k.out[n:]; n > 0 {
		return n, nil
	}
	return 0, k.err
}

func (k *keyReader) scan(typed []byte) {
	for _, c := range typed {
		for k.n > 0 && c != k.keys[k.n] {
			k.fallBack()
		}
		if c != k.keys[k.n] {
			k.out = append(k.out, c)
			continue
		}
		if k.n++; k.n == len(k.keys) {
			k.n, k.err = 0, sandbox.ErrDetached
			return
		}
	}
}

// fallBack gives out the least of what is held, so that the rest is a beginning
// of the keys.
func (k *keyReader) fallBack() {
	held := k.keys[:k.n]
	for cut := 1; ; cut++ {
		if rest := held[cut:]; string(rest) == string(k.keys[:len(rest)]) {
			k.out = append(k.out, held[:cut]...)
			k.n = len(rest)
			return
		}
	}
}
