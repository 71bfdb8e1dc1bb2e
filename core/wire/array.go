package wire

// What is sent most: small arrays, and single integers. These functions save the allocations of the general ones.

// DecodeArray decodes a message that is an array of at most len(into) values, into into; the number of values.
// Errors: ErrMalformed, also for other messages; ErrLimit.
func DecodeArray(b []byte, into []any) (n int, err error) {
	k, count, rest := head(b)
	if k != kindArray || count > uint64(len(into)) {
		return 0, ErrMalformed
	}
	if err := Validate(b, Limits{}); err != nil {
		return 0, err
	}
	d := decoder{rest: rest}
	if len(rest) <= sharedText {
		d.text = string(rest)
	}
	for n = range int(count) {
		into[n] = d.value()
	}
	return int(count), nil
}

// Int is the value of a message that is one integer in the range of int64; false for others.
func Int(b []byte) (v int64, ok bool) {
	k, n, rest := head(b)
	if len(rest) != 0 || (k != kindInt && (k != kindUint || n > 1<<63-1)) {
		return 0, false
	}
	return int64(n), true
}

// AppendTriple appends the array [a, b, v] to dst, as Append would.
func AppendTriple(dst []byte, a, b int64, v any) ([]byte, error) {
	e := encoder{append(dst, 0x93)}
	e.int(a)
	e.int(b)
	if err := e.value(v, 1); err != nil {
		return dst, err
	}
	return e.b, nil
}
