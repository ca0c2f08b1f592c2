package syscalls

import "github.com/sbxrun/sbx/kernel"

// lock is fcntl's record locks: struct flock is 32 bytes.
func (c *call) lock(fd, cmd int, addr uint64) (int64, error) {
	b, err := c.bytes(addr, 32)
	if err != nil {
		return 0, err
	}
	fl := kernel.Flock{Type: int16(le.Uint16(b)), Whence: int16(le.Uint16(b[2:])), Start: int64(le.Uint64(b[8:])), Len: int64(le.Uint64(b[16:])), PID: int(int32(le.Uint32(b[24:])))}
	if err := c.t.FcntlLock(fd, cmd, &fl); err != nil {
		return 0, err
	}
	if cmd != fGetlk && cmd != fOfdGetlk {
		return 0, nil
	}
	le.PutUint16(b, uint16(fl.Type))
	le.PutUint16(b[2:], uint16(fl.Whence))
	le.PutUint64(b[8:], uint64(fl.Start))
	le.PutUint64(b[16:], uint64(fl.Len))
	le.PutUint32(b[24:], uint32(fl.PID))
	return 0, c.mm.Write(addr, b)
}
