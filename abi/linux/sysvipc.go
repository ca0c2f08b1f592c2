package linux

import "encoding/binary"

// Flags and commands of System V IPC, sysvipc(7).
const (
	IPC_CREAT  = 0o1000
	IPC_EXCL   = 0o2000
	IPC_NOWAIT = 0o4000

	IPC_PRIVATE = 0

	IPC_RMID = 0
	IPC_SET  = 1
	IPC_STAT = 2
	IPC_INFO = 3
)

// Commands and flags of semctl(2) and semop(2).
const (
	GETPID       = 11
	GETVAL       = 12
	GETALL       = 13
	GETNCNT      = 14
	GETZCNT      = 15
	SETVAL       = 16
	SETALL       = 17
	SEM_STAT     = 18
	SEM_INFO     = 19
	SEM_STAT_ANY = 20
	SEM_UNDO     = 0x1000
)

// Commands and flags of msgctl(2) and msgrcv(2).
const (
	MSG_STAT     = 11
	MSG_INFO     = 12
	MSG_STAT_ANY = 13
	MSG_NOERROR  = 0o10000
	MSG_EXCEPT   = 0o20000
	MSG_COPY     = 0o40000
)

// Commands and flags of shmctl(2), shmget(2) and shmat(2).
const (
	SHM_LOCK      = 11
	SHM_UNLOCK    = 12
	SHM_STAT      = 13
	SHM_INFO      = 14
	SHM_STAT_ANY  = 15
	SHM_HUGETLB   = 0o4000
	SHM_NORESERVE = 0o10000
	SHM_RDONLY    = 0o10000
	SHM_RND       = 0o20000
	SHM_REMAP     = 0o40000
	SHM_EXEC      = 0o100000
	SHM_DEST      = 0o1000 // in the mode: it goes with its last attachment
	SHM_LOCKED    = 0o2000 // in the mode
)

// Sembuf is struct sembuf.
type Sembuf struct {
	Num uint16
	Op  int16
	Flg int16
}

// SembufSize is that of struct sembuf.
const SembufSize = 6

// DecodeSembuf reads one of SembufSize bytes.
func DecodeSembuf(b []byte) Sembuf {
	le := binary.LittleEndian
	return Sembuf{le.Uint16(b), int16(le.Uint16(b[2:])), int16(le.Uint16(b[4:]))}
}

// IPCPerm is struct ipc64_perm of x86-64.
type IPCPerm struct {
	Key                  int32
	UID, GID, CUID, CGID uint32
	Mode                 uint32
	Seq                  uint16
}

const ipcPermSize = 48

// encode makes a structure of n bytes that begins with the permissions and goes on
// with words.
func (p *IPCPerm) encode(n int, words ...uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, n)
	for _, v := range [...]uint32{uint32(p.Key), p.UID, p.GID, p.CUID, p.CGID, p.Mode, uint32(p.Seq)} {
		b = le.AppendUint32(b, v)
	}
	b = append(b, make([]byte, ipcPermSize-len(b))...)
	for _, v := range words {
		b = le.AppendUint64(b, v)
	}
	return append(b, make([]byte, n-len(b))...)
}

// DecodeIPCSet reads what IPC_SET takes of a structure: the owner and the mode.
func DecodeIPCSet(b []byte) (uid, gid, mode uint32) {
	le := binary.LittleEndian
	return le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[20:])
}

// ShmidDs is struct shmid64_ds.
type ShmidDs struct {
	Perm                IPCPerm
	Size                uint64
	Atime, Dtime, Ctime int64
	CPID, LPID          int
	Nattch              uint64
}

// ShmidDsSize is that of struct shmid64_ds.
const ShmidDsSize = 112

// Encode makes the structure.
func (d *ShmidDs) Encode() []byte {
	return d.Perm.encode(ShmidDsSize, d.Size, uint64(d.Atime), uint64(d.Dtime), uint64(d.Ctime),
		uint64(uint32(d.CPID))|uint64(uint32(d.LPID))<<32, d.Nattch)
}

// SemidDs is struct semid64_ds of x86-64.
type SemidDs struct {
	Perm         IPCPerm
	Otime, Ctime int64
	Nsems        uint64
}

// SemidDsSize is that of struct semid64_ds.
const SemidDsSize = 104

// Encode makes the structure.
func (d *SemidDs) Encode() []byte {
	return d.Perm.encode(SemidDsSize, uint64(d.Otime), 0, uint64(d.Ctime), 0, d.Nsems)
}

// MsqidDs is struct msqid64_ds.
type MsqidDs struct {
	Perm                IPCPerm
	Stime, Rtime, Ctime int64
	Cbytes, Qnum        uint64
	Qbytes              uint64
	LSPID, LRPID        int
}

// MsqidDsSize is that of struct msqid64_ds, and MsqidQbytes where its limit is.
const (
	MsqidDsSize = 120
	MsqidQbytes = 88
)

// Encode makes the structure.
func (d *MsqidDs) Encode() []byte {
	return d.Perm.encode(MsqidDsSize, uint64(d.Stime), uint64(d.Rtime), uint64(d.Ctime), d.Cbytes, d.Qnum, d.Qbytes,
		uint64(uint32(d.LSPID))|uint64(uint32(d.LRPID))<<32)
}
