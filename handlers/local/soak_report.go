package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// promises are those of a rotation, as far as they show at the end of a run.
var promises = map[int]string{
	1: "every target holds what Entra ID accepts, and is known to",
	2: "no credential is removed that is in use",
	3: "no credential and no staged copy is orphaned",
	4: "foreign credentials are untouched",
	5: "one unpublished rotation at most",
	6: "no secret is where none may be",
	7: "every accepted request ended in a state with a reason",
	8: "everything came to rest, and every message could be read",
}

// report prints what happened, and everything that is wrong.
func (s *soak) report() {
	fmt.Fprintf(s.out, "\nkills              %d\nrequests           %d accepted, %d refused, %d without an answer in %s\n",
		s.kills, len(s.accepted), s.refused, s.gaveUp, patience)
	if rows, err := s.readRows(); err == nil {
		fmt.Fprintf(s.out, "rotations          %s\n", inWords(rows.states()))
	}
	fmt.Fprintf(s.out, "messages given up  %d, each killed in ten deliveries\nat rest after      %d sweeps (of at most %d), last of all %s\nsecrets searched   %d\n",
		s.givenUp, s.sweeps, mostSweeps, s.last, s.evidence.secrets.Len())
	for who, met := range s.faultsMet() {
		fmt.Fprintf(s.out, "faults at %-8s %s\n", who, inWords(met))
	}
	fmt.Fprintln(s.out)
	for _, n := range slices.Sorted(maps.Keys(promises)) {
		count := 0
		for _, b := range s.broken {
			if b.promise == n {
				count++
			}
		}
		verdict := "kept"
		if count > 0 {
			verdict = fmt.Sprintf("BROKEN %d times", count)
		}
		fmt.Fprintf(s.out, "%d  %-58s %s\n", n, promises[n], verdict)
	}
	for _, b := range s.sorted() {
		fmt.Fprintln(s.out, b)
	}
}

func (b broken) String() string {
	return fmt.Sprintf("promise %d: %s: expected: %s; but: %s", b.promise, b.app, b.expected, b.found)
}

func (s *soak) sorted() []broken {
	return slices.SortedFunc(slices.Values(s.broken), func(a, b broken) int {
		return cmp.Or(cmp.Compare(a.promise, b.promise), strings.Compare(a.app, b.app), strings.Compare(a.found, b.found))
	})
}

// states counts the rotations by their states.
func (r rows) states() map[string]int {
	counts := map[string]int{}
	for _, all := range r.rotations {
		for _, one := range all {
			counts[string(one.State)]++
			if one.Source == rotation.ByRollback {
				counts["rolled back"]++
			}
		}
	}
	return counts
}

// faultsMet counts what went wrong, by where and kind.
func (s *soak) faultsMet() map[string]map[string]int {
	outside := map[string]int{}
	if request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.Endpoints.Proxy+"/sim/calls", nil); err == nil {
		var calls struct {
			Calls []struct {
				Fault         string
				Status, Count int
			}
		}
		_ = fetch(http.DefaultClient, request, &calls) // the count is missing, and the report says so
		for _, call := range calls.Calls {
			switch call.Fault {
			case "":
			case "status":
				outside[fmt.Sprint(call.Status)] += call.Count
			default:
				outside[call.Fault] += call.Count
			}
		}
	}
	return map[string]map[string]int{"services": outside, "tables": s.Azure.Tables.FaultsMet(), "bus": s.Azure.Bus.FaultsMet()}
}

func inWords(counts map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[name], name))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
