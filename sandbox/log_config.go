package sandbox

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
)

// LogDriver says where what a container writes is kept.
type LogDriver string

// The log drivers; the zero value is LogJSONFile.
const (
	LogJSONFile LogDriver = "json-file" // in the container's folder, for Logs
	LogNone     LogDriver = "none"      // nowhere
)

// How much of a log is kept when nothing is asked for: four files of 64 MiB.
const (
	defaultLogSize  = 64 << 20
	defaultLogFiles = 4
)

// logLimits are the options of a log, understood.
type logLimits struct {
	size  int64 // bytes of one file
	files int
	attrs []byte // JSON of what each line tells besides; nil: nothing
}

// checkLog validates LogDriver and LogOpts.
func (c *Config) checkLog() error {
	switch c.LogDriver {
	case "":
		c.LogDriver = LogJSONFile
	case LogJSONFile:
	case LogNone:
		if len(c.LogOpts) > 0 {
			return fail(ErrInvalid, "the log driver none takes no options")
		}
	default:
		return fail(ErrInvalid, "unknown log driver %q: use json-file or none", c.LogDriver)
	}
	_, err := c.logLimits(Process{})
	return err
}

// logLimits reads docker's options of json-file: max-size, max-file, labels and env.
func (c *Config) logLimits(p Process) (logLimits, error) {
	l := logLimits{size: defaultLogSize, files: defaultLogFiles}
	attrs := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(c.LogOpts)) {
		val := c.LogOpts[key]
		switch key {
		case "max-size":
			n, err := units.RAMInBytes(val)
			if err != nil || n <= 0 {
				return l, fail(ErrInvalid, "invalid max-size %q of the log: use a number and k, m or g", val)
			}
			l.size = n
		case "max-file":
			n, err := strconv.Atoi(val)
			if err != nil || n < 1 || n > 1000 {
				return l, fail(ErrInvalid, "invalid max-file %q of the log: use a number from 1 to 1000", val)
			}
			l.files = n
		case "labels":
			for name := range strings.SplitSeq(val, ",") {
				if v, ok := p.Labels[name]; ok {
					attrs[name] = v
				}
			}
		case "env":
			for name := range strings.SplitSeq(val, ",") {
				if v := envValue(p.Env, name); v != "" {
					attrs[name] = v
				}
			}
		default:
			return l, fail(ErrInvalid, "unknown log option %q: use max-size, max-file, labels or env", key)
		}
	}
	if len(attrs) > 0 {
		var err error
		if l.attrs, err = json.Marshal(attrs); err != nil {
			return l, err
		}
	}
	return l, nil
}

// logPrefix starts the names of a log's files, which end in a number that
// grows: log.1.json is the oldest at first. Files are never renamed.
const logPrefix, logSuffix = "log.", ".json"

func logName(n int) string { return logPrefix + strconv.Itoa(n) + logSuffix }

// logFiles lists the numbers of a log's files, in order.
func logFiles(dir string) []int {
	list, _ := os.ReadDir(dir)
	var out []int
	for _, f := range list {
		rest, ok := strings.CutPrefix(f.Name(), logPrefix)
		num, ok2 := strings.CutSuffix(rest, logSuffix)
		if n, err := strconv.Atoi(num); ok && ok2 && err == nil && n > 0 && num == strconv.Itoa(n) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// LogPath is the file that a container's log is written to now; "" when there
// is none.
func (e *Engine) LogPath(id string) string {
	files := logFiles(e.disk.dir(id))
	if len(files) == 0 {
		return ""
	}
	return filepath.Join(e.disk.dir(id), logName(files[len(files)-1]))
}
