package instrument

// chooseEntries decides which functions count at their entries, so that no function comes back to itself without
// a count, and returns how many they are. A way back that goes through the table has counted there. Of the ways
// back by direct calls alone, the function with the most calls inside a knot is taken until no knot is left.
func chooseEntries(all []points) int {
	entries := 0
	for {
		knots := findKnots(all)
		if len(knots) == 0 {
			return entries
		}
		for _, knot := range knots {
			all[busiest(all, knot)].entry = true
			entries++
		}
	}
}

// busiest returns the function of a knot (a strongly connected component) with the most calls within it.
func busiest(all []points, knot []int) int {
	inside := map[int]int{} // function -> calls of it and by it
	for _, f := range knot {
		inside[f] = 0
	}
	for _, f := range knot {
		for _, callee := range all[f].callees {
			if _, ok := inside[int(callee)]; ok {
				inside[int(callee)]++
				inside[f]++
			}
		}
	}
	best := knot[0]
	for _, f := range knot {
		if inside[f] > inside[best] || inside[f] == inside[best] && f < best {
			best = f
		}
	}
	return best
}

// knotFinder finds strongly connected components (Tarjan's algorithm) of the functions that do not count at
// their entries.
type knotFinder struct {
	all        []points
	order, low []int // order of the first visit, from 1; the lowest order reached
	next       int
	stack      []int
	onStack    []bool
	knots      [][]int
}

func findKnots(all []points) [][]int {
	k := knotFinder{all: all, order: make([]int, len(all)), low: make([]int, len(all)), onStack: make([]bool, len(all))}
	for f := range all {
		if k.order[f] == 0 && !all[f].entry {
			k.visit(f)
		}
	}
	return k.knots
}

// visit is recursive: as deep as the longest chain of calls, which Go's stack has room for.
func (k *knotFinder) visit(f int) {
	k.next++
	k.order[f], k.low[f] = k.next, k.next
	k.stack = append(k.stack, f)
	k.onStack[f] = true
	again := false // calls itself
	for _, callee := range k.all[f].callees {
		c := int(callee)
		switch {
		case c >= len(k.all) || k.all[c].entry:
		case k.order[c] == 0:
			k.visit(c)
			k.low[f] = min(k.low[f], k.low[c])
		case k.onStack[c]:
			k.low[f] = min(k.low[f], k.order[c])
		}
		again = again || c == f
	}
	if k.low[f] != k.order[f] {
		return
	}
	at := len(k.stack) - 1
	for k.stack[at] != f {
		at--
	}
	knot := append([]int{}, k.stack[at:]...)
	k.stack = k.stack[:at]
	for _, g := range knot {
		k.onStack[g] = false
	}
	if len(knot) > 1 || again {
		k.knots = append(k.knots, knot)
	}
}
