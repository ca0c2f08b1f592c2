package kernel

import "time"

// Usage is what the guests of a kernel have used so far, and hold now.
type Usage struct {
	Uptime, CPU           time.Duration
	Memory, MemoryMax     int64 // bytes held, and that may be held
	Tasks, TasksMax       int   // threads; TasksMax 0 is no limit of the user's
	NetIn, NetOut         int64 // bytes of sockets to and from other machines
	FilesRead, FilesWrote int64 // bytes
}

// Usage adds up all processes, those that ended too.
func (k *Kernel) Usage() Usage {
	u := Usage{Uptime: k.uptime(), Memory: k.memory.Load(), MemoryMax: k.memoryTotal()}
	u.NetIn, u.NetOut = k.net.Traffic()
	k.mu.Lock()
	defer k.mu.Unlock()
	u.CPU, u.FilesRead, u.FilesWrote = k.deadCPU, k.deadIn, k.deadOut
	for _, p := range k.procs {
		u.CPU += p.usageLocked().User
		u.FilesRead += p.inBytes.Load()
		u.FilesWrote += p.outBytes.Load()
		u.Tasks += len(p.tasks)
	}
	if k.maxTasks != defaultTasks {
		u.TasksMax = k.maxTasks
	}
	return u
}

// SetLimits changes what guests may have from now on: 0 is the default, and what
// they have already stays.
func (k *Kernel) SetLimits(memory int64, tasks int) {
	k.maxMemory.Store(max(memory, 0))
	if tasks <= 0 {
		tasks = defaultTasks
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.maxTasks = tasks
}
