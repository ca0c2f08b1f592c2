package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// Backoff says how failures that may pass are retried.
type Backoff struct {
	First       time.Duration // wait before the second attempt; it doubles from there
	Max         time.Duration // longest wait, also for Retry-After
	Attempts    int           // in all
	Unreachable int           // in all, when there is no connection
}

func (b Backoff) withDefaults() Backoff {
	if b.First == 0 {
		b.First = 250 * time.Millisecond
	}
	if b.Max == 0 {
		b.Max = 60 * time.Second
	}
	if b.Attempts == 0 {
		b.Attempts = 6
	}
	if b.Unreachable == 0 {
		b.Unreachable = 3
	}
	return b
}

// retryError is a failure that may pass: a busy registry, or a network that broke.
type retryError struct {
	host   string
	status int           // 0: no response
	after  time.Duration // what Retry-After asked for
	cause  error
	line   string
}

func (e *retryError) Error() string { return e.line }

// Unwrap names the kind of failure.
func (e *retryError) Unwrap() []error {
	kind := registry.ErrNoNetwork
	if e.status != 0 {
		kind = registry.ErrUnavailable
	}
	if e.cause == nil {
		return []error{kind}
	}
	return []error{kind, e.cause}
}

// unreachable tells whether not even a connection was possible.
func (e *retryError) unreachable() bool {
	var op *net.OpError
	return e.status == 0 && errors.As(e.cause, &op) && op.Op == "dial"
}

// retryStatus tells whether a status may pass.
func retryStatus(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// newRetryError reads Retry-After (RFC 9110, section 10.2.3).
func newRetryError(res *http.Response, host string) *retryError {
	e := &retryError{host: host, status: res.StatusCode}
	v := res.Header.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		e.after = time.Duration(min(n, 86400)) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		e.after = max(0, time.Until(t))
	}
	e.line = fmt.Sprintf("%s answered %s: try again later", host, res.Status)
	if res.StatusCode == http.StatusTooManyRequests {
		e.line = fmt.Sprintf("%s answered 429 Too Many Requests: log in with 'sbx login', use a mirror (%s), or try again later", host, MirrorVariable)
	}
	return e
}

// run calls f until it succeeds, fails for good, or has been tried often enough.
func (b Backoff) run(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		wait, again := b.next(err, n)
		if !again {
			return err
		}
		if werr := sleep(ctx, wait); werr != nil {
			return werr
		}
	}
}

// next tells how long to wait after attempt n failed with err, and whether to go on at all.
func (b Backoff) next(err error, n int) (time.Duration, bool) {
	var r *retryError
	if !errors.As(err, &r) || n >= b.Attempts || (r.unreachable() && n >= b.Unreachable) {
		return 0, false
	}
	wait := min(b.First<<min(n-1, 20), b.Max)
	wait = wait/2 + rand.N(wait/2+1)
	if r.after > b.Max {
		return 0, false // longer than anybody wants to wait: say so now
	}
	return max(wait, r.after), true
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
