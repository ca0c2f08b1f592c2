# Filters and searches over text.
- - text/tx.c
- - text/re.c
- - text/re_parse.c
- - text/re_dfa.c
- - text/re_back.c
- - text/grep_scan.c
- - text/grep_walk.c
grep grep text/grep.c
egrep egrep text/grep.c
fgrep fgrep text/grep.c
- - text/sed_parse.c
- - text/sed_run.c
sed sed text/sed.c
