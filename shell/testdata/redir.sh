#### basic
echo a >f; echo b >>f; cat <f; cat f >g; cat g; echo c >|f; cat f
#### stderr
nosuch_x 2>e; [ -s e ] && echo got; { echo out; echo err >&2; } 2>&1 | sort; { echo o; echo e >&2; } >f 2>&1; cat f
#### order
{ echo o; echo e >&2; } 2>&1 >/dev/null | cat
#### both [bash]
{ echo o; echo e >&2; } &>f; cat f; { echo o2; echo e2 >&2; } &>>f; cat f; { echo o; echo e >&2; } |& sort; echo z >&f; cat f
#### fds
exec 3>f 4<&0; echo x >&3; exec 3>&-; exec 5<f; read y <&5; echo $y; exec 5<&-; echo z 9>f; { echo q >&7; } 7>f; cat f
#### closed
echo a >&-; echo $?; { echo b >&5; } 2>/dev/null; echo $?
#### named fd [bash]
exec {fd}>f; [ $fd -ge 10 ] && echo ok; echo hi >&$fd; exec {fd}>&-; cat f; { echo x >&$fd; } 2>/dev/null; echo $?
#### read write
echo abc >f; exec 3<>f; read x <&3; echo $x; echo def >&3; exec 3>&-; cat f
#### noclobber
set -C; echo a >f; echo b >f; echo $?; cat f; echo c >|f; cat f; echo d >>f; cat f; echo x >/dev/null; echo $?
#### move [bash]
exec 3>f; exec 4>&3-; echo a >&4; { echo b >&3; } 2>/dev/null; echo $?; exec 4>&-; cat f
#### heredoc
cat <<A; cat <<B
one
A
two
B
cat <<E | cat
piped
E
while read x; do echo "<$x>"; done <<E
l1
l2
E
#### heredoc big
x=$(seq 20000); cat <<E | { while read l; do last=$l; done; echo $last; }
$x
E
#### heredoc in function
f() { cat <<E
in f $1
E
}; f a; f b
#### loop redirection
for i in 1 2 3; do echo $i; done >f; while read x; do echo "r$x"; done <f; if true; then echo t; fi >g; cat g
#### missing input [err]
cat <nosuch; echo $?
#### cannot create
echo a >nosuch/x; echo $?
#### ambiguous [bash]
touch a1 a2; echo x >a*; echo $?
#### dup in subshell
(echo a >&3) 3>f; cat f; exec 3>&1; (echo b >&3) | cat
#### read from same stdin
# stdin: "first\nsecond\nthird\n"
read a; cat; echo "<$a>"
#### child shares stdin
# stdin: "one\ntwo\nthree\n"
(read x; echo s$x); read y; echo m$y; cat
#### process substitution [bash]
cat <(echo a) <(echo b); while read x; do echo "<$x>"; done < <(echo p; echo q); echo hi > >(cat); wait $!
#### process substitution paste [bash]
read a < <(echo 1 2); echo $a; f() { cat "$1" "$2"; }; f <(echo x) <(echo y)
#### redirect function
f() { echo in; } >f; f; cat f; g() { echo g; }; g >f; cat f
#### redirection only
>empty; [ -f empty ] && echo made; 2>/dev/null; echo $?; <nosuch 2>/dev/null; echo $?
#### fifo
mkfifo p; echo through >p & cat <p; wait
#### dev fd [bash]
echo a | cat /dev/fd/0; echo b >/dev/stdout; echo c 2>/dev/null >/dev/stderr; echo $?
#### dev null
echo x >/dev/null; cat </dev/null; echo $?
#### append many
for i in 1 2 3; do echo $i >>f; done; cat f
#### error redirect special
: >nosuch/x; echo after
#### sigpipe
seq 100000 | { read x; echo $x; }; echo $?
#### pipe size
seq 50000 | cat | { n=0; while read x; do n=$x; done; echo $n; }
