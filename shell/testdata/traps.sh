#### exit trap
trap 'echo bye' EXIT; echo hi
#### exit trap zero
trap 'echo bye $?' 0; false
#### exit trap subshell
trap 'echo outer' EXIT; (echo in); (trap 'echo inner' EXIT; echo in2); echo end
#### trap reset
trap 'echo no' EXIT; trap - EXIT; echo hi
#### trap signal
trap 'echo got' USR1; kill -USR1 $$; echo after
#### trap term
trap 'echo term; exit 7' TERM; kill $$; echo never
#### trap ignored
trap '' TERM; kill $$; echo alive; sh -c 'kill $$; echo child too'
#### trap print
trap 'echo a' EXIT; trap "echo 'b'" INT; trap '' TERM; trap; trap - EXIT
#### trap in subshell reset
trap 'echo t' TERM; (trap); sh -c 'kill $$'; echo $?
#### trap numbers
trap 'echo two' 2; kill -2 $$; trap - 2; trap 'echo usr' USR1; kill -s USR1 $$
#### trap exit code
trap 'false' USR1; true; kill -USR1 $$; echo $?
#### trap during wait
trap 'echo hup' HUP; (sleep 1; kill -HUP $$; sleep 0.2) & wait $!; echo $?; wait; echo done
#### trap after child
trap 'echo usr1' USR1; (kill -USR1 $$; sleep 0.1; echo child); echo end
#### trap exit in function
f() { trap 'echo fexit' EXIT; }; f; echo main
#### err trap [bash]
trap 'echo err $?' ERR; false; true; false || true; if false; then :; fi; ! true; (exit 3); f() { false; }; f; echo end
#### err trap errexit [bash]
set -e; trap 'echo err' ERR; trap 'echo exit' EXIT; false; echo no
#### errtrace [bash]
set -E; trap 'echo E' ERR; f() { false; true; }; f; echo end
#### debug trap [bash]
trap 'echo "[$BASH_COMMAND]"' DEBUG; x=1; echo a; trap - DEBUG
#### return trap [bash]
f() { trap 'echo ret' RETURN; echo in; }; f
#### errexit simple
set -e; echo a; false; echo b
#### errexit conditions
set -e; false || echo 1; if false; then :; fi; while false; do :; done; false && echo no; ! true; echo 2; true && false; echo no
#### errexit function
set -e; f() { false; echo in; }; f || echo handled; f; echo no
#### errexit subshell
set -e; (false; echo no) || echo 1; (false; echo no); echo no2
#### errexit substitution
set -e; x=$(false; echo in); echo "<$x>"; echo $(false); y=$(false); echo no
#### errexit pipeline
set -e; false | true; echo 1; true | false; echo no
#### errexit brace
set -e; { false; echo no; }; echo no
#### errexit negation
set -e; ! false; ! true; echo ok; ! { false; }; echo ok2
#### errexit eval
set -e; eval false; echo no
#### errexit case and for
set -e; for i in 1 2; do false || true; done; case a in a) true;; esac; echo ok; for i in 1; do false; done; echo no
#### errexit in condition function
set -e; f() { false; echo reached; }; if f; then echo yes; fi; f && echo and
#### nounset
set -u; echo ${x-ok}; echo $x; echo no
#### nounset array [bash]
set -u; a=(); echo "${a[@]}" ok; echo ${#a[@]}
#### pipefail errexit [bash]
set -eo pipefail; false | true; echo no
#### assignment status
x=$(false) y=1; echo $?; x=1; echo $?; x=$(exit 3) true; echo $?
#### arithmetic error
echo $((1/0)); echo next
#### arithmetic error line
echo $((1/0)) 2>/dev/null
echo next line
#### double paren status [bash]
((1)); echo $?; ((0)); echo $?; set -e; ((1)); ((0)) || echo ok; ((0)); echo no
#### kill self
kill -9 $$; echo no
#### child signal status
sh -c 'kill -TERM $$'; echo $?; sh -c 'kill -KILL $$'; echo $?
#### kill background
sleep 10 & kill $!; wait $! 2>/dev/null; echo $?
#### kill job [bash]
sleep 10 & kill %1; wait %1 2>/dev/null; echo $?
#### wait all
p=; for i in 1 2 3; do (sleep 0.$i) & p="$p $!"; done; wait; echo all $?; for i in $p; do kill -0 $i 2>/dev/null && echo $i runs; done; echo done
#### wait unknown
wait 99999; echo $?
#### ppid
sh -c '[ $PPID -gt 0 ] && echo ok'; [ $$ -gt 0 ] && echo ok; (echo $$) | { read p; [ $p = $$ ] && echo same; }
#### bashpid [bash]
[ $BASHPID = $$ ] && echo same; (  [ $BASHPID != $$ ] && echo differ; echo $BASH_SUBSHELL )
#### exit in trap
trap 'exit 9' EXIT; exit 3
#### seconds random [bash]
[ $SECONDS -ge 0 ] && echo ok; RANDOM=5; a=$RANDOM; [ $a -ge 0 -a $a -lt 32768 ] && echo ok; SECONDS=100; [ $SECONDS -ge 100 ] && echo ok
#### chld trap [bash]
trap 'echo chld' CHLD; true & wait; echo end
#### nested traps
trap 'echo one; kill -USR2 $$; echo two' USR1; trap 'echo three' USR2; kill -USR1 $$; echo end
#### background stdin
# stdin: "data\n"
cat & wait; read x; echo "<$x>"
#### jobs [bash]
sleep 3 & jobs; kill $!; wait 2>/dev/null; jobs
#### errexit local
f() { set -e; false; echo no; }; (f); echo $?
#### prefix assignment
x=1; x=2 eval 'echo $x'; echo $x; f() { echo $x; }; x=3 f; echo $x; IFS=, read a b <<E
1,2
E
echo $a $b
#### inherit errexit [bash]
set -e; shopt -s inherit_errexit; x=$(false; echo no) || echo failed; echo "<$x>"
