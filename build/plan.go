package build

import (
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/sbxrun/sbx/build/dockerfile"
	"github.com/sbxrun/sbx/registry"
)

// scratch is the base image that has nothing in it.
const scratch = "scratch"

// stage is one stage of the Dockerfile that the build needs.
type stage struct {
	index    int
	name     string // as it was given; "" when it was not
	parsed   *instructions.Stage
	base     string             // what FROM names, expanded
	platform *registry.Platform // asked of the base image; nil: whichever is here
	image    *image             // the base image; nil for scratch and other stages
	parent   *stage             // the stage that it goes on from
	state    *dockerfile.State  // after all instructions
	lines    []line             // of its history
	steps    int                // how many are numbered
	planned  bool

	done   chan struct{} // closed when result and err are set
	result chain
	err    error
}

// line is an instruction as the history tells of it, with what it does to
// files, if anything.
type line struct {
	createdBy string
	op        op
	where     []parser.Range
	name      string // of the vertex
}

// predefinedArgs need no ARG.
var predefinedArgs = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// isProxy tells the arguments that reach programs and are no part of what is
// built.
func isProxy(name string) bool { return slices.Contains(predefinedArgs, strings.ToUpper(name)) }

// platformArgs are what the builder tells of platforms.
func (b *builder) platformArgs(targetStage string) []dockerfile.Arg {
	host, target := registry.DefaultPlatform(), b.platform
	var out []dockerfile.Arg
	for _, p := range []struct {
		prefix string
		p      registry.Platform
	}{{"BUILD", host}, {"TARGET", target}} {
		for _, a := range [][2]string{{"PLATFORM", registry.FormatPlatform(p.p)}, {"OS", p.p.OS}, {"ARCH", p.p.Architecture}, {"VARIANT", p.p.Variant}} {
			out = append(out, dockerfile.Arg{Name: p.prefix + a[0], Value: &a[1]})
		}
	}
	return append(out, dockerfile.Arg{Name: "TARGETSTAGE", Value: &targetStage})
}

// global are the arguments before the first FROM.
func (b *builder) global() error {
	target := b.o.Target
	if target == "" {
		last := b.in.file.stages[len(b.in.file.stages)-1]
		target = cmpOr(last.Name, "default")
	}
	b.meta = &dockerfile.Scope{Escape: b.in.file.escape, Args: b.platformArgs(target)}
	for i := range b.in.file.args {
		cmd := &b.in.file.args[i]
		for _, a := range cmd.Args {
			arg := dockerfile.Arg{Name: a.Key, Value: a.Value}
			if v, ok := b.o.Args[a.Key]; ok {
				arg.Value = &v
			} else if a.Value != nil {
				v, err := b.meta.Word(*a.Value)
				if err != nil {
					return b.in.file.located(err, cmd.Location(), "")
				}
				arg.Value = &v
			} else if v, ok := b.meta.Get(a.Key); ok {
				arg.Value = &v
			}
			if err := b.meta.Declare(arg); err != nil {
				return b.in.file.located(&dockerfileError{err}, cmd.Location(), "")
			}
		}
	}
	return nil
}

// stageOf finds a stage by name or number among those before limit.
func (b *builder) stageOf(name string, limit int) *stage {
	if _, named := b.o.Contexts[name]; named {
		return nil
	}
	for i := limit - 1; i >= 0; i-- {
		if b.stages[i].name != "" && strings.EqualFold(b.stages[i].name, name) {
			return b.stages[i]
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < limit {
		return b.stages[n]
	}
	return nil
}

// outline makes the stages and finds what each goes on from.
func (b *builder) outline() error {
	if err := b.global(); err != nil {
		return err
	}
	for i := range b.in.file.stages {
		p := &b.in.file.stages[i]
		s := &stage{index: i, name: p.Name, parsed: p, done: make(chan struct{})}
		base, err := b.meta.Word(p.BaseName)
		if err == nil && base == "" {
			err = badf("base name (%s) should not be blank", p.BaseName)
		}
		if err != nil {
			return b.in.file.located(err, p.Location, "")
		}
		s.base, s.platform = base, b.asked
		if p.Platform != "" {
			text, err := b.meta.Word(p.Platform)
			if err == nil {
				var pf registry.Platform
				pf, err = registry.ParsePlatform(text)
				s.platform = &pf
			}
			if err != nil {
				return b.in.file.located(badf("failed to parse platform %s: %w", p.Platform, err), p.Location, "")
			}
		}
		s.parent = b.stageOf(base, i)
		b.stages = append(b.stages, s)
	}
	return nil
}

// target is the stage that the build is for.
func (b *builder) target() (*stage, error) {
	if b.o.Target == "" {
		return b.stages[len(b.stages)-1], nil
	}
	if s := b.stageOf(b.o.Target, len(b.stages)); s != nil {
		return s, nil
	}
	return nil, badf("target stage %q could not be found", b.o.Target)
}

// plan works a stage out: every word expanded, every step known. What it needs
// is planned too.
func (b *builder) plan(s *stage) (err error) {
	if s.planned {
		return nil
	}
	s.planned = true
	if err := b.planBase(s); err != nil {
		return b.in.file.located(err, s.parsed.Location, "")
	}
	commands, err := b.triggers(s)
	if err != nil {
		return b.in.file.located(err, s.parsed.Location, "")
	}
	for _, cmd := range append(commands, s.parsed.Commands...) {
		if err := b.planCommand(s, cmd); err != nil {
			return b.in.file.located(err, cmd.Location(), "")
		}
	}
	b.order = append(b.order, s)
	return nil
}

// planBase starts a stage from what FROM names.
func (b *builder) planBase(s *stage) error {
	var cfg registry.ImageConfig
	_, named := b.o.Contexts[s.base]
	switch {
	case s.parent != nil:
		if err := b.plan(s.parent); err != nil {
			return err
		}
		cfg = s.parent.state.Image
	case s.base == scratch && !named:
		p := cmpPlatform(s.platform, b.platform)
		cfg.OS, cfg.Architecture, cfg.Variant = p.OS, p.Architecture, p.Variant
	default:
		img, err := b.image(s.base, s.platform)
		if err != nil {
			return err
		}
		s.image, s.steps, cfg = img, 1, img.Config()
	}
	s.state = dockerfile.NewState(cfg, b.in.file.escape)
	if _, ok := s.state.Scope.Get("PATH"); !ok {
		return s.state.SetEnv("PATH", defaultPath)
	}
	return nil
}

func cmpPlatform(p *registry.Platform, or registry.Platform) registry.Platform {
	if p != nil {
		return *p
	}
	return or
}

// defaultPath is PATH where the base image has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// triggers are the base image's ONBUILD instructions, which end with it.
func (b *builder) triggers(s *stage) ([]instructions.Command, error) {
	list := s.state.Image.Config.OnBuild
	s.state.Image.Config.OnBuild = nil
	var out []instructions.Command
	for _, text := range list {
		ast, err := parser.Parse(strings.NewReader(text))
		if err != nil {
			return nil, badf("ONBUILD %s: %w", text, err)
		}
		for _, n := range ast.AST.Children {
			cmd, err := instructions.ParseCommand(n)
			if err != nil {
				return nil, badf("ONBUILD %s: %w", text, err)
			}
			if c, ok := cmd.(*instructions.OnbuildCommand); ok {
				return nil, badf("Chaining ONBUILD via `ONBUILD %s` isn't allowed", c.Expression)
			}
			out = append(out, &trigger{cmd, s.parsed.Location})
		}
	}
	return out, nil
}

// trigger is an instruction of the base image: where it stands is the FROM.
type trigger struct {
	instructions.Command
	where []parser.Range
}

func (t *trigger) Location() []parser.Range { return t.where }

// planCommand works one instruction out.
func (b *builder) planCommand(s *stage, cmd instructions.Command) error {
	where := cmd.Location()
	if t, ok := cmd.(*trigger); ok {
		cmd = t.Command
	}
	if arg, ok := cmd.(*instructions.ArgCommand); ok {
		return b.planArg(s, arg)
	}
	if err := s.state.Scope.Expand(cmd); err != nil {
		return &dockerfileError{err}
	}
	it := line{where: where}
	var err error
	switch cmd := cmd.(type) {
	case *instructions.RunCommand:
		err = b.planRun(s, cmd, &it)
	case *instructions.CopyCommand:
		err = b.planCopy(s, cmd, &it)
	case *instructions.AddCommand:
		err = b.planAdd(s, cmd, &it)
	case *instructions.WorkdirCommand:
		it.createdBy, err = s.state.Apply(cmd)
		it.op = &workdirOp{s.state.Image.Config.WorkingDir, s.state.Image.Config.User}
		it.name = it.createdBy
	default:
		it.createdBy, err = s.state.Apply(cmd)
		if err != nil {
			err = &dockerfileError{err}
		}
	}
	if err != nil {
		return err
	}
	if it.op != nil {
		s.steps++
	}
	s.lines = append(s.lines, it)
	return nil
}

// planArg declares arguments: their values are the user's, else those that are
// given here, else those from before the first FROM.
func (b *builder) planArg(s *stage, cmd *instructions.ArgCommand) error {
	var words []string
	for _, a := range cmd.Args {
		name, err := s.state.Scope.Word(a.Key)
		if err != nil {
			return &dockerfileError{err}
		}
		arg := dockerfile.Arg{Name: name}
		if v, ok := b.o.Args[name]; ok {
			arg.Value = &v
		} else if a.Value != nil {
			v, err := s.state.Scope.Word(*a.Value)
			if err != nil {
				return &dockerfileError{err}
			}
			arg.Value = &v
		} else if v, ok := b.meta.Get(name); ok {
			arg.Value = &v
		}
		if err := s.state.Scope.Declare(arg); err != nil {
			return &dockerfileError{err}
		}
		text := name
		if arg.Value != nil && !isProxy(name) {
			text += "=" + *arg.Value
		}
		words = append(words, text)
	}
	s.lines = append(s.lines, line{createdBy: "ARG " + strings.Join(words, " "), where: cmd.Location()})
	return nil
}

// environment is what the program of a RUN gets: arguments, and the
// environment of the image over them. key is the same without proxies, which
// decide about nothing.
func (b *builder) environment(s *stage) (env, key []string) {
	have := map[string]bool{}
	for _, kv := range s.state.Image.Config.Env {
		name, _, _ := strings.Cut(kv, "=")
		have[name] = true
	}
	key = slices.Clone(s.state.Image.Config.Env)
	if !have["PATH"] {
		key = append(key, "PATH="+defaultPath)
	}
	for _, a := range s.state.Scope.Args {
		if a.Value != nil && !have[a.Name] && !isProxy(a.Name) {
			have[a.Name], key = true, append(key, a.Name+"="+*a.Value)
		}
	}
	env = slices.Clone(key)
	for _, name := range slices.Sorted(maps.Keys(b.o.Args)) {
		if isProxy(name) && !have[name] {
			env = append(env, name+"="+b.o.Args[name])
		}
	}
	return env, key
}

// argsOf are the arguments as docker's history shows those of a RUN.
func argsOf(s *stage) []string {
	var out []string
	for _, a := range s.state.Scope.Args {
		if a.Value != nil && !isProxy(a.Name) {
			out = append(out, a.Name+"="+*a.Value)
		}
	}
	return out
}

// label is how steps of a stage are numbered: "[name 2/3] ".
func (b *builder) label(s *stage, n int) string {
	name := ""
	if len(b.in.file.stages) > 1 {
		name = cmpOr(s.name, fmt.Sprintf("stage-%d", s.index)) + " "
	}
	return fmt.Sprintf("[%s%d/%d] ", name, n, s.steps)
}

// dest makes an absolute path of a destination, and keeps the slash at its end.
func dest(s *stage, p string) string {
	if p == "" {
		p = "."
	}
	folder := strings.HasSuffix(p, "/") || p == "." || strings.HasSuffix(p, "/.")
	if runtime.GOOS == "windows" {
		p = strings.ReplaceAll(p, `\`, "/")
	}
	p = s.state.Path(path.Clean(p))
	if folder && p != "/" {
		p += "/"
	}
	return p
}
