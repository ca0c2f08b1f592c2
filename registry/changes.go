package registry

import (
	"encoding/json"
	"errors"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ApplyChanges returns c changed by Dockerfile instructions, as `import --change` and `commit --change` take them:
// CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR.
func ApplyChanges(c ocispec.ImageConfig, changes []string) (ocispec.ImageConfig, error) {
	for _, line := range changes {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		if err := applyChange(&c, strings.ToUpper(verb), rest); err != nil {
			return c, Errorf(ErrUnsupported, "change %.200q: %w", line, err)
		}
	}
	return c, nil
}

func applyChange(c *ocispec.ImageConfig, verb, rest string) error {
	if rest == "" && verb != "CMD" && verb != "ENTRYPOINT" {
		return errors.New("the instruction needs a value")
	}
	switch verb {
	case "CMD":
		c.Cmd = commandLine(rest)
	case "ENTRYPOINT":
		c.Entrypoint = commandLine(rest)
	case "USER":
		c.User = rest
	case "WORKDIR":
		c.WorkingDir = rest
	case "STOPSIGNAL":
		c.StopSignal = rest
	case "ENV":
		return eachPair(rest, func(k, v string) { c.Env = setEnv(c.Env, k, v) })
	case "LABEL":
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		return eachPair(rest, func(k, v string) { c.Labels[k] = v })
	case "EXPOSE":
		c.ExposedPorts = addSet(c.ExposedPorts, strings.Fields(rest), func(p string) string {
			if strings.Contains(p, "/") {
				return p
			}
			return p + "/tcp"
		})
	case "VOLUME":
		c.Volumes = addSet(c.Volumes, volumes(rest), func(v string) string { return v })
	default:
		return errors.New("want one of CMD ENTRYPOINT ENV EXPOSE LABEL STOPSIGNAL USER VOLUME WORKDIR")
	}
	return nil
}

// commandLine is the JSON form, or a line for the shell.
func commandLine(s string) []string {
	var list []string
	if json.Unmarshal([]byte(s), &list) == nil {
		return list
	}
	if s == "" {
		return nil
	}
	return []string{"/bin/sh", "-c", s}
}

func volumes(s string) []string {
	var list []string
	if json.Unmarshal([]byte(s), &list) == nil {
		return list
	}
	return strings.Fields(s)
}

func addSet(m map[string]struct{}, keys []string, f func(string) string) map[string]struct{} {
	if m == nil {
		m = map[string]struct{}{}
	}
	for _, k := range keys {
		m[f(k)] = struct{}{}
	}
	return m
}

func setEnv(env []string, k, v string) []string {
	for i, e := range env {
		if name, _, _ := strings.Cut(e, "="); name == k {
			env[i] = k + "=" + v
			return env
		}
	}
	return append(env, k+"="+v)
}

// eachPair splits `k=v k2="v 2"` and the old form `k v`.
func eachPair(s string, f func(k, v string)) error {
	words, err := splitWords(s)
	if err != nil {
		return err
	}
	if len(words) > 0 && !strings.Contains(words[0], "=") {
		k, v, _ := strings.Cut(s, " ")
		f(k, strings.TrimSpace(v))
		return nil
	}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || k == "" {
			return errors.New("want NAME=VALUE")
		}
		f(k, v)
	}
	return nil
}

// splitWords splits at blanks outside of quotes and takes quotes and backslashes away.
func splitWords(s string) (words []string, err error) {
	var b strings.Builder
	quote, in := byte(0), false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
			in = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, in = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if in {
				words = append(words, b.String())
			}
			b.Reset()
			in = false
		default:
			b.WriteByte(c)
			in = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}
