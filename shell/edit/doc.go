// Package edit owns line editing on a terminal for the shell: emacs keys as
// readline's, history with incremental search, completion through a hook, lines
// longer than the screen is wide, UTF-8 and bracketed paste.
//
// It reaches the terminal through [Terminal] and nothing else. An [Editor] is for
// one goroutine. Memory is bounded: a line has at most Options.MaxLine
// characters, and the kill ring and the undo list have fixed lengths.
package edit
