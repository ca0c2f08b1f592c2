package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sbxrun/sbx/sandbox"
)

// containerFlags are the flags that run and create share.
type containerFlags struct {
	cfg sandbox.Config

	env, envFiles, labels, labelFiles []string
	volumes, mounts, tmpfs            []string
	storageOpts, ulimits              []string
	entrypoint, pull, userland        string
	memory, shmSize, cpus             string
	networks, aliases, publish        []string
	expose                            []string
	ip, ip6                           string
	cidFile                           string
	logOpts                           []string
	stopTimeout                       int
	restart                           string
	health                            healthFlags
	quiet                             bool
}

// words is a flag that may be given more than once. pflag's own would make a
// writer of CSV for each, to tell its default.
type words []string

func (w *words) Set(s string) error {
	*w = append(*w, s)
	return nil
}
func (w *words) String() string { return "" }
func (w *words) Type() string   { return "stringArray" }

func (f *containerFlags) register(c *cobra.Command) {
	fl := c.Flags()
	fl.SetInterspersed(false)
	fl.Bool("help", false, "Print this help")
	fl.StringVar(&f.cfg.Name, "name", "", "Name of the container (default: an adjective and a surname)")
	fl.VarP((*words)(&f.env), "env", "e", "Set `NAME=VALUE`; NAME alone takes the host's value")
	fl.Var((*words)(&f.envFiles), "env-file", "Read environment variables from `FILE`")
	fl.StringVarP(&f.cfg.WorkingDir, "workdir", "w", "", "Working directory in the container")
	fl.StringVarP(&f.cfg.User, "user", "u", "", "User, as `name|uid[:group|gid]`")
	fl.Var((*words)(&f.cfg.GroupAdd), "group-add", "Add a further group")
	fl.StringVar(&f.entrypoint, "entrypoint", "", "Replace the image's entry point")
	fl.VarP((*words)(&f.volumes), "volume", "v", "Mount `[SOURCE:]TARGET[:ro]`: a host folder or a named volume")
	fl.Var((*words)(&f.cfg.VolumesFrom), "volumes-from", "Mount what `CONTAINER[:ro]` has mounted, tmpfs left out")
	fl.Var((*words)(&f.mounts), "mount", "Mount `type=bind|volume|tmpfs,source=…,target=…[,readonly]`")
	fl.Var((*words)(&f.tmpfs), "tmpfs", "Mount memory at `TARGET[:size=64m,mode=1777]`")
	fl.BoolVar(&f.cfg.ReadOnly, "read-only", false, "Make the container's root file system read-only")
	fl.BoolVarP(&f.cfg.OpenStdin, "interactive", "i", false, "Keep standard input open")
	fl.BoolVarP(&f.cfg.TTY, "tty", "t", false, "Give the container a terminal")
	fl.BoolVar(&f.cfg.Init, "init", false, "Make process 1 a small init that passes signals on and reaps processes")
	fl.BoolVar(&f.cfg.AutoRemove, "rm", false, "Remove the container when it ends")
	fl.StringVarP(&f.cfg.Hostname, "hostname", "h", "", "Host name in the container (default: its short id)")
	fl.StringVar(&f.cfg.Domainname, "domainname", "", "Domain name in the container")
	fl.Var((*words)(&f.cfg.ExtraHosts), "add-host", "Add `NAME:ADDRESS` to /etc/hosts; the address host-gateway is this host")
	fl.Var((*words)(&f.cfg.DNS), "dns", "Name server to ask instead of the host's resolver")
	fl.Var((*words)(&f.cfg.DNSSearch), "dns-search", "Search domain for /etc/resolv.conf")
	fl.Var((*words)(&f.networks), "network", "Put the container on `NETWORK`: bridge (the default), none, or one that was made")
	fl.Var((*words)(&f.networks), "net", "The same as --network")
	_ = fl.MarkHidden("net")
	fl.Var((*words)(&f.aliases), "network-alias", "A further name of the container on its network")
	fl.StringVar(&f.ip, "ip", "", "IPv4 `ADDRESS` on its network")
	fl.StringVar(&f.ip6, "ip6", "", "IPv6 `ADDRESS` on its network")
	fl.Var((*words)(&f.cfg.NetworkAllow), "network-allow", "Reach `HOST|ADDRESS|PREFIX[:PORT]` outside and nothing else; any alone takes all bounds off")
	fl.VarP((*words)(&f.publish), "publish", "p", "Publish `[[IP:]HOSTPORT:]PORT[/udp]` on the host, ranges too")
	fl.BoolVarP(&f.cfg.PublishAll, "publish-all", "P", false, "Publish all exposed ports, at any that are free")
	fl.Var((*words)(&f.expose), "expose", "Expose `PORT[-END][/udp]`")
	fl.VarP((*words)(&f.labels), "label", "l", "Set a label, `KEY=VALUE`")
	fl.Var((*words)(&f.labelFiles), "label-file", "Read labels from `FILE`")
	fl.StringVarP(&f.memory, "memory", "m", "", "Limit of memory, such as `512m`")
	fl.StringVar(&f.cpus, "cpus", "", "Limit of CPU time, in `CPUs`, such as 1.5")
	fl.Int64Var(&f.cfg.PidsLimit, "pids-limit", 0, "Limit of processes (-1: none)")
	fl.Var((*words)(&f.ulimits), "ulimit", "Limit of each process, `NAME=SOFT[:HARD]`, such as nofile=1024:2048 (-1: none)")
	fl.StringVar(&f.shmSize, "shm-size", "", "Size of /dev/shm (default 64m)")
	fl.Var((*words)(&f.storageOpts), "storage-opt", "`size=10G` limits what the container may write")
	fl.Var((*words)(&f.cfg.CapAdd), "cap-add", "Give root of the container `CAPABILITY` too, or ALL")
	fl.Var((*words)(&f.cfg.CapDrop), "cap-drop", "Take `CAPABILITY` from root of the container, or ALL")
	fl.Var((*words)(&f.cfg.SecurityOpt), "security-opt", "`verify-code` proves rewritten code safe before it is executed; no-new-privileges")
	fl.StringVar(&f.cfg.StopSignal, "stop-signal", "", "Signal that stop sends (default: the image's, or TERM)")
	fl.IntVar(&f.stopTimeout, "stop-timeout", 0, "`Seconds` that stop waits before it kills, -1 for ever (default 10)")
	fl.StringVar(&f.restart, "restart", "no", "Start it again when it ends by itself: no, `on-failure[:N]`, always or unless-stopped")
	f.health.register(fl)
	fl.StringVar((*string)(&f.cfg.LogDriver), "log-driver", "", "Where output is kept for logs: `json-file` or none")
	fl.Var((*words)(&f.logOpts), "log-opt", "Option of the log: `max-size=64m`, max-file=4, labels=…, env=…")
	fl.StringVar(&f.pull, "pull", "missing", "Ask the registry for the image `when`: always, missing or never")
	fl.StringVar(&f.cfg.Platform, "platform", "", "Platform of the image, `os/arch[/variant]`")
	fl.StringVar(&f.userland, "userland", "image", "`Whose` programs to run: the image's (image), or the shell and tools that sbx brings, laid over it (builtin)")
	fl.StringVar(&f.cidFile, "cidfile", "", "Write the container's id to `FILE`")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "Do not show the pull")
}

// config turns the flags and arguments into the container that is asked for.
func (f *containerFlags) config(fl *pflag.FlagSet, args []string) (sandbox.Config, error) {
	c := f.cfg
	c.Image, c.Cmd = args[0], args[1:]
	c.Pull, c.Userland = sandbox.PullPolicy(f.pull), sandbox.Userland(f.userland)
	if fl.Changed("entrypoint") {
		c.ClearEntrypoint = f.entrypoint == ""
		if f.entrypoint != "" {
			c.Entrypoint = []string{f.entrypoint}
		}
	}
	if fl.Changed("stop-timeout") {
		c.StopTimeout = &f.stopTimeout
	}
	for _, step := range []func(*sandbox.Config) error{f.setEnv, f.setLabels, f.setMounts, f.setSizes, f.setNetworks, f.setLog, f.setRestart, f.health.set} {
		if err := step(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (f *containerFlags) setEnv(c *sandbox.Config) (err error) {
	c.Env, err = readEnv(f.env, f.envFiles)
	return err
}

// readEnv brings -e and --env-file together: -e wins.
func readEnv(env, files []string) (out []string, err error) {
	for _, file := range files {
		vars, err := readEnvFile(file)
		if err != nil {
			return nil, err
		}
		out = append(out, vars...)
	}
	for _, e := range env {
		if v, ok := os.LookupEnv(e); ok && !strings.Contains(e, "=") {
			e += "=" + v // only because the user named it
		}
		out = append(out, e)
	}
	return out, nil
}

func readEnvFile(file string) ([]string, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, reason(err))
	}
	defer in.Close()
	vars, err := sandbox.ReadEnvFile(in, os.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return vars, nil
}

// setNetworks places the container on networks: aliases and addresses are of
// the first one.
func (f *containerFlags) setNetworks(c *sandbox.Config) error {
	for _, n := range f.networks {
		c.Networks = append(c.Networks, sandbox.Attachment{Network: n})
	}
	if len(f.aliases) > 0 || f.ip != "" || f.ip6 != "" {
		if len(c.Networks) == 0 {
			return usagef("--network-alias, --ip and --ip6 need a network that was made: --network NAME")
		}
		c.Networks[0].Aliases, c.Networks[0].IPv4, c.Networks[0].IPv6 = f.aliases, f.ip, f.ip6
	}
	for _, spec := range f.publish {
		ports, err := sandbox.ParsePublish(spec)
		if err != nil {
			return err
		}
		c.Publish = append(c.Publish, ports...)
	}
	for _, spec := range f.expose {
		ports, err := sandbox.ParseExpose(spec)
		if err != nil {
			return err
		}
		c.Expose = append(c.Expose, ports...)
	}
	return nil
}

func (f *containerFlags) setLabels(c *sandbox.Config) (err error) {
	list := f.labels
	for _, file := range f.labelFiles {
		more, err := readEnvFile(file)
		if err != nil {
			return err
		}
		list = append(more, list...)
	}
	c.Labels, err = parseLabels(list)
	return err
}

func parseLabels(list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, l := range list {
		key, value, _ := strings.Cut(l, "=")
		if key == "" {
			return nil, usagef("invalid label %q: use KEY=VALUE", l)
		}
		out[key] = value
	}
	return out, nil
}

func (f *containerFlags) setMounts(c *sandbox.Config) error {
	for _, group := range []struct {
		specs []string
		parse func(string) (sandbox.Mount, error)
	}{{f.volumes, sandbox.ParseVolume}, {f.mounts, sandbox.ParseMount}, {f.tmpfs, sandbox.ParseTmpfs}} {
		for _, s := range group.specs {
			m, err := group.parse(s)
			if err != nil {
				return err
			}
			c.Mounts = append(c.Mounts, m)
		}
	}
	return nil
}

func (f *containerFlags) setLog(c *sandbox.Config) error {
	for _, o := range f.logOpts {
		key, value, ok := strings.Cut(o, "=")
		if !ok {
			return usagef("invalid --log-opt %q: use KEY=VALUE", o)
		}
		if c.LogOpts == nil {
			c.LogOpts = map[string]string{}
		}
		c.LogOpts[key] = value
	}
	return nil
}

func (f *containerFlags) setSizes(c *sandbox.Config) (err error) {
	if c.Memory, err = parseSize("memory", f.memory); err != nil {
		return err
	}
	if c.ShmSize, err = parseSize("shm-size", f.shmSize); err != nil {
		return err
	}
	if c.NanoCPUs, err = parseCPUs(f.cpus); err != nil {
		return err
	}
	if c.Ulimits, err = parseUlimits(f.ulimits); err != nil {
		return err
	}
	for _, o := range f.storageOpts {
		key, value, _ := strings.Cut(o, "=")
		if key != "size" {
			return usagef("invalid --storage-opt %q: use size=10G", o)
		}
		if c.StorageSize, err = parseSize("storage-opt", value); err != nil {
			return err
		}
	}
	return nil
}

// parseCPUs reads --cpus: billionths of one.
func parseCPUs(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	r, ok := new(big.Rat), len(s) <= 32 && strings.Trim(s, "0123456789.") == ""
	if ok {
		_, ok = r.SetString(s)
	}
	if ok {
		r.Mul(r, big.NewRat(1e9, 1))
		ok = r.IsInt() && r.Num().IsInt64()
	}
	if !ok {
		return 0, usagef("invalid value %q for --cpus: use a number such as 1.5, of at most 9 decimals", s)
	}
	return r.Num().Int64(), nil
}

// parseUlimits reads --ulimit: the last of each name, by name.
func parseUlimits(specs []string) (list []sandbox.Ulimit, err error) {
	for _, s := range specs {
		u, err := sandbox.ParseUlimit(s)
		if err != nil {
			return nil, usagef("%v", err)
		}
		list = slices.DeleteFunc(list, func(o sandbox.Ulimit) bool { return o.Name == u.Name })
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b sandbox.Ulimit) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func parseSize(flag, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := units.RAMInBytes(s)
	if err != nil || n <= 0 {
		return 0, usagef("invalid size %q for --%s: use a number and b, k, m or g, such as 512m", s, flag)
	}
	return n, nil
}

// writeCID writes the id file of --cidfile, which must not exist yet.
func (f *containerFlags) writeCID(id string) error {
	if f.cidFile == "" {
		return nil
	}
	file, err := os.OpenFile(f.cidFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("the container id file %s: %w", f.cidFile, reason(err))
	}
	_, err = file.WriteString(id)
	return errors.Join(err, file.Close())
}

// checkCID refuses an id file that is there before anything is made.
func (f *containerFlags) checkCID() error {
	if f.cidFile == "" {
		return nil
	}
	if _, err := os.Stat(f.cidFile); err == nil {
		return fmt.Errorf("the container id file %s is there already: remove it, or name another", f.cidFile)
	}
	return nil
}

// reason is the error of the system without the path, which the message
// names itself.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// notYet are flags of docker's run that users try, and what to say to them.
var notYet = []struct{ flags, say string }{
	{"--privileged|--device|--gpus", "%s is not supported: a guest never touches the host's kernel, so there are no privileges to give or take"},
	{"--cpu-shares|--cpuset-cpus|--memory-swap|--link", "%s is not supported: leave it out"},
}

// flagHint explains flags that docker has and this version has not.
func flagHint(err error) error {
	msg := err.Error()
	for _, n := range notYet {
		for flag := range strings.SplitSeq(n.flags, "|") {
			if msg == "unknown flag: "+flag || strings.HasPrefix(msg, "unknown shorthand flag: "+flag+" ") {
				return errors.New(strings.ReplaceAll(n.say, "%s", flag))
			}
		}
	}
	return err
}
