package main

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// healthFlags are the flags of run and create that change the image's health check.
type healthFlags struct {
	cmd   string
	times registry.Healthcheck
	none  bool
}

func (h *healthFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&h.cmd, "health-cmd", "", "`Command` of the container's shell that tells whether it works")
	fl.DurationVar(&h.times.Interval, "health-interval", 0, "`Time` between two health checks, such as 1m30s (default 30s)")
	fl.DurationVar(&h.times.Timeout, "health-timeout", 0, "`Time` that a health check may take (default 30s)")
	fl.IntVar(&h.times.Retries, "health-retries", 0, "Health checks that fail in a row before it is unhealthy (default 3)")
	fl.DurationVar(&h.times.StartPeriod, "health-start-period", 0, "`Time` from the start in which failures do not count (default 0s)")
	fl.DurationVar(&h.times.StartInterval, "health-start-interval", 0, "`Time` between two health checks in the start period (default 5s)")
	fl.BoolVar(&h.none, "no-healthcheck", false, "Drop the image's health check")
}

// set notes what is asked for; nothing leaves the image's as it is.
func (h *healthFlags) set(c *sandbox.Config) error {
	check := h.times
	if h.cmd != "" {
		check.Test = []string{"CMD-SHELL", h.cmd}
	}
	asked := h.cmd != "" || check.Interval != 0 || check.Timeout != 0 || check.Retries != 0 || check.StartPeriod != 0 || check.StartInterval != 0
	switch {
	case h.none && asked:
		return usagef("--no-healthcheck and the --health flags cannot be used together")
	case h.none:
		c.Health = &registry.Healthcheck{Test: []string{"NONE"}}
	case asked:
		for _, d := range []time.Duration{check.Interval, check.Timeout, check.StartPeriod, check.StartInterval} {
			if d < 0 {
				return usagef("the times of a health check cannot be negative")
			}
		}
		c.Health = &check
	}
	return nil
}

// setRestart reads --restart.
func (f *containerFlags) setRestart(c *sandbox.Config) (err error) {
	c.Restart, err = sandbox.ParseRestart(strings.TrimSpace(f.restart))
	return err
}
