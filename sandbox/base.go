package sandbox

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

// The embedded default image: a small Linux tree around the built-in shell
// and tools. It is in the binary and enters the store when first needed.
const (
	// BaseName is its name in the store; "base" finds it.
	BaseName = "localhost/base:latest"

	baseLabel   = "io.github.sbxrun.base"
	baseVersion = "1" // of the tree below
)

// baseDirs are the folders of the tree with their modes.
var baseDirs = []struct {
	name string
	mode int64
}{
	{"boot", 0o755}, {"dev", 0o755}, {"etc", 0o755}, {"etc/profile.d", 0o755}, {"home", 0o755}, {"media", 0o755}, {"mnt", 0o755},
	{"opt", 0o755}, {"proc", 0o555}, {"root", 0o700}, {"run", 0o755}, {"run/lock", 0o1777}, {"srv", 0o755}, {"sys", 0o555}, {"tmp", 0o1777},
	{"usr", 0o755}, {"usr/bin", 0o755}, {"usr/games", 0o755}, {"usr/include", 0o755}, {"usr/lib", 0o755}, {moduleDir, 0o755},
	{"usr/local", 0o755}, {"usr/local/bin", 0o755}, {"usr/local/etc", 0o755}, {"usr/local/lib", 0o755}, {"usr/local/sbin", 0o755},
	{"usr/local/share", 0o755}, {"usr/sbin", 0o755}, {"usr/share", 0o755}, {"usr/src", 0o755},
	{"var", 0o755}, {"var/cache", 0o755}, {"var/lib", 0o755}, {"var/local", 0o755}, {"var/log", 0o755}, {"var/mail", 0o755}, {"var/opt", 0o755},
	{"var/spool", 0o755}, {"var/tmp", 0o1777},
}

// baseLinks are its symbolic links.
var baseLinks = []struct{ name, target string }{
	{"bin", "usr/bin"}, {"lib", "usr/lib"}, {"sbin", "usr/sbin"}, {"etc/mtab", "/proc/mounts"}, {"etc/os-release", "../usr/lib/os-release"},
	{"usr/local/man", "share/man"}, {"var/lock", "/run/lock"}, {"var/run", "/run"},
}

// baseFiles are its small files.
var baseFiles = []struct {
	name, text string
	mode       int64
}{
	{"etc/passwd", "root:x:0:0:root:/root:/bin/bash\n" +
		"daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n" +
		"bin:x:2:2:bin:/bin:/usr/sbin/nologin\n" +
		"sys:x:3:3:sys:/dev:/usr/sbin/nologin\n" +
		"mail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n" +
		"www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n" +
		"user:x:1000:1000:user:/home/user:/bin/bash\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", 0o644},
	{"etc/group", "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nmail:x:8:\nwww-data:x:33:\n" +
		"staff:x:50:\nusers:x:100:\nuser:x:1000:\nnogroup:x:65534:\n", 0o644},
	{"etc/shadow", "root:*:20000:0:99999:7:::\nuser:!:20000:0:99999:7:::\nnobody:*:20000:0:99999:7:::\n", 0o640},
	{"etc/hostname", "base\n", 0o644},
	{"etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n", 0o644},
	{"etc/resolv.conf", "", 0o644},
	{"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0o644},
	{"etc/shells", "/bin/sh\n/bin/bash\n/bin/dash\n", 0o644},
	{"etc/profile", "# Read by login shells.\n" +
		"if [ \"$(id -u)\" = 0 ]; then\n" +
		"\tPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n" +
		"else\n" +
		"\tPATH=/usr/local/bin:/usr/bin:/bin\n" +
		"fi\n" +
		"export PATH\n" +
		"for part in /etc/profile.d/*.sh; do\n" +
		"\t[ -r \"$part\" ] && . \"$part\"\n" +
		"done\n" +
		"unset part\n", 0o644},
	{"etc/bash.bashrc", "# Read by interactive shells.\nPS1='\\u@\\h:\\w\\$ '\n", 0o644},
	{"root/.bashrc", "# Read by root's interactive shells.\nPS1='\\u@\\h:\\w\\$ '\n", 0o644},
	{"usr/lib/os-release", "NAME=\"sbx base\"\nPRETTY_NAME=\"sbx base image " + baseVersion + "\"\nID=sbx\nVERSION_ID=\"" + baseVersion + "\"\n" +
		"HOME_URL=\"https://github.com/sbxrun/sbx\"\n", 0o644},
}

// writeBase writes the image's one layer: the same bytes for the same tools.
func writeBase(l *layerWriter) error {
	for _, d := range baseDirs {
		l.dir(d.name, d.mode)
	}
	l.put(&tar.Header{Typeflag: tar.TypeDir, Name: "home/user/", Mode: 0o755, Uid: 1000, Gid: 1000}, nil)
	for _, f := range baseFiles {
		l.file(f.name, f.mode, []byte(f.text))
	}
	for _, s := range baseLinks {
		l.symlink(s.name, s.target)
	}
	if err := putUserland(l, []string{"usr/bin"}); err != nil {
		return err
	}
	return l.close()
}

// baseConfig is the image's configuration. The label tells which tools are in
// it.
func baseConfig(key string) registry.ImageConfig {
	created := userlandTime
	c := registry.ImageConfig{Image: ocispec.Image{
		Created:  &created,
		Author:   "sbx",
		Platform: registry.DefaultPlatform(),
		History:  []ocispec.History{{Created: &created, CreatedBy: "sbx: the built-in shell and tools"}},
	}}
	c.Config.Env, c.Config.Cmd = []string{"PATH=" + defaultPath}, []string{"bash"}
	c.Config.Labels = map[string]string{baseLabel: key}
	return c
}

func baseKey() string { return baseVersion + "-" + userlandKey() }

// ensureBase brings the embedded image into the store unless this binary's is
// there already.
func (e *Engine) ensureBase(ctx context.Context) error {
	e.base.Lock()
	defer e.base.Unlock()
	if e.baseDone {
		return nil
	}
	img, err := e.store.Resolve(BaseName)
	if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrCorrupt) {
		return err
	}
	if err != nil || img.Config().Config.Labels[baseLabel] != baseKey() {
		if err := e.importBase(ctx); err != nil {
			return fmt.Errorf("the embedded image: %w", err)
		}
	}
	e.baseDone = true
	return nil
}

func (e *Engine) importBase(ctx context.Context) error {
	var layer bytes.Buffer
	if err := writeBase(newLayerWriter(&layer)); err != nil {
		return err
	}
	_, err := e.store.AddLayerImage(ctx, registry.Image{}, &layer, baseConfig(baseKey()), BaseName)
	return err
}

// maybeBase tells whether a name can mean the embedded image, which is then
// made sure of before it is looked up.
func maybeBase(name string) bool {
	ref, err := registry.ParseRef(name)
	if err != nil {
		return false
	}
	switch ref.Name() {
	case "localhost/base", "docker.io/library/base":
		return ref.Digest == "" && ref.Tag == registry.DefaultTag
	}
	return false
}
