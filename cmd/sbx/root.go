package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The groups of the top help page.
const (
	groupCommon     = "common"
	groupContainers = "containers"
	groupImages     = "images"
	groupSystem     = "system"
)

// newRoot builds the tree of verbs, as far as args need it.
func newRoot(a *app, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "sbx",
		Short: "Pull container images and run commands in them, without a daemon",
		Long: "sbx pulls OCI images, lays them out in memory and runs commands in them:\n" +
			"no daemon, no root, no virtual machine. Try: sbx run -it base",
		SilenceErrors: true, SilenceUsage: true, TraverseChildren: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if v, _ := cmd.Flags().GetBool("version"); v {
				fmt.Fprintln(a.out, versionLine())
				return nil
			}
			return cmd.Help()
		},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				if why := absentCommand(args[0]); why != "" {
					return usagef("this version has no %q: %s", args[0], why)
				}
				return usagef("%q is not a command of sbx", args[0])
			}
			return nil
		},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.Flags().BoolP("version", "v", false, "Print the version and exit")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{flagHint(err)} })
	for _, g := range [][2]string{{groupCommon, "Common commands:"}, {groupContainers, "Containers:"}, {groupImages, "Images:"}, {groupSystem, "System:"}} {
		root.AddGroup(&cobra.Group{ID: g[0], Title: g[1]})
	}
	only := a.asked(args)
	a.addVerbs(root, only)
	root.CompletionOptions.DisableDefaultCmd = only != "" // it is not asked for, and takes as long as a verb
	root.SetHelpCommandGroupID(groupSystem)
	root.SetCompletionCommandGroupID(groupSystem)
	root.SetArgs(args)
	return root
}

// verb makes one command. In use, the words after the verb's name are its
// arguments. Flags stop at the first argument.
func verb(group, use, short string, args cobra.PositionalArgs, run func(*cobra.Command, []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: run, GroupID: group, DisableFlagsInUseLine: true}
	c.Flags().SetInterspersed(true)
	return c
}

// namedVerb is a verb that is not made yet.
type namedVerb struct {
	name string
	make func() *cobra.Command
}

func (a *app) verbs() []namedVerb {
	return []namedVerb{
		{"run", a.runCmd}, {"build", a.buildCmd}, {"ps", func() *cobra.Command { return a.psCmd("ps") }}, {"pull", a.pullCmd}, {"push", a.pushCmd},
		{"images", func() *cobra.Command { return a.imagesCmd("images") }}, {"login", a.loginCmd}, {"logout", a.logoutCmd}, {"search", a.searchCmd},
		{"exec", a.execCmd}, {"logs", a.logsCmd}, {"stop", a.stopCmd}, {"attach", a.attachCmd}, {"restart", a.restartCmd}, {"wait", a.waitCmd},
		{superviseVerb, a.superviseCmd}, {"create", a.createCmd}, {"start", a.startCmd}, {"rm", a.rmCmd}, {"cp", a.cpCmd}, {"diff", a.diffCmd}, {"export", a.exportCmd},
		{"commit", a.commitCmd}, {"port", a.portCmd}, {"top", a.topCmd}, {"rename", a.renameCmd}, {"network", a.networkGroup}, {"volume", a.volumeGroup}, {"kill", a.killCmd}, {"inspect", func() *cobra.Command { return a.inspectCmd("") }},
		{"rmi", func() *cobra.Command { return a.rmiCmd("rmi IMAGE [IMAGE...]") }}, {"tag", a.tagCmd}, {"history", a.historyCmd},
		{"load", a.loadCmd}, {"save", a.saveCmd}, {"import", a.importCmd}, {"info", a.infoCmd}, {"version", a.versionCmd},
	}
}

// asked is the verb that the command line surely asks for: making the others,
// most of all their flags, takes as long as starting a container. "" is for
// everything else, such as help, completion and mistakes.
func (a *app) asked(args []string) string {
	if len(args) > 0 && slices.ContainsFunc(a.verbs(), func(v namedVerb) bool { return v.name == args[0] }) {
		return args[0]
	}
	return ""
}

// addVerbs hangs every verb into the tree, the common ones also under the
// groups that docker has; or only one.
func (a *app) addVerbs(root *cobra.Command, only string) {
	for _, v := range a.verbs() {
		if only == "" || v.name == only {
			root.AddCommand(v.make())
		}
	}
	if only != "" {
		return
	}
	root.AddCommand(
		group(groupContainers, "container", "Manage containers",
			a.runCmd(), a.createCmd(), a.startCmd(), alias(a.psCmd("ls"), "list", "ps"), alias(a.rmCmd(), "remove"), a.cpCmd(), a.diffCmd(), a.exportCmd(),
			a.commitCmd(), a.killCmd(), a.portCmd(), a.topCmd(), a.renameCmd(), a.inspectCmd("container"), a.containerPruneCmd(), a.execCmd(), a.logsCmd(), a.stopCmd(), a.restartCmd(),
			a.attachCmd(), a.waitCmd()),
		group(groupImages, "image", "Manage images",
			alias(a.imagesCmd("ls"), "list"), a.buildCmd(), a.pullCmd(), a.pushCmd(), alias(a.rmiCmd("rm IMAGE [IMAGE...]"), "remove"), a.tagCmd(), a.historyCmd(), a.loadCmd(),
			a.saveCmd(), a.importCmd(), a.inspectCmd("image"), a.imagePruneCmd()),
		group(groupImages, "builder", "Manage the build cache", a.buildCmd(), a.builderPruneCmd()),
		group(groupSystem, "system", "See and free what sbx keeps on disk", a.dfCmd(), a.systemPruneCmd(), a.infoCmd()),
	)
}

// absentCommand says why a command that docker has is not here; "" for any other word.
func absentCommand(name string) string {
	switch name {
	case "pause", "unpause", "stats":
		return "see README.md for what works"
	case "buildx":
		return "sbx build makes an image of a Dockerfile"
	case "compose", "events", "update":
		return "see README.md for what works"
	}
	return ""
}

// group is a command that only holds others.
func group(id, name, short string, verbs ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short, GroupID: id, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("%q is not a command of %s", args[0], c.CommandPath())
		}
		return c.Help()
	}}
	for _, v := range verbs {
		v.GroupID = ""
		g.AddCommand(v)
	}
	return g
}

func alias(c *cobra.Command, names ...string) *cobra.Command {
	c.Aliases = append(c.Aliases, names...)
	return c
}

// Argument checks, with a message that names what is missing.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments", c.CommandPath())
	}
	return nil
}

func exactArgs(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s needs %s", c.CommandPath(), argWords(c))
		}
		return nil
	}
}

func rangeArgs(lo, hi int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < lo || hi >= 0 && len(args) > hi {
			return usagef("%s needs %s", c.CommandPath(), argWords(c))
		}
		return nil
	}
}

// argWords is the argument part of a command's usage.
func argWords(c *cobra.Command) string {
	_, words, _ := strings.Cut(c.Use, " ")
	return strings.TrimPrefix(words, "[OPTIONS] ")
}

// named is what a verb prints that did something with a container: its name as
// it was given.
func named(ref string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return ref, nil
}

// each does fn for every argument, prints what it returns, and goes on after
// errors, which are printed one a line.
func (a *app) each(args []string, fn func(string) (string, error)) error {
	return a.eachOf(args, 1, fn)
}

// atOnce is how many containers are ended at the same time.
const atOnce = 50

// eachOf is each that works on several arguments at the same time, and prints
// in their order.
func (a *app) eachOf(args []string, n int, fn func(string) (string, error)) error {
	type result struct {
		out string
		err error
	}
	results := make([]chan result, len(args))
	slots := make(chan struct{}, n)
	for i := range args {
		results[i] = make(chan result, 1)
	}
	go func() {
		for i, arg := range args {
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				out, err := fn(arg)
				results[i] <- result{out, err}
			}()
		}
	}()
	var errs []error
	for _, c := range results {
		r := <-c
		if r.err != nil {
			errs = append(errs, r.err)
		}
		if r.out != "" {
			fmt.Fprintln(a.out, r.out)
		}
	}
	return errors.Join(errs...)
}
