cat /usr/bin/perl /bin/bash > data
for level in 1 3 12 19; do zstd -q -T2 -$level -c data > data.zst; md5sum < data.zst; zstd -q -dc data.zst | cmp - data && echo same; done
zstd --long=27 -q -T0 -5 -f data -o long.zst; zstd -q -d --long=27 -c long.zst | cmp - data && echo same; zstd -l data.zst | tail -n 1 | awk '{print $1, $2}'; zstd -q --rm data -o gone.zst; ls
zstd -q -t gone.zst; echo $?; head -c 5000 gone.zst | zstd -q -dc 2>&1 | tail -n 1 | tail -c 60; cp gone.zst g; zstdcat gone.zst | sha256sum; mkdir d; cp /usr/lib/apt/methods/* d; zstd -q --train d/* -o dict 2>/dev/null; echo $?; tar --zstd --sort=name --mtime=@0 -cf d.tar.zst d; tar -tf d.tar.zst | wc -l; rm dict d.tar.zst
