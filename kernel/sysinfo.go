package kernel

import "github.com/sbxrun/sbx/abi/linux"

// What guests are told that they run on.
const (
	kernelRelease = "6.1.0-sbx"
	kernelVersion = "#1 SMP PREEMPT_DYNAMIC sbx"
	machine       = "x86_64"
	// defaultMemory is shown as the size of the memory without a limit.
	defaultMemory = 2 << 30
	maxHostname   = 64
)

// Uname is uname(2).
func (t *Task) Uname() Utsname {
	k := t.k
	k.utsMu.Lock()
	defer k.utsMu.Unlock()
	return Utsname{Sysname: "Linux", Nodename: k.hostname, Release: kernelRelease, Version: kernelVersion,
		Machine: machine, Domainname: k.domainname}
}

// Sethostname is sethostname(2).
func (t *Task) Sethostname(name string) error {
	return t.setName(name, t.k.setHostname)
}

// Setdomainname is setdomainname(2).
func (t *Task) Setdomainname(name string) error {
	return t.setName(name, t.k.setDomainname)
}

func (t *Task) setName(name string, set func(string) error) error {
	if !t.cred.Load().Has(linux.CAP_SYS_ADMIN) {
		return linux.EPERM
	}
	return set(name)
}

func (k *Kernel) setHostname(name string) error   { return k.setUts(&k.hostname, name) }
func (k *Kernel) setDomainname(name string) error { return k.setUts(&k.domainname, name) }

func (k *Kernel) setUts(field *string, name string) error {
	if len(name) > maxHostname {
		return linux.EINVAL
	}
	k.utsMu.Lock()
	defer k.utsMu.Unlock()
	*field = name
	return nil
}

// memoryTotal is the memory that guests are told of: the limit.
func (k *Kernel) memoryTotal() int64 {
	if most := k.maxMemory.Load(); most > 0 {
		return most
	}
	return defaultMemory
}

// Sysinfo is sysinfo(2): the memory is the sandbox's limit.
func (t *Task) Sysinfo() Sysinfo {
	k := t.k
	total := k.memoryTotal()
	k.mu.Lock()
	defer k.mu.Unlock()
	return Sysinfo{Uptime: k.uptime(), Total: uint64(total), Free: uint64(max(total-k.memory.Load(), 0)), Procs: len(k.tasks)}
}

// CPUs is how many processors guests see.
func (t *Task) CPUs() int { return t.k.cfg.CPUs }
