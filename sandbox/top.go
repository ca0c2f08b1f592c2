package sandbox

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// ProcessInfo is one process of a running container.
type ProcessInfo struct {
	PID, PPID int
	UID       uint32
	State     string // the letter of proc_pid_stat(5)
	Threads   int
	Command   string // the arguments, or what the process calls itself
	Started   time.Time
	CPU       time.Duration // that it has used
	Memory    int64         // bytes that it holds
}

func opTop(r *Run, c *call) error {
	k := r.reach.Load()
	if k == nil {
		return notRunning(r.rec.Name)
	}
	var out []ProcessInfo
	for _, p := range k.Processes() {
		command := strings.TrimSpace(strings.Join(p.Argv, " "))
		if command == "" || p.State == 'Z' {
			command = "[" + p.Comm + "]"
		}
		out = append(out, ProcessInfo{
			PID: p.PID, PPID: p.PPID, UID: p.UID, State: string(rune(p.State)), Threads: p.Threads, Command: command,
			Started: p.Start, CPU: p.CPU, Memory: p.Memory,
		})
	}
	return c.accept(out)
}

// Top lists the processes of a running container, by their ids in it.
func (e *Engine) Top(ctx context.Context, ref string) ([]ProcessInfo, error) {
	a, err := e.callRunning(ctx, ref, "top", nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	var out []ProcessInfo
	err = json.Unmarshal(a.result, &out)
	return out, err
}
