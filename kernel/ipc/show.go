package ipc

import (
	"fmt"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// Show makes a file of /proc/sysvipc, proc(5): "shm", "sem" or "msg".
func (ns *Namespace) Show(name string) string {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	var b strings.Builder
	ids := func(p *linux.IPCPerm) string { return fmt.Sprintf("%5d %5d %5d %5d", p.UID, p.GID, p.CUID, p.CGID) }
	first := func(h *header) string { return fmt.Sprintf("%10d %10d  %4o", h.perm.Key, h.id, h.perm.Mode) }
	switch name {
	case "shm":
		b.WriteString("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n")
		for _, s := range ns.shm.sorted() {
			fmt.Fprintf(&b, "%s %21d %5d %5d  %5d %s %10d %10d %10d %21d %21d\n", first(&s.header), s.size, s.cpid, s.lpid,
				s.mem.Attached(), ids(&s.perm), s.atime, s.dtime, s.ctime, s.mem.Resident(), 0)
		}
	case "sem":
		b.WriteString("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n")
		for _, s := range ns.sem.sorted() {
			fmt.Fprintf(&b, "%s %10d %s %10d %10d\n", first(&s.header), len(s.sems), ids(&s.perm), s.otime, s.ctime)
		}
	case "msg":
		b.WriteString("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n")
		for _, q := range ns.msg.sorted() {
			fmt.Fprintf(&b, "%s %11d %10d %5d %5d %s %10d %10d %10d\n", first(&q.header), q.bytes, len(q.list), q.lspid, q.lrpid,
				ids(&q.perm), q.stime, q.rtime, q.ctime)
		}
	}
	return b.String()
}
