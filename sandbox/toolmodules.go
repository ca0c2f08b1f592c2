package sandbox

// toolModule is one multi-call WASM module with the tools in it.
type toolModule struct {
	name  string
	tools []string
	sum   string // changes with the content
	read  func() ([]byte, error)
}

// toolModules are the modules in this binary.
func toolModules() []toolModule { return nil }
