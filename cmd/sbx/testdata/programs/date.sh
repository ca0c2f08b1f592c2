date -u -d @86400 +%F
date -u -d '2024-02-29 12:34:56 +0530' '+%s %A %d %B %Y %H:%M:%S %Z'
date -u -d '2024-01-31 + 1 month' -R
TZ=America/New_York date -d @1720000000 +%c
TZ=Asia/Kolkata date -d @1720000000 -Iseconds
for zone in Europe/Berlin Australia/Lord_Howe Pacific/Apia; do TZ=$zone date -d '2023-03-26 02:30 UTC' '+%Z %z %T'; done
now=$(date +%s)
[ "$now" -ge 1700000000 ] && echo later than 2023
touch -d @1234567890.987654321 f
date -u -r f +%FT%T.%N
date -d nonsense
echo $?
/bin/echo one two
printf '%s %d %.3f\n' x 42 3.14159
