true true core/true.c
false false core/true.c
date date core/date.c
