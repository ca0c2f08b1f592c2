package syscalls

import (
	"fmt"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// format shows a call as strace(1) does.
func format(c *call, n uint64, e entry) string {
	name := e.name
	if name == "" {
		name = fmt.Sprintf("syscall_%d", n)
	}
	args := e.args
	if e.do == nil {
		args = "xxxxxx"
	}
	parts := make([]string, 0, len(args))
	for i, kind := range args {
		parts = append(parts, c.format(i, kind))
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

func (c *call) format(i int, kind rune) string {
	v := c.a[i]
	switch kind {
	case 'd':
		if int32(v) == cwd {
			return "AT_FDCWD"
		}
		return fmt.Sprint(int64(v<<32) >> 32)
	case 'u':
		return fmt.Sprint(v)
	case 's':
		if s, err := c.mm.String(v, pathMax); err == nil {
			return fmt.Sprintf("%.64q", s)
		}
	case 'm':
		return fmt.Sprintf("%#o", v)
	case 'S':
		return linux.Signal(v).String()
	case 'p':
		if v == 0 {
			return "NULL"
		}
	}
	return fmt.Sprintf("%#x", v)
}

// result shows what a call returned.
func result(v int64, err error) string {
	if err != nil {
		e := linux.ErrnoOf(err)
		return fmt.Sprintf("-1 %s (%s)", e.Name(), e.Error())
	}
	if v > 0xffff || v < 0 {
		return fmt.Sprintf("%#x", uint64(v))
	}
	return fmt.Sprint(v)
}
