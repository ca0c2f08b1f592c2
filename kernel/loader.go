package kernel

// BuiltinMagic is the first line, up to the name, of a file that stands for a
// built-in program: "#!sbx:builtin NAME".
const BuiltinMagic = "#!sbx:builtin "

// Loader turns a file into a program. The kernel asks each loader in order with
// the first bytes of the file (at most 256).
type Loader interface {
	// Name is for messages: "shell", "wasi".
	Name() string
	// Match reports whether the file is this loader's.
	Match(head []byte) bool
	// Load reads f, which it must not keep open, and makes the program. The task
	// may not run yet. Errors are linux.Errno; ENOEXEC lets the next loader try.
	Load(t *Task, f *File, path string, argv, env []string) (Program, error)
}

// Program is what a task runs.
type Program interface {
	// Run runs on a goroutine of the task's own and returns the exit code, of
	// which 8 bits count. It must return soon after t.Context() is done, and at
	// once when t.Exec succeeded. A panic kills the task like SIGSEGV would.
	Run(t *Task) int
}

// Unloader is a Program that holds something from the time it is loaded. Unload
// takes the place of Run for one that is never run: its task was killed, or had no
// room.
type Unloader interface {
	Unload()
}

// unload lets a program go that is never run.
func unload(p Program) {
	if u, ok := p.(Unloader); ok {
		u.Unload()
	}
}

// ProgramFunc makes a function a Program.
type ProgramFunc func(t *Task) int

// Run calls f.
func (f ProgramFunc) Run(t *Task) int { return f(t) }
