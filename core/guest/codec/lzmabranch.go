package codec

import "encoding/binary"

// The branch filters of the xz format turn the relative addresses of calls into absolute ones and back, which makes
// machine code more compressible. After liblzma's (public domain).

// branchConverter makes the converter of a filter: it converts b, whose first byte is at pos, in place, and returns
// how many bytes are finished; the rest must be given again with more behind it.
func branchConverter(id int64, encode bool) func(b []byte, pos uint32) int {
	shift := func(src, at uint32) uint32 {
		if encode {
			return src + at
		}
		return src - at
	}
	switch id {
	case filterX86:
		return (&x86Filter{shift: shift, prevPos: ^uint32(4)}).convert
	case filterPowerPC:
		return every(4, 4, func(b []byte, at uint32) int { return convertPowerPC(b, at, shift) })
	case filterARM:
		return every(4, 4, func(b []byte, at uint32) int { return convertARM(b, at, shift) })
	case filterARMThumb:
		return every(2, 4, func(b []byte, at uint32) int { return convertThumb(b, at, shift) })
	case filterSPARC:
		return every(4, 4, func(b []byte, at uint32) int { return convertSPARC(b, at, shift) })
	}
	return every(16, 16, func(b []byte, at uint32) int { return convertIA64(b, at, shift) })
}

// every applies one to each step of b that has need bytes; one may ask to skip more.
func every(step, need int, one func(b []byte, at uint32) int) func([]byte, uint32) int {
	return func(b []byte, pos uint32) int {
		i := 0
		for i+need <= len(b) {
			i += step + one(b[i:], pos+uint32(i))
		}
		return min(i, len(b))
	}
}

type shifter func(src, at uint32) uint32

func convertPowerPC(b []byte, at uint32, shift shifter) int {
	v := binary.BigEndian.Uint32(b)
	if v>>26 == 0x12 && v&3 == 1 {
		dest := shift(v&0x03fffffc, at)
		binary.BigEndian.PutUint32(b, 0x48000000|dest&0x03fffffc|1)
	}
	return 0
}

func convertARM(b []byte, at uint32, shift shifter) int {
	if b[3] == 0xeb {
		src := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		dest := shift(src<<2, at+8) >> 2
		b[0], b[1], b[2] = byte(dest), byte(dest>>8), byte(dest>>16)
	}
	return 0
}

func convertThumb(b []byte, at uint32, shift shifter) int {
	if b[1]&0xf8 != 0xf0 || b[3]&0xf8 != 0xf8 {
		return 0
	}
	src := uint32(b[1]&7)<<19 | uint32(b[0])<<11 | uint32(b[3]&7)<<8 | uint32(b[2])
	dest := shift(src<<1, at+4) >> 1
	b[1] = 0xf0 | byte(dest>>19)&7
	b[0] = byte(dest >> 11)
	b[3] = 0xf8 | byte(dest>>8)&7
	b[2] = byte(dest)
	return 2
}

func convertSPARC(b []byte, at uint32, shift shifter) int {
	v := binary.BigEndian.Uint32(b)
	if v>>22 == 0x100 || v>>22 == 0x1ff {
		dest := shift(v<<2, at) >> 2
		dest = (0-(dest>>22&1))<<22&0x3fffffff | dest&0x3fffff | 0x40000000
		binary.BigEndian.PutUint32(b, dest)
	}
	return 0
}

var ia64Slots = [32]byte{16: 4, 17: 4, 18: 6, 19: 6, 22: 7, 23: 7, 24: 4, 25: 4, 28: 4, 29: 4}

func convertIA64(b []byte, at uint32, shift shifter) int {
	mask := ia64Slots[b[0]&0x1f]
	for slot, bit := 0, 5; slot < 3; slot, bit = slot+1, bit+41 {
		if mask>>slot&1 == 0 {
			continue
		}
		p, res := b[bit>>3:], bit&7
		var inst uint64
		for j := range 6 {
			inst |= uint64(p[j]) << (8 * j)
		}
		norm := inst >> res
		if norm>>37&0xf != 5 || norm>>9&7 != 0 {
			continue
		}
		src := uint32(norm>>13&0xfffff) | uint32(norm>>36&1)<<20
		dest := shift(src<<4, at) >> 4
		norm &^= 0x8fffff << 13
		norm |= uint64(dest&0xfffff)<<13 | uint64(dest&0x100000)<<(36-20)
		inst = inst&(1<<res-1) | norm<<res
		for j := range 6 {
			p[j] = byte(inst >> (8 * j))
		}
	}
	return 0
}

// x86Filter has to guess what is an instruction: it remembers what the last bytes looked like.
type x86Filter struct {
	shift             shifter
	prevMask, prevPos uint32
}

var (
	x86Allowed = [8]bool{0: true, 1: true, 2: true, 4: true}
	x86Bit     = [8]uint32{0, 1, 2, 2, 3, 3, 3, 3}
)

func x86Sign(b byte) bool { return b == 0 || b == 0xff }

func (x *x86Filter) convert(b []byte, pos uint32) int {
	if len(b) < 5 {
		return 0
	}
	if pos-x.prevPos > 5 {
		x.prevPos = pos - 5
	}
	i := 0
	for i <= len(b)-5 {
		if b[i]&0xfe != 0xe8 {
			i++
			continue
		}
		x.age(pos + uint32(i))
		if top := b[i+4]; !x86Sign(top) || !x86Allowed[x.prevMask>>1&7] || x.prevMask>>1 >= 0x10 {
			x.prevMask |= 1
			if x86Sign(top) {
				x.prevMask |= 0x10
			}
			i++
			continue
		}
		dest := x.target(binary.LittleEndian.Uint32(b[i+1:]), pos+uint32(i)+5)
		binary.LittleEndian.PutUint32(b[i+1:], dest&0xffffff|(0-dest>>24&1)<<24)
		i += 5
		x.prevMask = 0
	}
	return i
}

// age shifts the mask by the distance from the last opcode to the one at pos.
func (x *x86Filter) age(pos uint32) {
	offset := pos - x.prevPos
	x.prevPos = pos
	if offset > 5 {
		x.prevMask = 0
		return
	}
	for range offset {
		x.prevMask = x.prevMask & 0x77 << 1
	}
}

func (x *x86Filter) target(src, at uint32) uint32 {
	for {
		dest := x.shift(src, at)
		if x.prevMask == 0 {
			return dest
		}
		i := x86Bit[x.prevMask>>1&7]
		if !x86Sign(byte(dest >> (24 - i*8))) {
			return dest
		}
		src = dest ^ (1<<(32-i*8) - 1)
	}
}
