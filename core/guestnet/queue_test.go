package guestnet

import (
	"bytes"
	"slices"
	"testing"
)

func TestQueue(t *testing.T) {
	var q queue
	var want []byte
	for i := range 200 {
		p := bytes.Repeat([]byte{byte(i)}, i*97%9000)
		q.write(p)
		want = append(want, p...)
		if i%3 == 0 {
			buf := make([]byte, i*41%7000)
			ahead := slices.Clone(buf)
			n := q.read(buf, false)
			if m := copy(ahead, want); m != n || !bytes.Equal(buf[:n], want[:n]) {
				t.Fatal("the bytes differ")
			}
			want = want[n:]
		}
		if q.size != len(want) {
			t.Fatalf("size %d, want %d", q.size, len(want))
		}
	}
	ahead := make([]byte, len(want)+5)
	if n := q.read(ahead, true); n != len(want) || !bytes.Equal(ahead[:n], want) || q.size != n {
		t.Error("peek differs")
	}
	q.clear()
	if q.size != 0 || q.read(ahead, false) != 0 {
		t.Error("not empty")
	}
}
