package kernel

import (
	"bytes"
	"strings"
)

// headSize is how much of a file decides what it is, BINPRM_BUF_SIZE.
const headSize = 256

// maxInterpreters is how many "#!" lines may follow one another.
const maxInterpreters = 5

// parseScript reads a "#!" line as Linux does: the interpreter, and the rest of
// the line without blanks around it as at most one argument. It reports false
// when the line names no interpreter, or when it is cut off before the end of
// the name.
func parseScript(head []byte) (interp, arg string, hasArg, ok bool) {
	if len(head) > headSize {
		head = head[:headSize]
	}
	if !bytes.HasPrefix(head, []byte("#!")) {
		return "", "", false, false
	}
	line := head[2:]
	whole := len(head) < headSize
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line, whole = line[:i], true
	} else if !whole {
		line = line[:len(line)-1] // the last byte of the head is Linux's terminator
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line, whole = line[:i], true
	}
	text := strings.TrimLeft(string(line), " \t")
	end := strings.IndexAny(text, " \t")
	if end < 0 && !whole {
		return "", "", false, false // the name may go on
	}
	text = strings.TrimRight(text, " \t")
	if text == "" {
		return "", "", false, false
	}
	end = strings.IndexAny(text, " \t")
	if end < 0 {
		return text, "", false, true
	}
	return text[:end], strings.TrimLeft(text[end:], " \t"), true, true
}
