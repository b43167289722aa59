package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Real makes what lies outside in a world of its own: the models of this package
// give way to the real integrations, in front of services that take so long. It is
// called within the synctest bubble.
type Real func(Latency) (Outside, error)

// Latency is how late things take effect outside.
type Latency struct {
	Replication time.Duration // of a credential, from replica to replica of Entra ID
	ReadLag     time.Duration // of Graph, from replica to replica
	Grants      time.Duration // until a role that was given counts
	Builds      time.Duration
	Jobs        time.Duration // until one starts, and again until it ends
}

// Outside is what lies outside. Connect gives an engine its ports to it and returns
// the integrations by their words; each call of theirs has to go through Call.
type Outside struct {
	Connect func(*engine.Engine) (map[string]rotation.Target, error)
	// Calls are names of calls, or how they begin, one of which fails often.
	Calls  []string
	Tenant Tenant
	Places Places
	Copies Copies
}

// Tenant is Entra ID, for people and for the truth.
type Tenant interface {
	// Register makes an application, or brings back one that was lost.
	Register(appID, objectID, name string)
	Lose(appID string)
	Hands
}

// Hands change and see an application's credentials.
type Hands interface {
	Add(appID string, kind rotation.Kind, end time.Time) (keyID string)
	Remove(appID, keyID string)
	Credentials(appID string, kind rotation.Kind) []Found
}

// Found is a credential that is there, and the digest of what a place holds of it.
type Found struct {
	engine.DirectoryCredential
	Digest string
}

// Places are where credentials go.
type Places interface {
	// Words are the integrations that take a kind, in an order of their own.
	Words(kind rotation.Kind) []string
	// Make makes a place for an application, and returns how a target names it.
	// Nothing in it may be made up by chance.
	Make(word string, kind rotation.Kind, appID string, n int) json.RawMessage
	// Held tells by digests what a place holds.
	Held(word string, settings json.RawMessage) Held
}

// Held is what is written in a place, what runs there where that differs, and what
// work that goes on by itself will put there.
type Held struct {
	Written, Running string
	Coming           []string
}

// Copies are those in the staging vault.
type Copies interface {
	Names(kind rotation.Kind) []string
	Delete(kind rotation.Kind, name string)
}

// Call lets an invocation make one HTTP call. A name begins with the word of the
// part of the outside that is called. What goes wrong is what a client sees of it:
// a connection that is cut, or an answer that is no success. A call of nobody's
// invocation is made at once, and nothing goes wrong.
func Call(ctx context.Context, name string, write bool, send func() *http.Response) (*http.Response, error) {
	inv := invocationOf(ctx)
	if inv == nil {
		return send(), nil
	}
	w, sent := inv.world, time.Now()
	answer, err := effect(ctx, w, name, func() (*http.Response, error) {
		if app := changing(ctx); app != nil && write {
			w.directory.write(app, inv, sent)
		}
		answer := send()
		if answer.StatusCode >= http.StatusBadRequest {
			w.tell("%s: %s: the answer is %d", inv.id, name, answer.StatusCode)
		}
		if write {
			w.look(inv, name)
		}
		return answer, nil
	})
	if err != nil {
		answer, err = w.misfortune(name, err)
	}
	if strings.HasPrefix(name, "entra ") {
		inv.count(answer)
	}
	return answer, err
}

// count counts the tokens that the invocation got in a row.
func (inv *invocation) count(answer *http.Response) {
	if inv.tokens++; answer == nil || answer.StatusCode != http.StatusOK {
		inv.tokens = 0
	}
}

// misfortune is how a client meets an error. SDKs wait before they try again, for a
// time that is partly chance, in which this world would stand still: so an answer
// says to come back at once, or later than an SDK waits.
func (w *world) misfortune(name string, err error) (*http.Response, error) {
	switch class := rotation.ClassOf(err); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, err
	case class == rotation.Throttled:
		return refusing(http.StatusTooManyRequests, "Retry-After", strconv.Itoa(61+w.IntN(60))), nil
	case class == rotation.Denied:
		return refusing(http.StatusForbidden, "", ""), nil
	case class == rotation.Permanent:
		return refusing(http.StatusBadRequest, "", ""), nil
	case w.oneIn(2):
		return refusing(http.StatusServiceUnavailable, "Retry-After-Ms", "1"), nil
	}
	return nil, cut{fmt.Errorf("%s: the connection was cut", name)}
}

func refusing(status int, header, value string) *http.Response {
	answer := &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody,
	}
	if header != "" {
		answer.Header.Set(header, value)
	}
	return answer
}

// cut is a connection that ended.
type cut struct{ error }

// NonRetriable tells the Azure SDK to leave it to the engine to try again.
func (cut) NonRetriable() {}
