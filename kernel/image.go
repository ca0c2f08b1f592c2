package kernel

import (
	"bytes"
	"path"
	"strings"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// maxArgs bounds the bytes of arguments and environment, as a stack limit of
// 8 MiB does; maxArg is MAX_ARG_STRLEN.
const (
	maxArgs = 2 << 20
	maxArg  = 131072
)

// image is what a task runs: the program of one exec. Fork shares it.
type image struct {
	refs    atomic.Int64
	prog    Program
	exe     vfs.Loc // with a Ref, and held against writing; zero for a program of the host
	parent  vfs.Loc
	base    string
	argv    []string
	env     []string
	comm    string
	cred    Credentials
	hasCred bool
	secure  bool // AT_SECURE
}

func (im *image) ref() *image {
	im.refs.Add(1)
	return im
}

// unref drops a user; the last one lets go of the file.
func (im *image) unref(k *Kernel) {
	if im.refs.Add(-1) == 0 && im.exe.Mount != nil {
		k.ns.AllowWrite(im.exe)
		im.exe.Unref()
	}
}

// discard is unref of an image whose program is never run.
func (im *image) discard(k *Kernel) {
	unload(im.prog)
	im.unref(k)
}

// load makes the image of a file: it follows "#!" lines and asks the loaders.
func (t *Task) load(file string, argv, env []string) (*image, error) {
	if err := checkArgs(argv, env); err != nil {
		return nil, err
	}
	im := &image{argv: append([]string(nil), argv...), env: append([]string(nil), env...), comm: comm(file)}
	im.refs.Store(1)
	if len(im.argv) == 0 {
		im.argv = []string{""} // as Linux since 5.18
	}
	for depth := 0; ; depth++ {
		f, err := t.openExec(file)
		if err != nil {
			return nil, err
		}
		script, err := t.loadFile(im, f, file)
		f.decref(t)
		if err != nil || script == "" {
			return im, err
		}
		if depth >= maxInterpreters {
			return nil, linux.ELOOP
		}
		file = script
	}
}

// comm is the short name of a program.
func comm(file string) string {
	c := path.Base(file)
	if len(c) > 15 {
		c = c[:15]
	}
	return c
}

func checkArgs(argv, env []string) error {
	total := 0
	for _, list := range [][]string{argv, env} {
		for _, s := range list {
			if len(s) >= maxArg {
				return linux.E2BIG
			}
			if strings.IndexByte(s, 0) >= 0 {
				return linux.EINVAL
			}
			total += len(s) + 9
		}
	}
	if total > maxArgs {
		return linux.E2BIG
	}
	return nil
}

// OpenExec opens a program's file for a loader: an interpreter, say.
func (t *Task) OpenExec(file string) (*File, error) { return t.openExec(file) }

// openExec opens a file for execution: a regular file with an x bit, on a mount
// that allows it, that nobody has open for writing.
func (t *Task) openExec(file string) (*File, error) {
	w := t.walker()
	defer w.done()
	o, err := w.OpenFile(vfs.Loc{}, file, linux.O_PATH, 0, 0)
	if err != nil {
		return nil, err
	}
	f, err := t.openExecLoc(&w, o.Loc)
	if err != nil {
		o.Close()
		return nil, err
	}
	f.parent, f.base = o.Parent, o.Name
	if im := t.image.Load(); o.Parent.Mount == nil && im != nil && im.exe.Mount == o.Loc.Mount && im.exe.Ino == o.Loc.Ino {
		f.parent, f.base = im.parent, im.base // by way of /proc/self/exe
	}
	return f, nil
}

func (t *Task) openExecLoc(w *walker, loc vfs.Loc) (*File, error) {
	var a vfs.Attr
	if err := loc.Getattr(&a); err != nil {
		return nil, err
	}
	if !linux.S_ISREG(a.Mode) || loc.Mount.Flags()&linux.ST_NOEXEC != 0 {
		return nil, linux.EACCES
	}
	if err := w.AccessLoc(loc, linux.X_OK); err != nil {
		return nil, err
	}
	if err := t.k.ns.DenyWrite(loc); err != nil {
		return nil, err
	}
	h, err := loc.Super().Open(loc.Ino, linux.O_RDONLY)
	if err != nil {
		t.k.ns.AllowWrite(loc)
		return nil, err
	}
	f, err := t.k.newFile(&execFile{regular: regular{h: h}}, linux.O_RDONLY)
	if err != nil {
		_ = h.Close()
		t.k.ns.AllowWrite(loc)
		return nil, err
	}
	f.loc, f.refed = loc, true
	return f, nil
}

// execFile is a file that is being executed: writing is denied while it is open.
type execFile struct{ regular }

func (e *execFile) release(f *File) {
	f.k.ns.AllowWrite(f.loc)
	_ = e.h.Close()
}

// loadFile looks at one file: a script gives the interpreter to go on with,
// anything else a program in im.
func (t *Task) loadFile(im *image, f *File, file string) (script string, err error) {
	head := make([]byte, headSize)
	n, err := f.ReadAt(head, 0)
	if err != nil {
		return "", err
	}
	head = head[:n]
	if err := t.elevate(im, f); err != nil {
		return "", err
	}
	t.loading = im
	prog, err := t.askLoaders(im, f, file, head)
	t.loading = nil
	if err == nil {
		if err = t.finish(im, f, prog); err != nil {
			unload(prog)
		}
		return "", err
	}
	if err != linux.ENOEXEC {
		return "", err
	}
	if bytes.HasPrefix(head, []byte(BuiltinMagic)) {
		return "", linux.ENOEXEC
	}
	interp, arg, hasArg, ok := parseScript(head)
	if !ok {
		return "", linux.ENOEXEC
	}
	args := []string{interp}
	if hasArg {
		args = append(args, arg)
	}
	im.argv = append(append(args, file), im.argv[1:]...)
	return interp, checkArgs(im.argv, im.env)
}

// askLoaders gives the file to the loaders that match; ENOEXEC when none takes it.
func (t *Task) askLoaders(im *image, f *File, file string, head []byte) (p Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			t.k.reportPanic(t, r)
			p, err = nil, linux.ENOEXEC
		}
	}()
	for _, l := range t.k.cfg.Loaders {
		if !l.Match(head) {
			continue
		}
		p, err := l.Load(t, f, file, im.argv, im.env)
		if err == nil {
			return p, nil
		}
		if e := linux.ErrnoOf(err); e != linux.ENOEXEC {
			return nil, e
		}
	}
	return nil, linux.ENOEXEC
}

// finish takes what the image keeps of its file: the place, held against
// writing.
func (t *Task) finish(im *image, f *File, prog Program) error {
	if err := t.k.ns.DenyWrite(f.loc); err != nil {
		return err
	}
	f.loc.Ref()
	im.prog, im.exe, im.parent, im.base = prog, f.loc, f.parent, f.base
	im.hasCred = true
	return nil
}

// elevate sets the credentials that the image has with the set-id bits and the
// capabilities of a file.
func (t *Task) elevate(im *image, f *File) error {
	var a vfs.Attr
	if err := f.ops.attr(f, &a); err != nil {
		return err
	}
	var fc execCaps
	if v, err := f.loc.Super().Getxattr(f.loc.Ino, "security.capability"); err == nil {
		fc = parseFileCaps(v)
	}
	privs := f.loc.Mount.Flags()&linux.ST_NOSUID == 0
	im.cred, im.secure = t.cred.Load().exec(a.Mode, a.UID, a.GID, fc, privs)
	return nil
}

// ExecCredentials is for loaders: the credentials that the program being loaded will
// have. secure says that whoever runs it has less of them, getauxval(3) AT_SECURE.
func (t *Task) ExecCredentials() (c Credentials, secure bool) {
	if t.loading == nil {
		return *t.cred.Load(), false
	}
	return t.loading.cred, t.loading.secure
}

// LookPath finds a program as execvp(3) does: a name with a slash is taken as
// it is, others are looked for in PATH of env. It returns the path to run.
func (t *Task) LookPath(name string, env []string) (string, error) {
	if name == "" {
		return "", linux.ENOENT
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	dirs, found := "", false
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			dirs, found = v, true
			break
		}
	}
	if !found {
		dirs = "/bin:/usr/bin"
	}
	err := error(linux.ENOENT)
	for _, d := range strings.Split(dirs, ":") {
		file := d + "/" + name
		if d == "" {
			file = "./" + name
		}
		e := t.mayExec(file)
		if e == nil {
			return file, nil
		}
		if e == linux.EACCES {
			err = e
		}
	}
	return "", err
}

// mayExec reports whether a path is a regular file that t may execute.
func (t *Task) mayExec(file string) error {
	w := t.walker()
	defer w.done()
	loc, err := w.Resolve(vfs.Loc{}, file, 0)
	if err != nil {
		return linux.ErrnoOf(err)
	}
	var a vfs.Attr
	if err := loc.Getattr(&a); err != nil {
		return linux.ErrnoOf(err)
	}
	if !linux.S_ISREG(a.Mode) {
		return linux.EACCES
	}
	if err := w.AccessLoc(loc, linux.X_OK); err != nil {
		return linux.EACCES
	}
	return nil
}
