//go:build !race

package simulation_test

// A mistake is a bug that somebody could make: a piece of the code, and what they
// would have written instead.
type mistake struct{ name, file, right, wrong string }

// mistakes are those that the promises must catch. Each was made on purpose.
var mistakes = []mistake{
	{"forget to stage", "engine/create.go",
		`err := w.Stage.Put(call, name, made)`,
		`err := call.Err()`},
	{"take one token for a proof", "engine/verify.go",
		`for range w.waits().VerifySuccesses {`,
		`for range 1 {`},
	{"journal an attempt after its effect", "engine/create.go",
		`return entry, w.saveRotation(ctx, "", "")`,
		`return entry, nil`},
	{"ignore the ETag", "engine/batch.go",
		`change.Op, change.ETag = Merge, etag`,
		`change.Op = Put; _ = etag`},
	{"ignore the lease", "rotation/decide.go",
		`lease.HeldAt(s.Now) && lease.Holder != s.Invocation`,
		`lease.HeldAt(s.Now) && false`},
	{"begin a rotation beside another", "rotation/decide.go",
		`if s.InFlight != nil || !p.Enabled`,
		`if !p.Enabled`},
	{"leave a superseded rotation in flight", "engine/command.go",
		`b.rotation(*old).logged(w.asked("superseded", old.Reason, ask.Actor))`,
		`_ = b`},
	{"leave a replaced rotation published", "engine/publish.go",
		`if earlier == nil || earlier.State != rotation.Published {`,
		`if true {`},
	{"forget the holding", "engine/deploy.go",
		`d.holding.Add(d.deployment.Rotation.Generation)`,
		`_ = d.holding`},
	{"let an older delivery end a newer one", "engine/deploy.go",
		`if generation >= d.deployment.Rotation.Generation ||`,
		`if generation == d.deployment.Rotation.Generation ||`},
	{"confirm what has only begun", "engine/outcome.go",
		`case !outcome.Confirmed:`,
		`case !outcome.Confirmed && outcome.Handle == "":`},
}
