package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

var topList = format.List{
	Columns: []format.Column{
		{Name: "UID", Head: "UID"}, {Name: "PID", Head: "PID"}, {Name: "PPID", Head: "PPID"}, {Name: "State", Head: "S"}, {Name: "Threads", Head: "THREADS"},
		{Name: "RSS", Head: "RSS"}, {Name: "STime", Head: "STIME"}, {Name: "Time", Head: "TIME"}, {Name: "Command", Head: "CMD"},
	},
	Default: []string{"UID", "PID", "PPID", "State", "RSS", "STime", "Time", "Command"},
}

func (a *app) topCmd() *cobra.Command {
	var text string
	c := verb(groupContainers, "top [OPTIONS] CONTAINER", "List the processes of a running container", exactArgs(1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		list, err := e.Top(c.Context(), args[0])
		if err != nil {
			return err
		}
		var rows []format.Row
		for _, p := range list {
			rows = append(rows, topRow(p, time.Now()))
		}
		return topList.Print(a.out, text, rows)
	})
	c.Flags().StringVar(&text, "format", "", "Format: table, json, or a Go `template`")
	c.ValidArgsFunction = a.completeContainers
	return c
}

func topRow(p sandbox.ProcessInfo, now time.Time) format.Row {
	uid := strconv.FormatUint(uint64(p.UID), 10)
	if p.UID == 0 {
		uid = "root"
	}
	began := p.Started.Local().Format("15:04")
	if now.Sub(p.Started) > 24*time.Hour {
		began = p.Started.Local().Format("Jan02")
	}
	s := int(p.CPU.Seconds())
	return format.Row{
		"UID": uid, "PID": strconv.Itoa(p.PID), "PPID": strconv.Itoa(p.PPID), "State": p.State, "Threads": strconv.Itoa(p.Threads), "RSS": format.Size(p.Memory),
		"STime": began, "Time": fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60), "Command": p.Command,
	}
}

func (a *app) renameCmd() *cobra.Command {
	c := verb(groupContainers, "rename CONTAINER NAME", "Give a container another name", exactArgs(2), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return e.Rename(c.Context(), args[0], args[1])
	})
	c.ValidArgsFunction = a.completeContainers
	return c
}
