package main

// The statuses of eryx.h.
const (
	statusOK    int32 = 0
	statusEmpty int32 = 1
	statusMore  int32 = 2

	statusInvalid int32 = -1
	statusHandle  int32 = -2
	statusMessage int32 = -3
	statusSpace   int32 = -4
	statusABI     int32 = -5
	statusPanic   int32 = -6
	statusClosed  int32 = -7
	statusSystem  int32 = -8
)

// abiVersion is ERYX_ABI_VERSION.
const abiVersion = 1
