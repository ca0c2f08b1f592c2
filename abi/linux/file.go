package linux

// Flags of open(2).
const (
	O_ACCMODE   = 0x3
	O_RDONLY    = 0x0
	O_WRONLY    = 0x1
	O_RDWR      = 0x2
	O_CREAT     = 0x40
	O_EXCL      = 0x80
	O_NOCTTY    = 0x100
	O_TRUNC     = 0x200
	O_APPEND    = 0x400
	O_NONBLOCK  = 0x800
	O_NDELAY    = O_NONBLOCK
	O_DSYNC     = 0x1000
	O_ASYNC     = 0x2000
	O_DIRECT    = 0x4000
	O_LARGEFILE = 0x8000
	O_DIRECTORY = 0x10000
	O_NOFOLLOW  = 0x20000
	O_NOATIME   = 0x40000
	O_CLOEXEC   = 0x80000
	O_SYNC      = 0x101000
	O_RSYNC     = O_SYNC
	O_PATH      = 0x200000
	O_TMPFILE   = 0x410000 // includes O_DIRECTORY

	// O_TMPFILE_BIT is the part of O_TMPFILE that is not O_DIRECTORY.
	O_TMPFILE_BIT = 0x400000
)

// File types and permission bits of st_mode, inode(7).
const (
	S_IFMT   = 0o170000
	S_IFSOCK = 0o140000
	S_IFLNK  = 0o120000
	S_IFREG  = 0o100000
	S_IFBLK  = 0o060000
	S_IFDIR  = 0o040000
	S_IFCHR  = 0o020000
	S_IFIFO  = 0o010000
	S_ISUID  = 0o4000
	S_ISGID  = 0o2000
	S_ISVTX  = 0o1000
	S_IRWXU  = 0o700
	S_IRUSR  = 0o400
	S_IWUSR  = 0o200
	S_IXUSR  = 0o100
	S_IRWXG  = 0o070
	S_IRGRP  = 0o040
	S_IWGRP  = 0o020
	S_IXGRP  = 0o010
	S_IRWXO  = 0o007
	S_IROTH  = 0o004
	S_IWOTH  = 0o002
	S_IXOTH  = 0o001
)

// S_ISDIR reports whether mode is a directory's.
func S_ISDIR(mode uint32) bool { return mode&S_IFMT == S_IFDIR }

// S_ISREG reports whether mode is a regular file's.
func S_ISREG(mode uint32) bool { return mode&S_IFMT == S_IFREG }

// S_ISLNK reports whether mode is a symbolic link's.
func S_ISLNK(mode uint32) bool { return mode&S_IFMT == S_IFLNK }

// S_ISCHR reports whether mode is a character device's.
func S_ISCHR(mode uint32) bool { return mode&S_IFMT == S_IFCHR }

// S_ISBLK reports whether mode is a block device's.
func S_ISBLK(mode uint32) bool { return mode&S_IFMT == S_IFBLK }

// S_ISFIFO reports whether mode is a FIFO's.
func S_ISFIFO(mode uint32) bool { return mode&S_IFMT == S_IFIFO }

// S_ISSOCK reports whether mode is a socket's.
func S_ISSOCK(mode uint32) bool { return mode&S_IFMT == S_IFSOCK }

// Directory entry types, getdents64(2).
const (
	DT_UNKNOWN = 0
	DT_FIFO    = 1
	DT_CHR     = 2
	DT_DIR     = 4
	DT_BLK     = 6
	DT_REG     = 8
	DT_LNK     = 10
	DT_SOCK    = 12
	DT_WHT     = 14
)

// DirType returns the DT_* value of a mode.
func DirType(mode uint32) uint8 { return uint8(mode & S_IFMT >> 12) }

// Flags of the *at(2) family.
const (
	AT_FDCWD            = -100
	AT_SYMLINK_NOFOLLOW = 0x100
	AT_EACCESS          = 0x200
	AT_REMOVEDIR        = 0x200
	AT_SYMLINK_FOLLOW   = 0x400
	AT_NO_AUTOMOUNT     = 0x800
	AT_EMPTY_PATH       = 0x1000
	AT_STATX_SYNC_TYPE  = 0x6000
	AT_STATX_FORCE_SYNC = 0x2000
	AT_STATX_DONT_SYNC  = 0x4000
	AT_RECURSIVE        = 0x8000
)

// Modes of access(2).
const (
	F_OK = 0
	X_OK = 1
	W_OK = 2
	R_OK = 4
)

// Origins of lseek(2).
const (
	SEEK_SET  = 0
	SEEK_CUR  = 1
	SEEK_END  = 2
	SEEK_DATA = 3
	SEEK_HOLE = 4
)

// Flags of renameat2(2).
const (
	RENAME_NOREPLACE = 1
	RENAME_EXCHANGE  = 2
	RENAME_WHITEOUT  = 4
)

// Modes of fallocate(2).
const (
	FALLOC_FL_KEEP_SIZE      = 0x01
	FALLOC_FL_PUNCH_HOLE     = 0x02
	FALLOC_FL_NO_HIDE_STALE  = 0x04
	FALLOC_FL_COLLAPSE_RANGE = 0x08
	FALLOC_FL_ZERO_RANGE     = 0x10
	FALLOC_FL_INSERT_RANGE   = 0x20
	FALLOC_FL_UNSHARE_RANGE  = 0x40
)

// Commands of fcntl(2).
const (
	F_DUPFD         = 0
	F_GETFD         = 1
	F_SETFD         = 2
	F_GETFL         = 3
	F_SETFL         = 4
	F_GETLK         = 5
	F_SETLK         = 6
	F_SETLKW        = 7
	F_SETOWN        = 8
	F_GETOWN        = 9
	F_SETSIG        = 10
	F_GETSIG        = 11
	F_OFD_GETLK     = 36
	F_OFD_SETLK     = 37
	F_OFD_SETLKW    = 38
	F_SETLEASE      = 1024
	F_GETLEASE      = 1025
	F_NOTIFY        = 1026
	F_DUPFD_CLOEXEC = 1030
	F_SETPIPE_SZ    = 1031
	F_GETPIPE_SZ    = 1032
	F_ADD_SEALS     = 1033
	F_GET_SEALS     = 1034

	FD_CLOEXEC = 1
)

// Events of F_NOTIFY, fcntl(2).
const (
	DN_ACCESS    = 0x01
	DN_MODIFY    = 0x02
	DN_CREATE    = 0x04
	DN_DELETE    = 0x08
	DN_RENAME    = 0x10
	DN_ATTRIB    = 0x20
	DN_MULTISHOT = 0x80000000
)

// Types of a record lock, fcntl(2).
const (
	F_RDLCK = 0
	F_WRLCK = 1
	F_UNLCK = 2
)

// Operations of flock(2).
const (
	LOCK_SH = 1
	LOCK_EX = 2
	LOCK_NB = 4
	LOCK_UN = 8
)

// Flags of setxattr(2) and its limits, xattr(7).
const (
	XATTR_CREATE   = 1
	XATTR_REPLACE  = 2
	XATTR_NAME_MAX = 255
	XATTR_SIZE_MAX = 65536
	XATTR_LIST_MAX = 65536
)

// Limits of names and paths, in bytes. PATH_MAX counts the closing NUL.
const (
	NAME_MAX    = 255
	PATH_MAX    = 4096
	MAXSYMLINKS = 40
	PIPE_BUF    = 4096
	LINK_MAX    = 65000
)

// Special nanoseconds of utimensat(2).
const (
	UTIME_NOW  = 0x3fffffff
	UTIME_OMIT = 0x3ffffffe
)

// Resolve flags of openat2(2).
const (
	RESOLVE_NO_XDEV       = 0x01
	RESOLVE_NO_MAGICLINKS = 0x02
	RESOLVE_NO_SYMLINKS   = 0x04
	RESOLVE_BENEATH       = 0x08
	RESOLVE_IN_ROOT       = 0x10
	RESOLVE_CACHED        = 0x20
)

// Flags of umount2(2) and mount(2) (also ST_* of statfs).
const (
	MNT_FORCE       = 1
	MNT_DETACH      = 2
	MNT_EXPIRE      = 4
	UMOUNT_NOFOLLOW = 8

	MS_RDONLY  = 1
	MS_NOSUID  = 2
	MS_NODEV   = 4
	MS_NOEXEC  = 8
	MS_REMOUNT = 32
	MS_BIND    = 4096
	MS_MOVE    = 8192
	MS_REC     = 16384
)

// Mask of statx(2).
const (
	STATX_TYPE        = 0x001
	STATX_MODE        = 0x002
	STATX_NLINK       = 0x004
	STATX_UID         = 0x008
	STATX_GID         = 0x010
	STATX_ATIME       = 0x020
	STATX_MTIME       = 0x040
	STATX_CTIME       = 0x080
	STATX_INO         = 0x100
	STATX_SIZE        = 0x200
	STATX_BLOCKS      = 0x400
	STATX_BASIC_STATS = 0x7ff
	STATX_BTIME       = 0x800
	STATX_MNT_ID      = 0x1000
)

// Makedev packs a device number as the kernel's user-visible 64-bit dev_t does.
func Makedev(major, minor uint32) uint64 {
	return uint64(major&0xfffff000)<<32 | uint64(major&0xfff)<<8 |
		uint64(minor&0xffffff00)<<12 | uint64(minor&0xff)
}

// Major returns the major part of a device number.
func Major(dev uint64) uint32 {
	return uint32(dev>>32)&0xfffff000 | uint32(dev>>8)&0xfff
}

// Minor returns the minor part of a device number.
func Minor(dev uint64) uint32 {
	return uint32(dev>>12)&0xffffff00 | uint32(dev)&0xff
}

// Flags of splice(2).
const (
	SPLICE_F_MOVE     = 1
	SPLICE_F_NONBLOCK = 2
	SPLICE_F_MORE     = 4
	SPLICE_F_GIFT     = 8
	SPLICE_F_ALL      = 15
)
