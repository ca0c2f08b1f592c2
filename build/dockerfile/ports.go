package dockerfile

import (
	"fmt"
	"strconv"
	"strings"
)

// parsePorts reads PORT[-PORT][/PROTOCOL] and returns "PORT/PROTOCOL" for each
// port.
func parsePorts(spec string) ([]string, error) {
	ports, proto, has := strings.Cut(spec, "/")
	proto = strings.ToLower(proto)
	if !has {
		proto = "tcp"
	}
	bad := fmt.Errorf("invalid containerPort: %s", spec)
	switch proto {
	case "tcp", "udp", "sctp":
	default:
		return nil, fmt.Errorf("invalid proto: %s", proto)
	}
	lo, hi, isRange := strings.Cut(ports, "-")
	first, err := strconv.ParseUint(lo, 10, 16)
	if err != nil {
		return nil, bad
	}
	last := first
	if isRange {
		if last, err = strconv.ParseUint(hi, 10, 16); err != nil || last < first {
			return nil, bad
		}
	}
	out := make([]string, 0, last-first+1)
	for p := first; p <= last; p++ {
		out = append(out, strconv.FormatUint(p, 10)+"/"+proto)
	}
	return out, nil
}
