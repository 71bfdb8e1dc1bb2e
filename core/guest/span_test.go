package guest

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const testPages = 400

// randomSpans are the runs of a random set of pages, and the set.
func randomSpans(r *rand.Rand) ([]span, []bool) {
	set := make([]bool, testPages)
	for at := 0; at < testPages; at += 1 + r.IntN(60) {
		for i := at; i < min(testPages, at+1+r.IntN(50)); i++ {
			set[i] = true
		}
	}
	return spansOfSet(set), set
}

func spansOfSet(set []bool) []span {
	var spans []span
	for i, in := range set {
		at := uint64(i) * pageSize
		if !in {
			continue
		}
		if k := len(spans) - 1; k >= 0 && spans[k].end == at {
			spans[k].end += pageSize
		} else {
			spans = append(spans, span{at, at + pageSize})
		}
	}
	return spans
}

// TestSpans: union, difference and joining of spans are those of the sets of pages.
func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		a, inA := randomSpans(r)
		b, inB := randomSpans(r)
		both, left := make([]bool, testPages), make([]bool, testPages)
		for i := range inA {
			both[i] = inA[i] || inB[i]
			left[i] = inA[i] && !inB[i]
		}
		if got, want := union(a, b), spansOfSet(both); !slices.Equal(got, want) {
			t.Fatalf("union of %v and %v: %v, want %v", a, b, got, want)
		}
		if got, want := without(a, b), spansOfSet(left); !slices.Equal(got, want) {
			t.Fatalf("%v without %v: %v, want %v", a, b, got, want)
		}
		if got := atMost(a, 3); len(got) > 3 || len(without(a, got)) > 0 {
			t.Fatalf("at most 3 of %v: %v", a, got)
		}
		for _, run := range runs(a) {
			if in := total(a) - total(without(a, []span{run})); in < shareBytes || 2*in <= run.size() {
				t.Fatalf("%v is no run of %v", run, a)
			}
		}
		if got, rest, err := readSpans(appendSpans(nil, a), testPages*pageSize); err != nil || len(rest) > 0 || !slices.Equal(got, a) {
			t.Fatalf("%v was encoded as %v (%v)", a, got, err)
		}
	}
}
