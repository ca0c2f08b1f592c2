package proc

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"github.com/sbxrun/sbx/kernel/ipc"
	"github.com/sbxrun/sbx/kernel/mqueue"
)

// uuid formats 16 bytes as a random UUID, RFC 9562 version 4.
func uuid(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func renderUUID(*view) string {
	var b [16]byte
	rand.Read(b[:])
	return uuid(b) + "\n"
}

func renderBootID(v *view) string {
	if v.BootID != "" {
		return v.BootID + "\n"
	}
	sum := sha256.Sum256([]byte(v.Hostname + strconv.FormatInt(v.Boot.UnixNano(), 10)))
	return uuid([16]byte(sum[:16])) + "\n"
}

// number makes a file that shows a number of the system, or fallback for 0.
func number(path string, fallback uint64, get func(*view) uint64) file {
	return file{path: path, render: func(v *view) string {
		n := get(v)
		if n == 0 {
			n = fallback
		}
		return strconv.FormatUint(n, 10) + "\n"
	}}
}

// none leaves a number at what it always is.
func none(*view) uint64 { return 0 }

// sysctlFiles is /proc/sys.
func sysctlFiles() []file {
	k := "sys/kernel/"
	files := []file{
		{path: k + "hostname", mode: 0o644, render: func(v *view) string { return v.Hostname + "\n" }, store: Source.SetHostname},
		{path: k + "domainname", mode: 0o644, render: renderDomainname, store: Source.SetDomainname},
		{path: k + "osrelease", render: func(v *view) string { return v.Release + "\n" }},
		{path: k + "version", render: func(v *view) string { return v.Version + "\n" }},
		{path: k + "arch", render: func(v *view) string { return v.Machine + "\n" }},
		{path: k + "random/uuid", render: renderUUID},
		{path: k + "random/boot_id", render: renderBootID},
		number(k+"pid_max", 32768, func(v *view) uint64 { return uint64(v.PIDMax) }),
		number(k+"threads-max", 32768, func(v *view) uint64 { return uint64(v.TasksLimit) }),
		number(k+"msgmax", ipc.MsgMax, none), number(k+"msgmnb", ipc.MsgMNB, none), number(k+"msgmni", ipc.MsgMNI, none),
		number(k+"shmall", ipc.ShmAll, none), number(k+"shmmax", ipc.ShmMax, none), number(k+"shmmni", ipc.ShmMNI, none),
		text(k+"sem", fmt.Sprintf("%d\t%d\t%d\t%d", ipc.SemMSL, ipc.SemMNS, ipc.SemOPM, ipc.SemMNI)),
		number(k+"pty/nr", 0, func(v *view) uint64 { return uint64(v.Ptys) }),
		number("sys/fs/mqueue/msg_default", mqueue.MsgDefault, none), number("sys/fs/mqueue/msg_max", mqueue.MsgMax, none),
		number("sys/fs/mqueue/msgsize_default", mqueue.MsgSizeDefault, none), number("sys/fs/mqueue/msgsize_max", mqueue.MsgSizeMax, none),
		number("sys/fs/mqueue/queues_max", mqueue.QueuesMax, none),
		number("sys/fs/aio-max-nr", 65536, func(v *view) uint64 { return v.AIOMax }),
		number("sys/fs/aio-nr", 0, func(v *view) uint64 { return v.AIO }),
		number("sys/fs/file-max", 1<<20, func(v *view) uint64 { return v.FileMax }),
		number("sys/fs/pipe-max-size", 1<<20, func(v *view) uint64 { return uint64(v.PipeMaxSize) }),
		{path: "sys/fs/file-nr", render: func(v *view) string { return fmt.Sprintf("%d\t0\t%d\n", v.OpenFiles, max(v.FileMax, 1<<20)) }},
	}
	return slices.Concat(files, texts(k, kernelSysctls[:]...), texts("sys/vm/", vmSysctls[:]...), texts("sys/fs/", fsSysctls[:]...),
		texts("sys/net/", netSysctls[:]...), texts("sys/dev/tty/", "ldisc_autoload", "0", "legacy_tiocsti", "0"))
}

func renderDomainname(v *view) string {
	if v.Domainname == "" {
		return "(none)\n"
	}
	return v.Domainname + "\n"
}

var kernelSysctls = [...]string{
	"ostype", "Linux", "random/entropy_avail", "256", "random/poolsize", "256", "cap_last_cap", "40",
	"ngroups_max", "65536", "overflowuid", "65534", "overflowgid", "65534", "core_pattern", "core",
	"core_uses_pid", "0", "core_pipe_limit", "0", "dmesg_restrict", "1", "kptr_restrict", "1",
	"shm_rmid_forced", "0",
	"panic", "0", "panic_on_oops", "0", "perf_event_paranoid", "4", "printk", "4\t4\t1\t7",
	"pty/max", "4096", "pty/reserve", "1024", "randomize_va_space", "2", "sched_rr_timeslice_ms", "100",
	"sched_rt_period_us", "1000000", "sched_rt_runtime_us", "950000", "seccomp/actions_avail",
	"kill_process kill_thread trap errno trace log allow", "tainted", "0", "unprivileged_bpf_disabled", "2",
	"io_uring_disabled", "2", "sysctl_writes_strict", "1", "yama/ptrace_scope", "1", "keys/maxkeys", "200",
}

var vmSysctls = [...]string{
	"overcommit_memory", "1", "overcommit_ratio", "50", "overcommit_kbytes", "0", "max_map_count", "1048576",
	"swappiness", "60", "min_free_kbytes", "67584", "mmap_min_addr", "65536", "nr_hugepages", "0",
	"dirty_ratio", "20", "dirty_background_ratio", "10", "dirty_expire_centisecs", "3000",
	"dirty_writeback_centisecs", "500", "vfs_cache_pressure", "100", "page-cluster", "3", "panic_on_oom", "0",
	"oom_kill_allocating_task", "0", "legacy_va_layout", "0", "zone_reclaim_mode", "0", "unprivileged_userfaultfd", "0",
}

var fsSysctls = [...]string{
	"nr_open", "1048576", "pipe-user-pages-hard", "0", "pipe-user-pages-soft", "16384",
	"inotify/max_queued_events", "16384", "inotify/max_user_instances", "128", "inotify/max_user_watches", "65536",
	"epoll/max_user_watches", "1048576", "inode-nr", "0\t0",
	"inode-state", "0\t0\t0\t0\t0\t0\t0", "dentry-state", "0\t0\t45\t0\t0\t0", "lease-break-time", "45",
	"leases-enable", "1", "mount-max", "100000", "overflowuid", "65534", "overflowgid", "65534",
	"protected_fifos", "1", "protected_hardlinks", "1", "protected_regular", "2", "protected_symlinks", "1",
	"suid_dumpable", "0", "dir-notify-enable", "1",
}

var netSysctls = [...]string{
	"core/somaxconn", "4096", "core/netdev_max_backlog", "1000", "core/optmem_max", "131072",
	"core/rmem_default", "212992", "core/rmem_max", "212992", "core/wmem_default", "212992", "core/wmem_max", "212992",
	"ipv4/ip_forward", "0", "ipv4/ip_default_ttl", "64", "ipv4/ip_local_port_range", "32768\t60999",
	"ipv4/ip_local_reserved_ports", "", "ipv4/ip_nonlocal_bind", "0", "ipv4/ip_unprivileged_port_start", "0",
	"ipv4/ping_group_range", "0\t2147483647", "ipv4/tcp_congestion_control", "cubic",
	"ipv4/tcp_available_congestion_control", "reno cubic", "ipv4/tcp_ecn", "2", "ipv4/tcp_fastopen", "1",
	"ipv4/tcp_fin_timeout", "60", "ipv4/tcp_keepalive_intvl", "75", "ipv4/tcp_keepalive_probes", "9",
	"ipv4/tcp_keepalive_time", "7200", "ipv4/tcp_max_syn_backlog", "1024", "ipv4/tcp_rmem", "4096\t131072\t6291456",
	"ipv4/tcp_sack", "1", "ipv4/tcp_syn_retries", "6", "ipv4/tcp_syncookies", "1", "ipv4/tcp_timestamps", "1",
	"ipv4/tcp_tw_reuse", "2", "ipv4/tcp_window_scaling", "1", "ipv4/tcp_wmem", "4096\t16384\t4194304",
	"ipv6/bindv6only", "0", "ipv6/conf/all/disable_ipv6", "0", "ipv6/conf/default/disable_ipv6", "0",
	"ipv6/conf/lo/disable_ipv6", "0", "ipv6/conf/all/forwarding", "0", "unix/max_dgram_qlen", "512",
}
