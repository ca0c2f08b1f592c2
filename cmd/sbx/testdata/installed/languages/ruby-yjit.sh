# Ruby's just-in-time compiler.
ruby --yjit --yjit-call-threshold=2 -W0 -e 'def f(n) = n < 2 ? n : f(n - 1) + f(n - 2); p f(22); s = 0; 200000.times { |i| s = (s * 31 + i) % 1000003 }; p s; p [3, 1, 2].sort, "abc".upcase, {a: 1}.map { |k, v| [k, v + 1] }' 2>&1; echo $?
