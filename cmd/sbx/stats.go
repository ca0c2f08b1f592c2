package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

// statsEvery is the time between two samples.
const statsEvery = time.Second

var statsList = format.List{
	Columns: []format.Column{
		{Name: "Container", Head: "CONTAINER"}, {Name: "ID", Head: "CONTAINER ID"}, {Name: "Name", Head: "NAME"}, {Name: "CPUPerc", Head: "CPU %"},
		{Name: "MemUsage", Head: "MEM USAGE / LIMIT"}, {Name: "MemPerc", Head: "MEM %"}, {Name: "NetIO", Head: "NET I/O"},
		{Name: "BlockIO", Head: "BLOCK I/O"}, {Name: "PIDs", Head: "PIDS"},
	},
	Default: []string{"ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"},
}

// statsOptions are the flags of stats.
type statsOptions struct {
	all, noStream, noTrunc bool
	format                 string
}

func (a *app) statsCmd() *cobra.Command {
	var o statsOptions
	c := verb(groupContainers, "stats [OPTIONS] [CONTAINER...]", "Show what containers use, and go on showing it", rangeArgs(0, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		err = a.stats(c.Context(), e, args, o)
		if errors.Is(err, context.Canceled) {
			return nil // as one ends it
		}
		return err
	})
	c.Long = "Show what containers use: time of processors since the last look, memory, bytes that came and went over networks, bytes of files read and written, and threads."
	fl := c.Flags()
	fl.BoolVarP(&o.all, "all", "a", false, "Show those too that are not running")
	fl.BoolVar(&o.noStream, "no-stream", false, "Look once")
	fl.BoolVar(&o.noTrunc, "no-trunc", false, "Do not cut ids")
	fl.StringVar(&o.format, "format", "", "Format: table, json, or a Go `template`")
	c.ValidArgsFunction = a.completeContainers
	return c
}

// stats looks every second, until ctx ends or the containers that were named have.
func (a *app) stats(ctx context.Context, e *sandbox.Engine, refs []string, o statsOptions) error {
	var live *repaint
	if !o.noStream && isTTY(a.out) {
		live = &repaint{w: a.out}
	}
	before := map[string]sandbox.Stats{}
	for first := true; ; first = false {
		list, err := statsContainers(e, refs, o.all)
		if err != nil {
			return err
		}
		now := sampleAll(ctx, e, list)
		if !first {
			var rows []format.Row
			for _, c := range list {
				rows = append(rows, statsRow(c, before, now, o.noTrunc))
			}
			if err := a.printStats(live, o.format, rows); err != nil || o.noStream {
				return err
			}
		}
		before = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(statsEvery):
		}
	}
}

// statsContainers are those that were named, or that run.
func statsContainers(e *sandbox.Engine, refs []string, all bool) ([]sandbox.Container, error) {
	if len(refs) == 0 {
		return e.List(sandbox.ListOptions{All: all})
	}
	var out []sandbox.Container
	for _, ref := range refs {
		c, err := e.Inspect(ref)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// sampleAll asks every container that runs; those that do not answer are left out.
func sampleAll(ctx context.Context, e *sandbox.Engine, list []sandbox.Container) map[string]sandbox.Stats {
	out := map[string]sandbox.Stats{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, c := range list {
		if c.State.Status != sandbox.StatusRunning {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s, err := e.Stats(ctx, c.ID)
			if err == nil {
				mu.Lock()
				out[c.ID] = s
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out
}

// statsRow is a container's; what is not known, or of one that does not run, is
// dashes or nothing, as docker has it.
func statsRow(c sandbox.Container, before, now map[string]sandbox.Stats, noTrunc bool) format.Row {
	id := c.ID
	if !noTrunc {
		id = sandbox.ShortID(id)
	}
	row := format.Row{
		"Container": id, "ID": id, "Name": c.Name, "CPUPerc": "--", "MemUsage": "-- / --", "MemPerc": "--", "NetIO": "--", "BlockIO": "--", "PIDs": "--",
	}
	s, ok := now[c.ID]
	if !ok {
		return row
	}
	old, known := before[c.ID]
	if !known || old.At > s.At { // it was started since
		old = sandbox.Stats{}
	}
	row["CPUPerc"] = percent(s.CPUPercent(old))
	row["MemUsage"] = units.BytesSize(float64(s.Memory)) + " / " + units.BytesSize(float64(s.MemoryMax))
	row["MemPerc"] = percent(100 * float64(s.Memory) / float64(max(s.MemoryMax, 1)))
	row["NetIO"] = inOut(s.NetIn, s.NetOut)
	row["BlockIO"] = inOut(s.BlockIn, s.BlockOut)
	row["PIDs"] = fmt.Sprint(s.PIDs)
	return row
}

func percent(f float64) string { return fmt.Sprintf("%.2f%%", f) }

// inOut is docker's way to write what came and what went.
func inOut(in, out int64) string {
	size := func(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }
	return size(in) + " / " + size(out)
}

func (a *app) printStats(live *repaint, text string, rows []format.Row) error {
	if live == nil {
		return statsList.Print(a.out, text, rows)
	}
	var b strings.Builder
	if err := statsList.Print(&b, text, rows); err != nil {
		return err
	}
	return live.show(b.String())
}

// repaint is a terminal that one text after another fills.
type repaint struct{ w io.Writer }

// show replaces what is there.
func (s *repaint) show(text string) error {
	_, err := io.WriteString(s.w, "\x1b[H"+strings.ReplaceAll(text, "\n", "\x1b[K\n")+"\x1b[J")
	return err
}
