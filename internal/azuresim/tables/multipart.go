package tables

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// part is one request inside a batch.
type part struct {
	id      string // Content-ID, sent back with the answer
	method  string
	address *url.URL
	header  http.Header
	body    []byte
}

func (p part) wish() wish {
	return wishOf(p.header, p.address.Query().Get("$format"))
}

func (p part) identify(a answer) answer {
	if p.id == "" {
		return a
	}
	return a.with("Content-ID", p.id)
}

// parseBatch takes a body apart: one change set, and in it one or more requests.
func parseBatch(contentType string, body []byte) ([]part, error) {
	outer, err := openMultipart(contentType, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	set, err := outer.NextRawPart()
	if err != nil {
		return nil, invalidBatch("it has no change set")
	}
	if media, _, _ := mime.ParseMediaType(set.Header.Get("Content-Type")); media == "application/http" {
		return nil, errNotImplemented // a query
	}
	parts, err := parseChangeSet(set)
	if err != nil {
		return nil, err
	}
	if _, err := outer.NextRawPart(); !errors.Is(err, io.EOF) {
		return nil, invalidBatch("it has more than one change set, or no end")
	}
	return parts, nil
}

func parseChangeSet(set *multipart.Part) ([]part, error) {
	inner, err := openMultipart(set.Header.Get("Content-Type"), set)
	if err != nil {
		return nil, err
	}
	var parts []part
	for {
		raw, err := inner.NextRawPart()
		if errors.Is(err, io.EOF) && len(parts) > 0 {
			return parts, nil
		}
		if err != nil {
			return nil, invalidBatch("its change set is empty or has no end")
		}
		p, err := parsePart(raw)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
}

func openMultipart(contentType string, body io.Reader) (*multipart.Reader, error) {
	media, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/mixed" || parameters["boundary"] == "" {
		return nil, invalidBatch(fmt.Sprintf("%q is not multipart/mixed with a boundary", contentType))
	}
	return multipart.NewReader(body, parameters["boundary"]), nil
}

// parsePart reads a request whose body has no length of its own: it ends with the part.
func parsePart(raw *multipart.Part) (part, error) {
	reader := bufio.NewReader(raw)
	text := textproto.NewReader(reader)
	line, err := text.ReadLine()
	if err != nil {
		return part{}, invalidBatch("a request has no first line")
	}
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return part{}, invalidBatch(fmt.Sprintf("%q is not the first line of a request", line))
	}
	address, err := url.Parse(fields[1])
	if err != nil {
		return part{}, errInvalidURI
	}
	header, err := text.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return part{}, invalidBatch("a request's headers cannot be read")
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return part{}, invalidBatch("a request has no end")
	}
	p := part{id: raw.Header.Get("Content-ID"), method: fields[0], address: address, header: http.Header(header), body: body}
	if p.id == "" {
		p.id = p.header.Get("Content-ID")
	}
	return p, nil
}

func invalidBatch(reason string) *refusal {
	return invalidInput("The batch cannot be read: " + reason + ".")
}

// composeBatch puts the answers of a change set into one.
func composeBatch(answers []answer) answer {
	batchBoundary, setBoundary := "batchresponse_"+requestID(), "changesetresponse_"+requestID()
	var body bytes.Buffer
	fmt.Fprintf(&body, "--%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", batchBoundary, setBoundary)
	for _, a := range answers {
		fmt.Fprintf(&body, "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n", setBoundary)
		a.compose(&body)
		body.WriteString("\r\n")
	}
	fmt.Fprintf(&body, "--%s--\r\n--%s--\r\n", setBoundary, batchBoundary)
	return newAnswer(http.StatusAccepted, "multipart/mixed; boundary="+batchBoundary, body.Bytes())
}

func (a answer) compose(body *bytes.Buffer) {
	fmt.Fprintf(body, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	a.header.Set("X-Content-Type-Options", "nosniff")
	a.header.Set("Cache-Control", "no-cache")
	a.header.Set("DataServiceVersion", "3.0;")
	names := make([]string, 0, len(a.header))
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(body, "%s: %s\r\n", name, a.header.Get(name))
	}
	body.WriteString("\r\n")
	body.Write(a.body)
}
