package verify

import (
	"encoding/hex"
	"strings"
	"testing"
)

// TestCheck holds single pieces of code against the list. A stop follows each.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, code string
		ok         bool
	}{
		{"an operand in the window", "65678b03", true},
		{"the same with VEX", "6567c5f96f03", true},
		{"GS alone", "658b03", false},
		{"32 bits alone", "678b03", false},
		{"FS", "64678b03", false},
		{"no prefix", "8b03", false},
		{"RIP", "65678b0500000000", false},
		{"RSP in the window", "65678b0424", false},
		{"R11 in the window", "6567418b03", true},
		{"a field", "488b4424e0", true},
		{"half a field", "8b442428", false},
		{"half a field, but the one for targets", "448b5424e0", true},
		{"FS base", "488b542418", true},
		{"writing FS base", "4889542418", false},
		{"the window's base", "488b5c2458", false},
		{"an exit's address", "488b442440", false},
		{"writing an exit's address", "4889442440", false},
		{"behind the fields", "488b442468", false},
		{"before the fields", "488b4424f8", false},
		{"a field with an index", "488b0404", false},
		{"adding to a field", "48014424 28", false},
		{"a register", "4889d8", true},
		{"RSP", "4889e0", false},
		{"to RSP", "4889c4", false},
		{"SPL", "4088e0", false},
		{"AH", "88e0", true},
		{"lea of RSP", "488d442408", false},
		{"xchg with RSP", "4894", false},
		{"push", "50", false}, {"pop", "58", false}, {"call", "e800000000", false}, {"ret", "c3", false}, {"leave", "c9", false},
		{"enter", "c8000000", false}, {"pushf", "9c", false}, {"popf", "9d", false},
		{"syscall", "0f05", false}, {"sysenter", "0f34", false}, {"int 80", "cd80", false}, {"int3", "cc", false}, {"hlt", "f4", false},
		{"wrgsbase", "f3480faed8", false}, {"rdgsbase", "f3480faec8", false}, {"mov fs", "8ee0", false}, {"mov from fs", "8ce0", false},
		{"lgs", "65670fb503", false}, {"pop gs", "0fa9", false}, {"xrstor", "65670fae2b", false}, {"xsave", "65670fae23", false},
		{"wrpkru", "0f01ef", false}, {"xbegin", "c7f800000000", false}, {"cpuid", "0fa2", false}, {"in", "e4 00", false},
		{"swapgs", "0f01f8", false}, {"bt far away", "65670fa303", false}, {"EVEX", "62f17c48280424", false},
		{"a jump through a register", "ffe0", false}, {"a call through a register", "ffd0", false},
		{"a jump through the table", "4189d249f7d26542ff24d5000000c0", true},
		{"with 64 bits", "4989d249f7d26542ff24d5000000c0", false},
		{"without not", "4189d26542ff24d5000000c0", false},
		{"with R10 written between", "4189d24c8b54242849f7d26542ff24d5000000c0", false},
		{"with RCX written between", "4189d2488b4c243049f7d26542ff24d5000000c0", true},
		{"a call through the table", "4189d249f7d2488d6424086542ff14d5000000c0", true},
		{"a call that leaves RSP", "4189d249f7d26542ff14d5000000c0", false},
		{"a call through another table", "4189d249f7d2488d6424086542ff14d5000000c1", false},
		{"a return through the table", "4189d249f7d26542ff34d5000000c0c3", true},
		{"a push through the table", "4189d249f7d26542ff34d5000000c0", false},
		{"a return to what R10 says", "4189d249f7d24152c3", false},
		{"a return through another table", "4189d249f7d26542ff34d5000000c1c3", false},
		{"a return of more", "4189d249f7d26542ff34d5000000c0c20800", false},
		{"a return without a target", "6542ff34d5000000c0c3", false},
		{"a direct call", "488d642408e800000000", true},
		{"a direct call that can't be patched", "90 488d642408e800000000", true},
		{"RSP alone", "488d642408", false},
		{"RSP by more", "488d642410e800000000", false},
		{"RSP down", "488d6424f8e800000000", false},
		{"a branch between RSP and a call", "eb05488d642408e800000000", false},
		{"another table", "4189d249f7d26542ff24d5000000c1", false},
		{"another scale", "4189d249f7d26542ff2495000000c0", false},
		{"stos", "48895c2428488b5c245889ff488d3c1faa48f7d3488d7c1f01488b5c2428", true},
		{"stos alone", "aa", false},
		{"stos with 64 bits", "48895c2428488b5c24584889ff488d3c1faa48f7d3488d7c1f01488b5c2428", false},
		{"stos that keeps the window", "48895c2428488b5c245889ff488d3c1faa", false},
		{"movs", "48895c2428488b5c245889f689ff488d3c1f65a448f7d3488d7c1f01488b5c2428", true},
		{"movs without GS", "48895c2428488b5c245889f689ff488d3c1fa448f7d3488d7c1f01488b5c2428", false},
		{"movs with 64 bits of RSI", "48895c2428488b5c245889ff488d3c1f65a448f7d3488d7c1f01488b5c2428", false},
		{"lods", "89f665ac", true},
		{"lods with 64 bits", "65ac", false},
		{"a long nop", "0f1f00", true},
		{"a branch into a sequence", "eb0289f665ac", false},
		{"a branch around it", "eb0489f665ac", true},
		{"a branch into an instruction", "eb016690", false},
		{"a branch out", "e900100000", false},
		{"a link that is no stub", "ff542440", false},
		{"a system call", "ff542448", true},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.code, " ", "") + "ff542450")
		if err != nil {
			t.Fatal(err)
		}
		var k Checker
		if err := k.Check(&Code{Bytes: b}); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, end := range []string{"", "90", "ff542448", "7400", "4189d2"} {
		b, _ := hex.DecodeString(end)
		if err := new(Checker).Check(&Code{Bytes: b}); err == nil {
			t.Errorf("%q runs off the end", end)
		}
	}
}
