node -e '
const {execFileSync, spawn} = require("child_process"), fs = require("fs"), http = require("http"), crypto = require("crypto"), zlib = require("zlib"), {Worker} = require("worker_threads"), os = require("os");
console.log(process.platform, process.arch, os.type(), typeof process.pid);
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } console.log(fib(27));
let o = {}; for (let i = 0; i < 200000; i++) o["k" + i % 1000] = (o["k" + i % 1000] || 0) + i; console.log(Object.keys(o).length, o.k7);
console.log(crypto.createHash("sha256").update("x".repeat(1e6)).digest("hex"), zlib.gunzipSync(zlib.gzipSync(Buffer.alloc(1e6, "ab"))).length, 2n ** 100n, /(?<y>\d{4})/u.exec("in 2024").groups.y, JSON.stringify({a: [1, null]}), [3, 1, 2].sort(), new Date(0).toISOString(), "ß".toUpperCase(), 0.1 + 0.2);
console.log(execFileSync("sh", ["-c", "echo child; exit 0"]).toString().trim()); try { execFileSync("sh", ["-c", "exit 3"]) } catch (e) { console.log(e.status) }
fs.writeFileSync("f", "text"); fs.appendFileSync("f", " more"); console.log(fs.readFileSync("f", "utf8"), fs.statSync("f").size, fs.readdirSync("/etc").includes("passwd"));
const s = http.createServer((q, r) => { let n = 0; q.on("data", d => n += d.length).on("end", () => r.end(q.method + q.url + n)) }).listen(0, "127.0.0.1", async () => {
  const ask = i => new Promise((ok, no) => { const q = http.request({port: s.address().port, host: "127.0.0.1", path: "/" + i, method: "POST"}, r => { let b = ""; r.on("data", d => b += d).on("end", () => ok(b)) }).on("error", no); q.end("y".repeat(i * 100)) });
  console.log((await Promise.all([...Array(40).keys()].map(ask))).slice(0, 3)); s.close();
  const w = new Worker("const {parentPort, workerData} = require(\"worker_threads\"); const a = new Int32Array(workerData); for (let i = 0; i < 1e5; i++) Atomics.add(a, 0, 1); parentPort.postMessage(\"done\")", {eval: true, workerData: globalThis.sab = new SharedArrayBuffer(4)});
  w.on("message", m => console.log(m, new Int32Array(sab)[0])); w.on("exit", () => { const c = spawn("sleep", ["60"]); c.on("exit", (code, sig) => { console.log(code, sig); process.on("SIGUSR2", () => { console.log("usr2"); setTimeout(() => process.exit(7), 50) }); setInterval(() => {}, 1000); process.kill(process.pid, "SIGUSR2") }); c.kill() });
});'; echo $?
cat > m.mjs <<'EOF'
import {pbkdf2} from "crypto"; import {readFile} from "fs/promises"; import wasm from "module";
console.log((await readFile("/etc/passwd", "utf8")).split("\n")[0]);
console.log((await Promise.all([1, 2, 3, 4].map(i => new Promise(r => pbkdf2("p", "s" + i, 20000, 16, "sha256", (e, k) => r(k.toString("hex")))))))[0]);
const m = await WebAssembly.instantiate(new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11])); console.log(m.instance.exports.add(40, 2));
EOF
node m.mjs; echo $?; node -e 'process.exitCode = 5; throw new Error("boom")' 2>&1 | grep Error; node -p 'process.versions.v8.length > 0'; echo 'console.log(require("fs").readFileSync(0, "utf8").length)' > r.js; seq 1000 | node r.js; node --check r.js; echo $?
