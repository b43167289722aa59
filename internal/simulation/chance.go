package simulation

import (
	"math/rand/v2"
	"time"
)

// chance is what the seed decides. The same seed gives the same answers to the
// same questions.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 0))} }

// oneIn is true one time in n, and never where n is 0.
func (c chance) oneIn(n int) bool { return n > 0 && c.IntN(n) == 0 }

// between returns a time from low to below high.
func (c chance) between(low, high time.Duration) time.Duration {
	return low + time.Duration(c.Int64N(int64(high-low)))
}

// pick takes one of several.
func pick[T any](c chance, of []T) T { return of[c.IntN(len(of))] }
