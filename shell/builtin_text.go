package shell

import (
	"strconv"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

func textBuiltins() []*builtin {
	return []*builtin{
		{name: "echo", program: true, run: (*Shell).echoBuiltin},
		{name: "printf", program: true, run: (*Shell).printfBuiltin},
		{name: "read", run: (*Shell).readBuiltin},
		{name: "mapfile", bashOnly: true, run: (*Shell).mapfileBuiltin},
		{name: "readarray", bashOnly: true, run: (*Shell).mapfileBuiltin},
	}
}

// echoBuiltin is bash's echo [-neE], or dash's, which always reads escapes.
func (sh *Shell) echoBuiltin(out *output, args []string) int {
	newline, escapes := true, !sh.bash || sh.shopts["xpg_echo"]
	rest := args[1:]
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		spec := "neE"
		if !sh.bash {
			spec = "n"
		}
		if strings.Trim(rest[0][1:], spec) != "" || !sh.bash && rest[0] != "-n" {
			break
		}
		for _, c := range rest[0][1:] {
			switch c {
			case 'n':
				newline = false
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		rest = rest[1:]
	}
	text := strings.Join(rest, " ")
	if escapes {
		var stop bool
		if text, stop = unescape(text, escEcho); stop {
			newline = false
		}
	}
	out.add(text)
	if newline {
		out.add("\n")
	}
	return 0
}

// readOptions are the parsed flags of read.
type readOptions struct {
	raw, silent   bool
	prompt, array string
	delim         byte
	count         int // -1: no limit
	exact         bool
	fd            int
	timeout       time.Duration // -1: none
}

func (sh *Shell) readFlags(args []string) (o readOptions, rest []string, ok bool) {
	o = readOptions{delim: '\n', count: -1, timeout: -1}
	spec := "ersa:d:i:n:N:p:t:u:"
	if !sh.bash {
		spec = "rp:t:d:u:"
	}
	flags, rest, ok := sh.options(args, spec)
	if !ok {
		return o, nil, false
	}
	o.raw, o.silent, o.prompt, o.array = has(flags, 'r'), has(flags, 's'), flags['p'], flags['a']
	if d, ok := flags['d']; ok {
		o.delim = 0
		if d != "" {
			o.delim = d[0]
		}
	}
	for _, c := range []byte("nNu") {
		v, ok := flags[c]
		if !ok {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			sh.errorf("read: %s: invalid number", v)
			return o, nil, false
		}
		if c == 'u' {
			o.fd = n
		} else {
			o.count, o.exact = min(n, maxLine), c == 'N'
		}
	}
	if v, ok := flags['t']; ok {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || f < 0 || f > 1e9 {
			sh.errorf("read: %s: invalid timeout specification", v)
			return o, nil, false
		}
		o.timeout = time.Duration(f * float64(time.Second))
	}
	return o, rest, true
}

func (sh *Shell) readBuiltin(_ *output, args []string) int {
	o, names, ok := sh.readFlags(args)
	if !ok {
		return 2
	}
	if len(names) == 0 && !sh.bash {
		sh.errorf("read: arg count")
		return 2
	}
	if o.timeout == 0 {
		n, err := sh.t.Poll([]kernel.PollFd{{FD: o.fd, Events: linux.POLLIN}}, 0)
		return int(truth(err != nil || n == 0))
	}
	for _, n := range names {
		if base := parseDecl(n); !validName(base.name) {
			sh.errorf("read: `%s': not a valid identifier", n)
			return 1
		}
	}
	tty := sh.t.Isatty(o.fd)
	if o.prompt != "" && (tty || !sh.bash) {
		sh.stderr(o.prompt)
	}
	if tty && (o.silent || o.count >= 0 || o.delim != '\n') {
		defer sh.rawTerminal(o)()
	}
	text, quoted, status := sh.readText(o)
	if sh.ctl != ctlNone || sh.dead() {
		return max(status, 1)
	}
	if err := sh.readAssign(o, names, text, quoted); err != nil {
		sh.errorf("%s", err)
		return 1
	}
	return status
}

// rawTerminal sets the terminal for -s -n -d and gives the way back.
func (sh *Shell) rawTerminal(o readOptions) func() {
	old, err := sh.t.Tcgetattr(o.fd)
	if err != nil {
		return func() {}
	}
	tio := old
	if o.silent {
		tio.Lflag &^= linux.ECHO
	}
	if o.count >= 0 || o.delim != '\n' {
		tio.Lflag &^= linux.ICANON
		tio.Cc[linux.VMIN], tio.Cc[linux.VTIME] = 1, 0
	}
	_ = sh.t.Tcsetattr(o.fd, linux.TCSADRAIN, tio)
	return func() { _ = sh.t.Tcsetattr(o.fd, linux.TCSADRAIN, old) }
}

// readText reads up to the delimiter. quoted marks the bytes that a backslash
// protected from splitting.
func (sh *Shell) readText(o readOptions) (text []byte, quoted []bool, status int) {
	next := sh.byteReader(o)
	chars := 0
	for o.count < 0 || chars < o.count {
		c, st := next()
		if st != 0 {
			return text, quoted, st
		}
		if c == o.delim && !o.exact {
			break
		}
		if c == 0 {
			continue
		}
		esc := false
		if c == '\\' && !o.raw {
			if c, st = next(); st != 0 {
				return text, quoted, st
			}
			if c == '\n' {
				continue
			}
			esc = true
		}
		if text, quoted = append(text, c), append(quoted, esc); len(text) > maxLine {
			return text, quoted, 1
		}
		if c < 0x80 || c >= 0xc0 || !sh.utf8() {
			chars++
		}
	}
	return text, quoted, 0
}

// byteReader gives one byte at a time, and a status that is not 0 at the end.
func (sh *Shell) byteReader(o readOptions) func() (byte, int) {
	deadline := sh.t.Clock().Now().Add(o.timeout)
	buf := make([]byte, 1)
	var block []byte
	off, seekErr := sh.t.Lseek(o.fd, 0, linux.SEEK_CUR)
	seekable := seekErr == nil && o.count < 0 && !sh.t.Isatty(o.fd)
	return func() (byte, int) {
		for {
			if sh.dead() {
				return 0, 1
			}
			if o.timeout > 0 {
				left := deadline.Sub(sh.t.Clock().Now())
				if left <= 0 {
					return 0, 142
				}
				n, err := sh.t.Poll([]kernel.PollFd{{FD: o.fd, Events: linux.POLLIN}}, left)
				if err == nil && n == 0 {
					return 0, 142
				}
			}
			var n int
			var err error
			if seekable {
				if len(block) == 0 {
					block = make([]byte, 256)
					n, err = sh.t.Read(o.fd, block)
					block = block[:max(0, n)]
				} else {
					n = len(block)
				}
				if n > 0 {
					c := block[0]
					block = block[1:]
					off++
					if c == o.delim {
						_, _ = sh.t.Lseek(o.fd, off, linux.SEEK_SET)
					}
					return c, 0
				}
			} else {
				n, err = sh.t.Read(o.fd, buf)
			}
			if err != nil {
				if e, _ := asErrno(err); e == linux.EINTR && !sh.dead() {
					sh.takeSignals()
					if sh.ctl != ctlNone {
						return 0, 130
					}
					if len(sh.pending) > 0 && !sh.bash {
						return 0, 128 + int(sh.pending[0])
					}
					sh.poll()
					if sh.ctl != ctlNone {
						return 0, 1
					}
					continue
				}
				sh.errorf("read: read error: %d: %s", o.fd, errText(err))
				return 0, 1
			}
			if n == 0 {
				return 0, 1
			}
			return buf[0], 0
		}
	}
}

// readAssign splits what read got among the variables.
func (sh *Shell) readAssign(o readOptions, names []string, text []byte, quoted []bool) error {
	if o.array != "" {
		return sh.setArray(o.array, splitRead(text, quoted, sh.ifs(), -1))
	}
	if len(names) == 0 {
		return sh.setVar("REPLY", string(text))
	}
	if o.exact {
		for _, n := range names[1:] {
			if err := sh.setVar(n, ""); err != nil {
				return err
			}
		}
		return sh.setVar(names[0], string(text))
	}
	fields := splitRead(text, quoted, sh.ifs(), len(names))
	for i, n := range names {
		v := ""
		if i < len(fields) {
			v = fields[i]
		}
		d := parseDecl(n)
		var err error
		if d.index != "" {
			err = sh.setElement(d.name, d.index, v, false)
		} else {
			err = sh.setVar(n, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// splitRead splits text at the IFS characters that are not quoted into at most n
// fields (-1: any number); the last one takes the rest.
func splitRead(text []byte, quoted []bool, ifs string, n int) []string {
	space := func(i int) bool {
		c := text[i]
		return !quoted[i] && (c == ' ' || c == '\t' || c == '\n') && strings.IndexByte(ifs, c) >= 0
	}
	sep := func(i int) bool { return !quoted[i] && strings.IndexByte(ifs, text[i]) >= 0 }
	var out []string
	i, end := 0, len(text)
	for i < end && space(i) {
		i++
	}
	for i < end {
		if n > 0 && len(out) == n-1 {
			break
		}
		start := i
		for i < end && !sep(i) {
			i++
		}
		out = append(out, string(text[start:i]))
		for i < end && space(i) {
			i++
		}
		if i < end && sep(i) && !space(i) {
			i++
			for i < end && space(i) {
				i++
			}
		}
	}
	if i >= end {
		return out
	}
	// The rest, without trailing blanks and without one trailing delimiter that
	// ends a single field.
	for end > i && space(end-1) {
		end--
	}
	if end > i && sep(end-1) && !space(end-1) {
		inner := false
		for j := i; j < end-1; j++ {
			inner = inner || sep(j)
		}
		if !inner {
			end--
			for end > i && space(end-1) {
				end--
			}
		}
	}
	return append(out, string(text[i:end]))
}

// mapfileBuiltin reads lines into an array.
func (sh *Shell) mapfileBuiltin(_ *output, args []string) int {
	flags, rest, ok := sh.options(args, "d:n:O:s:tu:C:c:")
	if !ok {
		return 2
	}
	num := func(c byte, def int) int {
		if v, ok := flags[c]; ok {
			if n, err := strconv.Atoi(v); err == nil && n >= 0 {
				return n
			}
			sh.errorf("%s: %s: invalid number", args[0], v)
		}
		return def
	}
	fd, count, origin, skip := num('u', 0), num('n', 0), num('O', -1), num('s', 0)
	delim := byte('\n')
	if d, ok := flags['d']; ok {
		delim = 0
		if d != "" {
			delim = d[0]
		}
	}
	name := "MAPFILE"
	if len(rest) > 0 {
		name = rest[0]
	}
	if !validName(name) {
		sh.errorf("%s: `%s': not a valid identifier", args[0], name)
		return 1
	}
	var lines []string
	size := 0
	next := sh.byteReader(readOptions{fd: fd, delim: delim, count: -1, timeout: -1})
	for count == 0 || len(lines) < count+skip {
		var line []byte
		st := 0
		for {
			var c byte
			if c, st = next(); st != 0 {
				break
			}
			line = append(line, c)
			if c == delim {
				break
			}
		}
		if st != 0 && len(line) == 0 {
			break
		}
		if has(flags, 't') && line[len(line)-1] == delim {
			line = line[:len(line)-1]
		}
		lines = append(lines, string(line))
		if size += len(line) + elementCost; size > maxCharge || st != 0 {
			break
		}
	}
	lines = lines[min(skip, len(lines)):]
	if origin < 0 {
		if err := sh.setArray(name, lines); err != nil {
			sh.errorf("%s: %s", args[0], err)
			return 1
		}
		return 0
	}
	for i, l := range lines {
		if err := sh.setElement(name, strconv.Itoa(origin+i), l, false); err != nil {
			sh.errorf("%s: %s", args[0], err)
			return 1
		}
	}
	return 0
}
