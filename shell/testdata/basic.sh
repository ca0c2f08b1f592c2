#### echo
echo hello world
#### exit status
false; echo $?; true; echo $?; exit 3
#### and or
true && echo a || echo b; false && echo c || echo d; ! true; echo $?
#### if
if false; then echo a; elif true; then echo b; else echo c; fi; if false; then :; fi; echo $?
#### while
i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i
#### for
for x in a b "c d"; do echo "<$x>"; done; set -- 1 2; for y; do echo $y; done; for z in; do echo no; done; echo $?
#### break continue
for i in 1 2 3; do for j in a b c; do [ $j = b ] && continue 2; [ $i = 3 ] && break 2; echo $i$j; done; done; echo end
#### case
for x in a bb "c d" '*' zz; do case $x in a) echo one;; b?) echo two;; "c d"|x) echo three;; \*) echo star;; *) echo other; esac; done
#### case fallthrough [bash]
case a in a) echo 1;& b) echo 2;;& a*) echo 3;; *) echo 4; esac
#### functions
f() { echo "$# $1"; return 4; }; f a b; echo $?; g() ( exit 5 ); g; echo $?
#### recursion
f() { if [ $1 -gt 0 ]; then echo $1; f $(($1-1)); fi; }; f 3
#### local
f() { local x=1 y; x=2; y=3; echo $x$y; }; x=9; f; echo $x$y
#### function keyword [bash]
function f { echo f; }; function g() { echo g; }; f; g
#### subshell
x=1; (x=2; echo $x; exit 3); echo $x $?
#### brace group
{ echo a; echo b; } | cat; { false; }; echo $?
#### pipeline
echo a | cat | cat; false | true; echo $?; true | false; echo $?; ! false | false; echo $?
#### pipestatus [bash]
false | true | (exit 3); echo ${PIPESTATUS[@]}; true; echo ${PIPESTATUS[0]}
#### pipefail [bash]
set -o pipefail; false | true; echo $?; true | true; echo $?
#### command not found [err]
nosuchcommand_x a b; echo $?
#### not executable [err]
echo hi >f; ./f; echo $?; mkdir d; ./d; echo $?; ./none; echo $?
#### script without magic
echo 'echo in $0 $1' >s; chmod 755 s; ./s arg; echo $?
#### background wait
(exit 3) & wait $!; echo $?; wait; echo $?; echo x & wait
#### dollar bang
: & p=$!; wait $p; echo $?; [ -n "$p" ] && echo set
#### exit in subshell
(exit 4); echo $?; x=$(exit 5); echo $?
#### nested quotes
echo "a'b" 'a"b' "a\"b" a\ b "a\$b" "a\nb" 'a\nb' "\`x\`"
#### comments
echo a # b
echo c#d '#e'
#### line continuation
echo a\
b "c\
d"
#### semicolons and newlines
if true
then
echo a; fi
{ echo b
}
#### eval
x='echo $y'; y=5; eval $x; eval 'echo a; echo b' c; eval; echo $?; eval false; echo $?
#### source
echo 'x=5; echo in; return 3; echo no' >f; . ./f; echo $? $x
#### source args [bash]
echo 'echo $# $1' >f; set -- a b c; . ./f; source ./f z; echo $1
#### exec redirection
exec 3>out; echo hi >&3; exec 3>&-; cat out
#### exec program
exec echo replaced; echo never
#### exec not found
exec nosuch_x; echo never
#### colon
: a b c; echo $?; : ${x:=5}; echo $x
#### negation
! false; echo $?; ! true; echo $?; if ! false; then echo yes; fi
#### set positional
set -- a "b c" d; echo $# "$2"; shift; echo $1; shift 2; echo $#; shift; echo $?
#### dollar zero
echo $0
#### syntax error
echo a
echo b; )
echo c
#### unterminated
echo 'a
#### time [bash]
time true 2>/dev/null; echo $?
#### c style for [bash]
for ((i=0;i<3;i++)); do echo $i; done; for ((;;)); do break; done; for ((i=0,j=9; i<j; i+=3,j--)); do echo $i $j; done
#### select [bash]
# stdin: "2\n5\n\n1\n"
select x in aa bb cc; do echo "<$x> $REPLY"; [ "$x" = aa ] && break; done
#### coproc [bash]
coproc cat; echo hello >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x; eval "exec ${COPROC[1]}>&-"; wait $COPROC_PID; echo $?
#### dash bang bang [bash]
true & wait %1; echo $?; jobs
#### lineno [bash]
echo $LINENO
echo $LINENO; f() {
echo $LINENO
}
f
#### return outside
return 3 2>/dev/null; echo $?
#### large output
seq 20000 | while read x; do y=$x; echo $x; done | { while read z; do l=$z; done; echo $l; }
#### exit trap order
trap 'echo bye $?' EXIT; echo hi; exit 3
#### command builtin
command echo a; command -v echo; command -v cat >/dev/null && echo found; command -v nosuch_x; echo $?
#### type [bash]
f() { :; }; type -t f echo if cat nosuch; echo $?
#### umask
umask 022; umask; umask 077; umask; umask u=rwx,g=rx,o=; umask; umask -S; umask g+w; umask
#### underscore [bash]
echo a b; echo $_
#### empty command substitution
$(true); echo $?; $(false); echo $?; x=$(false); echo $?
#### hash
hash -r; cat </dev/null; hash >/dev/null; echo $?

#### an expansion that the language lacks fails only when it is expanded
echo 1
if false; then x=${y//a/b}; z=${y:1:2} w=${y^^} v=${!y}; u=${y[0]}; fi
if false; then x=${(M)y}; unset ${(M)${(k)parameters[@]}:#__x_*} 2>/dev/null; fi
f() {
	case $1 in
	a) echo "${(M)y}" "${=1}";;
	b) echo b;;
	esac
}
f b
(f a; echo no); echo st $?
y=aba; (echo "in ${(M)y} x"; echo next); echo st $?
echo ${(M)y}; echo not this
echo last

#### a line number after a deferred expansion [bash]
if false; then
	x=${(M)y}
fi
echo $LINENO
if false; then x=${(M)y} ${=1} "${(k)z}"; fi; echo $LINENO

#### bytes that are not UTF-8
eval "$(printf 'echo "caf\351"\ncat <<X\nq\351\nX\nx=\377; case $x in \377) echo yes;; esac\n%s' 'echo ${#x}; f() { echo "\351"; }; f')" >f
while IFS= read -r l; do case $l in "$(printf 'caf\351')"|"$(printf 'q\351')") echo same;; *) echo "$l";; esac; done <f

#### a program in the background is deaf to ^C and has no input
# stdin: "line\n"
{ while read -r a b; do case $a in SigIgn:) case $b in *[67]) echo deaf;; esac; esac; done </proc/self/status; cat; } & wait
cat & wait
cat

#### the start of a background program is not waited for when it may take long
mkfifo p
cat <p & echo not held; echo to >p; wait
cat $(sleep 0.1; echo none) 2>/dev/null & echo nor by this; wait

#### no room above the limit of descriptors
echo text >f; ulimit -n 6; exec 3<f; echo $?; cat <&3; echo $?

#### news of killed jobs: waited for
sleep 5 & kill -9 $!; wait $!; echo $?

#### news of killed jobs: terminated
sleep 5 & kill $!; wait $!; echo $?

#### news of killed jobs: wait for all
sleep 5 & kill -9 $!; wait; echo $?

#### news of killed jobs: known before
sleep 5 & kill -9 $!; sleep 0.2; echo on; wait $!; echo $?
