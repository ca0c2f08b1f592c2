package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

// eventTime is how docker writes the times of events.
const eventTime = "2006-01-02T15:04:05.000000000Z07:00"

func (a *app) eventsCmd() *cobra.Command {
	var since, until, text string
	var filters []string
	c := verb(groupSystem, "events [OPTIONS]", "Show what is done with containers, images, networks and volumes", noArgs, func(c *cobra.Command, _ []string) error {
		var o sandbox.EventOptions
		var err error
		now := time.Now()
		if o.Since, err = parseMoment("since", since, now); err != nil {
			return err
		}
		if o.Until, err = parseMoment("until", until, now); err != nil {
			return err
		}
		if o.Since.IsZero() && !o.Until.IsZero() {
			o.Since = now
		}
		keep, err := eventFilter(filters)
		if err != nil {
			return err
		}
		print, err := eventPrinter(a.out, text)
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		err = e.Events(c.Context(), o, func(ev sandbox.Event) error {
			if !keep(ev) {
				return nil
			}
			return print(ev)
		})
		if errors.Is(err, context.Canceled) {
			return nil // as one ends it
		}
		return err
	})
	c.Long = "Show what is done with containers, images, networks and volumes, by whichever sbx of this user, until it is interrupted. About a megabyte of the past is kept for --since."
	fl := c.Flags()
	fl.StringVar(&since, "since", "", "Begin with what came after a `time`: RFC 3339, seconds since 1970, or 42m for that long ago")
	fl.StringVar(&until, "until", "", "End at a `time`")
	fl.StringArrayVarP(&filters, "filter", "f", nil, "Show events with `KEY=VALUE`: type, event, container, image, network, volume, label, scope")
	fl.StringVar(&text, "format", "", "Format: json, or a Go `template`")
	return c
}

// eventObject has the shape of docker's messages.
func eventObject(ev sandbox.Event) object {
	o := object{
		"Type": ev.Type, "Action": ev.Action, "Actor": object{"ID": ev.ID, "Attributes": notNil(ev.Attributes)}, "scope": "local",
		"time": ev.Time.Unix(), "timeNano": ev.Time.UnixNano(), "status": "", "id": "", "from": "",
	}
	if ev.Type == sandbox.EventContainer || ev.Type == sandbox.EventImage {
		o["status"], o["id"], o["from"] = ev.Action, ev.ID, ev.Attributes["image"]
	}
	return o
}

// eventJSON leaves out what is empty, as docker does.
func eventJSON(ev sandbox.Event) object {
	o := eventObject(ev)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == "" })
	return o
}

// eventPrinter prints events as --format says.
func eventPrinter(w io.Writer, text string) (func(sandbox.Event) error, error) {
	switch text {
	case "":
		return func(ev sandbox.Event) error {
			_, err := fmt.Fprintln(w, eventText(ev))
			return err
		}, nil
	case "json", "{{json .}}":
		return func(ev sandbox.Event) error { return format.Value(w, "{{json .}}", eventJSON(ev)) }, nil
	}
	if _, err := format.Template(format.Unescape(text)); err != nil {
		return nil, err
	}
	return func(ev sandbox.Event) error {
		o := eventObject(ev)
		o["ID"], o["Status"], o["From"], o["Scope"], o["Time"], o["TimeNano"] = o["id"], o["status"], o["from"], o["scope"], o["time"], o["timeNano"]
		return format.Value(w, text, o)
	}, nil
}

// eventText is docker's line.
func eventText(ev sandbox.Event) string {
	line := ev.Time.Local().Format(eventTime) + " " + ev.Type + " " + ev.Action + " " + ev.ID
	if len(ev.Attributes) == 0 {
		return line
	}
	var attrs []string
	for _, k := range slices.Sorted(maps.Keys(ev.Attributes)) {
		attrs = append(attrs, k+"="+ev.Attributes[k])
	}
	return line + " (" + strings.Join(attrs, ", ") + ")"
}

// eventFilter combines filters: those of one key with or, keys with and.
func eventFilter(filters []string) (func(sandbox.Event) bool, error) {
	byKey := map[string][]string{}
	for _, f := range filters {
		key, val, ok := strings.Cut(f, "=")
		if !ok {
			return nil, usagef("invalid filter %q: use KEY=VALUE", f)
		}
		switch key {
		case "type", "event", "container", "image", "network", "volume", "label", "scope":
		default:
			return nil, usagef("invalid filter %q: use type, event, container, image, network, volume, label or scope", key)
		}
		byKey[key] = append(byKey[key], val)
	}
	return func(ev sandbox.Event) bool {
		for key, vals := range byKey {
			if !slices.ContainsFunc(vals, func(val string) bool { return eventHas(ev, key, val) }) {
				return false
			}
		}
		return true
	}, nil
}

func eventHas(ev sandbox.Event, key, val string) bool {
	named := func(typ string) bool {
		return ev.Type == typ && val != "" && (strings.HasPrefix(ev.ID, val) || ev.Attributes["name"] == val)
	}
	switch key {
	case "type":
		return ev.Type == val
	case "event":
		action, _, _ := strings.Cut(ev.Action, ":")
		return ev.Action == val || action == val
	case "container":
		return named(sandbox.EventContainer) || ev.Type != sandbox.EventContainer && val != "" && strings.HasPrefix(ev.Attributes["container"], val)
	case "image":
		return named(sandbox.EventImage) || ev.Type == sandbox.EventContainer && ev.Attributes["image"] == val
	case "network":
		return named(sandbox.EventNetwork)
	case "volume":
		return named(sandbox.EventVolume)
	case "label":
		return matchLabel(val, ev.Attributes)
	}
	return val == "local" // scope
}
