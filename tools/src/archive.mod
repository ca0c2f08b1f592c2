# Archives, compression, differences.
- - archive/deflate.c
- - archive/inflate.c
- - archive/gzfmt.c
gzip gzip archive/gzip.c
gunzip gzip archive/gzip.c
zcat gzip archive/gzip.c
