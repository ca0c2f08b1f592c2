package dockerfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Arg is a build argument that was declared. A nil Value is one without a
// value.
type Arg struct {
	Name  string
	Value *string
}

// Scope holds the variables that words of instructions may name: the
// environment, and under it the build arguments. It is no lock for itself.
type Scope struct {
	Escape rune  // what a backslash is in this Dockerfile; 0 is a backslash
	Args   []Arg // in the order of their declarations

	env map[string]string
}

// SetEnv makes a list of NAME=VALUE the environment.
func (s *Scope) SetEnv(env []string) {
	s.env = make(map[string]string, len(env))
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		s.env[name] = value
	}
}

// Get implements shell.EnvGetter: the environment goes before arguments.
func (s *Scope) Get(name string) (string, bool) {
	if v, ok := s.env[name]; ok {
		return v, true
	}
	for _, a := range s.Args {
		if a.Name == name && a.Value != nil {
			return *a.Value, true
		}
	}
	return "", false
}

// Keys implements shell.EnvGetter.
func (s *Scope) Keys() []string {
	keys := slices.Collect(maps.Keys(s.env))
	for _, a := range s.Args {
		if a.Value != nil {
			keys = append(keys, a.Name)
		}
	}
	return keys
}

// maxArgs bounds the arguments of a stage.
const maxArgs = 1000

// Declare adds an argument; one of the same name is replaced.
func (s *Scope) Declare(a Arg) error {
	for i := range s.Args {
		if s.Args[i].Name == a.Name {
			s.Args[i] = a
			return nil
		}
	}
	if len(s.Args) >= maxArgs {
		return fmt.Errorf("more than %d arguments are declared", maxArgs)
	}
	s.Args = append(s.Args, a)
	return nil
}

func (s *Scope) lex() *shell.Lex {
	if s.Escape == 0 {
		return shell.NewLex('\\')
	}
	return shell.NewLex(s.Escape)
}

// maxExpanded bounds a word after expansion: each ENV may double the one
// before it.
const maxExpanded = 1 << 20

// Word expands one word, which stays one.
func (s *Scope) Word(word string) (string, error) {
	out, _, err := s.lex().ProcessWord(word, s)
	if err == nil && len(out) > maxExpanded {
		err = fmt.Errorf("a word has more than %d bytes once its variables are expanded", maxExpanded)
	}
	return out, err
}

// Words expands a text, which may become several words.
func (s *Scope) Words(text string) ([]string, error) {
	out, err := s.lex().ProcessWords(text, s)
	if err == nil && len(strings.Join(out, "")) > maxExpanded {
		err = fmt.Errorf("words have more than %d bytes once their variables are expanded", maxExpanded)
	}
	return out, err
}

// raw expands variables and leaves quotes and escapes alone.
func (s *Scope) raw(text string) (string, error) {
	l := s.lex()
	l.RawQuotes, l.RawEscapes = true, true
	out, _, err := l.ProcessWord(text, s)
	return out, err
}

// heredoc expands the text of a heredoc, in which quotes mean nothing.
func (s *Scope) heredoc(text string) (string, error) {
	l := s.lex()
	l.SkipProcessQuotes = true
	out, _, err := l.ProcessWord(text, s)
	if err == nil && len(out) > maxExpanded+len(text) {
		err = fmt.Errorf("a heredoc has grown by more than %d bytes once its variables are expanded", maxExpanded)
	}
	return out, err
}

// Expand expands what an instruction holds, in place.
func (s *Scope) Expand(cmd instructions.Command) error {
	if c, ok := cmd.(instructions.SupportsSingleWordExpansion); ok {
		if err := c.Expand(s.Word); err != nil {
			return err
		}
	}
	if c, ok := cmd.(instructions.SupportsSingleWordExpansionRaw); ok {
		return c.ExpandRaw(s.heredoc)
	}
	return nil
}
