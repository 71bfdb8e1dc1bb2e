package wasip1

// The rights of preview1: what a descriptor may be used for. They only ever
// shrink, from the preopened root down to what is opened through it.
const (
	rightFDDatasync uint64 = 1 << iota
	rightFDRead
	rightFDSeek
	rightFDSetFlags
	rightFDSync
	rightFDTell
	rightFDWrite
	rightFDAdvise
	rightFDAllocate
	rightPathCreateDirectory
	rightPathCreateFile
	rightPathLinkSource
	rightPathLinkTarget
	rightPathOpen
	rightFDReaddir
	rightPathReadlink
	rightPathRenameSource
	rightPathRenameTarget
	rightPathStat
	rightPathSetSize
	rightPathSetTimes
	rightFDStat
	rightFDSetSize
	rightFDSetTimes
	rightPathSymlink
	rightPathRemoveDirectory
	rightPathUnlinkFile
	rightPoll
)

const (
	// rightsFile is everything that can be done with an open regular file.
	rightsFile = rightFDDatasync | rightFDRead | rightFDSeek | rightFDSetFlags | rightFDSync |
		rightFDTell | rightFDWrite | rightFDAdvise | rightFDAllocate | rightFDStat |
		rightFDSetSize | rightFDSetTimes | rightPoll

	// rightsDir is everything that can be done with an open directory.
	rightsDir = rightFDSetFlags | rightFDSync | rightFDDatasync | rightFDAdvise |
		rightPathCreateDirectory | rightPathCreateFile | rightPathLinkSource |
		rightPathLinkTarget | rightPathOpen | rightFDReaddir | rightPathReadlink |
		rightPathRenameSource | rightPathRenameTarget | rightPathStat | rightPathSetSize |
		rightPathSetTimes | rightFDStat | rightFDSetTimes | rightPathSymlink |
		rightPathRemoveDirectory | rightPathUnlinkFile | rightPoll

	// rightsSocket is what can be done with a socket through its descriptor.
	rightsSocket = rightFDRead | rightFDWrite | rightFDSetFlags | rightFDStat | rightPoll

	// rightsStdin and rightsOutput include seek and tell although both fail:
	// wasi-libc takes a character device without them for a terminal.
	rightsStdin  = rightFDRead | rightFDSeek | rightFDTell | rightFDStat | rightFDSetFlags | rightPoll
	rightsOutput = rightFDWrite | rightFDSeek | rightFDTell | rightFDStat | rightFDSetFlags |
		rightFDSync | rightFDDatasync | rightPoll
)

// denied is what a call answers for a missing right. Where POSIX has an error
// for a descriptor that was opened in another mode, it is that one.
func denied(right uint64) errno {
	switch right {
	case rightFDRead, rightFDWrite, rightFDAllocate:
		return ebadf
	case rightFDSetSize:
		return einval
	default:
		return enotcapable
	}
}
