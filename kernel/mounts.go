package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/dev"
	"github.com/sbxrun/sbx/kernel/proc"
	"github.com/sbxrun/sbx/vfs"
)

// Device numbers of the kernel's own filesystems: major 0, as Linux gives
// anonymous ones. A namespace numbers its own from 0x20 on.
const (
	procDev = 0x10 + iota
	devDev
	ptsDev
	shmDev
	mqueueDev
	sysDev
	cgroupDev
	memDev
)

const (
	shmBytes   = 64 << 20 // as docker has it
	devBytes   = 1 << 20
	smallNodes = 65536
)

// mountAll mounts /proc, /dev and /sys.
func (k *Kernel) mountAll() error {
	k.devices = dev.New(dev.Options{PtsDev: ptsDev, Signals: ttySignals{k}, TTYGID: 5, Now: k.clock.Now})
	if !k.cfg.NoProc {
		s := proc.New(procDev, source{k})
		if err := k.mount("/proc", s, vfs.MountOpts{Source: "proc", NoSuid: true, NoExec: true, NoDev: true}); err != nil {
			return err
		}
	}
	if !k.cfg.NoSys {
		s := proc.NewSys(sysDev, source{k})
		if err := k.mount("/sys", s, vfs.MountOpts{Source: "sysfs", ReadOnly: true, NoSuid: true, NoExec: true, NoDev: true}); err != nil {
			return err
		}
		c := proc.NewCgroup(cgroupDev, source{k})
		if err := k.mount("/sys/fs/cgroup", c, vfs.MountOpts{Source: "cgroup", ReadOnly: true, NoSuid: true, NoExec: true, NoDev: true}); err != nil {
			return err
		}
	}
	if k.cfg.NoDev {
		return nil
	}
	return k.mountDev()
}

// mountDev mounts /dev and what is below it.
func (k *Kernel) mountDev() error {
	d := k.tmpfs(devDev, devBytes)
	if err := dev.Populate(d, true, 5); err != nil {
		return err
	}
	o := vfs.MountOpts{Source: "tmpfs", NoSuid: true}
	if err := k.mount("/dev", d, o); err != nil {
		return err
	}
	o = vfs.MountOpts{Source: "devpts", NoSuid: true, NoExec: true}
	if err := k.mount("/dev/pts", k.devices.Pts(), o); err != nil {
		return err
	}
	shm := k.cfg.ShmBytes
	if shm <= 0 {
		shm = shmBytes
	}
	o = vfs.MountOpts{Source: "shm", NoSuid: true, NoExec: true, NoDev: true}
	if err := k.mount("/dev/shm", k.shared(shmDev, shm), o); err != nil {
		return err
	}
	o.Source = "mqueue"
	return k.mount("/dev/mqueue", k.mq, o)
}

// tmpfs makes an empty filesystem in memory.
func (k *Kernel) tmpfs(dev uint64, bytes int64) *vfs.FS {
	return vfs.New(nil, nil, vfs.Options{MaxBytes: bytes, MaxInodes: smallNodes, Now: k.clock.Now, Type: "tmpfs", Dev: dev})
}

// shared is a tmpfs whose root everyone may write to.
func (k *Kernel) shared(dev uint64, bytes int64) *vfs.FS {
	fs := k.tmpfs(dev, bytes)
	// A fresh filesystem in memory takes this.
	_ = fs.Setattr(fs.Root(), &vfs.SetAttr{Valid: vfs.SetMode, Mode: linux.S_ISVTX | 0o777})
	return fs
}

// mount mounts s at path, which is made when it is not there. On a root that
// cannot have it nothing is mounted.
func (k *Kernel) mount(path string, s vfs.Super, o vfs.MountOpts) error {
	root := k.ns.RootLoc()
	w := vfs.Walker{NS: k.ns, Root: root, Cwd: root, Cred: vfs.RootCred()}
	at, err := w.Resolve(root, path, vfs.Directory)
	if err == linux.ENOENT {
		if err = w.Mkdir(root, path, 0o755); err == nil {
			at, err = w.Resolve(root, path, vfs.Directory)
		}
	}
	if err != nil {
		if e := linux.ErrnoOf(err); e == linux.EROFS || e == linux.ENOTDIR || e == linux.ENOSPC {
			return nil
		}
		return pathError("mount", path, err)
	}
	if _, err := k.ns.Mount(at, s, o); err != nil {
		return pathError("mount", path, err)
	}
	return nil
}

// SetConsole makes a terminal what /dev/console opens.
func (k *Kernel) SetConsole(t *TTY) { k.devices.SetConsole(t.t) }
