package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A row is one line of a table.
type row struct {
	place   string // file:line, for messages
	space   int    // 0-3: legacy maps; 4-6: VEX maps 1-3
	opcode  int
	repeat  int // opcodes that share the row: 1, 8 for +r, 16 for +cc
	byCond  bool
	match   pattern
	modrm   bool
	form    form
	feature [2]string
}

// A pattern is what the prefixes and ModRM of an instruction must be, in the bits of package x86's key.
type pattern struct{ mask, value uint16 }

// The bits of a key; decode.go has the same.
const (
	keyPP   = 0x3 << 0
	keyW    = 1 << 2
	keyL    = 1 << 3
	keyMod3 = 1 << 4
	keyReg  = 7 << 5
	keyRM   = 7 << 8
	key66   = 1 << 11
	keyB    = 1 << 12
)

func (p *pattern) want(mask, value uint16) error {
	if common := p.mask & mask; p.value&common != value&common {
		return fmt.Errorf("conditions exclude each other")
	}
	p.mask |= mask
	p.value |= value
	return nil
}

// A form is package x86's Form, as Go source.
type form struct {
	name                     string
	args                     []string
	class                    string
	reg, rm, v, opReg, is4   operand
	mem, memSize, imm, index string
	size                     string
	read, written            uint16
	bools                    []string
}

type operand struct{ kind, access string }

var registers = map[string]uint16{
	"rax": 1 << 0, "rcx": 1 << 1, "rdx": 1 << 2, "rbx": 1 << 3, "rsp": 1 << 4, "rbp": 1 << 5, "rsi": 1 << 6, "rdi": 1 << 7,
	"r8": 1 << 8, "r9": 1 << 9, "r10": 1 << 10, "r11": 1 << 11,
}

var conditions = []string{"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"}

// parse reads the text of one table.
func parse(file, text string) ([]row, error) {
	var rows []row
	feature := "base"
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "@feature "); ok {
			feature = strings.TrimSpace(rest)
			continue
		}
		r := row{place: fmt.Sprintf("%s:%d", file, i+1), feature: [2]string{feature, feature}, repeat: 1}
		if err := r.parse(line); err != nil {
			return nil, fmt.Errorf("%s: %w", r.place, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (r *row) parse(line string) error {
	body, attributes, _ := strings.Cut(line, ";")
	fields := strings.Fields(body)
	if err := r.parseOpcode(fields[0]); err != nil {
		return err
	}
	fields = fields[1:]
	anyPP := false
	for len(fields) > 0 {
		known, pp, err := r.parseCondition(fields[0])
		if err != nil {
			return err
		}
		if !known {
			break
		}
		anyPP = anyPP || pp
		fields = fields[1:]
	}
	if !anyPP { // F2 and F3 are not for this row
		if r.space > 3 {
			return fmt.Errorf("a VEX row needs np, 66, f3 or f2")
		}
		if err := r.match.want(keyPP&2, 0); err != nil {
			return err
		}
	}
	if len(fields) == 0 || len(fields) > 2 {
		return fmt.Errorf("want a mnemonic and operands")
	}
	r.form.name = fields[0]
	if err := r.parseAttributes(strings.Fields(attributes)); err != nil {
		return err
	}
	if len(fields) == 2 {
		for _, text := range strings.Split(fields[1], ",") {
			if err := r.parseOperand(text); err != nil {
				return fmt.Errorf("operand %s: %w", text, err)
			}
		}
	}
	if r.form.size == "" {
		r.form.size = "sizeY"
	}
	if r.space > 3 {
		r.form.bools = append(r.form.bools, "usesPP")
	}
	return nil
}

func (r *row) parseOpcode(text string) error {
	vex := false
	if rest, ok := strings.CutPrefix(text, "vex."); ok {
		text, vex = rest, true
	}
	m := 0
	for i, prefix := range []string{"0f.", "0f38.", "0f3a."} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text, m = rest, i+1
		}
	}
	if rest, ok := strings.CutSuffix(text, "+r"); ok {
		text, r.repeat = rest, 8
	}
	if rest, ok := strings.CutSuffix(text, "+cc"); ok {
		text, r.repeat, r.byCond = rest, 16, true
	}
	opcode, err := strconv.ParseUint(text, 16, 8)
	if err != nil || len(text) != 2 {
		return fmt.Errorf("opcode %q", text)
	}
	r.opcode, r.space = int(opcode), m
	if vex {
		r.space = m + 3
		if m == 0 {
			return fmt.Errorf("VEX has no one-byte map")
		}
	}
	return nil
}

// parseCondition takes one word after the opcode. It tells whether the word is a condition, and whether it is one on
// the mandatory prefix.
func (r *row) parseCondition(word string) (known, pp bool, err error) {
	want := r.match.want
	switch word {
	case "np", "66", "f3", "f2":
		value := map[string]uint16{"np": 0, "66": 1, "f3": 2, "f2": 3}[word]
		if r.space <= 3 {
			r.form.bools = append(r.form.bools, "usesPP")
		}
		return true, true, want(keyPP, value)
	case "nof":
		return true, true, want(keyPP&2, 0)
	case "rep":
		return true, true, nil
	case "w0":
		return true, false, want(keyW, 0)
	case "w1":
		return true, false, want(keyW, keyW)
	case "l0":
		return true, false, want(keyL, 0)
	case "l1":
		return true, false, want(keyL, keyL)
	case "o16":
		r.form.size = "sizeV"
		return true, false, want(keyW|key66, key66)
	case "o32":
		r.form.size = "sizeV"
		return true, false, want(keyW|key66, 0)
	case "o64":
		r.form.size = "sizeV"
		return true, false, want(keyW, keyW)
	case "rexb":
		return true, false, want(keyB, keyB)
	case "norexb":
		return true, false, want(keyB, 0)
	case "mod3":
		r.modrm = true
		return true, false, want(keyMod3, keyMod3)
	}
	if digit, ok := strings.CutPrefix(word, "/"); ok && len(digit) == 1 && digit[0] < '8' {
		r.modrm = true
		r.form.reg = operand{"Ext", "0"}
		return true, false, want(keyReg, uint16(digit[0]-'0')<<5)
	}
	if digit, ok := strings.CutPrefix(word, "rm"); ok && len(digit) == 1 && digit[0] < '8' {
		r.modrm = true
		return true, false, want(keyRM, uint16(digit[0]-'0')<<8)
	}
	return false, false, nil
}

var flagWords = map[string]string{"lock": "LockOK", "no66": "no66"}

var classes = map[string]string{
	"jcc": "Jcc", "jmp": "Jmp", "jmpind": "JmpInd", "call": "Call", "callind": "CallInd", "ret": "Ret", "loop": "Loop",
	"jrcxz": "Jrcxz", "push": "Push", "pop": "Pop", "pushf": "PushF", "popf": "PopF", "enter": "Enter", "leave": "Leave",
	"string": "String", "xlat": "Xlat", "maskmov": "MaskMov", "gather": "Gather", "syscall": "Syscall",
	"sysenter": "Sysenter", "cpuid": "Cpuid", "rdtsc": "Rdtsc", "rdtscp": "Rdtscp", "xgetbv": "Xgetbv", "fxsave": "Fxsave",
	"fxrstor": "Fxrstor", "xsave": "Xsave", "xrstor": "Xrstor", "fpuenv": "FPUEnv", "int3": "Int3", "intn": "IntN",
	"privileged": "Privileged", "ud": "Ud", "nop": "Nop", "lea": "Lea", "btmem": "BtMem", "segment": "Segment",
	"fsgsbase": "Fsgsbase", "rdrand": "Rdrand", "rdseed": "Rdseed", "cmpxchg16b": "Cmpxchg16b",
}

// Classes whose instructions use the stack pointer without naming it.
var usesStack = map[string]bool{"Call": true, "CallInd": true, "Ret": true, "Push": true, "Pop": true}

func (r *row) parseAttributes(words []string) error {
	f := &r.form
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case flagWords[word] != "":
			f.bools = append(f.bools, flagWords[word])
		case classes[word] != "" && f.class == "":
			f.class = classes[word]
		case word == "b":
			f.size = "sizeB"
		case word == "d64":
			f.size = "sizeD64"
		case word == "f64":
			f.size = "sizeF64"
			f.bools = append(f.bools, "no66")
		case name == "feature":
			short, long, both := strings.Cut(value, ",")
			if !both {
				long = short
			}
			r.feature = [2]string{short, long}
		case name == "f":
			if strings.Contains(value, "r") {
				f.bools = append(f.bools, "ReadsFlags")
			}
			if strings.Contains(value, "w") {
				f.bools = append(f.bools, "WritesFlags")
			}
		case name == "r", name == "w":
			for _, reg := range strings.Split(value, ",") {
				bit, ok := registers[reg]
				if !ok {
					return fmt.Errorf("register %q", reg)
				}
				if name == "r" {
					f.read |= bit
				} else {
					f.written |= bit
				}
			}
		default:
			return fmt.Errorf("attribute %q", word)
		}
	}
	if usesStack[f.class] {
		f.read |= registers["rsp"]
		f.written |= registers["rsp"]
	}
	return nil
}
