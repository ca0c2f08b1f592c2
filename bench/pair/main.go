// Command pair times whole processes against each other: the commands run in turn (A B C A B C …), after a
// warm-up of each, and the table shows medians of wall time, CPU time and peak resident memory, with the median
// of the ratios to the first command, run by run, so that a machine whose speed drifts does not decide.
//
//	go run ./bench/pair -n 11 'native=/bin/date' 'sbx=./sbx run base date'
//
// Commands are split at spaces unless they hold a shell's characters or begin with an assignment, in which case `sh -c`
// runs them, and its start is timed too. A command that fails ends the comparison with its output: a fast failure is no result.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type contender struct {
	name    string
	argv    []string
	samples []sample
}

// sample is one run: seconds and bytes.
type sample struct{ wall, cpu, rss float64 }

func main() {
	n := flag.Int("n", 11, "counted runs of each command")
	before := flag.String("before", "", "a shell command run before every run, not timed (to clear a cache)")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: pair [-n runs] [-before CMD] NAME=COMMAND...")
		os.Exit(2)
	}
	var all []*contender
	for _, arg := range flag.Args() {
		name, command, ok := strings.Cut(arg, "=")
		if !ok {
			fmt.Fprintf(os.Stderr, "pair: %q is not NAME=COMMAND\n", arg)
			os.Exit(2)
		}
		all = append(all, &contender{name: name, argv: split(command)})
	}
	for round := -1; round < *n; round++ {
		for _, c := range all {
			s, err := run(c.argv, *before)
			if err != nil {
				fmt.Fprintf(os.Stderr, "pair: %s: %v\n", c.name, err)
				os.Exit(1)
			}
			if round >= 0 {
				c.samples = append(c.samples, s)
			}
		}
	}
	report(all)
}

// split makes an argument list of a command line.
func split(command string) []string {
	words := strings.Fields(command)
	if strings.ContainsAny(command, "|&;<>()$`\\\"'*?~#%{}") || len(words) > 0 && strings.Contains(words[0], "=") {
		return []string{"sh", "-c", command}
	}
	return words
}

func run(argv []string, before string) (sample, error) {
	if before != "" {
		if out, err := exec.Command("sh", "-c", before).CombinedOutput(); err != nil {
			return sample{}, fmt.Errorf("%s: %w\n%s", before, err, out)
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	var diag bytes.Buffer
	cmd.Stderr = &diag
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return sample{}, fmt.Errorf("%w\n%s", err, diag.String())
	}
	p := cmd.ProcessState
	return sample{wall.Seconds(), (p.UserTime() + p.SystemTime()).Seconds(), maxRSS(p)}, nil
}

func report(all []*contender) {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "command\twall ms\tmin\tmax\tratio\tcpu ms\tratio\tpeak MB\tratio\t")
	first := all[0]
	for _, c := range all {
		wall := column(c.samples, func(s sample) float64 { return s.wall * 1e3 })
		cpu := column(c.samples, func(s sample) float64 { return s.cpu * 1e3 })
		rss := column(c.samples, func(s sample) float64 { return s.rss / 1e6 })
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%.2fx\t%.1f\t%.2fx\t%.1f\t%.2fx\t\n", c.name,
			median(wall), slices.Min(wall), slices.Max(wall),
			median(ratios(c, first, func(s sample) float64 { return s.wall })),
			median(cpu), median(ratios(c, first, func(s sample) float64 { return s.cpu })),
			median(rss), median(ratios(c, first, func(s sample) float64 { return s.rss })))
	}
	w.Flush()
}

func ratios(c, first *contender, of func(sample) float64) []float64 {
	out := make([]float64, len(c.samples))
	for i := range c.samples {
		if d := of(first.samples[i]); d > 0 {
			out[i] = of(c.samples[i]) / d
		}
	}
	return out
}

func column(s []sample, of func(sample) float64) []float64 {
	out := make([]float64, len(s))
	for i := range s {
		out[i] = of(s[i])
	}
	return out
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}
