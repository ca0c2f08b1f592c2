/* What the regular expressions of this module do when they run out of memory or work. */
#include "../text/re.h"
#include "tool.h"

void re_fail(const char *msg) { die(2, "regular expression: %s", msg); }
