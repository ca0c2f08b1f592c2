package shell

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// now is the task's time, in UTC unless TZ says a fixed offset.
func (sh *Shell) now() time.Time { return sh.t.Clock().Now().In(sh.zone()) }

// zone reads TZ of the forms UTC0, CET-1, <+02>-2: POSIX offsets without rules.
func (sh *Shell) zone() *time.Location {
	tz := sh.getStr("TZ")
	name := strings.TrimRight(tz, "0123456789:+-")
	if strings.HasPrefix(tz, "<") {
		if i := strings.IndexByte(tz, '>'); i > 0 {
			name = tz[:i+1]
		}
	}
	offset := tz[len(name):]
	if name == "" || offset == "" {
		return time.UTC
	}
	sign := -1
	if offset[0] == '-' {
		sign = 1
	}
	h, m, _ := strings.Cut(strings.TrimLeft(offset, "+-"), ":")
	hours, err := strconv.Atoi(h)
	if err != nil || hours > 24 {
		return time.UTC
	}
	minutes, _ := strconv.Atoi(m)
	return time.FixedZone(strings.Trim(name, "<>"), sign*(hours*3600+min(minutes, 59)*60))
}

// strftime formats a time as strftime(3) does in the C locale.
func strftime(format string, t time.Time) string {
	var sb strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			sb.WriteByte(format[i])
			continue
		}
		i++
		pad := byte(0)
		for i < len(format)-1 && strings.IndexByte("-_0^#", format[i]) >= 0 {
			pad = format[i]
			i++
		}
		for i < len(format)-1 && (format[i] == 'E' || format[i] == 'O') {
			i++
		}
		sb.WriteString(timeField(format[i], pad, t))
	}
	return sb.String()
}

func timeNumber(n, width int, pad, def byte) string {
	switch pad {
	case 0, '^', '#':
		pad = def
	case '-':
		return strconv.Itoa(n)
	}
	if pad == '_' {
		return fmt.Sprintf("%*d", width, n)
	}
	return fmt.Sprintf("%0*d", width, n)
}

func timeField(c, pad byte, t time.Time) string {
	num := func(n, width int) string { return timeNumber(n, width, pad, '0') }
	text := func(s string) string {
		if pad == '^' {
			return strings.ToUpper(s)
		}
		return s
	}
	switch c {
	case 'a':
		return text(t.Format("Mon"))
	case 'A':
		return text(t.Weekday().String())
	case 'b', 'h':
		return text(t.Format("Jan"))
	case 'B':
		return text(t.Month().String())
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006")
	case 'C':
		return num(t.Year()/100, 2)
	case 'd':
		return num(t.Day(), 2)
	case 'D', 'x':
		return t.Format("01/02/06")
	case 'e':
		return timeNumber(t.Day(), 2, pad, '_')
	case 'F':
		return t.Format("2006-01-02")
	case 'g', 'G', 'V':
		y, w := t.ISOWeek()
		if c == 'V' {
			return num(w, 2)
		}
		if c == 'g' {
			return num(y%100, 2)
		}
		return strconv.Itoa(y)
	case 'H':
		return num(t.Hour(), 2)
	case 'I':
		return num((t.Hour()+11)%12+1, 2)
	case 'j':
		return num(t.YearDay(), 3)
	case 'k':
		return timeNumber(t.Hour(), 2, pad, '_')
	case 'l':
		return timeNumber((t.Hour()+11)%12+1, 2, pad, '_')
	case 'm':
		return num(int(t.Month()), 2)
	case 'M':
		return num(t.Minute(), 2)
	case 'n':
		return "\n"
	case 'N':
		return fmt.Sprintf("%09d", t.Nanosecond())
	case 'p':
		return t.Format("PM")
	case 'P':
		return strings.ToLower(t.Format("PM"))
	case 'r':
		return t.Format("03:04:05 PM")
	case 'R':
		return t.Format("15:04")
	case 's':
		return strconv.FormatInt(t.Unix(), 10)
	case 'S':
		return num(t.Second(), 2)
	case 't':
		return "\t"
	case 'T', 'X':
		return t.Format("15:04:05")
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1)
	case 'U':
		return num((t.YearDay()+6-int(t.Weekday()))/7, 2)
	case 'w':
		return strconv.Itoa(int(t.Weekday()))
	case 'W':
		return num((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2)
	case 'y':
		return num(t.Year()%100, 2)
	case 'Y':
		return strconv.Itoa(t.Year())
	case 'z':
		return t.Format("-0700")
	case 'Z':
		name, _ := t.Zone()
		return name
	case '%':
		return "%"
	}
	return "%" + string(c)
}
