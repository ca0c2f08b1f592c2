trap 'echo got TERM' TERM; kill -TERM $$; echo after
trap 'echo got HUP' HUP; (sleep 0.1; kill -HUP $$) & wait; wait; trap - HUP TERM
cat > jobs <<'EOF'
set -m
sleep 30 & sleep 31 &
jobs
kill -STOP %1; while ! grep -q '^State:.*T (stopped)' /proc/$(jobs -p %1)/status; do sleep 0.02; done
jobs; jobs -r; jobs -s
bg %1
kill %1; wait %1; echo $?
disown %2; jobs; pkill -x sleep
(sleep 0.1; exit 4) & (sleep 0.4; exit 5) &
wait -n; echo $?
wait -n; echo $?
wait -n; echo $?
{ sleep 0.1; echo in the background; exit 6; } &
fg; echo $?
sleep 30 | cat & kill -INT -$!; wait; echo $?
trap 'echo child ended' CHLD; (exit 1); sleep 0; trap - CHLD
EOF
bash jobs 2>&1
echo $?
bash -c 'trap "echo exit trap" EXIT; trap "echo INT; exit 9" INT; kill -INT $$; sleep 5'; echo $?
bash -c 'trap "" TERM; bash -c "kill -TERM \$\$; echo survived"; kill -TERM $$; echo me too'
bash -c 'sleep 0.05 & wait $!; echo $?; sleep 10 & kill -KILL $!; wait $!; echo $?' 2>/dev/null
bash -c 'for i in 1 2 3; do (sleep 0.$i; echo $i) & done; wait; echo all'
bash -c 'exec -a renamed sleep 30 & sleep 0.3; tr "\0" " " < /proc/$!/cmdline; echo; kill $!'
bash -c "(kill -9 \$BASHPID); :" 2>/dev/null; bash -c "kill -9 \$\$" | cat; echo ${PIPESTATUS[0]}
setsid bash -c 'ps -o pid= -o sid= -p $$ | awk "{print (\$1 == \$2)}"'
nohup bash -c 'kill -HUP $$; echo still here' 2>/dev/null | cat
mkfifo pipe; (for i in 1 2 3; do echo $i; done > pipe) & cat < pipe; wait
ps -o stat=,comm= -p $$ | awk '{print $2}'
pstree() { ps -e -o comm= | sort | uniq -c; }; sleep 30 & pstree | grep -c sleep; kill $!
