# php's just-in-time compiler: off, of functions, of traces.
for o in disable function tracing; do php -d opcache.enable_cli=1 -d opcache.jit=$o -d opcache.jit_buffer_size=16M -r 'function f($n) { return $n < 2 ? $n : f($n - 1) + f($n - 2); } echo f(22), "\n"; $s = 0; for ($i = 0; $i < 300000; $i++) $s = ($s * 31 + $i) % 1000003; echo $s, "\n";' 2>&1; echo $?; done
