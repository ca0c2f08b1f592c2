ls /; ls -l /usr/lib/apt/methods | tail -n +2 | awk '{print $1, $3, $4, $5, $NF}'; stat -c '%a %U %s %F' /etc/passwd /bin /tmp
cut -d: -f7 /etc/passwd | sort | uniq -c | sort -rn
for f in /bin/bash /bin/ls /usr/bin/perl; do sha256sum $f; md5sum < $f; sha512sum < $f; b2sum < $f; cksum < $f; sum < $f; done; seq 1 5000 | sha1sum
dd if=/dev/zero bs=4096 count=300 2>/dev/null | md5sum; head -c 100000 /bin/bash | base64 | tail -n 2; od -An -tx1 -N32 /bin/true
head -c 1000 /bin/bash | base32 | tail -n 1; basenc --z85 <(head -c 40 /bin/bash); od -Ad -t fD -t dI -N 64 /bin/bash
sort -g <<< $'3.5\n1e2\n-7\n0.25'; seq 0.1 0.3 2; expr 12345 \* 678; factor 1234567890 18446744073709551557 340282366920938463463374607431768211507
seq 200000 | shuf --random-source=/bin/bash > shuffled; sort -n shuffled | md5sum; sort -S 1M --parallel=2 shuffled | md5sum; sort -R --random-source=/bin/bash shuffled | md5sum
printf '1K\n2M\n3G\n' | sort -h | numfmt --from=iec; numfmt --to=si 1234567
seq 100 | split -l 30 - part. ; ls part.*; csplit -q <(seq 30) 10 20; wc -l xx0?; seq 20 | split -n r/3 - rr.
join <(printf 'a 1\nb 2\nc 3\n') <(printf 'a x\nc z\n'); comm -12 <(seq 5) <(seq 3 9); paste <(seq 3) <(seq 4 6); tsort <<< 'a b b c a c'
fold -w 10 <<< 'a long line of several words'; fmt -w 20 /etc/services 2>/dev/null | head -n 3; pr -2 -l 20 <(seq 30) | tail -n +6 | head -n 5; nl -ba <(seq 3); expand <<< $'a\tb'; tac <(seq 3); ptx <<< 'to be or not'
mkdir -p d/e/f; echo text > d/e/f/g; ln d/e/f/g d/hard; ln -s e/f/g d/soft; cp -a d copy; ls -lRi d copy | awk '{print NF, $3, $4, $6}' | sort | uniq -c | sort -rn | head -n 3
stat -c '%h %F %N' copy/hard copy/soft; readlink -f copy/soft; realpath --relative-to=/usr copy/soft; mv copy moved; rm -r d; ls moved
install -D -m 4755 -o daemon -g nogroup /bin/true bin/suid; stat -c '%a %U %G' bin/suid; chmod u+s,g=rx,o-rwx bin/suid; chown root:adm bin/suid; stat -c '%A %G' bin/suid
cp --sparse=always <(head -c 300000 /dev/zero) sparse; stat -c '%s %b' sparse; truncate -s 5M sparse; du --apparent-size -k sparse; cp --reflink=auto sparse again; cmp sparse again && echo same
cp /bin/bash big; dd if=big of=big bs=1000 skip=3 seek=90 count=7 conv=notrunc status=none; md5sum big; truncate -s -100 big; tail -c 50 big | wc -c; rm big
touch -d '2020-02-02 02:02:02.5' old; touch -r old too; stat -c '%y' too; test old -ot /work && echo older; ls --time-style=full-iso -l old | cut -d' ' -f6-7
mkfifo p; stat -c %F p /dev/null; mknod q p; mktemp -u XXX | wc -c; pathchk /etc; dirname /a/b/c; basename /a/b.txt .txt
tee one two < <(seq 3) > /dev/null; cmp one two; wc one two; head -n -1 one; tail -n +2 one; tail -c 3 one
env A=1 printenv A; nice -n 5 nice; id; groups; whoami; logname 2>&1; arch; nproc --all | wc -l; uname -sm; tty; users | wc -l
timeout -s INT --preserve-status 0.2 sleep 5; echo $?; nohup true < /dev/null; echo $?; stdbuf -oL echo unbuffered; chroot / /bin/echo in root
printf '%b' 'a\tb\x41\n'; echo -e 'x\ty'; printf '%5.2f|%-5s|%05d|%x\n' 3.14159 ab 42 255; test -e /etc/passwd -a ! -L /etc/passwd; echo $?; [ 1 -lt 2 ] && yes x | head -n 1
tail -f --pid=$$ one > /dev/null & kill $!; wait $! 2>/dev/null; sync; df --output=target /proc | tail -n 1; dircolors -p | wc -l
cat /proc/self/comm; tr '\0' ' ' < /proc/self/cmdline; echo; date --reference=old -u +%s; sleep 0.01 0.02; tr -dc 0-9 <<< a1b2; tr -s a <<< baaad
stty 2>&1; shred -n 1 -u shuffled; ls shuffled 2>&1; unlink one; link two three; rmdir bin 2>&1; hostid | wc -c; pinky 2>&1 | wc -l
umask 027; touch u; stat -c %a u; getent passwd root; getent group adm; yes | head -c 100000 | md5sum
dd if=/dev/urandom bs=1 count=0 2>&1 | head -n 2; dd if=/dev/full count=1 2>/dev/null | wc -c; echo > /dev/full; cp /dev/null empty; wc -c < empty
