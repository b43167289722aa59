// Package rotation is the domain: what a credential rotation is, which states it
// passes through, and every decision about it. It is pure. Nothing here does I/O
// or reads a clock; the engine loads a Snapshot, asks Next what to do, does it,
// and asks again.
//
// An application (an Entra app registration, known by its client id) has
// credentials of two kinds. A rotation replaces the credential of one kind; the
// rotations of a kind are numbered, and the number is the generation. A target is
// one configured place that holds a copy of the credential, and a deployment is
// one rotation delivered to one target. The overlap is how long the old
// credential stays valid after the last target confirmed the new one.
//
//	rotation:
//
//	  requested ──► staged ──► verified ──► published ──► completed
//	   ▲   │          │           │                └──► incomplete ──► completed
//	   └───┼──────────┘           │
//	       │   a new attempt      │
//	       └──────────┴───────────┴──► failed | cancelled | superseded
//	                                   (a verified one cannot fail any more)
//
//	deployment:
//
//	  pending ──► running ──► confirmed
//	   ▲   └─────────┴──────► failed ──► pending | skipped
//	   │                └───► skipped
//	   └── also from confirmed, when the target changed or was enabled again
//
// A state names the last thing that is finished. What is about to be done is
// journalled as an intent before it is done, so that whoever comes after a crash
// knows what may have happened.
package rotation
