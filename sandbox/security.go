package sandbox

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// containerCaps are the capabilities that docker leaves root by default.
const containerCaps = 1<<linux.CAP_CHOWN | 1<<linux.CAP_DAC_OVERRIDE | 1<<linux.CAP_FSETID | 1<<linux.CAP_FOWNER |
	1<<linux.CAP_MKNOD | 1<<linux.CAP_NET_RAW | 1<<linux.CAP_SETGID | 1<<linux.CAP_SETUID | 1<<linux.CAP_SETFCAP |
	1<<linux.CAP_SETPCAP | 1<<linux.CAP_NET_BIND_SERVICE | 1<<linux.CAP_SYS_CHROOT | 1<<linux.CAP_KILL | 1<<linux.CAP_AUDIT_WRITE

// The options of Config.SecurityOpt.
const (
	optVerifyCode = "verify-code"
	optNoNewPrivs = "no-new-privileges"
)

// securityOption reads one of Config.SecurityOpt: its name, "" for one that asks for what is so anyway, and whether it is on.
func securityOption(s string) (name string, on bool, err error) {
	name, value, _ := strings.Cut(strings.Replace(s, ":", "=", 1), "=")
	switch {
	case (name == "seccomp" || name == "apparmor") && value == "unconfined":
		return "", false, nil
	case (name == optVerifyCode || name == optNoNewPrivs) && (value == "" || value == "true" || value == "false"):
		return name, value != "false", nil
	}
	return "", false, fail(ErrInvalid, "invalid security option %q: use verify-code, no-new-privileges, seccomp=unconfined or apparmor=unconfined", s)
}

// secure reports whether an option of Config.SecurityOpt is on; the last one counts.
func (c *Config) secure(option string) (on bool) {
	for _, s := range c.SecurityOpt {
		if name, v, err := securityOption(s); err == nil && name == option {
			on = v
		}
	}
	return on
}

// capabilities are the set that root has in the container: docker's, with CapAdd and without CapDrop; without all, those of CapAdd.
func (c *Config) capabilities() (uint64, error) {
	add, err := capabilitySet(c.CapAdd)
	if err != nil {
		return 0, err
	}
	drop, err := capabilitySet(c.CapDrop)
	if drop == linux.CAP_FULL_SET {
		return add, err
	}
	return (containerCaps | add) &^ drop, err
}

func capabilitySet(names []string) (set uint64, err error) {
	for _, name := range names {
		if strings.EqualFold(name, "all") {
			set = linux.CAP_FULL_SET
			continue
		}
		n, ok := linux.ParseCapability(name)
		if !ok {
			return 0, fail(ErrInvalid, "unknown capability %q: capabilities(7) lists them", name)
		}
		set |= 1 << n
	}
	return set, nil
}

func (c *Config) checkSecurity() error {
	for _, s := range c.SecurityOpt {
		if _, _, err := securityOption(s); err != nil {
			return err
		}
	}
	_, err := c.capabilities()
	return err
}

// credentials are what a program of the container starts with. The guest's kernel keeps all capabilities inside: none reaches the host.
func (c *Config) credentials(who Identity) kernel.Credentials {
	set, _ := c.capabilities() // checked when the container was made
	cred := kernel.Credentials{
		UID: who.UID, EUID: who.UID, SUID: who.UID, FSUID: who.UID,
		GID: who.GID, EGID: who.GID, SGID: who.GID, FSGID: who.GID,
		Groups: who.Groups, Bounding: set, NoNewPrivs: c.secure(optNoNewPrivs),
	}
	if who.UID == 0 {
		cred.Permitted, cred.Effective = set, set
	}
	return cred
}
