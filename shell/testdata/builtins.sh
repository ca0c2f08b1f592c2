#### echo options [bash]
echo -n a; echo -e 'b\tc\n\x41\0101\c'; echo; echo -E 'd\n'; echo -ne 'x\n'; echo -- -n; echo -nx; echo - -e
#### echo dash [dash]
echo -n a; echo 'b\tc'; echo -e 'd\n'; echo 'x\cy'; echo; echo 'q\0101\\'
#### printf
printf '%s-%s\n' a b c; printf '%d %i %u %x %X %o %c\n' 42 -7 9 255 255 8 hello; printf '%5d|%-5d|%05d|%+d|% d\n' 42 42 42 42 42; printf '%s\n'; printf '%%\n'; printf 'no newline'; printf '\n%b' 'a\tb\n'
#### printf strings
printf '%10s|%-10s|%.2s|%*s|%-*s|\n' ab ab abcdef 5 x 5 y; printf '%s %s %s\n' 1 2; printf '\101\n'; printf '%d\n' "'A" '"B' 0x10 010
#### printf floats
printf '%f %.2f %e %g %G %10.3f|\n' 1.5 3.14159 12345.678 0.0001 1e10 2.5; printf '%.0f %.3g\n' 2.5 1234567
#### printf bad
printf '%d\n' abc; echo $?; printf '%d\n' 12abc; echo $?; printf '%z\n' 2>/dev/null; echo $?
#### printf bash [bash]
printf '%q %q %q\n' 'a b' "it's" ''; printf -v x '%03d' 7; echo $x; printf '%(%Y-%m-%d %H:%M:%S)T\n' 86400; printf '%q\n' $'a\nb' '$x' '~a' 'a~'; printf -v 'a[2]' hi; echo ${a[2]}; printf '%s\n' a b >/dev/null; printf '%5b|%-5b|\n' 'a' 'b'
#### printf c escape
printf '%b|' 'a\cb' c; echo; printf 'x%by\n' '\0101'
#### read
# stdin: "a b c d\n  lead trail  \nx\\ y z\nraw\\n\\\nlast"
read x y z; echo "<$x><$y><$z>"; read l; echo "<$l>"; read p q; echo "<$p><$q>"; read -r r; echo "<$r>"; read -r s t; echo "<$s>$?"
#### read ifs
# stdin: "a:b:c:d\n:x::y\n  a , b  , c\na:\na::\n"
IFS=: read a b c; echo "<$a><$b><$c>"; IFS=: read a b c; echo "<$a><$b><$c>"; IFS=' ,' read a b c; echo "<$a><$b><$c>"; IFS=: read a; echo "<$a>"; IFS=: read a; echo "<$a>"
#### read options [bash]
# stdin: "abcdef\nx,y,z\nq r s\n"
read -n 3 x; echo $x; read y; echo $y; read -d , z; echo $z; read -a arr; echo ${arr[0]} ${#arr[@]}; read -a arr; echo ${arr[2]}; read x; echo $?
#### read reply [bash]
# stdin: "  keep me  \n"
read; echo "<$REPLY>"
#### read N [bash]
# stdin: "ab\ncd\n"
read -N 4 x; echo "<$x>"; read -t 1 y; echo "<$y>" $?; read -t 1 y; echo $?
#### read timeout [bash]
sleep 1 | { read -t 0.05 x; [ $? -gt 128 ] && echo timeout; }; echo done
#### mapfile [bash]
mapfile -t a < <(printf '1\n2\n3\n'); echo ${#a[@]} ${a[1]}; readarray b <<< $'x\ny'; printf '<%s>' "${b[@]}"; echo; mapfile -t -n 1 -s 1 c < <(seq 5); echo ${c[@]}; mapfile -d : -t d <<< 'p:q:r'; echo ${d[1]}
#### test strings
[ a = a ] && echo 1; [ a != b ] && echo 2; [ -z '' ] && echo 3; [ -n x ] && echo 4; [ x ] && echo 5; [ '' ] || echo 6; [ ! a = b ] && echo 7; [ a = a -a b = b ] && echo 8; [ a = b -o b = b ] && echo 9; [ \( a = a \) ] && echo 10; test; echo $?
#### test numbers
[ 3 -gt 2 ] && [ 2 -lt 3 ] && [ 2 -le 2 ] && [ 2 -ge 2 ] && [ 1 -ne 2 ] && [ -1 -eq -1 ] && echo ok; [ a -eq 1 ]; echo $?; [ 1 -eq ]; echo $?
#### test files
touch f; mkdir d; echo x >g; chmod 644 g; [ -f f ] && [ -d d ] && [ -e d ] && [ -s g ] && [ ! -s f ] && [ -r g ] && [ -w g ] && [ ! -x g ] && echo ok; [ -f nosuch ] || echo no; mkfifo p; [ -p p ] && echo fifo; [ -c /dev/null ] && echo char; [ f -ef f ] && echo same; [ -t 0 ] || echo notty
#### test edge
[ -n ] && echo 1; [ = ] && echo 2; [ ! ] && echo 3; [ '(' ] && echo 4; [ -f = -f ] && echo 5; [ ! -n ] ; echo $?; [ '' = '' ] && echo 6; [ ! '' ] && echo 7
#### double bracket [bash]
x='a b'; [[ $x = 'a b' ]] && echo 1; [[ -n $x && ! -z $x ]] && echo 2; [[ abc == a* ]] && echo 3; [[ abc == "a*" ]] || echo 4; [[ 10 -gt 9 ]] && echo 5; [[ a < b ]] && echo 6; [[ ( a == b ) || c == c ]] && echo 7; y='a*'; [[ abc == $y ]] && echo 8; [[ abc == "$y" ]] || echo 9; [[ -v x ]] && echo 10; n=5; [[ n -eq 5 ]] && echo 11; [[ '' ]] || echo 12
#### regex [bash]
[[ foo123 =~ ^([a-z]+)([0-9]+)$ ]] && echo ${BASH_REMATCH[0]} ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}; [[ abc =~ b ]]; echo $? ${BASH_REMATCH[0]}; [[ abc =~ x ]]; echo $? ${#BASH_REMATCH[@]}; r='^a.c$'; [[ abc =~ $r ]] && echo 1; [[ a.c =~ a\.c ]] && echo 2; [[ abc =~ "a.c" ]] || echo 3; [[ 'a b' =~ a\ b ]] && echo 4; [[ xaay =~ a+ ]] && echo ${BASH_REMATCH[0]}; [[ 2024-01-02 =~ ([0-9]{4})-([0-9]{2}) ]] && echo ${BASH_REMATCH[2]}; [[ ']' =~ []] ]] && echo 5; [[ a =~ [[:alpha:]] ]] && echo 6
#### regex bad [bash]
p='('; [[ a =~ $p ]]; echo $?
#### getopts
f() { OPTIND=1; while getopts ab:c o "$@"; do echo "$o ${OPTARG-none}"; done; shift $((OPTIND-1)); echo "rest $*"; }; f -a -b x -c y z; f -ab1 -c; f -- -a; f x -a
#### getopts errors
while getopts :ab: o -x -b; do echo "$o <$OPTARG>"; done; OPTIND=1; while getopts ab: o -q 2>/dev/null; do echo "$o"; done
#### shift
set -- a b c; shift; echo $*; shift 2; echo $#; shift 0; echo $?
#### export
x=1; export x y=2; printenv x; printenv y; sh -c 'echo $x $y'; z=3 sh -c 'echo $z'; echo ${z-unset}; export -p | while read a b c; do case "$b $c" in *x=*|*y=*) echo got;; esac; done
#### readonly
readonly a=1; echo $a; readonly >/dev/null; echo $?
#### unset
x=1; unset x; echo ${x-gone}; f() { :; }; unset -f f; f 2>/dev/null; echo $?; unset nosuch; echo $?
#### cd pwd
mkdir d; mkdir d/e; o=$PWD; cd d; [ "$PWD" = "$o/d" ] && echo 1; cd e; cd ..; [ "$PWD" = "$o/d" ] && echo 2; cd - >/dev/null; [ "${PWD##*/}" = e ] && echo 3; cd ../..; [ "$PWD" = "$o" ] && [ "$(pwd)" = "$o" ] && echo 4; cd nosuch 2>/dev/null; echo $?; CDPATH=$o/d; cd e >/dev/null; [ "$PWD" = "$o/d/e" ] && echo 5
#### cd error [err]
cd /nosuch_dir; echo $?
#### pushd popd [bash]
mkdir a b; o=$PWD; pushd a >/dev/null; pushd ../b >/dev/null; echo ${#DIRSTACK[@]}; popd >/dev/null; echo ${PWD##*/}; popd >/dev/null; [ $PWD = $o ] && echo back; popd 2>/dev/null; echo $?
#### alias
alias hi='echo hello'
hi there 2>/dev/null; alias hi; unalias hi; alias nosuch 2>/dev/null; echo $?
#### alias shopt [bash]
shopt -s expand_aliases
alias e='echo ' w=world ll='echo a; echo b'
e w; ll; x=1 e y
if e c; then e d; fi
\e 2>/dev/null; echo $?
#### set options
set -e; set +e; set -o noglob; echo *; set +o noglob; case $- in *f*) echo f;; *) echo nof;; esac
#### dash flags [bash]
echo $-; set -eu; echo $-
#### xtrace [err]
set -x; echo a 'b c'; x=5; [ $x = 5 ]; set +x; echo done
#### shopt [bash]
shopt -q extglob; echo $?; shopt -s extglob; shopt -q extglob; echo $?; shopt nosuch 2>/dev/null; echo $?; shopt -p nullglob; shopt -s -o errexit; echo $-
#### times
times >/dev/null; echo $?
#### kill l [bash]
kill -l 9 TERM 137 INT; kill -l nosuch 2>/dev/null; echo $?
#### kill list number
kill -l 15; kill -0 $$; echo $?; kill -0 999999 2>/dev/null; echo $?
#### builtin [bash]
echo() { builtin echo "wrapped $*"; }; echo a; command echo b; unset -f echo; builtin nosuch 2>/dev/null; echo $?
#### let [bash]
let x=1+2; echo $x $?; let 'y = x * 2' z=0; echo $y $?; let x++; echo $x
#### true false colon
true; echo $?; false; echo $?; :; echo $?
#### caller [bash]
f() { caller; caller 0; }; g() { f; }
g
#### funcname [bash]
f() { echo ${FUNCNAME[0]} ${FUNCNAME[1]} ${#FUNCNAME[@]}; }; g() { f; }; g
#### local attributes [bash]
f() { local -a a=(1 2); local -i n=3+4; local -r r=5; echo ${a[1]} $n $r; }; f; echo "${a-}${n-}${r-}"
#### local dynamic scope
f() { local x=f; g; echo $x; }; g() { echo $x; x=g; }; x=top; f; echo $x
#### local unset
f() { local x=1; unset x; echo ${x-none}; }; x=g; f; echo $x
#### ulimit
ulimit -n >/dev/null; echo $?; (ulimit -n 64; ulimit -n)
#### type builtins
type cd >/dev/null; echo $?; type nosuch_x >/dev/null 2>&1; echo $?
#### declare functions [bash]
f() { echo a; }; declare -F f; declare -f f >/dev/null; echo $?; declare -f nosuch; echo $?
#### wait n [bash]
(exit 3) & wait -n; echo $?; wait -n; echo $?
#### disown [bash]
sleep 5 & disown; jobs; kill $!; echo $?
#### printf percent n
printf '%s %% %c%c\n' a bc de; printf '%3c|%-3c|\n' x y
#### test v [bash]
x=1; a=(1); test -v x; echo $?; test -v nosuch; echo $?; [ -v a[0] ]; echo $?; [ -v 'a[3]' ]; echo $?
#### eval status
eval 'exit 3' | cat; (eval 'exit 4'); echo $?
#### command special
command export x=5; echo $x; command -V cd >/dev/null; echo $?
#### hash bash [bash]
hash -r; type cat >/dev/null; hash -p /x/y foo; hash -t foo
#### history off [bash]
history | cat; echo $?
#### export n [bash]
export x=1; export -n x; printenv x; echo $?
#### unset readonly
readonly r=1; unset r 2>/dev/null; echo $? $r
#### exit code mod
(exit 256); echo $?; (exit 300); echo $?
#### return code
f() { return; }; false; f; echo $?; g() { (exit 7); return; }; g; echo $?
#### break outside
break; echo $?; continue; echo $?

#### compgen [bash]
touch aa ab b; mkdir ad
compgen -W "alpha beta alps" -- al; echo $?
compgen -W "alpha beta" -- z; echo $?
compgen -G "a*" | sort; compgen -G "z*"; echo $?
f1() { :; }; f2() { :; }; compgen -A function; compgen -A function f2
compgen -f a | sort; compgen -d a; xyz1=1 xyz2=2; compgen -v xyz
compgen -P '<' -S '>' -W 'a b'; compgen -X 'a*' -W 'ab cd'; compgen -X '!a*' -W 'ab cd'
compgen -b ech; compgen -k whi; v='p q'; compgen -W '$v r'; compgen -A nope 2>/dev/null; echo $?
