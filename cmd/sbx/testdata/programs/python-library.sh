cat > work.py <<'EOF'
import asyncio, concurrent.futures, ctypes, json, multiprocessing, os, pathlib, queue, random, sqlite3, ssl, subprocess, sys, tempfile, threading, decimal, datetime, csv, io, re, socketserver, http.server, urllib.request, zipfile, tarfile, bz2, lzma, pickle, uuid, shutil
print(sys.version.split()[0], ssl.OPENSSL_VERSION.split()[0])
# Threads
q, results = queue.Queue(), []
def worker():
    while (n := q.get()) is not None: results.append(sum(range(n)))
ts = [threading.Thread(target=worker) for _ in range(6)]
[t.start() for t in ts]; [q.put(n * 1000) for n in range(50)]; [q.put(None) for _ in ts]; [t.join() for t in ts]
print(sum(results), len(results))
barrier, event, cond = threading.Barrier(4), threading.Event(), threading.Condition()
def meet(): barrier.wait(); event.wait(10)
ts = [threading.Thread(target=meet) for _ in range(4)]; [t.start() for t in ts]; event.set(); [t.join() for t in ts]; print("met")
with concurrent.futures.ThreadPoolExecutor(8) as ex: print(list(ex.map(lambda x: x ** 2, range(10))))
with concurrent.futures.ProcessPoolExecutor(2) as ex: print(list(ex.map(pow, range(6), [3] * 6)))
def child(conn): conn.send(os.getppid() == conn.recv()); conn.close()
mp = multiprocessing.get_context("fork"); a, b = mp.Pipe(); p = mp.Process(target=child, args=(b,)); p.start(); a.send(os.getpid()); print(a.recv()); p.join(); print(p.exitcode)
v = mp.Value("i", 0)
def bump():
    for _ in range(1000):
        with v.get_lock(): v.value += 1
ps = [mp.Process(target=bump) for _ in range(4)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
from multiprocessing import shared_memory
m = shared_memory.SharedMemory(create=True, size=100); m.buf[:3] = b"shm"; n = shared_memory.SharedMemory(m.name); print(bytes(n.buf[:3])); n.close(); m.close(); m.unlink()
# Subprocesses
out = subprocess.run("for i in 1 2 3; do echo $i; done | sort -r", shell=True, capture_output=True, text=True); print(out.stdout.split(), out.returncode)
try: subprocess.run(["sleep", "60"], timeout=0.3)
except subprocess.TimeoutExpired as e: print(e.cmd)
try: subprocess.run(["/nonexistent"])
except FileNotFoundError as e: print(e)
print(subprocess.Popen(["sh", "-c", "kill -9 $$"]).wait(), subprocess.check_output(["env"], env={"A": "1"}))
# asyncio
async def main():
    async def handle(r, w):
        while line := await r.readline(): w.write(line.upper()); await w.drain()
        w.close()
    s = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = s.sockets[0].getsockname()[1]
    async def client(i):
        r, w = await asyncio.open_connection("127.0.0.1", port)
        w.write(f"client {i}\n".encode()); x = await r.readline(); w.close(); await w.wait_closed(); return x
    print(sorted(await asyncio.gather(*(client(i) for i in range(40))))[:3])
    p = await asyncio.create_subprocess_exec("sh", "-c", "read x; echo got $x; exit 4", stdin=-1, stdout=-1)
    print((await p.communicate(b"input\n"))[0], p.returncode)
    try: await asyncio.wait_for(asyncio.sleep(30), 0.2)
    except asyncio.TimeoutError: print("timeout")
    print(await asyncio.to_thread(lambda: threading.current_thread() is not threading.main_thread()))
    loop = asyncio.get_running_loop(); f = loop.create_future(); loop.add_signal_handler(10, f.set_result, "usr1"); os.kill(os.getpid(), 10); print(await f)
    print([a[4][0] for a in await loop.getaddrinfo("127.0.0.1", 80, type=1)]); s.close()
asyncio.run(main())
# ssl
subprocess.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null", shell=True, check=True)
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); ctx.load_cert_chain("c.pem", "k.pem")
class H(http.server.SimpleHTTPRequestHandler):
    def do_GET(self): b = ("path " + self.path).encode() * 5000; self.send_response(200); self.send_header("Content-Length", str(len(b))); self.end_headers(); self.wfile.write(b)
    def log_message(self, *a): pass
srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H); srv.socket = ctx.wrap_socket(srv.socket, server_side=True); threading.Thread(target=srv.serve_forever, daemon=True).start()
r = urllib.request.urlopen(f"https://localhost:{srv.server_port}/x?y=1", context=ssl.create_default_context(cafile="c.pem")); print(r.status, len(r.read()))
try: urllib.request.urlopen(f"https://localhost:{srv.server_port}/")
except OSError as e: print(type(e.reason).__name__)
srv.shutdown(); os.remove("k.pem"); os.remove("c.pem")
# sqlite3
db = sqlite3.connect("t.db"); db.execute("pragma journal_mode=wal"); db.execute("create table t(a integer primary key, b text)")
with db: db.executemany("insert into t(b) values(?)", ((f"row {i % 97}",) for i in range(20000)))
print(db.execute("select b, count(*) from t group by b order by 2 desc, 1 limit 3").fetchall())
def other():
    d = sqlite3.connect("t.db", timeout=20)
    with d: d.execute("insert into t(b) values('other')")
    d.close()
ts = [threading.Thread(target=other) for _ in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]
print(db.execute("select count(*) from t").fetchone(), db.execute("pragma integrity_check").fetchone()); db.close()
print(sorted(p.name for p in pathlib.Path(".").glob("t.db*")))
# The rest
libc = ctypes.CDLL("libc.so.6", use_errno=True); cmp = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)); arr = (ctypes.c_int * 5)(5, 1, 4, 2, 3); libc.qsort(arr, 5, 4, cmp(lambda a, b: a[0] - b[0])); print(list(arr), libc.open(b"/nonexistent", 0), ctypes.get_errno())
random.seed(1); print(random.random(), decimal.Decimal(2).sqrt(), datetime.datetime.fromtimestamp(0, datetime.timezone.utc), json.dumps({"a": [1, None, 1.5e300]}), re.sub(r"(\d+)", lambda m: str(int(m[1]) * 2), "a1b22"))
with zipfile.ZipFile("z.zip", "w", zipfile.ZIP_DEFLATED) as z: z.write("/etc/passwd", "p")
print(zipfile.ZipFile("z.zip").testzip(), len(bz2.compress(b"x" * 10 ** 6)), len(lzma.compress(b"x" * 10 ** 6)), pickle.loads(pickle.dumps({1: {2}}))); os.remove("z.zip"); os.remove("t.db")
with tempfile.TemporaryDirectory() as d: shutil.copytree("/usr/lib/apt", d + "/apt", symlinks=True); print(sum(len(f) for _, _, f in os.walk(d)))
print(len(str(uuid.uuid4())), os.get_terminal_size.__name__, sorted(os.environ) == sorted(set(os.environ)))
EOF
python3 -W ignore work.py; echo $?; python3 -m json.tool <<< '{"b":1,"a":[1,2]}'; python3 -m timeit -n 1 -r 1 pass | wc -l; python3 -m compileall -q work.py; ls __pycache__ | wc -l; rm -r __pycache__; python3 -X faulthandler -c 'import ctypes; ctypes.string_at(0)' 2>&1 | head -n 1; echo ${PIPESTATUS[0]}
