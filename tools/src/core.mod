# Files, processes, text basics.
cat cat core/cat.c
tee tee core/cat.c
yes yes core/cat.c
head head core/headtail.c
tail tail core/headtail.c
wc wc core/wc.c
ln ln core/links.c
link link core/links.c
unlink unlink core/links.c
readlink readlink core/links.c
realpath realpath core/links.c
mkdir mkdir core/dirs.c
rmdir rmdir core/dirs.c
mkfifo mkfifo core/dirs.c
mknod mknod core/dirs.c
mktemp mktemp core/dirs.c
sync sync core/dirs.c
