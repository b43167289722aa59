// Package engine carries a rotation out: load, decide, journal, act, save, tell.
//
// Everything about one application lies in one partition of the table
// "rotations": its head, what its targets are and may hold, its rotations and
// deployments, its log. So one query loads what a decision needs, and one batch
// changes what belongs together. The head is the guard: whatever the engine
// changes, it changes together with the head, by the head's ETag.
//
//	live.head                  lease, generations, ledger
//	live.target.<id>           one configured place (the user's row)
//	live.holding.<id>          which generations that place may hold
//	secret.00000007            one rotation
//	secret.00000007.<target>   its deployment to one target
//	log.<reverse time>         the integration log, newest first; table "log" has all of them
//	request.<hash>             an Idempotency-Key and the rotation it asked for
//
// What several applications share lies in tables of its own, by tenant: the groups
// of Vercel and the tasks of automation. So does what was found wrong with them, in
// the table "findings".
//
// The promises are:
//
//   - An intent is in the store before its outside effect begins.
//   - A wake-up is in the schedule before the state that needs it. Messages only
//     wake; the rows decide. A lost message costs time, a doubled one nothing.
//   - Writes to Graph for one application happen under its lease, one at a time.
//   - Whatever carries this installation's marker in Entra gets into the ledger, also
//     where the tables were lost, and no generation's number is given out twice.
//   - A call fails only when the store or the bus is out of reach. What Graph, a
//     vault or a target refuses is recorded and tried again at its time.
package engine
