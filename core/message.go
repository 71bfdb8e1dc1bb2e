package core

import (
	"bytes"

	"github.com/vmihailenco/msgpack/v5"
)

// encode is v as msgpack.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	e.UseCompactInts(true)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decode is the value of one msgpack message.
func decode(b []byte) (any, error) {
	d := msgpack.NewDecoder(bytes.NewReader(b))
	d.UseLooseInterfaceDecoding(true)
	return d.DecodeInterface()
}
