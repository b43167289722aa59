package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// asked is what a request asked for, for whoever answers it.
type asked struct {
	method string
	url    *url.URL
}

type askedKey struct{}

func askedOf(ctx context.Context) asked {
	a, _ := ctx.Value(askedKey{}).(asked)
	return a
}

// correlationHeader names what everything that a request leads to has in common, in
// requests and in answers.
const correlationHeader = "X-Correlation-Id"

// correlated gives a request the id that all it leads to will carry, and answers it.
func correlated(w http.ResponseWriter, r *http.Request) *http.Request {
	id := correlationOf(r.Header)
	w.Header().Set(correlationHeader, id)
	ctx := context.WithValue(engine.Correlated(r.Context(), id), askedKey{}, asked{r.Method, r.URL})
	return r.WithContext(ctx)
}

var (
	saneCorrelation = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$`)
	// https://www.w3.org/TR/trace-context/#traceparent-header
	traceParent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)
	noTrace     = strings.Repeat("0", 32)
)

// correlationOf is the id that a request brought, the id of the trace that it is in, or
// a new one.
func correlationOf(header http.Header) string {
	if id := header.Get(correlationHeader); saneCorrelation.MatchString(id) {
		return id
	}
	if parts := traceParent.FindStringSubmatch(header.Get("traceparent")); parts != nil && parts[1] != noTrace {
		return parts[1]
	}
	return strings.ToLower(rand.Text())
}

var guidInPath = regexp.MustCompile(guid)

// logRefusal adds to the log that a request was refused, by the rules or for want of a
// right, with who sent it. What was sent is not in it.
func (a *api) logRefusal(ctx context.Context, why string) {
	request := askedOf(ctx)
	if request.url == nil {
		return
	}
	a.Engine.LogChange(ctx, rotation.LogEntry{
		AppID: strings.ToLower(guidInPath.FindString(request.url.Path)), What: "refused", Actor: actorOf(ctx),
		Detail: request.method + " " + request.url.Path + ": " + why,
	})
}
