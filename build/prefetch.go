package build

import (
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// prefetch brings the base images of the target and of the stages that it
// needs in side by side. What fails is told by whoever needs the image.
func (b *builder) prefetch(target *stage) {
	var g sync.WaitGroup
	seen := map[*stage]bool{}
	var visit func(*stage)
	visit = func(s *stage) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		_, named := b.o.Contexts[s.base]
		if s.parent == nil && (s.base != scratch || named) {
			g.Go(func() { _, _ = b.image(s.base, s.platform) })
		}
		visit(s.parent)
		for _, cmd := range s.parsed.Commands {
			switch cmd := cmd.(type) {
			case *instructions.CopyCommand:
				visit(b.stageOf(cmd.From, s.index))
			case *instructions.RunCommand:
				for _, m := range instructions.GetMounts(cmd) {
					visit(b.stageOf(m.From, s.index))
				}
			}
		}
	}
	visit(target)
	g.Wait()
}
