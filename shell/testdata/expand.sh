#### default
unset x; y=; echo "${x-a} ${x:-b} ${y-c} ${y:-d} ${x+e} ${y+f} ${y:+g}."; z=1; echo ${z:+h} ${z+i} ${z-j}
#### assign default
echo ${x:=5} $x; unset y; echo "${y=a b}" $y; z=; echo ${z=q}.
#### error
(unset x; echo ${x:?oops}); echo after; (x=; : ${x?fine}; echo ok)
#### length
x=hello; echo ${#x}; set -- a b c; echo ${#} $#; unset y; echo ${#y}
#### remove prefix suffix
x=/usr/local/lib.tar.gz; echo ${x#*/} ${x##*/} ${x%.*} ${x%%.*}; y=aXbXc; echo ${y#*X} ${y##*X} ${y%X*} ${y%%X*}; echo ${x#"*"} ${x%none}
#### pattern quoting
x='a*b*c'; p='*'; echo "${x#a"*"}" "${x%%"$p"c}" "${x##a$p}."
#### replace [bash]
x=banana; echo ${x/a/A} ${x//a/A} ${x/#b/B} ${x/%a/Z} ${x//an} ${x/x/y} ${x//[an]/_}; y=a/b/c; echo ${y//\//-} "${y//b/&&}" ${y/b/\&}
#### slice [bash]
x=abcdef; echo ${x:2} ${x:1:3} ${x: -2} ${x:0:-1} ${x: -3:2} "${x:9}" ${x:(-4):2}; set -- a b c d; echo ${@:2} - ${@:2:2} - ${@: -1} - ${@:0:2} - ${*:3}
#### case modification [bash]
x=hello; y=WORLD; echo ${x^} ${x^^} ${y,} ${y,,} ${x^^[el]} ${x@U} ${y@L} ${x@u}
#### quoting operators [bash]
x="it's a \"q\""; echo ${x@Q}; y=$'a\tb'; echo "${y@Q}"; z='a\tb'; echo "${z@E}"; declare -i n=5; echo ${n@a}
#### indirect [bash]
x=5; y=x; echo ${!y}; a=(1 2 3); r='a[1]'; echo ${!r}; r='a[@]'; echo "${!r}"; xa=1; xb=2; echo ${!x*} "${!x@}"
#### nested
x=a.b.c; echo ${x%.${x##*.}} ${u:-${v:-w}} "${u:-"q r"}" ${u:-'q r'}
#### word splitting
x='a  b c'; set -- $x; echo $#; set -- "$x"; echo $#; IFS=:; y='a:b::c:'; set -- $y; echo $# "<$1><$2><$3><$4>"
#### ifs mix
IFS=' :'; x='a : b :: c '; for i in $x; do echo "<$i>"; done; IFS=; set -- $x; echo $#
#### ifs leading
IFS=:; x=':a'; set -- $x; echo $# "<$1>"; x='::'; set -- $x; echo $#
#### at and star
set -- 'a b' c; for i in "$@"; do echo "<$i>"; done; for i in $@; do echo "[$i]"; done; for i in "$*"; do echo "{$i}"; done; IFS=-; echo "$*" $*
#### at empty
set --; for i in "$@"; do echo no; done; echo "[$@]" $#; for i in "a$@b"; do echo $i; done; set -- 1 2; for i in "a$@b"; do echo $i; done
#### at in quotes with empty
set -- '' x ''; echo $#; for i in "$@"; do echo "<$i>"; done; for i in $@; do echo "<$i>"; done
#### empty words
x=; set -- $x "$x" '' ""; echo $#; set -- $x$x; echo $#; set -- a$x $x; echo $#
#### command substitution
echo $(echo a; echo b) "$(echo a; echo b)" `echo c` "`echo \"d e\"`" $(echo $(echo f))
#### trailing newlines
x=$(printf 'a\n\n\n'); echo "<$x>"; x=$(printf '\n\na'); echo "<$x>"
#### arithmetic
echo $((1+2*3)) $(((1+2)*3)) $((7/2)) $((-7/2)) $((7%3)) $((1<<4)) $((0x1f)) $((010)) $((5>3)) $((!0)) $((~5)) $((1&&0)) $((1||0)) $((3&6)) $((3|6)) $((3^6)) $((1?2:3))
#### arithmetic variables
x=5; echo $((x+1)) $(($x*2)) $((x=7)) $x $((x+=3)) $((y)) $((x==10)); z=1+2; echo $(($z*2))
#### arithmetic in a variable [bash]
z=1+2; echo $((z*2)); set -- a b c; echo ${#@}
#### arithmetic bash [bash]
x=5; echo $((x++)) $((++x)) $((x--)) $x $((2**10)) $((16#ff)) $((2#101)) $((x>3?x:0)) $((1,2)); a=(3 4); echo $((a[1]*2)); y='x+1'; echo $((y)) $(($y*2)); ((x>3)) && echo yes; ((0)) || echo no; let z=x*2 w=z+1; echo $z $w
#### arithmetic associative [bash]
declare -A m=([k]=4); echo $((m[k]+1)); ((m[k]++)); echo ${m[k]}; echo $((36#z)) $((64#_))
#### tilde
HOME=/h; echo ~ ~/x "~" '~' a~ ~root; x=~/y; echo $x; PATH2=~:~/b; echo $PATH2; echo x=~
#### brace expansion [bash]
echo {a,b}c a{1..3} {3..1} {a..e..2} {01..03} x{,y}z {a,{b,c}} {a} {} a{b,c}{d,e} "{a,b}" {1..10..3} \{a,b} ${x}{1,2}
#### no brace expansion [dash]
echo {a,b} {1..3}
#### glob
touch a1 a2 b1 .h; echo a* ?1 [ab]1 [!a]1 x* "a*" a\* .h*; echo *
#### glob dirs
mkdir d e; touch d/x d/y e/x; echo */x d/* */ ./d/[xy]; echo d//x
#### nullglob dotglob [bash]
touch .a b; shopt -s nullglob; echo x*; shopt -s dotglob; echo *; shopt -u nullglob dotglob; echo x* *
#### globstar [bash]
mkdir -p d d/e 2>/dev/null; touch d/a d/e/b c; shopt -s globstar; echo **; echo **/b; echo d/**
#### extglob [bash]
shopt -s extglob
touch foo.c foo.h bar.c x1; echo *.@(c|h) !(*.c) @(foo|bar).c ?(x)1 +([a-z]).c; x=aaab; echo ${x##*(a)} ${x##+(a|b)}; [[ abc == a@(b|x)c ]] && echo y; case foo in !(foo)) echo no;; *) echo yes; esac
#### noglob
touch a1; set -f; echo a*; set +f; echo a*
#### special parameters
set -- a b; echo $# $* "$@" ${1}${2} ${10}. $?; false; echo $?
#### ten [bash]
set -- 1 2 3 4 5 6 7 8 9 ten; echo ${10} $10
#### dollar quotes [bash]
echo $'a\tb\x41\101\u0041\'q' $'\e[0m' $"loc"
#### dollar quotes dash [dash]
echo $'a'
#### unset variable
set -u; x=1; echo $x; (echo $nosuch; echo no); echo "${nosuch-d}" $#; echo $*
#### quote removal
x='"a"'; echo $x "$x" \"a\" '\a' "\a" "\\"
#### backslash newline in quotes
echo "a\
b"
#### here string [bash]
x='a  b'; cat <<< $x; cat <<< "$x"c; read y <<< "q r"; echo $y
#### positional in function
f() { echo $1 $#; set -- x; echo $1; }; set -- a b; f q; echo $1
#### arrays [bash]
a=(x "y z" w); echo ${a[1]} ${#a[@]} ${a[-1]} "${a[@]:1:1}" ${!a[@]}; a[5]=q; echo ${!a[@]} ${#a[@]}; a+=(r s); echo "${a[@]}"; unset 'a[1]'; echo ${a[@]} ${!a[@]}; a=([3]=c [1]=a); echo ${a[@]}; echo $a. ${a[*]}
#### array loops [bash]
a=('1 2' 3 ''); for x in "${a[@]}"; do echo "<$x>"; done; for x in ${a[@]}; do echo "[$x]"; done; IFS=,; echo "${a[*]}"; b=("${a[@]}"); echo ${#b[@]}; b=("${a[@]/1/X}"); echo "${b[0]}"; echo ${#a}
#### assoc [bash]
declare -A m; m[one]=1; m["two words"]=2; m+=([three]=3); echo ${m[one]} ${m["two words"]} ${#m[@]}; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done; unset 'm[one]'; echo ${!m[@]}; [[ -v m[three] ]] && echo yes; k=three; echo ${m[$k]}
#### assoc order [bash]
declare -A m; for i in a b c d e foo bar baz 1 2 3 10 zz; do m[$i]=$i; done; echo ${m[@]}; declare -p m
#### array append string [bash]
x=a; x+=b; echo $x; declare -i n=1; n+=2; echo $n; a=(1); a+=2; echo ${a[@]}; a[0]+=x; echo ${a[@]}
#### declare print [bash]
x=1; declare -p x; declare -r y=2; export z='a b'; declare -p y z; a=(1 'b c'); declare -p a; declare -i n=3; declare -p n; declare -l low=ABC; echo $low; declare -u up=abc; echo $up;
#### nameref [bash]
x=1; declare -n r=x; r=5; echo $x $r ${!r}; f() { local -n q=$1; q=9; }; f x; echo $x; a=(1 2); declare -n ra=a; ra[1]=7; echo ${a[@]} ${ra[1]} ${#ra[@]}
#### substitution with quotes
x=$(echo "a b" 'c'); echo "$x"; echo "$(echo "$(echo "n e s t")")"
#### parameter in heredoc
x=5; cat <<E
a $x ${x}b $((x+1)) $(echo c) \$x "q" 'r' \\ \a
E
cat <<'E'
$x \$y
E
cat <<-E
	tab $x
		two
	E
#### many fields
x=$(seq 300); set -- $x; echo $# ${300}
#### read only
readonly x=1; (x=2; echo no); echo $x; unset x; echo after
#### pattern classes
case 5 in [[:digit:]]) echo d;; esac; case a in [[:upper:]]) echo U;; [[:alpha:]]) echo a;; esac; case - in [a-]) echo dash;; esac; case ']' in []]) echo br;; esac; case b in [!a]) echo nota; esac
#### case patterns quoted
x='*'; case abc in "$x") echo lit;; $x) echo glob;; esac
