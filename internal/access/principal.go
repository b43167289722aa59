package access

import (
	"context"
	"slices"
	"strings"
	"unicode"
)

// Kind is what a principal is.
type Kind string

// The kinds.
const (
	Person  Kind = "person"
	Program Kind = "program"
	Key     Kind = "key"     // of rekey's own
	Anybody Kind = "anybody" // where nobody is asked who they are
)

// Principal is who sent a request.
type Principal struct {
	Kind Kind
	// ID is the object id in Entra ID, or the id of the API key.
	ID string
	// Name is what people know a person by, or the client id of a program.
	Name string
	Role Role
	// Applications are the client ids of those that the principal is confined to. Nil
	// confines it to none.
	Applications []string
	// Session says that a browser sends the proof along by itself, whichever page asks
	// it to: what changes something then has to come from a page of rekey's own.
	Session bool
}

// Actor is how the log calls a principal.
func (p Principal) Actor() string {
	switch p.Kind {
	case Person:
		return strings.TrimSpace(p.Name + " (" + p.ID + ")")
	case Program:
		return "program " + p.Name
	case Key:
		return "key " + p.ID
	}
	return string(Anybody)
}

// Confined reports whether the principal may act on some applications alone.
func (p Principal) Confined() bool { return p.Applications != nil }

// Reaches reports whether an application is among those that the principal may act on.
func (p Principal) Reaches(appID string) bool {
	return !p.Confined() || slices.Contains(p.Applications, appID)
}

type contextKey struct{}

// With returns a context that says who sent the request.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns who sent the request.
func From(ctx context.Context) (p Principal, known bool) {
	p, known = ctx.Value(contextKey{}).(Principal)
	return p, known
}

// mostName is the longest name that is kept.
const mostName = 256

// printable makes a line of the log of a name that somebody else chose.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name)
	if len(name) > mostName {
		name = strings.ToValidUTF8(name[:mostName], "")
	}
	return name
}
