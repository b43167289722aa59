package compute

// Bind is what is fuzzed.
var Bind = bind
