package guest

import (
	"cmp"
	"slices"
)

// span is a run of memory: offsets of its first byte and of the first behind it. Lists of spans are in order, do not
// overlap, and their ends are multiples of a page.
type span struct{ start, end uint64 }

func (s span) size() uint64 { return s.end - s.start }

// cut is s without what lies outside of start to end; empty when nothing is left.
func (s span) cut(start, end uint64) span {
	c := span{max(s.start, start), min(s.end, end)}
	if c.start >= c.end {
		return span{}
	}
	return c
}

// total is the number of bytes in spans.
func total(spans []span) (n uint64) {
	for _, s := range spans {
		n += s.size()
	}
	return n
}

// union is what lies in any of two lists.
func union(a, b []span) []span {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y span) int { return cmp.Compare(x.start, y.start) })
	return join(all, 0)
}

// join merges spans whose gaps are at most gap bytes.
func join(spans []span, gap uint64) []span {
	var joined []span
	for _, s := range spans {
		if k := len(joined) - 1; k >= 0 && s.start <= joined[k].end+gap {
			joined[k].end = max(joined[k].end, s.end)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// without is what of spans lies in none of holes.
func without(spans, holes []span) []span {
	var left []span
	for _, s := range spans {
		for _, h := range holes {
			if h.end <= s.start || h.start >= s.end {
				continue
			}
			if h.start > s.start {
				left = append(left, span{s.start, h.start})
			}
			s.start = min(h.end, s.end)
		}
		if s.start < s.end {
			left = append(left, s)
		}
	}
	return left
}

const (
	// shareBytes is the shortest run that forks share: mapping it costs what copying half of it does.
	shareBytes = 32 * pageSize
	// gapBytes is the longest gap that does not divide a run.
	gapBytes = 8 * pageSize
	// maxSegments is how many runs a guest maps: each costs the process two of its limited number of mappings.
	maxSegments = 4
)

// runs are the long runs in spans. They may have short gaps, which take less than half of a run.
func runs(spans []span) []span {
	var found []span
	for i := 0; i < len(spans); {
		run, filled := spans[i], spans[i].size()
		for i++; i < len(spans) && spans[i].start-run.end <= gapBytes; i++ {
			run.end, filled = spans[i].end, filled+spans[i].size()
		}
		if filled >= shareBytes && 2*filled > run.size() {
			found = append(found, run)
		}
	}
	return found
}

// atMost joins the nearest of spans until there are no more than count.
func atMost(spans []span, count int) []span {
	for spans = slices.Clone(spans); len(spans) > count; {
		nearest := 1
		for i := 2; i < len(spans); i++ {
			if spans[i].start-spans[i-1].end < spans[nearest].start-spans[nearest-1].end {
				nearest = i
			}
		}
		spans[nearest-1].end = spans[nearest].end
		spans = slices.Delete(spans, nearest, nearest+1)
	}
	return spans
}
