# supervisord: starts, restarts and stops programs, takes commands over its socket, ends them all by SIGTERM.
mkdir log; cat > s.conf <<'END'
[unix_http_server]
file=/work/sock
[supervisord]
logfile=/work/log/main
pidfile=/work/pid
childlogdir=/work/log
nodaemon=true
user=root
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///work/sock
[program:loop]
command=bash -c 'trap "echo stopped; exit 0" TERM; echo begun; while :; do sleep 0.1; done'
stdout_logfile=/work/log/loop
startsecs=0
[program:dies]
command=bash -c 'echo once; sleep 0.2; exit 3'
autorestart=unexpected
exitcodes=3
startsecs=0
stdout_logfile=/work/log/dies
[program:fails]
command=/bin/false
startretries=1
startsecs=1
[program:user]
command=sh -c 'id -un; exec sleep 1000'
user=daemon
stdout_logfile=/work/log/user
numprocs=2
process_name=%(program_name)s%(process_num)d
END
supervisord -c s.conf > out 2>&1 & server=$!; for i in $(seq 200); do [ -S sock ] && break; sleep 0.1; done; ctl() { supervisorctl -c s.conf "$@"; }
for i in $(seq 100); do ctl status | grep -q 'dies .*EXITED' && ctl status | grep -q 'fails .*FATAL' && break; sleep 0.3; done; ctl status | awk '{print $1, $2}'; cat log/loop log/dies log/user
was=$(ctl pid loop); kill -KILL $was; for i in $(seq 100); do is=$(ctl pid loop); [ "$is" != "$was" ] && [ "$is" != 0 ] && break; sleep 0.1; done; [ "$was" != "$is" ] && echo again; for i in $(seq 50); do [ "$(grep -c begun log/loop)" = 2 ] && break; sleep 0.1; done; ctl stop loop; ctl start loop; for i in $(seq 50); do [ "$(grep -c begun log/loop)" = 3 ] && break; sleep 0.1; done; ctl restart user: | sort; ctl signal TERM loop; for i in $(seq 50); do [ "$(grep -c stopped log/loop)" = 2 ] && break; sleep 0.1; done; ctl tail loop; ctl nosuch; echo $?
kill -TERM $server; wait $server; echo $?; pgrep -u daemon | wc -l; grep -oE '(gave up|exited|stopped|waiting for|received).*' log/main | sed 's/[0-9]* to die/N to die/' | sort | uniq -c | grep -E 'gave up|SIGTERM'; rm -r log s.conf out; ls
