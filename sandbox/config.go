package sandbox

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
)

// PullPolicy says when Create asks a registry for the image.
type PullPolicy string

// The pull policies; the zero value is PullMissing.
const (
	PullMissing PullPolicy = "missing"
	PullAlways  PullPolicy = "always"
	PullNever   PullPolicy = "never"
)

// Userland says whose programs a container runs.
type Userland string

const (
	// UserlandImage runs the programs that the image brought.
	UserlandImage Userland = "image"
	// UserlandBuiltin lays sbx's own shell and tools over the image.
	UserlandBuiltin Userland = "builtin"
)

// Config is what a user asks of a new container. The zero value of every
// field means "as the image says" or docker's default.
type Config struct {
	Name  string // default: adjective_surname
	Image string // reference, short name or id

	Platform string     // os/arch[/variant] to pull
	Pull     PullPolicy // default PullMissing
	Userland Userland   // default UserlandImage

	// Networks are where the container has a place: the default bridge when it
	// names none. NetworkNone alone is the loopback only.
	Networks []Attachment `json:",omitempty"`
	// NetworkAllow bounds what is reached outside of the networks: HOST, ADDRESS or
	// PREFIX, each with :PORT or not. None: everything but the host itself and its
	// link. NetworkAnywhere alone: the host's link too.
	NetworkAllow []string  `json:",omitempty"`
	Publish      []Publish `json:",omitempty"` // ports of the host that lead in
	PublishAll   bool      // every exposed port, at any that is free
	Expose       []string  `json:",omitempty"` // further exposed ports, "80/tcp"

	Entrypoint      []string // replaces the image's ENTRYPOINT and drops its CMD
	ClearEntrypoint bool     // --entrypoint "": no entry point at all
	Cmd             []string // replaces the image's CMD

	Env        []string // NAME=VALUE, later ones win; a bare NAME removes it
	User       string   // name|uid[:group|gid]
	GroupAdd   []string // further groups, by name or number
	WorkingDir string
	Hostname   string // default: the first 12 digits of the id
	Domainname string
	ExtraHosts []string // name:address lines for /etc/hosts
	DNS        []string // name servers for /etc/resolv.conf
	DNSSearch  []string
	Labels     map[string]string
	StopSignal string
	// StopTimeout is how many seconds Stop waits before SIGKILL, -1 for ever;
	// nil is defaultStopTimeout.
	StopTimeout *int `json:",omitempty"`

	// Health is what of the image's health check is otherwise; a Test of "NONE"
	// drops it.
	Health *registry.Healthcheck `json:",omitempty"`
	// Restart says what Supervise does when the first program has ended. Run and
	// Start run it once.
	Restart RestartPolicy `json:",omitzero"`

	LogDriver LogDriver         // default LogJSONFile
	LogOpts   map[string]string `json:",omitempty"` // of json-file: max-size, max-file, labels, env

	Mounts      []Mount
	VolumesFrom []string // CONTAINER[:ro]: its binds and volumes too
	ReadOnly    bool     // the root file system

	TTY       bool // a terminal for the guest
	OpenStdin bool // keep stdin open
	StdinOnce bool // when the first caller's input ends, stdin does

	Memory      int64    // bytes; 0: no limit
	PidsLimit   int64    // processes; 0 or -1: no limit
	StorageSize int64    // bytes of the writable layer; 0: no limit
	ShmSize     int64    // bytes of /dev/shm; 0: 64 MiB
	Ulimits     []Ulimit `json:",omitempty"`
	NanoCPUs    int64    `json:",omitempty"` // a billionth of a processor's time; 0: no limit

	CapAdd      []string // capabilities that root of the container has too, or ALL
	CapDrop     []string // capabilities that it has not
	SecurityOpt []string // verify-code: the code that is made of the image's is proved safe before it is executed; no-new-privileges

	Init       bool // process 1 is a small init of sbx's, and the program its child
	AutoRemove bool // delete the container when it ends
}

// check validates what can be judged without the image and fills defaults.
func (c *Config) check() error {
	if c.Image == "" {
		return fail(ErrInvalid, "no image given")
	}
	if c.Name != "" {
		if err := checkName(c.Name); err != nil {
			return err
		}
	}
	switch c.Pull {
	case "":
		c.Pull = PullMissing
	case PullMissing, PullAlways, PullNever:
	default:
		return fail(ErrInvalid, "invalid pull policy %q: use always, missing or never", c.Pull)
	}
	switch c.Userland {
	case "":
		c.Userland = UserlandImage
	case UserlandImage, UserlandBuiltin:
	default:
		return fail(ErrInvalid, "invalid userland %q: use image or builtin", c.Userland)
	}
	if err := c.checkNetworks(); err != nil {
		return err
	}
	if _, err := newPolicy(c.NetworkAllow); err != nil {
		return err
	}
	if c.offline() && (len(c.Publish) > 0 || c.PublishAll) {
		return fail(ErrInvalid, "ports cannot be published without a network: leave -p or --network none out")
	}
	if err := c.checkLog(); err != nil {
		return err
	}
	if c.StopTimeout != nil && *c.StopTimeout < -1 {
		return fail(ErrInvalid, "the stop timeout cannot be negative (-1 waits for ever)")
	}
	if err := checkHealth(c.Health); err != nil {
		return err
	}
	if err := c.Restart.check(); err != nil {
		return err
	}
	if c.AutoRemove && c.Restart.Restarts() {
		return fail(ErrInvalid, "a container that is removed when it ends cannot be restarted: leave --rm or --restart out")
	}
	if _, ok := linux.ParseSignal(c.StopSignal); !ok && c.StopSignal != "" {
		return fail(ErrInvalid, "invalid stop signal %q: use a name such as TERM, or a number", c.StopSignal)
	}
	if c.Memory < 0 || c.StorageSize < 0 || c.PidsLimit < -1 || c.ShmSize < 0 {
		return fail(ErrInvalid, "limits cannot be negative")
	}
	const billion = 1_000_000_000
	if n := runtime.NumCPU(); c.NanoCPUs != 0 && (c.NanoCPUs < billion/100 || c.NanoCPUs > int64(n)*billion) {
		return fail(ErrInvalid, "the limit of CPUs must be from 0.01 to %d.00, as this host has %d", n, n)
	}
	if _, err := rlimits(c.Ulimits); err != nil {
		return err
	}
	if err := c.checkSecurity(); err != nil {
		return err
	}
	return c.checkStrings()
}

func (c *Config) checkStrings() error {
	if c.WorkingDir != "" && !strings.HasPrefix(c.WorkingDir, "/") {
		return fail(ErrInvalid, "the working directory %q is invalid: it must be an absolute path", c.WorkingDir)
	}
	if len(c.Hostname) > 64 || strings.ContainsAny(c.Hostname, " \t\n/\x00") {
		return fail(ErrInvalid, "invalid host name %q", c.Hostname)
	}
	for _, e := range c.Env {
		if name, _, _ := strings.Cut(e, "="); name == "" || strings.ContainsRune(e, 0) {
			return fail(ErrInvalid, "invalid environment variable: %q: use NAME=VALUE", e)
		}
	}
	for _, h := range c.ExtraHosts {
		if name, addr, ok := strings.Cut(h, ":"); !ok || name == "" || addr == "" {
			return fail(ErrInvalid, "invalid host entry %q: use NAME:ADDRESS", h)
		}
	}
	targets := map[string]bool{}
	for i := range c.Mounts {
		if err := c.Mounts[i].check(); err != nil {
			return err
		}
		if t := c.Mounts[i].Target; targets[t] {
			return fail(ErrInvalid, "two mounts at %s", t)
		} else {
			targets[t] = true
		}
	}
	return nil
}

// Status is where a container is in its life.
type Status string

// The states that docker's users know. There is no daemon, so a container
// whose sbx was killed is found by its lock: it is StatusExited with 137.
const (
	StatusCreated Status = "created"
	StatusRunning Status = "running"
	// StatusRestarting: its policy starts it again in a while.
	StatusRestarting Status = "restarting"
	StatusExited     Status = "exited"
	StatusDead       Status = "dead" // its folder is damaged; it can only be removed
)

// State is what changes in a container's life; it is state.json on disk.
type State struct {
	Status    Status `json:"status"`
	ExitCode  int    `json:"exitCode"`
	OOMKilled bool   `json:"oomKilled,omitempty"` // a process was killed at the limit of memory
	Error     string `json:"error,omitempty"`
	HostPID   int    `json:"hostPid,omitempty"` // the sbx that runs it
	Control   string `json:"control,omitempty"` // the socket that it listens on
	// Ports and Endpoints are what a running container has on the host and on networks.
	Ports      []PublishedPort `json:"ports,omitempty"`
	Endpoints  []Endpoint      `json:"endpoints,omitempty"`
	StartedAt  time.Time       `json:"startedAt"`
	FinishedAt time.Time       `json:"finishedAt"`
	// Engine tells which of our engines ran the first program: "builtin",
	// "wasm", "native", or "" when it never started.
	Engine string `json:"engine,omitempty"`
	// Scaffold lists paths that sbx made as mount points; they are no change
	// of the guest's.
	Scaffold []string `json:"scaffold,omitempty"`
	UpperLen int64    `json:"upperBytes,omitempty"` // size of the saved upper layer
	Health   *Health  `json:"health,omitempty"`     // nil: it is not probed
	// Restarts counts how often its policy has started it since a user did.
	Restarts int `json:"restarts,omitempty"`
}

// Active reports whether the container runs, or will again without a user's doing.
func (s State) Active() bool { return s.Status == StatusRunning || s.Status == StatusRestarting }

// Record is what a container is from its creation on; config.json on disk.
type Record struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Created  time.Time `json:"created"`
	ImageID  string    `json:"imageId"`  // digest of the image's config
	ImageRef string    `json:"imageRef"` // what the user wrote
	Platform string    `json:"platform"`
	Config   Config    `json:"config"` // as asked
	Process  Process   `json:"process"`
}

// Process is the first program of a container, after image and user were
// brought together.
type Process struct {
	Path       string            `json:"path"`
	Args       []string          `json:"args"`
	Env        []string          `json:"env"`
	Cwd        string            `json:"cwd"`
	User       string            `json:"user"`
	Entrypoint []string          `json:"entrypoint,omitempty"`
	Cmd        []string          `json:"cmd,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Ports      []string          `json:"ports,omitempty"` // exposed, "80/tcp"
	Volumes    []string          `json:"volumes,omitempty"`
	StopSignal string            `json:"stopSignal,omitempty"`
	// Health is the health check, nil for none; Shell is what runs its CMD-SHELL
	// form, /bin/sh -c when empty.
	Health *registry.Healthcheck `json:"health,omitempty"`
	Shell  []string              `json:"shell,omitempty"`
}

// Command is the process as the COMMAND column shows it, unquoted.
func (p Process) Command() string {
	return strings.TrimSpace(p.Path + " " + strings.Join(p.Args, " "))
}

// Describe is the STATUS column: "Up 3 minutes", "Exited (0) 2 hours ago".
// human turns a duration into words.
func (s State) Describe(now time.Time, human func(time.Duration) string) string {
	switch s.Status {
	case StatusRunning:
		up := "Up " + human(now.Sub(s.StartedAt))
		switch {
		case s.Health == nil:
			return up
		case s.Health.Status == HealthStarting:
			return up + " (health: starting)"
		}
		return up + " (" + string(s.Health.Status) + ")"
	case StatusRestarting:
		return fmt.Sprintf("Restarting (%d) %s ago", s.ExitCode, human(now.Sub(s.FinishedAt)))
	case StatusExited:
		return fmt.Sprintf("Exited (%d) %s ago", s.ExitCode, human(now.Sub(s.FinishedAt)))
	case StatusDead:
		return "Dead"
	}
	return "Created"
}
