package linux

// Statfs is what statfs(2) answers. Blocks are of Bsize bytes.
type Statfs struct {
	Type    int64 // one of the *_MAGIC numbers
	Bsize   int64
	Blocks  uint64
	Bfree   uint64
	Bavail  uint64
	Files   uint64
	Ffree   uint64
	Fsid    [2]int32
	Namelen int64
	Frsize  int64
	Flags   int64 // ST_*
}

// Types of file systems, statfs(2).
const (
	OVERLAYFS_SUPER_MAGIC = 0x794c7630
	TMPFS_MAGIC           = 0x01021994
	PROC_SUPER_MAGIC      = 0x9fa0
	SYSFS_MAGIC           = 0x62656572
	DEVPTS_SUPER_MAGIC    = 0x1cd1
	EXT4_SUPER_MAGIC      = 0xef53
	PIPEFS_MAGIC          = 0x50495045
	SOCKFS_MAGIC          = 0x534f434b
	CGROUP2_SUPER_MAGIC   = 0x63677270
	V9FS_MAGIC            = 0x01021997
	MQUEUE_MAGIC          = 0x19800202
)

// Mount flags as statfs(2) shows them.
const (
	ST_RDONLY   = 1
	ST_NOSUID   = 2
	ST_NODEV    = 4
	ST_NOEXEC   = 8
	ST_VALID    = 0x20
	ST_NOATIME  = 1024
	ST_RELATIME = 4096
)
