package format

import (
	"time"
	"unicode/utf8"

	"github.com/docker/go-units"
)

// Ago says how long before now t was: "5 weeks ago"; a zero time is "N/A".
func Ago(now, t time.Time) string {
	if t.IsZero() {
		return "N/A"
	}
	return units.HumanDuration(now.Sub(t)) + " ago"
}

// Time is how templates show a moment in full.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -0700 MST") }

// Size says bytes with three digits in decimal units: "103MB".
func Size(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// Ellipsis cuts s to width characters, the last of which is then "…".
func Ellipsis(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width <= 1 {
		return "…"
	}
	r := []rune(s)
	return string(r[:width-1]) + "…"
}
