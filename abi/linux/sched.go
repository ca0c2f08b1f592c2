package linux

// Policies of sched(7).
const (
	SCHED_OTHER    = 0
	SCHED_FIFO     = 1
	SCHED_RR       = 2
	SCHED_BATCH    = 3
	SCHED_IDLE     = 5
	SCHED_DEADLINE = 6

	SCHED_RESET_ON_FORK = 0x40000000 // with a policy of sched_setscheduler(2)
)

// Flags of sched_setattr(2).
const (
	SCHED_FLAG_RESET_ON_FORK = 0x01
	SCHED_FLAG_KEEP_POLICY   = 0x08
	SCHED_FLAG_KEEP_PARAMS   = 0x10
	SCHED_FLAG_ALL           = 0x7f
)
