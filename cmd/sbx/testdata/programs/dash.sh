cat > script <<'EOF'
i=0
while [ $i -lt 20000 ]; do i=$((i + 1)); done
echo $i
echo one | tr a-z A-Z | sed 's/$/!/' | cat -A
(exit 7); echo $?
false | true; echo $?
! true; echo $?
trap 'echo exiting with $?' EXIT
trap 'echo usr1' USR1
kill -USR1 $$
(trap 'echo inner exit' EXIT; exit 3); echo $?
sleep 30 & victim=$!
kill $victim
wait $victim; echo $?
f() { local x=$1; [ "$x" -le 1 ] && { echo 1; return; }; echo $((x * $(f $((x - 1))))); }
f 10
case hello.tar.gz in *.zip) echo zip ;; *.tar.*) echo tar ;; esac
set -- a 'b c' d
for a; do echo "<$a>"; done
echo "${1:-none} ${9:-none} ${#} ${2#b} ${PWD##*/}"
cat <<EOT | while read -r line; do echo "read: $line"; done
first $((6 * 7))
second \$HOME
EOT
exec 3> out; echo to three >&3; exec 3>&-; cat out
{ echo to stderr >&2; } 2>&1 | tr a-z A-Z
printf '%s\n' "$(echo nested "$(echo deeper)")"
umask 027; : > masked; stat -c %a masked
read -r first rest < /etc/passwd; echo "$first"
getopts ab: opt -b value; echo "$opt $OPTARG"
x=$(kill -l 9); echo "$x"
ulimit -n 64; ulimit -n
command -v sh; type cd; type nosuchcommand
(sleep 0.2; echo slow) & (echo fast; wait) ; wait; echo both
exit 4
EOF
dash script; echo $?
dash -c 'set -e; false; echo not reached'; echo $?
dash -c 'set -u; echo $undefined'; echo $?
dash -nc 'if then'; echo $?
