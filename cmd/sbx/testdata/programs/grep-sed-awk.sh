grep -c . /etc/services /etc/passwd 2>/dev/null; grep -P '^r\w+t' /etc/passwd; sed -n 's/root/ROOT/gp' /etc/passwd
grep -P '(?<user>\w+):x:(?!0)\d+' -o /etc/passwd | sort | md5sum; grep -rlP '\bGPL(?=.*version)' /usr/share/common-licenses | sort; grep -Pzo '(?s)GNU.{5}' /usr/share/common-licenses/GPL-2 | head -c 8 | od -c
seq 100000 | grep -P '^(\d)(\d)(\d)?\2\1$' | wc -l; seq 50000 | grep -E '(1|3){3}' | md5sum; seq 50000 | grep -cF -e 77 -e 123; seq 9999 | grep -c '\(.\)\1\1'
grep -n -A1 -B1 '^daemon' /etc/passwd; grep -q nothing /etc/passwd; echo $?; grep -vc root /etc/passwd; grep -i --color=always ROOT /etc/passwd | head -n 1 | od -c | head -n 2; grep x /nonexistent; echo $?; grep -a -c ELF /bin/*  | awk -F: '{ n += $2 } END { print n > 0 }'
grep '[' /etc/passwd; echo $?; grep -P '(' /etc/passwd; echo $?; grep -w -o -b root /etc/passwd; fgrep -x b <<< b 2>/dev/null; egrep 'a|b' <<< b 2>/dev/null
seq 20 | sed -n '2~5p;$!N;/7/{s/\n/+/;p};y/123/abc/;5,7d'; sed -i.bak 's/^\(.*\)$/<\1>/w written' <(echo) 2>/dev/null; printf 'one\ntwo\n' > s; sed -i.bak -E 's/(o)(n|)/\2\1/g;1!G;h;$!d' s; cat s s.bak
sed -e ':a' -e 's/^\([^,]*\),/\1;/;ta' <<< 'a,b,c'; sed --debug -n '1p' s | head -n 3; sed 's/x/' s; echo $?; sed -s -n '$=' /etc/passwd /etc/group; sed = s | sed 'N;s/\n/ /'; sed 'e echo from a command' <<< line
awk 'BEGIN { for (i = 0; i < 300000; i++) s += i * 1.5; printf "%d %s\n", s, substr("hello", 2, 3) }'
awk -F: '{ shells[$7]++ } END { for (s in shells) print shells[s], s | "sort -rn"; close("sort -rn"); print NR, length(shells) }' /etc/passwd
awk 'BEGIN { while (("echo a b; echo c" | getline line) > 0) n = split(line, f); print n, f[1]; printf "%c%5.1f%e\n", 65, 3.14159, 12345.678; print toupper("x") index("hello", "l") match("foobar", /o+/) RLENGTH; print -7 % 3, 2 ^ 10, 1e300 * 1e10, log(-1) }' 2>&1
awk '{ $2 = "X"; gsub(/[aeiou]/, "&&"); print > "awk.out" } END { system("wc -l < awk.out"); exit 3 }' <<< 'one two three'; echo $?; cat awk.out; awk 'BEGIN { srand(1); x = rand(); print (x >= 0 && x < 1); getline < "/nonexistent"; print ENVIRON["HOME"]; print sqrt(2), exp(1), atan2(0, -1), int(-3.9), sin(1) }'
awk 'BEGIN { printf "%d %d %s\n", 2147483648, -9007199254740993, 0.1 + 0.2; x["a"] = 1; delete x["a"]; print length(x); print substr("hello", 0, 2), 010 + 0, "10" < "9", 10 < 9 }'; awk '/a/,/c/' <<< $'x\na\nb\nc\nd'; awk 'syntax error here'; echo $?
