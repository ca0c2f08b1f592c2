package wasi

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostFunc is one function that a module may import. params holds a letter for
// each parameter: i for i32, I for i64. The arguments are in the slice, and the
// error becomes the i32 result. void functions have no result.
type hostFunc struct {
	name   string
	params string
	void   bool
	call   func(p *proc, a []uint64) error
}

// Names of the modules that we provide.
const (
	modulePreview1 = "wasi_snapshot_preview1"
	moduleSbx      = "sbx"
)

func instantiateHost(rt wazero.Runtime) error {
	for name, funcs := range map[string][]hostFunc{modulePreview1: preview1, moduleSbx: extensions} {
		b := rt.NewHostModuleBuilder(name)
		for _, f := range funcs {
			b.NewFunctionBuilder().WithGoModuleFunction(hostCall(f), types(f.params), results(f)).Export(f.name)
		}
		if _, err := b.Instantiate(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

func types(params string) []api.ValueType {
	out := make([]api.ValueType, len(params))
	for i, c := range params {
		out[i] = api.ValueTypeI32
		if c == 'I' {
			out[i] = api.ValueTypeI64
		}
	}
	return out
}

func results(f hostFunc) []api.ValueType {
	if f.void {
		return nil
	}
	return []api.ValueType{api.ValueTypeI32}
}

// preview1 is every function of WASI snapshot preview 1.
var preview1 = []hostFunc{
	{"args_get", "ii", false, argsGet},
	{"args_sizes_get", "ii", false, argsSizesGet},
	{"environ_get", "ii", false, environGet},
	{"environ_sizes_get", "ii", false, environSizesGet},
	{"clock_res_get", "ii", false, clockResGet},
	{"clock_time_get", "iIi", false, clockTimeGet},
	{"fd_advise", "iIIi", false, fdAdvise},
	{"fd_allocate", "iII", false, fdAllocate},
	{"fd_close", "i", false, fdClose},
	{"fd_datasync", "i", false, fdSync},
	{"fd_fdstat_get", "ii", false, fdFdstatGet},
	{"fd_fdstat_set_flags", "ii", false, fdFdstatSetFlags},
	{"fd_fdstat_set_rights", "iII", false, fdFdstatSetRights},
	{"fd_filestat_get", "ii", false, fdFilestatGet},
	{"fd_filestat_set_size", "iI", false, fdFilestatSetSize},
	{"fd_filestat_set_times", "iIIi", false, fdFilestatSetTimes},
	{"fd_pread", "iiiIi", false, fdPread},
	{"fd_prestat_get", "ii", false, fdPrestatGet},
	{"fd_prestat_dir_name", "iii", false, fdPrestatDirName},
	{"fd_pwrite", "iiiIi", false, fdPwrite},
	{"fd_read", "iiii", false, fdRead},
	{"fd_readdir", "iiiIi", false, fdReaddir},
	{"fd_renumber", "ii", false, fdRenumber},
	{"fd_seek", "iIii", false, fdSeek},
	{"fd_sync", "i", false, fdSync},
	{"fd_tell", "ii", false, fdTell},
	{"fd_write", "iiii", false, fdWrite},
	{"path_create_directory", "iii", false, pathCreateDirectory},
	{"path_filestat_get", "iiiii", false, pathFilestatGet},
	{"path_filestat_set_times", "iiiiIIi", false, pathFilestatSetTimes},
	{"path_link", "iiiiiii", false, pathLink},
	{"path_open", "iiiiiIIii", false, pathOpen},
	{"path_readlink", "iiiiii", false, pathReadlink},
	{"path_remove_directory", "iii", false, pathRemoveDirectory},
	{"path_rename", "iiiiii", false, pathRename},
	{"path_symlink", "iiiii", false, pathSymlink},
	{"path_unlink_file", "iii", false, pathUnlinkFile},
	{"poll_oneoff", "iiii", false, pollOneoff},
	{"proc_exit", "i", true, procExit},
	{"proc_raise", "i", false, procRaise},
	{"random_get", "ii", false, randomGet},
	{"sched_yield", "", false, schedYield},
	{"sock_accept", "iii", false, sockAccept},
	{"sock_recv", "iiiiii", false, sockRecv},
	{"sock_send", "iiiii", false, sockSend},
	{"sock_shutdown", "ii", false, sockShutdown},
}
