package tables

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
)

// ServeHTTP answers requests under /devstoreaccount1.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	mishap := a.faults.draw()
	if mishap.cut && !mishap.late {
		panic(http.ErrAbortHandler)
	}
	var result answer
	if mishap.refusal == nil || mishap.late {
		result = a.answer(w, r, id)
	}
	if mishap.cut {
		panic(http.ErrAbortHandler)
	}
	if mishap.refusal != nil {
		asked := wishOf(r.Header, r.URL.Query().Get("$format"))
		result = mishap.dress(mishap.refusal.answer(asked, id, a.clock.Now()))
	}
	a.log.Debug("tables: answered", "method", r.Method, "path", r.URL.Path, "status", result.status, "request", id)
	a.describe(w.Header(), r, id)
	result.write(w)
}

// describe sets what every answer carries.
// https://learn.microsoft.com/rest/api/storageservices/common-rest-api-response-headers
func (a *Account) describe(header http.Header, r *http.Request, id string) {
	header.Set("Server", "Windows-Azure-Table/1.0 Microsoft-HTTPAPI/2.0")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("x-ms-request-id", id)
	if version := r.Header.Get("x-ms-version"); version != "" {
		header.Set("x-ms-version", version)
	}
	if client := r.Header.Get("x-ms-client-request-id"); client != "" {
		header.Set("x-ms-client-request-id", client)
	}
}

func requestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// answer never fails: what goes wrong is itself an answer.
func (a *Account) answer(w http.ResponseWriter, r *http.Request, id string) answer {
	result, err := a.handle(w, r, id)
	if err != nil {
		asked := wishOf(r.Header, r.URL.Query().Get("$format"))
		return refused(err).answer(asked, id, a.clock.Now())
	}
	return result
}

func (a *Account) handle(w http.ResponseWriter, r *http.Request, id string) (answer, error) {
	if err := authenticate(r); err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return answer{}, unread(err)
	}
	o, err := newOperation(r.Method, r.URL, r.Header, baseOf(r), body)
	if err != nil {
		return answer{}, err
	}
	if r.URL.Query().Has("comp") {
		return answer{}, errNotImplemented
	}
	switch o.target.kind {
	case listing:
		return a.answerListing(o)
	case entities, entity:
		return a.answerEntities(o)
	case batch:
		return a.answerBatch(o, id)
	}
	return answer{}, errInvalidURI
}

func unread(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errRequestBodyTooLarge
	}
	return invalidInput("The request body is incomplete.")
}

func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/" + accountName
}

// answerEntities reads or writes rows.
// https://learn.microsoft.com/rest/api/storageservices/operations-on-entities
func (a *Account) answerEntities(o operation) (answer, error) {
	if o.method != http.MethodGet {
		return a.write(o)
	}
	if o.target.kind == entity {
		return a.getEntity(o)
	}
	return a.queryEntities(o)
}

func (a *Account) getEntity(o operation) (answer, error) {
	t, err := a.table(o.target.table)
	if err != nil {
		return answer{}, err
	}
	if err := o.target.key.check(); err != nil {
		return answer{}, err
	}
	e, err := t.get(o.target.key)
	if err != nil {
		return answer{}, err
	}
	body := o.view(t, parseSelect(o.values.Get("$select"))).one(e)
	return newAnswer(http.StatusOK, o.asked.level.contentType(), body).with("ETag", e.ETag), nil
}

func (a *Account) write(o operation) (answer, error) {
	c, err := o.change()
	if err != nil {
		return answer{}, err
	}
	t, err := a.table(o.target.table)
	if err != nil {
		return answer{}, err
	}
	written, _, err := t.apply([]change{c}, a.stamp)
	if err != nil {
		return answer{}, err
	}
	return o.done(t, c, written[0]), nil
}
