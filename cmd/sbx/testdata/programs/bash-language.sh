declare -A m; for w in a b a c a; do ((m[$w]++)); done; for k in "${!m[@]}"; do echo $k ${m[$k]}; done | sort
coproc cat; echo hi >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x; eval "exec ${COPROC[1]}>&-"
diff <(seq 3) <(seq 4); echo $?
shopt -s extglob
touch a b abc; echo @(a|b) echo !(abc) ?(a)b*
f() { local x=$1; echo $((x * x)); }; f 12
true | false | (exit 3) | true; echo ${PIPESTATUS[*]}
set -o pipefail; false | true; echo $?
yes | head -n 2; echo ${PIPESTATUS[*]}
set +o pipefail
[[ 2024-07-01 =~ ^([0-9]+)-([0-9]+) ]] && echo ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}
s=Hello; echo ${s,,} ${s^^} ${s:1:3} ${s/l/L} ${#s} ${s@Q}
a=({1..5} x{a,b}y); echo ${a[@]:2:3} ${#a[@]} ${a[-1]}
mapfile -t lines < <(printf 'one\ntwo words\n'); echo "${lines[1]}"
printf '%q %(%F)T\n' "it's" 0
for ((i = 0; i < 30000; i++)); do ((n += i)); done; echo $n
select word in red green; do echo $REPLY $word; break; done <<< 2 2>/dev/null
echo ${BASH_VERSINFO[0]}
exec {fd}> through; echo numbered >&$fd; exec {fd}>&-; cat through
while IFS=: read -r user _ uid _; do ((uid < 3)) && echo $user; done < /etc/passwd
trap 'echo line $LINENO failed' ERR; false; trap - ERR
declare -i n=5+3; echo $n; declare -n ref=n; ref=9; echo $n
echo $((16#ff)) $((2**40)) $((-7 / 2)) $((-7 % 3)) $((1 << 62))
cat /nonexistent; ls /nonexistent; cd /nonexistent; nosuchcommand; /etc/passwd; echo $?
env -i A=1 /usr/bin/env; id -u
bash -c 'echo "$0 $@ $#"' name 'a b' c
{ sh -c 'kill -SEGV $$'; } 2>/dev/null; echo $?
timeout 0.2 sleep 5; echo $?
history | wc -l; hash -r; type -t if cd ls f
printf -v padded %05d 42; echo $padded
