package sbx

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sbxrun/sbx"

// TestFloors holds the table of ARCHITECTURE.md against the imports that the code has.
func TestFloors(t *testing.T) {
	rooms := readFloors(t)
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("go list: %v (the sources or the go command are not here)", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room, ok := roomOf(rooms, fields[0])
		if !ok {
			if fields[0] != module {
				t.Errorf("%s is in no room of ARCHITECTURE.md's table", fields[0])
			}
			continue
		}
		seen[room] = true
		for _, imported := range fields[1:] {
			target, ok := roomOf(rooms, imported)
			if !ok || target == room {
				continue
			}
			if !slices.Contains(rooms[room], target) {
				t.Errorf("%s imports %s: ARCHITECTURE.md does not let %s import %s", fields[0], imported, room, target)
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("ARCHITECTURE.md names the room %s, which has no package", room)
		}
	}
}

// readFloors returns, for each room of the table, the rooms that it may import.
func readFloors(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("`([^`]+)`")
	rooms := map[string][]string{}
	_, table, ok := bytes.Cut(page, []byte("| floor | room |"))
	if !ok {
		t.Fatal("ARCHITECTURE.md has no table of floors")
	}
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(line, "|")
		if strings.TrimSpace(line) == "" {
			break
		}
		if len(cells) != 6 || !strings.Contains(cells[2], "`") {
			continue
		}
		imports := []string{}
		for _, m := range name.FindAllStringSubmatch(cells[4], -1) {
			imports = append(imports, m[1])
		}
		rooms[name.FindStringSubmatch(cells[2])[1]] = imports
	}
	for room, imports := range rooms {
		for _, i := range imports {
			if _, ok := rooms[i]; !ok {
				t.Fatalf("the row of %s names %s, which has no row", room, i)
			}
			if slices.Contains(rooms[i], room) {
				t.Fatalf("%s and %s may import each other", room, i)
			}
		}
	}
	if len(rooms) < 8 {
		t.Fatalf("read only %d rooms from ARCHITECTURE.md", len(rooms))
	}
	return rooms
}

// roomOf returns the room that holds an import path: the longest row that is the path or a parent of it.
func roomOf(rooms map[string][]string, path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return "", false
	}
	best := ""
	for room := range rooms {
		if (rest == room || strings.HasPrefix(rest, room+"/")) && len(room) > len(best) {
			best = room
		}
	}
	return best, best != ""
}
