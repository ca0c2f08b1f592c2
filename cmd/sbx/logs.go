package main

import (
	"bufio"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/sandbox"
)

// logTime is RFC 3339 with all nine digits, so that columns line up.
const logTime = "2006-01-02T15:04:05.000000000Z07:00"

// logFlags are the flags of logs.
type logFlags struct {
	follow, times, details bool
	tail, since, until     string
}

func (a *app) logsCmd() *cobra.Command {
	f := &logFlags{}
	c := verb(groupCommon, "logs [OPTIONS] CONTAINER", "Show what a container has written", exactArgs(1), func(c *cobra.Command, args []string) error {
		return a.logs(c.Context(), f, args[0])
	})
	c.Long = "Show what a container has written, also after its end: its standard output on standard output, its standard\n" +
		"error on standard error. The last 4 files of 64 MiB are kept, or what --log-opt of run says."
	fl := c.Flags()
	fl.BoolVarP(&f.follow, "follow", "f", false, "Go on until the container ends and is not restarted, or --until is over")
	fl.StringVarP(&f.tail, "tail", "n", "all", "Show the last `N` lines only")
	fl.StringVar(&f.since, "since", "", "Show what came after a `time`: RFC 3339, seconds since 1970, or 42m for that long ago")
	fl.StringVar(&f.until, "until", "", "Show what came before a `time`")
	fl.BoolVarP(&f.times, "timestamps", "t", false, "Show the time before each line")
	fl.BoolVar(&f.details, "details", false, "Show labels and variables that --log-opt of run has named")
	c.ValidArgsFunction = a.completeContainers
	return c
}

func (f *logFlags) options(now time.Time) (o sandbox.LogOptions, err error) {
	o = sandbox.LogOptions{Follow: f.follow, Tail: -1}
	if n, err := strconv.Atoi(f.tail); err == nil && n >= 0 {
		o.Tail = n
	} else if err != nil && f.tail != "all" {
		return o, usagef("invalid --tail %q: use a number, or all", f.tail)
	}
	if o.Since, err = parseMoment("since", f.since, now); err != nil {
		return o, err
	}
	o.Until, err = parseMoment("until", f.until, now)
	return o, err
}

// parseMoment reads a time as docker does: RFC 3339 with less and less in it,
// seconds since 1970, or a duration before now.
func parseMoment(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15Z07:00", "2006-01-02Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	sec, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(sec, 10, 64)
	nano, ferr := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if err != nil || ferr != nil {
		return time.Time{}, usagef("invalid --%s %q: use a time such as 2026-11-25T10:00:00Z, seconds since 1970, or 42m", flag, s)
	}
	return time.Unix(n, nano), nil
}

func (a *app) logs(ctx context.Context, f *logFlags, ref string) error {
	o, err := f.options(time.Now())
	if err != nil {
		return err
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	p := &logPrinter{flags: f}
	p.stream[0].w, p.stream[1].w = bufio.NewWriterSize(a.out, 64<<10), bufio.NewWriter(a.err)
	err = e.Logs(ctx, ref, o, p.print)
	for i := range p.stream {
		if ferr := p.stream[i].w.Flush(); err == nil {
			err = ferr
		}
	}
	return err
}

// logPrinter prints entries of a log.
type logPrinter struct {
	flags  *logFlags
	stream [2]struct {
		w    *bufio.Writer
		open bool // in the middle of a line
	}
}

func (p *logPrinter) print(e sandbox.LogEntry) error {
	s, other := &p.stream[0], &p.stream[1]
	if e.Stderr {
		s, other = other, s
	}
	if other.w.Buffered() > 0 { // both may be one terminal
		if err := other.w.Flush(); err != nil {
			return err
		}
	}
	if !s.open && p.flags.times {
		_, _ = s.w.WriteString(e.Time.Format(logTime) + " ")
	}
	if !s.open && p.flags.details {
		_, _ = s.w.WriteString(details(e.Attrs) + " ")
	}
	s.open = len(e.Line) > 0 && e.Line[len(e.Line)-1] != '\n'
	_, err := s.w.Write(e.Line)
	if err == nil && p.flags.follow {
		err = s.w.Flush()
	}
	return err
}

// details are NAME=VALUE with commas between, in order.
func details(attrs map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		out = append(out, k+"="+attrs[k])
	}
	return strings.Join(out, ",")
}
