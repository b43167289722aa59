// Package doctor looks for what keeps rekey, or will soon keep it, from doing its
// work, and says what a person can do about it.
//
// A check first gathers and then judges: its judgement is a pure function of what was
// read, in the file of its name. The tables of checks are in checks.go. Those of the
// installation are run whole each time; those of an application when somebody asks for
// it, and by the timer for one application after the other, going on where the round
// before stopped.
//
// The promises are:
//
//   - Nothing is changed outside, and nothing of what is outside is held for longer
//     than one round.
//   - Every check ends within its time. One that cannot be run says so, and why: what
//     will not change by itself is a finding like any other, what may pass is shown to
//     whoever asked and forgotten.
//   - Each finding is kept from when it is first seen until it is no longer so, with one
//     line in the log at both ends. Its event is sent at least once and always under the
//     same id, because the finding is kept before it is told.
//   - What could not be looked at keeps the finding that it had.
package doctor
