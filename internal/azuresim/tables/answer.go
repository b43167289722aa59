package tables

import (
	"net/http"
	"strings"
)

// answer is a response before it is written: by itself, or as part of a batch.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newAnswer(status int, contentType string, body []byte) answer {
	header := http.Header{}
	header.Set("Content-Type", contentType)
	return answer{status: status, header: header, body: body}
}

func noContent() answer {
	return answer{status: http.StatusNoContent, header: http.Header{}}
}

func (a answer) with(name, value string) answer {
	a.header.Set(name, value)
	return a
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away misses its answer
}

// level is how much OData metadata an answer carries.
// https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
type level string

const (
	noMetadata      level = "nometadata"
	minimalMetadata level = "minimalmetadata"
	fullMetadata    level = "fullmetadata"
)

func (l level) contentType() string {
	return "application/json;odata=" + string(l) + ";streaming=true;charset=utf-8"
}

// wish is how a client wants to be answered.
type wish struct {
	level  level
	xml    bool // for errors only
	atom   bool
	silent bool   // return-no-content
	prefer string // as it was sent, if it was understood
}

// wishOf reads Prefer, and Accept unless $format overrides it.
func wishOf(header http.Header, format string) wish {
	if format == "" {
		format = header.Get("Accept")
	}
	format = strings.ToLower(strings.ReplaceAll(format, " ", ""))
	asked := wish{level: minimalMetadata}
	switch {
	case strings.Contains(format, "odata="+string(noMetadata)):
		asked.level = noMetadata
	case strings.Contains(format, "odata="+string(fullMetadata)):
		asked.level = fullMetadata
	}
	json := strings.Contains(format, "json") || strings.Contains(format, "*/*")
	asked.xml = !json && strings.Contains(format, "xml")
	asked.atom = !json && strings.Contains(format, "atom")
	if prefer := header.Get("Prefer"); prefer == "return-no-content" || prefer == "return-content" {
		asked.prefer, asked.silent = prefer, prefer == "return-no-content"
	}
	return asked
}

// created answers an insertion, with what was made unless it is not wanted.
func (w wish) created(body []byte) answer {
	created := newAnswer(http.StatusCreated, w.level.contentType(), body)
	if w.silent {
		created = noContent()
	}
	if w.prefer != "" {
		created.header.Set("Preference-Applied", w.prefer)
	}
	return created
}
