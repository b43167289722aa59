// Package conformance holds the suites that every form of a store and of a bus
// must pass, so that what is proved in memory holds for the real ones.
//
// An implementation's own tests call a suite with a function that makes a fresh,
// empty one. What the suites ask is what package engine's ports promise, and what
// Table Storage and Service Bus are known to refuse.
package conformance
