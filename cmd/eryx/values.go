package main

import (
	"errors"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/eryx-go/eryx/core"
)

var errNumber = errors.New("want a number that is not negative")

// parseNumber reads a number of seconds: finite, not negative, and within a time.Duration.
func parseNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n < 0 {
		return 0, errNumber
	}
	if n > 1e9 {
		return 0, errors.New("too large; 0 means no limit")
	}
	return n, nil
}

// parseCount reads a whole number.
func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("want a whole number that is not negative")
	}
	return n, nil
}

var byteUnits = []struct {
	suffix string
	size   int64
}{{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}}

// parseBytes reads a size: digits, then K, M or G (powers of 1024), then perhaps B or iB.
func parseBytes(text string) (int64, error) {
	number := strings.ToUpper(strings.TrimSpace(text))
	if trimmed, ok := strings.CutSuffix(number, "IB"); ok {
		number = trimmed
	} else {
		number = strings.TrimSuffix(number, "B")
	}
	unit := int64(1)
	for _, u := range byteUnits {
		if trimmed, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = trimmed, u.size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, errors.New("want bytes, as 1000000, 64M or 1G")
	}
	return n * unit, nil
}

var volumeModes = map[string]core.VolumeMode{
	"ro": core.VolumeReadOnly, "rw": core.VolumeReadWrite, "cow": core.VolumeCopyOnWrite,
}

// parseVolume reads SRC:DST[:MODE]. SRC may contain colons, as Windows' paths do.
func parseVolume(text string) (core.Volume, error) {
	v := core.Volume{Mode: core.VolumeReadWrite}
	rest, word, ok := cutLast(text)
	if mode, known := volumeModes[word]; ok && known {
		v.Mode, text = mode, rest
	} else if ok && !strings.HasPrefix(word, "/") && strings.Contains(rest, ":/") {
		return v, errors.New("want the mode ro, rw or cow, not " + strconv.Quote(word))
	}
	v.HostPath, v.GuestPath, ok = cutLast(text)
	if !ok || v.HostPath == "" || !path.IsAbs(v.GuestPath) {
		return v, errors.New("want SRC:DST or SRC:DST:MODE, where DST is an absolute path in the sandbox")
	}
	return v, nil
}

// cutLast cuts text around its last colon.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
