// Command codecd serves one codec.Table over its standard input and output, so that the guest's Python modules can be
// tested on the host's CPython, see ../pytest/_eryx_codec.py.
//
// A request is: operation (uint32: 1 open, 2 feed, 3 close, 4 kdf), two numbers (int32), the room for output (uint32),
// the length of the data (uint32), the data. A reply is: status (int32), consumed, state, info, the length of the
// output (uint32 each), the output.
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"log"
	"os"

	"github.com/eryx-go/eryx/core/guest/codec"
)

type request struct {
	Op      uint32
	A, B    int32
	Room, N uint32
}

type reply struct {
	Status                   int32
	Consumed, State, Info, N uint32
}

func main() {
	table := codec.NewTable(codec.Limits{})
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		var q request
		if err := binary.Read(in, binary.LittleEndian, &q); err != nil {
			if err == io.EOF {
				return
			}
			log.Fatal(err)
		}
		data := make([]byte, q.N)
		if _, err := io.ReadFull(in, data); err != nil {
			log.Fatal(err)
		}
		r, body := serve(table, q, data)
		r.N = uint32(len(body))
		if err := binary.Write(out, binary.LittleEndian, r); err != nil {
			log.Fatal(err)
		}
		if _, err := out.Write(body); err != nil {
			log.Fatal(err)
		}
		if err := out.Flush(); err != nil {
			log.Fatal(err)
		}
	}
}

func serve(table *codec.Table, q request, data []byte) (reply, []byte) {
	room := make([]byte, q.Room)
	switch q.Op {
	case 1:
		return reply{Status: table.HostOpen(q.A, data)}, nil
	case 2:
		result := make([]byte, codec.ResultBytes)
		status := table.HostFeed(q.A, data, room, q.B, result, nil)
		word := func(i int) uint32 { return binary.LittleEndian.Uint32(result[4*i:]) }
		return reply{Status: status, Consumed: word(0), State: word(2), Info: word(3)}, room[:word(1)]
	case 3:
		table.Close(q.A)
	case 4:
		return reply{Status: table.HostKDF(data, room, nil)}, room
	}
	return reply{}, nil
}
