package shell

import "strings"

// option is one of the flags of set.
type option uint8

const (
	optAllExport option = iota
	optBraceExpand
	optErrExit
	optErrTrace
	optFuncTrace
	optHashAll
	optHistExpand
	optHistory
	optIgnoreEOF
	optKeyword
	optMonitor
	optNoClobber
	optNoExec
	optNoGlob
	optNoLog
	optNotify
	optNoUnset
	optOneCmd
	optPhysical
	optPipeFail
	optPosix
	optPrivileged
	optVerbose
	optVi
	optEmacs
	optXTrace
	optCount
)

var optNames = [optCount]struct {
	name string
	flag byte
}{
	optAllExport: {"allexport", 'a'}, optBraceExpand: {"braceexpand", 'B'}, optErrExit: {"errexit", 'e'},
	optErrTrace: {"errtrace", 'E'}, optFuncTrace: {"functrace", 'T'}, optHashAll: {"hashall", 'h'},
	optHistExpand: {"histexpand", 'H'}, optHistory: {"history", 0}, optIgnoreEOF: {"ignoreeof", 0},
	optKeyword: {"keyword", 'k'}, optMonitor: {"monitor", 'm'}, optNoClobber: {"noclobber", 'C'},
	optNoExec: {"noexec", 'n'}, optNoGlob: {"noglob", 'f'}, optNoLog: {"nolog", 0}, optNotify: {"notify", 'b'},
	optNoUnset: {"nounset", 'u'}, optOneCmd: {"onecmd", 't'}, optPhysical: {"physical", 'P'},
	optPipeFail: {"pipefail", 0}, optPosix: {"posix", 0}, optPrivileged: {"privileged", 'p'},
	optVerbose: {"verbose", 'v'}, optVi: {"vi", 'V'}, optEmacs: {"emacs", 0}, optXTrace: {"xtrace", 'x'},
}

func optionByName(name string) (option, bool) {
	for o := range optNames {
		if optNames[o].name == name {
			return option(o), true
		}
	}
	return 0, false
}

func optionByFlag(c byte) (option, bool) {
	for o := range optNames {
		if optNames[o].flag == c && c != 0 {
			return option(o), true
		}
	}
	return 0, false
}

func defaultShopts(bash bool) map[string]bool {
	m := map[string]bool{}
	if !bash {
		return m
	}
	for _, name := range strings.Fields(`autocd assoc_expand_once cdable_vars cdspell checkhash checkjobs
		compat31 compat32 compat40 compat41 compat42 compat43 compat44 direxpand dirspell dotglob execfail
		expand_aliases extdebug extglob failglob globstar gnu_errfmt histappend histreedit histverify
		huponexit inherit_errexit lastpipe lithist localvar_inherit localvar_unset login_shell mailwarn
		no_empty_cmd_completion nocaseglob nocasematch noexpand_translation nullglob progcomp_alias
		restricted_shell shift_verbose varredir_close xpg_echo`) {
		m[name] = false
	}
	for _, name := range strings.Fields(`checkwinsize cmdhist complete_fullquote extquote force_fignore
		globasciiranges globskipdots hostcomplete interactive_comments patsub_replacement progcomp promptvars sourcepath`) {
		m[name] = true
	}
	return m
}

// flagString is $-.
func (sh *Shell) flagString() string {
	var sb strings.Builder
	for c := byte('a'); c <= 'z'; c++ {
		if c == 'i' && sh.interactive {
			sb.WriteByte('i')
		}
		if o, ok := optionByFlag(c); ok && sh.opts[o] {
			sb.WriteByte(c)
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		if o, ok := optionByFlag(c); ok && sh.opts[o] {
			sb.WriteByte(c)
		}
	}
	if sh.commandStr && sh.bash {
		sb.WriteByte('c')
	}
	if sh.fromStdin {
		sb.WriteByte('s')
	}
	return sb.String()
}
