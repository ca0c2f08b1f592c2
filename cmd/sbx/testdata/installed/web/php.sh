# php: the language on the command line with its extensions, php-fpm behind nginx, the server of its own, opcache.
php=$(ls /usr/sbin/php-fpm* | head -n 1); php -r 'echo PHP_MAJOR_VERSION, " ", PHP_SAPI, " ", PHP_OS, " ", PHP_INT_SIZE, "\n";'
cat > t.php <<'END'
<?php
function fib(int $n): int { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); } echo fib(23), "\n";
$a = []; for ($i = 0; $i < 100000; $i++) $a["k" . $i % 1000] = ($a["k" . $i % 1000] ?? 0) + $i; ksort($a); echo count($a), " ", $a["k7"], " ", md5(serialize($a)), "\n";
echo json_encode(["a" => [1, 2.5, null], "ü" => "é"], JSON_UNESCAPED_UNICODE), " ", hash("sha256", str_repeat("x", 100000)), " ", strlen(gzcompress(str_repeat("ab", 50000))), " ", preg_replace_callback('/(\d+)/', fn($m) => $m[1] * 2, "a1b22"), " ", mb_strtoupper("straße"), " ", date("c", 0), " ", PHP_INT_MAX + 1, " ", intdiv(7, -2), " ", 0.1 + 0.2, "\n";
$db = new PDO("sqlite:/work/db"); $db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION); $db->exec("create table t (a int, b text)"); $db->beginTransaction(); $s = $db->prepare("insert into t values (?, ?)"); for ($i = 0; $i < 1000; $i++) $s->execute([$i, "row $i"]); $db->commit(); echo $db->query("select sum(a), max(b) from t")->fetch(PDO::FETCH_NUM)[0], "\n";
function g() { try { $x = yield 1; echo "got $x\n"; yield 2; } finally { echo "finally\n"; } } $g = g(); echo $g->current(), "\n"; echo $g->send("hi"), "\n"; unset($g);
echo password_verify("p", password_hash("p", PASSWORD_BCRYPT, ["cost" => 4])) ? "ok" : "no", " ", openssl_encrypt("text", "aes-128-cbc", "0123456789abcdef", 0, "0123456789abcdef"), " ", bin2hex(sodium_crypto_generichash("x", "", 16)), "\n";
$p = proc_open(["sh", "-c", "cat; exit 3"], [["pipe", "r"], ["pipe", "w"]], $io); fwrite($io[0], "through"); fclose($io[0]); echo stream_get_contents($io[1]), " ", proc_close($p), " ", shell_exec("echo shell");
enum Suit: string { case H = "h"; case S = "s"; } echo Suit::from("s")->name, " ", match(true) { 1 > 2 => "a", default => "b" }, "\n"; $f = new Fiber(function () { $x = Fiber::suspend("in"); echo "fiber $x\n"; }); echo $f->start(), "\n"; $f->resume("out");
$pid = pcntl_fork(); if (!$pid) exit(5); pcntl_waitpid($pid, $st); echo pcntl_wexitstatus($st), "\n"; pcntl_async_signals(true); pcntl_signal(SIGUSR1, function () { echo "signal\n"; }); posix_kill(posix_getpid(), SIGUSR1);
$s = stream_socket_server("tcp://127.0.0.1:0"); $c = stream_socket_client("tcp://" . stream_socket_get_name($s, false)); $q = stream_socket_accept($s); fwrite($c, "line\n"); echo fgets($q); $d = new SimpleXMLElement("<a><b>x</b></a>"); echo $d->b, "\n";
throw new Exception("thrown");
END
php t.php; echo $?
mkdir www logs tmp; chmod 755 /work; cat > www/index.php <<'END'
<?php header("X-Php: yes"); setcookie("c", "1"); if (isset($_GET["die"])) { http_response_code(503); die("died"); } session_save_path("/work/tmp"); session_id("abc"); session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SERVER["REQUEST_METHOD"], " ", $_SERVER["SERVER_SOFTWARE"] ? "server" : "", " ", json_encode($_GET + $_POST), " ", get_current_user() !== "", " ", $_SESSION["n"], " ", isset($_FILES["f"]) ? md5_file($_FILES["f"]["tmp_name"]) : "", "\n";
END
echo '<?php phpinfo();' > www/info.php; echo '<?php sleep(30);' > www/slow.php; chown -R www-data www tmp
cat > fpm.conf <<'END'
[global]
error_log = /work/logs/fpm
pid = /work/fpm.pid
daemonize = no
[www]
user = www-data
group = www-data
listen = /work/fpm.sock
listen.owner = www-data
pm = dynamic
pm.max_children = 6
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.status_path = /status
request_terminate_timeout = 2s
END
cat > nginx.conf <<'END'
user www-data; pid /work/nginx.pid; error_log /work/logs/nginx;
events {}
http { access_log off; client_max_body_size 10m; client_body_temp_path /work/tmp/c; fastcgi_temp_path /work/tmp/f; proxy_temp_path /work/tmp/p; uwsgi_temp_path /work/tmp/u; scgi_temp_path /work/tmp/s;
	server { listen 127.0.0.1:8091; root /work/www; index index.php; location / { try_files $uri $uri/ /index.php?$args; } location ~ (\.php|/status)$ { include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:/work/fpm.sock; } } }
END
$php -t -y fpm.conf 2>&1 | sed 's/.*NOTICE/NOTICE/'; $php -y fpm.conf 2> /dev/null & fpm=$!; for i in $(seq 100); do [ -S fpm.sock ] && break; sleep 0.1; done; nginx -c /work/nginx.conf -e /work/logs/nginx -g 'daemon off;' & web=$!; for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/8091) 2> /dev/null && break; sleep 0.1; done
u=http://127.0.0.1:8091; curl -s "$u/?a=1&b[]=2"; curl -s -i -d x=y $u/some/path | tr -d '\r' | grep -E '^(HTTP|X-Php|Set-Cookie|POST)'; curl -s -F f=@/bin/bash $u/; md5sum < /bin/bash; curl -s -w ' %{http_code}\n' "$u/?die=1"; curl -s $u/info.php | grep -c 'FPM/FastCGI'; curl -s -o /dev/null -w '%{http_code}\n' $u/slow.php; grep -o 'execution timed out' logs/fpm
for c in 1 2 3 4; do (for i in $(seq 25); do curl -s -o /dev/null -w '%{http_code}\n' $u/info.php; done > s$c) & jobs="$jobs $!"; done; wait $jobs; sort s? | uniq -c; rm s?; curl -s $u/status | grep -E '^(pool|process manager)'
kill -USR2 $fpm; for i in $(seq 100); do grep -q 'reloading: execvp' logs/fpm && break; sleep 0.1; done; for i in $(seq 100); do curl -s $u/info.php | grep -q FPM && break; sleep 0.1; done; curl -s "$u/?after=1" | cut -d ' ' -f 1-3; fpm=$(cat fpm.pid); kill -QUIT $fpm $web; wait $web; echo $?; for i in $(seq 100); do [ -e /proc/$fpm ] || break; sleep 0.1; done; wait; ls fpm.pid nginx.pid 2> /dev/null
php -S 127.0.0.1:8092 -t www > logs/own 2>&1 & own=$!; for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/8092) 2> /dev/null && break; sleep 0.1; done; curl -s "http://127.0.0.1:8092/?own=1" | cut -d ' ' -f 1-3; kill -INT $own; wait $own; echo $?; rm -r www logs tmp db t.php *.conf; rm -f fpm.sock
