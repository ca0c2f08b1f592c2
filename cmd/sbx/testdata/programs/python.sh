/usr/bin/python3 - one 'two words' <<'EOF'
import os, sys, signal, subprocess, threading, time, select, socket, mmap, fcntl, struct, errno, hashlib, zlib
print(sys.argv, sys.version_info[0], sys.byteorder, sys.platform)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(22), sum(i * i for i in range(200000)), 2 ** 200, 1 / 3, "%.17g" % 0.1, round(2.675, 2))
print(hashlib.sha256(b"x" * 1000000).hexdigest(), zlib.crc32(b"hello"))
print(subprocess.run(["sh", "-c", "cat; echo err >&2; exit 3"], input=b"in", capture_output=True))
p = subprocess.Popen(["sleep", "60"]); p.terminate(); print(p.wait())
total, lock = [0], threading.Lock()
def work():
    for _ in range(20000):
        with lock: total[0] += 1
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(total)
signal.signal(signal.SIGALRM, lambda *a: print("alarm", a[0]))
signal.setitimer(signal.ITIMER_REAL, 0.1); signal.pause()
r, w = os.pipe(); pid = os.fork()
if pid == 0:
    os.close(r); os.write(w, b"from the child"); os._exit(9)
os.close(w); print(os.read(r, 100), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
a, b = socket.socketpair(); a.send(b"x"); print(select.select([b], [], [], 5)[0] == [b], b.recv(5))
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); d, peer = s.accept(); c.sendall(b"tcp" * 1000); print(len(d.recv(3000, socket.MSG_WAITALL)), peer[0])
m = mmap.mmap(-1, 8192); 
if os.fork() == 0: m[0:5] = b"share"; os._exit(0)
os.wait(); print(m[0:5])
try: open("/nonexistent")
except OSError as e: print(e.errno == errno.ENOENT, e)
with open("f", "w+") as f:
    fcntl.flock(f, fcntl.LOCK_EX); f.write("text"); f.flush(); os.ftruncate(f.fileno(), 2); print(os.stat("f").st_size, os.fstat(f.fileno()).st_mode & 0o777)
e = select.epoll(); e.register(r); print(e.poll(1) == [(r, select.EPOLLHUP)]); os.kill(os.getpid(), 0)
print(sorted(os.listdir("/proc/self/task")) == [str(os.getpid())], open("/proc/self/comm").read().strip())
print(os.sched_getaffinity(0) != set(), os.cpu_count() > 0, os.getpriority(os.PRIO_PROCESS, 0), time.get_clock_info("monotonic").monotonic)
def deep(n): return deep(n - 1) + 1 if n else 0
try: deep(10 ** 6)
except RecursionError as x: print(x)
EOF
echo $?
echo 'print(input()[::-1])' > script.py; echo hello | /usr/bin/python3 script.py; /usr/bin/python3 -c 'raise SystemExit(5)'; echo $?; /usr/bin/python3 -c '1/0'; echo $?; /usr/bin/python3 -c 'import os; os.abort()' 2>/dev/null | cat; echo ${PIPESTATUS[0]}; /usr/bin/python3 -c 'import signal, os; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(5)' 2>&1 | tail -n 1
