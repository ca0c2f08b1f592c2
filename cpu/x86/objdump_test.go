package x86

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// programs are what the decoder is held against: whatever of it the machine has.
var programs = [][]string{
	{"/usr/bin/bash", "/bin/bash"},
	{"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6"},
	{"/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/usr/lib64/libcrypto.so.3"},
	{"/usr/bin/python3.11", "/usr/bin/python3.13", "/usr/bin/python3"},
	{"/usr/sbin/nginx"},
	{"/usr/bin/perl"},
	{"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6"},
}

// eachProgram runs a test for each program of the list that is there. With -short it is the first only.
func eachProgram(t *testing.T, test func(t *testing.T, file string)) {
	for i, names := range programs {
		t.Run(path.Base(names[0]), func(t *testing.T) {
			if i > 0 && testing.Short() {
				t.Skip("-short: the first program only")
			}
			for _, name := range names {
				if f, err := os.Open(name); err == nil {
					magic := make([]byte, 20)
					f.Read(magic)
					f.Close()
					if string(magic[:4]) == "\x7fELF" && magic[18] == 62 {
						test(t, name)
						return
					}
				}
			}
			t.Skip("not on this machine, or not x86-64")
		})
	}
}

func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s on this machine", name)
	}
	return path
}

// A listed instruction is a line of objdump's output.
type listed struct {
	addr uint64
	code []byte
	text string
}

// listing runs objdump over a file and calls f for each instruction.
func listing(t *testing.T, args []string, f func(listed)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), needTool(t, "objdump"), append([]string{"-d", "-z", "-w", "-M", "intel", "--insn-width=16"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if one, ok := parseListed(lines.Text()); ok {
			f(one)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("objdump: %v", err)
	}
}

func parseListed(line string) (listed, bool) {
	fields := strings.SplitN(line, "\t", 3)
	if len(fields) < 3 {
		return listed{}, false
	}
	addr, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(fields[0]), ":"), 16, 64)
	if err != nil {
		return listed{}, false
	}
	code, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(fields[1]), " ", ""))
	if err != nil {
		return listed{}, false
	}
	text, _, _ := strings.Cut(fields[2], "#")
	text, _, _ = strings.Cut(text, "<")
	return listed{addr, code, strings.Join(strings.Fields(text), " ")}, true
}

// Words before the mnemonic: prefixes that the assembler's notation does not carry in the operands.
var prefixWords = map[string]bool{
	"data16": true, "addr32": true, "cs": true, "ds": true, "es": true, "ss": true, "fs": true, "gs": true, "notrack": true, "bnd": true,
	"rep": true, "repz": true, "repnz": true, "lock": true,
}

func isPrefixWord(word string) bool {
	return prefixWords[word] || word == "rex" || strings.HasPrefix(word, "rex.")
}

var (
	absolute  = regexp.MustCompile(`(\w\w):(0x[0-9a-f]+)`)
	noIndex   = regexp.MustCompile(`\+[re]iz\*[1248]`)
	loneIndex = regexp.MustCompile(`\[[re]iz\*[1248][+-]0x[0-9a-f]+`)
	far       = regexp.MustCompile(`FWORD PTR `)
	predicate = regexp.MustCompile(`^(v?cmp)([a-z0-9_]+)(ps|pd|ss|sd)$`)
	pointer   = regexp.MustCompile(`[A-Z]+ PTR `)
	clmul     = regexp.MustCompile(`^(v?pclmul)([hl])q([hl])q(dq)$`)
)

// canonical rewrites objdump's text into what String says, and drops prefix words.
func canonical(text string) string {
	words := strings.Fields(text)
	for len(words) > 1 && isPrefixWord(words[0]) {
		words = words[1:]
	}
	mnemonic, operands := words[0], strings.Join(words[1:], " ")
	if stringOps[mnemonic] && strings.Contains(operands, "[") {
		return mnemonic + sizeLetter(operands)
	}
	if m := predicate.FindStringSubmatch(mnemonic); m != nil {
		if n, ok := predicates[m[2]]; ok {
			mnemonic, operands = m[1]+m[3], fmt.Sprintf("%s,0x%x", operands, n)
		}
	}
	if m := clmul.FindStringSubmatch(mnemonic); m != nil {
		n := 0
		if m[2] == "h" {
			n |= 1
		}
		if m[3] == "h" {
			n |= 0x10
		}
		mnemonic, operands = m[1]+"qdq", fmt.Sprintf("%s,0x%x", operands, n)
	}
	if other, ok := spellings[mnemonic]; ok {
		mnemonic = other
	}
	switch {
	case mnemonic == "xchg" && operands == "ax,ax":
		return "nop"
	case mnemonic == "xlat":
		return "xlatb"
	case (mnemonic == "call" || mnemonic == "jmp") && strings.Contains(operands, "FWORD"):
		mnemonic += "f"
	}
	if strings.HasPrefix(mnemonic, "bnd") { // MPX, which no processor enables any more: all of them are nops
		return "nop"
	}
	operands = strings.ReplaceAll(operands, "OWORD PTR", "XMMWORD PTR")
	operands = far.ReplaceAllString(operands, "")
	if addressOnly[mnemonic] {
		operands = pointer.ReplaceAllString(operands, "")
	}
	operands = noIndex.ReplaceAllString(operands, "")
	operands = loneIndex.ReplaceAllStringFunc(operands, func(s string) string {
		s = s[strings.IndexAny(s[1:], "+-")+1:]
		n, _ := strconv.ParseInt(s, 0, 64)
		return fmt.Sprintf("[0x%x", uint64(n))
	})
	operands = absolute.ReplaceAllStringFunc(operands, func(s string) string {
		if s[:2] == "fs" || s[:2] == "gs" {
			return s[:3] + "[" + s[3:] + "]"
		}
		return "[" + s[3:] + "]"
	})
	for _, segment := range []string{"cs:", "ds:", "es:", "ss:"} {
		operands = strings.ReplaceAll(operands, segment+"[", "[")
	}
	return strings.TrimSpace(mnemonic + " " + operands)
}

var stringOps = map[string]bool{"movs": true, "cmps": true, "stos": true, "lods": true, "scas": true, "ins": true, "outs": true}

func sizeLetter(operands string) string {
	for _, s := range []struct{ word, letter string }{{"BYTE PTR", "b"}, {"QWORD PTR", "q"}, {"DWORD PTR", "d"}, {"WORD PTR", "w"}} {
		if strings.Contains(operands, s.word) {
			return s.letter
		}
	}
	return "?"
}

// predicates are the pseudo-mnemonics of the vector comparisons: the immediate's five bits.
var predicates = func() map[string]int {
	m := map[string]int{}
	for i, name := range strings.Fields(`eq lt le unord neq nlt nle ord eq_uq nge ngt false neq_oq ge gt true
		eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us`) {
		m[name] = i
	}
	return m
}()

// spellings are mnemonics of which objdump has another one.
var spellings = map[string]string{
	"movabs": "mov", "pushw": "push", "popw": "pop", "pushfw": "pushf", "popfw": "popf", "retw": "ret", "callw": "call",
	"retfq": "retf", "retfw": "retf", "iretq": "iret", "iretw": "iret", "insw": "insd", "outsw": "outsd", "jecxz": "jrcxz",
	"fldenvw": "fldenv", "fnstenvw": "fnstenv", "frstorw": "frstor", "fnsavew": "fnsave", "sysexitd": "sysexit", "sysexitq": "sysexit",
	"sysretd": "sysret", "sysretq": "sysret", "pcmpestriq": "pcmpestri", "pcmpestrmq": "pcmpestrm", "vpcmpestriq": "vpcmpestri",
	"vpcmpestrmq": "vpcmpestrm",
}

// addressOnly are the instructions that do not access their memory operand, so that it has no size for us.
var addressOnly = map[string]bool{
	"nop": true, "invlpg": true, "prefetchwt1": true, "lfs": true, "lgs": true, "lss": true, "ud0": true, "ud1": true, "prefetchnta": true, "prefetcht0": true, "prefetcht1": true, "prefetcht2": true, "prefetch": true, "prefetchw": true,
}

// ourText is String with the notation's differences removed: branch targets are absolute, prefixes gone.
func ourText(in *Inst, addr uint64) string {
	text := in.String()
	for _, prefix := range []string{"lock ", "rep ", "repnz "} {
		text = strings.TrimPrefix(text, prefix)
	}
	for _, a := range in.Form.Args {
		if a == ArgRel {
			text, _, _ = strings.Cut(text, ".")
			text += strconv.FormatUint(in.Target(addr), 16)
			return text
		}
	}
	return text
}

func TestAgainstObjdump(t *testing.T) {
	needTool(t, "objdump")
	eachProgram(t, func(t *testing.T, file string) {
		var tally tally
		var in Inst
		listing(t, []string{file}, func(l listed) {
			tally.compare(&in, l)
		})
		tally.report(t)
	})
}

// A tally counts the instructions of a program that agree, those with a known reason to differ, and the rest.
type tally struct {
	total     int
	explained map[string]int
	differ    map[string]int
	example   map[string]string
}

func (c *tally) compare(in *Inst, l listed) {
	c.total++
	err := Decode(l.code, in)
	want := canonical(l.text)
	got, kind := "", ""
	switch {
	case err != nil:
		if strings.Contains(want, "(bad)") {
			return
		}
		kind = err.Error() + ": " + firstWord(want)
	case int(in.Len) != len(l.code):
		kind = fmt.Sprintf("length: %s / %s", firstWord(in.String()), firstWord(want))
	default:
		if got = ourText(in, l.addr); got == want || firstWord(got) == "nop" && want == "nop" || sameTarget(got, want) {
			return
		}
		kind = "text: " + firstWord(got) + " / " + firstWord(want)
	}
	if reason := explain(l, in, err, want); reason != "" {
		c.count(&c.explained, reason)
		return
	}
	c.differsAt(kind, fmt.Sprintf("%x: % x: %q, objdump %q (%q)", l.addr, l.code, got, want, l.text))
}

func (c *tally) differsAt(kind, example string) {
	c.count(&c.differ, kind)
	if c.example == nil {
		c.example = map[string]string{}
	}
	c.example[kind] = example
}

// sameTarget lets objdump write 0x before a branch's target, as it does where there are no symbols.
func sameTarget(got, want string) bool {
	name, target, ok := strings.Cut(got, " ")
	return ok && want == name+" 0x"+target
}

func (c *tally) count(in *map[string]int, kind string) {
	if *in == nil {
		*in = map[string]int{}
	}
	(*in)[kind]++
}

func (c *tally) report(t *testing.T) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(c.differ)) {
		t.Errorf("%6d %s\n\t%s", c.differ[k], k, c.example[k])
	}
	for _, k := range slices.Sorted(maps.Keys(c.explained)) {
		t.Logf("%6d %s", c.explained[k], k)
	}
	t.Logf("%6d instructions in all", c.total)
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}
