package dockerfile

import (
	"errors"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/sbxrun/sbx/registry"
)

// Changes returns c changed by single instructions, as `import --change` and
// `commit --change` take them: those that change the configuration alone.
func Changes(c registry.ContainerConfig, lines []string) (registry.ContainerConfig, error) {
	s := NewState(registry.ImageConfig{Config: c}, 0)
	for _, line := range lines {
		if err := s.change(line); err != nil {
			return c, registry.Errorf(registry.ErrUnsupported, "change %.200q: %w", line, err)
		}
	}
	return s.Image.Config, nil
}

func (s *State) change(line string) error {
	ast, err := parser.Parse(strings.NewReader(line))
	if err != nil {
		return err
	}
	if len(ast.AST.Children) != 1 {
		return errors.New("want one instruction")
	}
	parsed, err := instructions.ParseInstruction(ast.AST.Children[0])
	if err != nil {
		return err
	}
	cmd, ok := parsed.(instructions.Command)
	if !ok {
		return errors.New("FROM is not possible here")
	}
	if err := s.Scope.Expand(cmd); err != nil {
		return err
	}
	_, err = s.Apply(cmd)
	return err
}
