package linux

import "encoding/binary"

// Ucred is struct ucred of unix(7).
type Ucred struct{ PID, UID, GID uint32 }

// UcredSize is sizeof(struct ucred).
const UcredSize = 12

// Encode returns the bytes of the structure.
func (u Ucred) Encode() []byte {
	b := make([]byte, 0, UcredSize)
	for _, v := range [...]uint32{u.PID, u.UID, u.GID} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// DecodeUcred reads the structure; EINVAL when b has another length.
func DecodeUcred(b []byte) (Ucred, error) {
	if len(b) != UcredSize {
		return Ucred{}, EINVAL
	}
	le := binary.LittleEndian
	return Ucred{le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])}, nil
}

// Cmsg is a control message of sendmsg(2), cmsg(3).
type Cmsg struct {
	Level, Type int32
	Data        []byte
}

// CmsgHeader is sizeof(struct cmsghdr) on 64-bit machines.
const CmsgHeader = 16

// CmsgAlign rounds up to where the next message may begin.
func CmsgAlign(n int) int { return (n + 7) &^ 7 }

// CmsgSpace is CMSG_SPACE.
func CmsgSpace(n int) int { return CmsgHeader + CmsgAlign(n) }

// DecodeCmsgs splits a control buffer. EINVAL when a message does not fit.
func DecodeCmsgs(b []byte) ([]Cmsg, error) {
	var out []Cmsg
	for len(b) >= CmsgHeader {
		le := binary.LittleEndian
		n := le.Uint64(b)
		if n < CmsgHeader || n > uint64(len(b)) {
			return nil, EINVAL
		}
		out = append(out, Cmsg{int32(le.Uint32(b[8:])), int32(le.Uint32(b[12:])), b[CmsgHeader:n]})
		b = b[min(CmsgAlign(int(n)), len(b)):]
	}
	return out, nil
}

// AppendCmsg appends a message to a control buffer of at most limit bytes.
// What does not fit is cut, as put_cmsg does, and reported.
func AppendCmsg(b []byte, limit int, m Cmsg) (out []byte, truncated bool) {
	room := limit - len(b)
	if room < CmsgHeader {
		return b, true
	}
	n := CmsgHeader + len(m.Data)
	if n > room {
		n, truncated = room, true
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(n))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Level))
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Type))
	b = append(b, m.Data[:n-CmsgHeader]...)
	for len(b) < limit && len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b, truncated
}
