package inventory

import (
	"context"
	"fmt"
)

// Directory is Microsoft Graph, as far as it tells which applications there are and
// what changes. Its errors are Faults, or a Restart.
type Directory interface {
	// Changes reads one page: the first of all where the link is empty, and later
	// the one that the page before named.
	Changes(ctx context.Context, link string) (Changes, error)
	// Owners reads the owners of up to MaxOwners applications, by the applications'
	// object ids. One that is gone has no entry in the answer.
	Owners(ctx context.Context, objectIDs []string) (map[string][]Owner, error)
}

// MaxOwners is of how many applications one call reads the owners: as many as fit into
// one batch, https://learn.microsoft.com/graph/json-batching
const MaxOwners = 20

// Changes is one page of what changed.
type Changes struct {
	Changes []Change
	// Next is the link to go on from: at once, or, after the Last page of a round,
	// whenever somebody wants to know what has changed since.
	Next string
	Last bool
}

// Change is what Graph says of one application. What it does not say is nil: that has
// not changed. An application may come more than once, and again.
type Change struct {
	ObjectID     string
	Removed      bool
	AppID, Name  *string
	Secrets      *[]Credential
	Certificates *[]Credential
}

// Restart is the error of a link that Graph no longer knows: everything has to be
// read anew, from a link that Graph names or from the beginning.
type Restart struct {
	Link string
	Err  error
}

func (r *Restart) Error() string { return fmt.Sprintf("everything has to be read anew: %v", r.Err) }

func (r *Restart) Unwrap() error { return r.Err }
