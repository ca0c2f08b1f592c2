package trap

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"time"
	"unsafe"
)

// The calls that are answered without Go.
const (
	sysGettimeofday = 96
	sysTime         = 201
	sysClockGettime = 228
)

// The clocks by their numbers: what shows the time of day, and what counts from boot.
const (
	realtimes  = 1<<0 | 1<<5               // CLOCK_REALTIME, CLOCK_REALTIME_COARSE
	monotonics = 1<<1 | 1<<4 | 1<<6 | 1<<7 // CLOCK_MONOTONIC, _RAW, _COARSE, CLOCK_BOOTTIME
)

// AnswerTime has the thread answer by itself what asks for the host's clocks, where CLOCK_MONOTONIC
// showed boot when the guest's was 0; or not, when on is false. It is for who runs the thread, and only works on some hosts.
func (s *State) AnswerTime(on bool, boot time.Duration) {
	s.times = 0
	if on && hostClock != 0 && boot >= 0 {
		s.boot = [2]uint64{uint64(boot / time.Second), uint64(boot % time.Second)}
		s.times = 1
	}
}

// hostClock is the host's __vdso_clock_gettime, or 0. It is C's, called with a stack of two pages.
var hostClock uintptr

// findClock looks for the function in the ELF file that the kernel mapped into the process, vdso(7).
func findClock() {
	const sysinfoEhdr = 33
	base := uintptr(auxv(sysinfoEhdr))
	if base == 0 {
		return
	}
	// All of the file is mapped, and ends with its table of sections.
	head := unsafe.Slice((*byte)(hostPointer(base)), 64)
	size := binary.LittleEndian.Uint64(head[40:]) + 64*uint64(binary.LittleEndian.Uint16(head[60:]))
	const most = 4 * pageSize
	if size > most {
		return
	}
	f, err := elf.NewFile(bytes.NewReader(unsafe.Slice((*byte)(hostPointer(base)), size)))
	if err != nil {
		return
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Off != 0 {
			continue
		}
		for _, s := range symbols {
			if s.Name == "__vdso_clock_gettime" && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
				hostClock = base + uintptr(s.Value-p.Vaddr)
			}
		}
	}
}
