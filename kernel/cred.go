package kernel

import (
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Credentials are the ids and capabilities of a task, credentials(7) and
// capabilities(7). A value that a task has is never changed: a new one takes
// its place.
type Credentials struct {
	UID, EUID, SUID, FSUID uint32
	GID, EGID, SGID, FSGID uint32
	Groups                 []uint32

	// Capability sets: bit 1<<linux.CAP_*.
	Permitted, Effective, Inheritable, Bounding, Ambient uint64

	NoNewPrivs bool
	KeepCaps   bool // SECBIT_KEEP_CAPS

	fs *vfs.Cred // made once by setCred
}

// noID is the id that means "leave it" in setresuid(2) and its like.
const noID = ^uint32(0)

// capFS are the capabilities that follow the filesystem user id.
const capFS = 1<<linux.CAP_CHOWN | 1<<linux.CAP_DAC_OVERRIDE | 1<<linux.CAP_DAC_READ_SEARCH | 1<<linux.CAP_FOWNER |
	1<<linux.CAP_FSETID | 1<<linux.CAP_LINUX_IMMUTABLE | 1<<linux.CAP_MKNOD | 1<<linux.CAP_MAC_OVERRIDE

// maxGroups is NGROUPS_MAX.
const maxGroups = 65536

// RootCredentials is uid 0, gid 0 and every capability.
func RootCredentials() Credentials {
	return Credentials{Permitted: linux.CAP_FULL_SET, Effective: linux.CAP_FULL_SET, Bounding: linux.CAP_FULL_SET}
}

// UserCredentials is a user with the given ids: root with every capability, or
// anyone else with none.
func UserCredentials(uid, gid uint32, groups []uint32) Credentials {
	c := RootCredentials()
	c.UID, c.EUID, c.SUID, c.FSUID = uid, uid, uid, uid
	c.GID, c.EGID, c.SGID, c.FSGID = gid, gid, gid, gid
	c.Groups = slices.Clone(groups)
	if uid != 0 {
		c.Permitted, c.Effective = 0, 0
	}
	return c
}

// Has reports whether a capability is effective.
func (c *Credentials) Has(capability uint) bool { return c.Effective>>capability&1 != 0 }

// vfs returns what file permissions are checked with.
func (c *Credentials) vfs() *vfs.Cred {
	return &vfs.Cred{UID: c.FSUID, GID: c.FSGID, Groups: c.Groups, Caps: c.Effective}
}

// real returns the credentials of access(2): the real ids, and the
// capabilities that they would have.
func (c *Credentials) real() *vfs.Cred {
	v := &vfs.Cred{UID: c.UID, GID: c.GID, Groups: c.Groups}
	if c.UID == 0 {
		v.Caps = c.Permitted
	}
	return v
}

// changeUIDs applies new user ids and what that does to capabilities.
func (c *Credentials) changeUIDs(r, e, s uint32) {
	old := *c
	c.UID, c.EUID, c.SUID, c.FSUID = r, e, s, e
	had := old.UID == 0 || old.EUID == 0 || old.SUID == 0
	if had && r != 0 && e != 0 && s != 0 {
		if !c.KeepCaps {
			c.Permitted, c.Effective = 0, 0
		}
		c.Ambient = 0
	}
	switch {
	case old.EUID == 0 && e != 0:
		c.Effective = 0
	case old.EUID != 0 && e == 0:
		c.Effective = c.Permitted
	}
}

// Credentials returns the task's credentials; Groups must not be changed.
func (t *Task) Credentials() Credentials { return *t.cred.Load() }

// CredentialsOf returns the credentials of the thread with an id, or the caller's for 0: ESRCH. Everybody
// may ask for them, capget(2).
func (t *Task) CredentialsOf(tid int) (Credentials, error) {
	if tid == 0 {
		return t.Credentials(), nil
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u := t.k.tasks[tid]
	if u == nil || u.exited {
		return Credentials{}, linux.ESRCH
	}
	return u.Credentials(), nil
}

// edit replaces the credentials by what f makes of a copy, unless f fails.
func (t *Task) edit(f func(c *Credentials) error) error {
	old := t.cred.Load()
	c := *old
	if err := f(&c); err != nil {
		return err
	}
	t.setCred(c)
	if c.EUID != old.EUID || c.EGID != old.EGID || c.FSUID != old.FSUID || c.FSGID != old.FSGID || c.Permitted&^old.Permitted != 0 {
		t.SetDumpable(false) // what it had may not be the new user's to see
		_ = t.SetPdeathsig(0)
	}
	return nil
}

// setCred gives the task new credentials.
func (t *Task) setCred(c Credentials) {
	c.fs = c.vfs()
	t.cred.Store(&c)
}

// Setuid is setuid(2).
func (t *Task) Setuid(uid uint32) error {
	return t.edit(func(c *Credentials) error {
		switch {
		case uid == noID:
			return linux.EINVAL
		case c.Has(linux.CAP_SETUID):
			c.changeUIDs(uid, uid, uid)
		case uid == c.UID || uid == c.SUID:
			c.changeUIDs(c.UID, uid, c.SUID)
		default:
			return linux.EPERM
		}
		return nil
	})
}

// Setreuid is setreuid(2); ^0 leaves an id.
func (t *Task) Setreuid(r, e uint32) error {
	return t.edit(func(c *Credentials) error {
		priv := c.Has(linux.CAP_SETUID)
		nr, ne, ns := c.UID, c.EUID, c.SUID
		if r != noID {
			if nr = r; !priv && r != c.UID && r != c.EUID {
				return linux.EPERM
			}
		}
		if e != noID {
			if ne = e; !priv && e != c.UID && e != c.EUID && e != c.SUID {
				return linux.EPERM
			}
		}
		if r != noID || e != noID && e != c.UID {
			ns = ne
		}
		c.changeUIDs(nr, ne, ns)
		return nil
	})
}

// Setresuid is setresuid(2); ^0 leaves an id.
func (t *Task) Setresuid(r, e, s uint32) error {
	return t.edit(func(c *Credentials) error {
		ids := []*uint32{&r, &e, &s}
		for i, own := range []uint32{c.UID, c.EUID, c.SUID} {
			if !pickID(ids[i], own, c.Has(linux.CAP_SETUID), c.UID, c.EUID, c.SUID) {
				return linux.EPERM
			}
		}
		c.changeUIDs(r, e, s)
		return nil
	})
}

// pickID replaces "leave it" by own, and reports whether the id may be taken.
func pickID(id *uint32, own uint32, priv bool, allowed ...uint32) bool {
	if *id == noID {
		*id = own
		return true
	}
	return priv || slices.Contains(allowed, *id)
}

// Setgid is setgid(2).
func (t *Task) Setgid(gid uint32) error {
	return t.edit(func(c *Credentials) error {
		switch {
		case gid == noID:
			return linux.EINVAL
		case c.Has(linux.CAP_SETGID):
			c.GID, c.EGID, c.SGID, c.FSGID = gid, gid, gid, gid
		case gid == c.GID || gid == c.SGID:
			c.EGID, c.FSGID = gid, gid
		default:
			return linux.EPERM
		}
		return nil
	})
}

// Setregid is setregid(2); ^0 leaves an id.
func (t *Task) Setregid(r, e uint32) error {
	return t.edit(func(c *Credentials) error {
		priv := c.Has(linux.CAP_SETGID)
		nr, ne, ns := c.GID, c.EGID, c.SGID
		if r != noID {
			if nr = r; !priv && r != c.GID && r != c.EGID {
				return linux.EPERM
			}
		}
		if e != noID {
			if ne = e; !priv && e != c.GID && e != c.EGID && e != c.SGID {
				return linux.EPERM
			}
		}
		if r != noID || e != noID && e != c.GID {
			ns = ne
		}
		c.GID, c.EGID, c.SGID, c.FSGID = nr, ne, ns, ne
		return nil
	})
}

// Setresgid is setresgid(2); ^0 leaves an id.
func (t *Task) Setresgid(r, e, s uint32) error {
	return t.edit(func(c *Credentials) error {
		ids := []*uint32{&r, &e, &s}
		for i, own := range []uint32{c.GID, c.EGID, c.SGID} {
			if !pickID(ids[i], own, c.Has(linux.CAP_SETGID), c.GID, c.EGID, c.SGID) {
				return linux.EPERM
			}
		}
		c.GID, c.EGID, c.SGID, c.FSGID = r, e, s, e
		return nil
	})
}

// Setfsuid is setfsuid(2): it returns the old id, whether it changed or not.
func (t *Task) Setfsuid(uid uint32) uint32 {
	old := t.cred.Load().FSUID
	_ = t.edit(func(c *Credentials) error {
		if uid == noID || !c.Has(linux.CAP_SETUID) && uid != c.UID && uid != c.EUID && uid != c.SUID && uid != c.FSUID {
			return linux.EPERM
		}
		switch {
		case c.FSUID == 0 && uid != 0:
			c.Effective &^= capFS
		case c.FSUID != 0 && uid == 0:
			c.Effective |= c.Permitted & capFS
		}
		c.FSUID = uid
		return nil
	})
	return old
}

// Setfsgid is setfsgid(2): it returns the old id, whether it changed or not.
func (t *Task) Setfsgid(gid uint32) uint32 {
	old := t.cred.Load().FSGID
	_ = t.edit(func(c *Credentials) error {
		if gid == noID || !c.Has(linux.CAP_SETGID) && gid != c.GID && gid != c.EGID && gid != c.SGID && gid != c.FSGID {
			return linux.EPERM
		}
		c.FSGID = gid
		return nil
	})
	return old
}

// Setgroups is setgroups(2).
func (t *Task) Setgroups(groups []uint32) error {
	return t.edit(func(c *Credentials) error {
		switch {
		case !c.Has(linux.CAP_SETGID):
			return linux.EPERM
		case len(groups) > maxGroups:
			return linux.EINVAL
		}
		c.Groups = slices.Clone(groups)
		return nil
	})
}

// Capset is capset(2) for the calling task.
func (t *Task) Capset(effective, permitted, inheritable uint64) error {
	return t.edit(func(c *Credentials) error {
		switch {
		case permitted&^c.Permitted != 0, effective&^permitted != 0:
			return linux.EPERM
		case inheritable&^(c.Inheritable|c.Permitted) != 0 && !c.Has(linux.CAP_SETPCAP):
			return linux.EPERM
		case inheritable&^(c.Inheritable|c.Bounding) != 0:
			return linux.EPERM
		}
		c.Effective, c.Permitted, c.Inheritable = effective, permitted, inheritable
		c.Ambient &= permitted & inheritable
		return nil
	})
}

// CapbsetDrop is prctl(PR_CAPBSET_DROP).
func (t *Task) CapbsetDrop(capability uint) error {
	return t.edit(func(c *Credentials) error {
		switch {
		case capability > linux.CAP_LAST_CAP:
			return linux.EINVAL
		case !c.Has(linux.CAP_SETPCAP):
			return linux.EPERM
		}
		c.Bounding &^= 1 << capability
		return nil
	})
}

// SetAmbient is prctl(PR_CAP_AMBIENT): it raises or lowers one capability.
func (t *Task) SetAmbient(capability uint, raise bool) error {
	return t.edit(func(c *Credentials) error {
		if capability > linux.CAP_LAST_CAP {
			return linux.EINVAL
		}
		bit := uint64(1) << capability
		if raise && c.Permitted&c.Inheritable&bit == 0 {
			return linux.EPERM
		}
		c.Ambient &^= bit
		if raise {
			c.Ambient |= bit
		}
		return nil
	})
}

// SetKeepCaps is prctl(PR_SET_KEEPCAPS).
func (t *Task) SetKeepCaps(on bool) {
	_ = t.edit(func(c *Credentials) error { c.KeepCaps = on; return nil })
}

// SetNoNewPrivs is prctl(PR_SET_NO_NEW_PRIVS, 1), which cannot be undone.
func (t *Task) SetNoNewPrivs() {
	_ = t.edit(func(c *Credentials) error { c.NoNewPrivs = true; return nil })
}

// execCaps are the capabilities of a file, from security.capability.
type execCaps struct {
	permitted, inheritable uint64
	effective              bool
}

// exec returns the credentials after exec of a file with this mode, owner and
// capabilities. Set-id bits count when privs is set: the mount has no nosuid.
// secure says that they are more than the caller has by itself.
func (c Credentials) exec(mode, uid, gid uint32, fc execCaps, privs bool) (n Credentials, secure bool) {
	n = c
	n.KeepCaps = false
	privs = privs && !c.NoNewPrivs
	setid := false
	if privs && mode&linux.S_ISUID != 0 {
		setid = setid || n.EUID != uid
		n.EUID = uid
	}
	if privs && mode&(linux.S_ISGID|linux.S_IXGRP) == linux.S_ISGID|linux.S_IXGRP {
		setid = setid || n.EGID != gid
		n.EGID = gid
	}
	if !privs {
		fc = execCaps{}
	}
	if setid || fc.permitted != 0 {
		n.Ambient = 0
	}
	if n.EUID == 0 || n.UID == 0 {
		fc.permitted, fc.inheritable = linux.CAP_FULL_SET, linux.CAP_FULL_SET
		fc.effective = n.EUID == 0
		n.Ambient = 0
	}
	n.Permitted = n.Inheritable&fc.inheritable | fc.permitted&n.Bounding | n.Ambient
	n.Effective = n.Ambient
	if fc.effective {
		n.Effective = n.Permitted
	}
	n.SUID, n.FSUID = n.EUID, n.EUID
	n.SGID, n.FSGID = n.EGID, n.EGID
	secure = n.EUID != c.UID || n.EGID != c.GID || n.UID != 0 && (fc.effective || n.Permitted&^n.Ambient != 0)
	return n, secure
}

// parseFileCaps reads security.capability, versions 2 and 3.
func parseFileCaps(b []byte) execCaps {
	if len(b) < 20 {
		return execCaps{}
	}
	word := func(i int) uint64 {
		return uint64(b[i]) | uint64(b[i+1])<<8 | uint64(b[i+2])<<16 | uint64(b[i+3])<<24
	}
	magic := word(0)
	if v := magic >> 24; v != 2 && v != 3 {
		return execCaps{}
	}
	return execCaps{
		permitted:   (word(4) | word(12)<<32) & linux.CAP_FULL_SET,
		inheritable: (word(8) | word(16)<<32) & linux.CAP_FULL_SET,
		effective:   magic&1 != 0,
	}
}
