ldd /bin/busybox 2>&1; busybox | head -n 1 | cut -d' ' -f1,2; mkdir bin; busybox --install -s bin; ls bin | wc -l
PATH=/work/bin busybox ash <<'EOF'
echo $((6 * 7)); for f in a b c; do echo $f; done | sort -r | tr a-z A-Z; seq 20000 | md5sum; ls -l /etc/passwd | awk '{print $1, $3, $5}'
tar -cf t.tar -C /usr/lib apt; tar -tf t.tar | wc -l; gzip -c t.tar | gunzip -c | cmp - t.tar && echo same; bzip2 -c /bin/dash | bunzip2 | cmp - /bin/dash && echo equal; rm t.tar
find /etc -name 'pass*' | sort; grep -c root /etc/passwd; sed -n 1p /etc/passwd; vi --help 2>&1 | head -n 1 | cut -c1-7; echo text > f; cp f g; mv g h; ln -s h i; cat i; stat -c '%a %s' h; dd if=/dev/zero bs=1k count=5 2>/dev/null | wc -c
trap 'echo trapped' USR1; kill -USR1 $$; { sleep 30 & kill $!; wait $!; } 2>/dev/null; echo $?; (exit 3); echo $?; date -u -d @0; expr 3 + 4; diff f h && echo equal; printf '%5.2f\n' 3.14159; cut -d: -f1 /etc/passwd | head -n 3; dc -e '2 3 + p' ; uname -s; id -u; od -c f; which ls; basename /a/b; xargs echo < f; env | grep ^HOME; ps | grep -c busybox | awk '{print ($1 > 0)}'; nc -l -p 7777 -e cat 2>/dev/null & n=$!; httpd -p 127.0.0.1:8001 -h /usr/share/common-licenses; sleep 0.3; wget -q -O - http://127.0.0.1:8001/GPL-2 | md5sum; hexdump -C f | head -n 1; timeout 1 sleep 5; echo $?; nslookup 127.0.0.1 > /dev/null 2>&1; pidof httpd | wc -w; killall httpd; { kill $n; wait $n; } 2>/dev/null
EOF
rm -r bin
