# The tools that a script starts most: small, so that a first run compiles little.
#quick
true true core/true.c
false false core/true.c
date date core/date.c
echo echo core/echo.c
uname uname core/uname.c
arch arch core/uname.c
hostname hostname core/uname.c
nproc nproc core/uname.c
id id core/id.c
whoami whoami core/id.c
groups groups core/id.c
logname logname core/id.c
basename basename core/names.c
dirname dirname core/names.c
pwd pwd core/names.c
env env core/env.c
printenv printenv core/env.c
