package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// printNode gives a command as text on as few lines as it has.
func printNode(n syntax.Node) string {
	if n == nil {
		return ""
	}
	var sb strings.Builder
	if err := syntax.NewPrinter(syntax.Indent(0), syntax.SpaceRedirects(false)).Print(&sb, n); err != nil {
		return ""
	}
	return originalText(strings.TrimRight(sb.String(), "\n"))
}

func printWord(w *syntax.Word) string { return printNode(w) }
