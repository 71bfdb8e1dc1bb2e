package core

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
)

// Unsaved is a global that a pickle snapshot does not have.
type Unsaved struct {
	Name   string
	Reason string
}

// A pickle snapshot is this line, the CRC-32C of the rest, and the pickle.
const pickleMagic = "eryx-pickle-1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// isPickle tells a pickle snapshot from an image.
func isPickle(snapshot []byte) bool { return bytes.HasPrefix(snapshot, []byte(pickleMagic)) }

// SnapshotState returns the program's globals as a pickle: data, functions, classes and closures by value, modules by
// name. It can be restored by any build of Eryx. What pickle cannot take (generators, open files, databases) is
// left out and named in unsaved; Snapshot takes all of it. It runs under the session's limits.
func (s *Session) SnapshotState(ctx context.Context) (snapshot []byte, unsaved []Unsaved, err error) {
	x, err := s.prepare(ctx, nil, "snapshot_state")
	if err != nil {
		return nil, nil, err
	}
	r, err := x.run(ctx)
	if err != nil {
		return nil, nil, err
	}
	value, _ := r.Value.(map[string]any)
	pickle, ok := value["pickle"].([]byte)
	if !ok {
		return nil, nil, failure(CodeSnapshot, "the guest returned no pickle")
	}
	names, _ := value["unsaved"].([]any)
	for _, n := range names {
		if pair, ok := n.([]any); ok && len(pair) == 2 {
			name, _ := pair[0].(string)
			reason, _ := pair[1].(string)
			unsaved = append(unsaved, Unsaved{name, reason})
		}
	}
	snapshot = binary.LittleEndian.AppendUint32([]byte(pickleMagic), crc32.Checksum(pickle, castagnoli))
	return append(snapshot, pickle...), unsaved, nil
}

// RestoreState merges the globals of a snapshot that SnapshotState returned into the program's. An empty snapshot
// changes nothing. Unpickling runs code of the snapshot's, in the guest and under the session's limits: a hostile
// snapshot can do there what any program can. Errors: CodeSnapshot for bytes that are damaged.
func (s *Session) RestoreState(ctx context.Context, snapshot []byte) error {
	if len(snapshot) == 0 {
		return nil
	}
	head := len(pickleMagic) + 4
	if len(snapshot) < head || !isPickle(snapshot) {
		return failure(CodeSnapshot, "these bytes are no snapshot of a session's state")
	}
	pickle := snapshot[head:]
	if crc32.Checksum(pickle, castagnoli) != binary.LittleEndian.Uint32(snapshot[len(pickleMagic):]) {
		return failure(CodeSnapshot, "the snapshot is damaged: its checksum is wrong")
	}
	x, err := s.prepare(ctx, nil, "restore_state", pickle)
	if err != nil {
		return err
	}
	_, err = x.run(ctx)
	return err
}
