// Package simulation is a world in one process and in virtual time, in which the
// engine rotates credentials while everything goes wrong that can: messages are
// doubled, late or lost, processes are killed between any two effects, calls fail
// before or after they took effect, reads are old, clocks jump, people change
// their minds, and two versions of the code take turns. After each step the
// promises of a rotation are checked against what is really so.
//
// One number, the seed, decides everything, so a world that broke a promise is
// built again from its seed and tells its history.
//
// How it works: an invocation of a function, or a person's request, is a coroutine
// that gives way at each effect outside its own memory (see effect.go). The agenda
// holds what happens when; of what is due at one moment, chance takes one. Time is
// testing/synctest's: where nothing is due, it moves on at once.
//
// What is simulated is small on purpose. The store is package memory's, which
// passes the suite of the real one; Entra ID, the staging vault and the places
// (directory.go, vault.go, place_*.go) are models that know the truth: who made
// and removed which credential, and what each place holds.
//
// The same worlds pass with the real clients and integrations where outside.go is
// given something to call (as the tests of package functions do): each HTTP call is
// then an effect, and the truth is what look.go finds in the services afterwards.
package simulation
