/* strftime as GNU date has it. */
#include "tool.h"
