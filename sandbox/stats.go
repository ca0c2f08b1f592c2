package sandbox

import (
	"context"
	"encoding/json"
	"time"
)

// Stats is what a running container has used since its start, and holds now.
type Stats struct {
	At                time.Duration // since the start of its kernel: of the sample
	CPU               time.Duration // that all its programs have used
	Memory, MemoryMax int64         // bytes
	PIDs              int           // threads
	PIDsMax           int           // 0: no limit
	NetIn, NetOut     int64         // bytes of sockets from and to other machines
	BlockIn, BlockOut int64         // bytes of files read and written
}

func opStats(r *Run, c *call) error {
	k := r.reach.Load()
	if k == nil {
		return notRunning(r.rec.Name)
	}
	u := k.Usage()
	return c.accept(Stats{
		At: u.Uptime, CPU: u.CPU, Memory: u.Memory, MemoryMax: u.MemoryMax, PIDs: u.Tasks, PIDsMax: u.TasksMax,
		NetIn: u.NetIn, NetOut: u.NetOut, BlockIn: u.FilesRead, BlockOut: u.FilesWrote,
	})
}

// Stats samples a running container.
func (e *Engine) Stats(ctx context.Context, ref string) (s Stats, err error) {
	a, err := e.callRunning(ctx, ref, "stats", nil)
	if err != nil {
		return s, err
	}
	defer a.Close()
	err = json.Unmarshal(a.result, &s)
	return s, err
}

// CPUPercent is how much of one processor was used between two samples.
func (s Stats) CPUPercent(before Stats) float64 {
	if s.At <= before.At || s.CPU <= before.CPU {
		return 0
	}
	return 100 * float64(s.CPU-before.CPU) / float64(s.At-before.At)
}
