find /usr/share -name '*.gz' | sort | wc -l
find /etc -xdev \( -type l -o -type f -size +10k \) -printf '%y %m %s %p %l\n' | sort | md5sum
find /usr -perm -4000 -printf '%p %M\n' | sort
mkdir -p a/{b,c}/d; for i in 1 2 3 4 5; do echo $i > a/b/f$i; done; touch -d '2000-01-01' a/b/f1
find a -newermt 2010-01-01 -type f | sort; find a -type f -not -newer a/b/f1 -delete; find a -empty | sort
find a -type f -exec sh -c 'echo "$# files"' sh {} +; find a -name 'f[2-3]' -exec cat {} \; | sort; find a -maxdepth 1 -type d -printf '%f %d\n' | sort
find a -type f -print0 | sort -z | xargs -0 -n 2 echo; seq 20 | xargs -P 4 -n 3 sh -c 'echo $#' | sort | uniq -c; seq 3 | xargs -I{} echo '<{}>'
find a -regex '.*/f[45]' -print -quit | wc -l; find / -maxdepth 1 -type d | sort; xargs false < /etc/hostname; echo $?; find nowhere; echo $?
find /usr/lib -type f -name '*.so*' | xargs stat -c '%s' | awk '{ n += $1 } END { print NR, n }'
find /proc/self/ -maxdepth 1 -name 's*' | sort | head -n 30 | grep -E 'stat$|status$|statm$'
