package wheel

import (
	"fmt"
	"strconv"
	"strings"
)

// The guest's Python.
const (
	pythonMajor = 3
	pythonMinor = 14
)

// fileName is what a wheel's name says.
type fileName struct {
	name, version string
	tags          []tag
}

// tag is one combination that a wheel is for.
type tag struct{ python, abi, platform string }

func (t tag) String() string { return t.python + "-" + t.abi + "-" + t.platform }

// parseName reads NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl; false when the name is not of that form.
func parseName(name string) (fileName, bool) {
	stem, found := strings.CutSuffix(name, ".whl")
	parts := strings.Split(stem, "-")
	if !found || (len(parts) != 5 && len(parts) != 6) {
		return fileName{}, false
	}
	f := fileName{name: parts[0], version: parts[1]}
	f.tags = expand(parts[len(parts)-3:])
	return f, true
}

// expand is every combination of a compressed tag, such as py2.py3-none-any.
func expand(parts []string) []tag {
	var tags []tag
	for python := range strings.SplitSeq(parts[0], ".") {
		for abi := range strings.SplitSeq(parts[1], ".") {
			for platform := range strings.SplitSeq(parts[2], ".") {
				if len(tags) < 1000 {
					tags = append(tags, tag{python, abi, platform})
				}
			}
		}
	}
	return tags
}

// parseTag reads PYTHON-ABI-PLATFORM, as the file WHEEL has it.
func parseTag(text string) []tag {
	parts := strings.Split(strings.TrimSpace(text), "-")
	if len(parts) != 3 {
		return nil
	}
	return expand(parts)
}

// checkTags is nil if the guest can use a wheel with one of the tags, else the reason why not.
func checkTags(tags []tag, dropNative bool) error {
	if len(tags) == 0 {
		return fmt.Errorf("it does not say what it is for")
	}
	var reason error
	for _, t := range tags {
		err := t.check(dropNative)
		if err == nil {
			return nil
		}
		if reason == nil {
			reason = err
		}
	}
	return reason
}

// check is the reason why the guest cannot use a wheel with this tag.
func (t tag) check(dropNative bool) error {
	if !t.pythonFits() {
		return fmt.Errorf("it is for another Python (%s); the guest is Python %d.%d", t, pythonMajor, pythonMinor)
	}
	switch {
	case t.platform == "any" || dropNative:
		return nil
	case isWASI(t.platform):
		if t.abi == "none" || t.abi == "abi3" || t.abi == fmt.Sprintf("cp%d%d", pythonMajor, pythonMinor) {
			return nil
		}
		return fmt.Errorf("it is built for another Python (%s)", t)
	}
	return fmt.Errorf("it is built for the platform %s (%s); the guest needs a pure-Python wheel, whose name ends in none-any.whl", t.platform, t)
}

// isWASI reports a platform tag of WASI: wasi_0_0_0_wasm32, as sysconfig.get_platform has it in the guest, with any
// version, or wasm32_wasi as older tools have it.
func isWASI(platform string) bool {
	return strings.HasPrefix(platform, "wasi_") && strings.HasSuffix(platform, "_wasm32") || platform == "wasm32_wasi"
}

// pythonFits reports that the Python tag includes the guest's version: py3, py3x and cp3x up to it.
func (t tag) pythonFits() bool {
	var digits string
	switch {
	case strings.HasPrefix(t.python, "py"), strings.HasPrefix(t.python, "cp"):
		digits = t.python[2:]
	default:
		return false
	}
	if digits == "" || digits[0] != '0'+pythonMajor {
		return false
	}
	if len(digits) == 1 {
		return true
	}
	minor, err := strconv.Atoi(digits[1:])
	if err != nil {
		return false
	}
	// A binary interface of one version's is of no use to another, unless it is the stable one.
	if strings.HasPrefix(t.abi, "cp") {
		return minor == pythonMinor
	}
	return minor <= pythonMinor
}
