package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// problem returns a problem document. The locations of its errors are spelled as
// the request spells them: body.…, path.…, query.… or header.….
func problem(status int, detail string, details ...*huma.ErrorDetail) *huma.ErrorModel {
	return &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail, Errors: details}
}

// invalid returns the problem document of fields that are wrong.
func invalid(problems ...rotation.Problem) *huma.ErrorModel {
	p := problem(http.StatusUnprocessableEntity, validationFailed)
	for _, found := range problems {
		p.Errors = append(p.Errors, &huma.ErrorDetail{Location: found.Field, Message: found.Detail})
	}
	return p
}

// validationFailed is huma's detail of a problem whose errors say all.
const validationFailed = "validation failed"

// refusal says in HTTP what an error of the engine means. What is not known to
// be meant for people is logged and not shown.
func refusal(ctx context.Context, log *slog.Logger, err error) error {
	if wrong, ok := errors.AsType[*engine.Invalid](err); ok {
		return invalid(spelled(wrong.Problems)...)
	}
	if fault, ok := errors.AsType[*rotation.Fault](err); ok {
		log.WarnContext(ctx, "an outside service refused", "error", err)
		return outside(fault)
	}
	switch {
	case errors.Is(err, engine.ErrUnknownApplication), errors.Is(err, engine.ErrUnknownRotation), errors.Is(err, engine.ErrUnknownTarget),
		errors.Is(err, engine.ErrUnknownRecord):
		return problem(http.StatusNotFound, err.Error())
	case errors.Is(err, engine.ErrRefused):
		return problem(http.StatusConflict, refusedWords(err))
	case errors.Is(err, engine.ErrForeignRow):
		log.ErrorContext(ctx, "a row was forged", "error", err)
		return problem(http.StatusConflict, err.Error())
	case errors.Is(err, engine.ErrPrecondition), errors.Is(err, engine.ErrConflict):
		return problem(http.StatusConflict, "it was changed by somebody else at the same time; nothing was changed by this request, repeat it")
	case errors.Is(err, engine.ErrUnreadable):
		log.ErrorContext(ctx, "a record cannot be read", "error", err)
		return problem(http.StatusInternalServerError, "rekey's records do not say what rekey writes; save the application or target again, or restore the row: "+err.Error())
	case errors.Is(err, engine.ErrNewerSchema):
		return later(time.Minute, "this was written by a newer version of rekey; repeat the request once that is rolled out everywhere")
	}
	log.ErrorContext(ctx, "a request could not be answered", "error", err)
	return later(10*time.Second, "rekey's store is out of reach or did not answer in time; repeat the request; the cause is in rekey's log")
}

// refusedWords are the engine's reason, which is meant for people.
func refusedWords(err error) string {
	return strings.TrimPrefix(err.Error(), engine.ErrRefused.Error()+": ")
}

// outside says what another service's refusal means for the request. Its words
// are shown: they hold no secret and often name the missing permission.
func outside(fault *rotation.Fault) error {
	detail := fault.Error()
	switch fault.Class {
	case rotation.Throttled, rotation.Transient:
		return later(max(fault.After, 10*time.Second), detail)
	case rotation.NotFound, rotation.Conflict:
		return problem(http.StatusConflict, detail)
	case rotation.Denied, rotation.Permanent:
	}
	return problem(http.StatusBadGateway, detail)
}

// later asks the client to come back.
func later(after time.Duration, detail string) error {
	seconds := int((after + time.Second - 1) / time.Second)
	header := http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	return huma.ErrorWithHeaders(problem(http.StatusServiceUnavailable, detail), header)
}

// presentable brings every problem document into the same form: no value that
// was sent, the errors in the order of their locations, the detail for whoever
// reads no further.
func presentable(ctx huma.Context, _ string, answer any) (any, error) {
	p, ok := answer.(*huma.ErrorModel)
	if !ok {
		return answer, nil
	}
	switch {
	case p.Status == http.StatusRequestEntityTooLarge:
		p.Detail = tooLarge(ctx.Operation().MaxBodyBytes)
	case len(p.Errors) == 0 && p.Detail == "request body is required":
		p.Errors = []*huma.ErrorDetail{{Location: "body", Message: "must be there"}}
	}
	for _, e := range p.Errors {
		reword(e)
	}
	slices.SortStableFunc(p.Errors, func(a, b *huma.ErrorDetail) int { return cmp.Compare(a.Location, b.Location) })
	if p.Detail == validationFailed && len(p.Errors) > 0 {
		p.Detail = inOneLine(p.Errors)
	}
	return p, nil
}

// reword says in huma's errors which field it is and what would be right.
func reword(e *huma.ErrorDetail) {
	e.Value = nil
	var field string
	if n, _ := fmt.Sscanf(e.Message, validation.MsgExpectedRequiredProperty, &field); n == 1 {
		e.Location, e.Message = e.Location+"."+field, "must be there"
	}
	e.Message = worded(e.Message)
}

func inOneLine(details []*huma.ErrorDetail) string {
	lines := make([]string, len(details))
	for i, d := range details {
		lines[i] = d.Location + ": " + d.Message
	}
	return strings.Join(lines, "; ")
}
