package tablestore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/engine"
)

// transaction is the answer to one. It is a success around the answers to its
// operations, or around the refusal of the one that failed, and the SDK takes it for
// granted that it looks like that.
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions#sample-response
type transaction struct {
	contentType string
	body        []byte
}

// settle hands out the rows' new ETags, one for each change, in the order of the
// changes, or returns the refusal.
func (t transaction) settle(changes []engine.Change) error {
	etags, refused, err := t.read()
	switch {
	case err == nil && refused != nil:
		return refused
	case err == nil && len(etags) != len(changes):
		err = fmt.Errorf("%d answers to %d changes", len(etags), len(changes))
	}
	if err != nil {
		return fmt.Errorf("read a transaction's answer: %w", err)
	}
	for i, change := range changes {
		if change.NewETag != nil {
			*change.NewETag = etags[i]
		}
	}
	return nil
}

func (t transaction) read() (etags []string, refused *refusal, err error) {
	err = eachAnswer(t.contentType, bytes.NewReader(t.body), outermost, func(answer *http.Response) (bool, error) {
		etags = append(etags, answer.Header.Get("ETag"))
		refused, err = refusalIn(answer)
		return refused == nil, err
	})
	return etags, refused, err
}

// An answer has a multipart of answers inside of a multipart.
const (
	outermost = iota
	innermost
)

// eachAnswer reads the answers in a multipart answer, and in the multipart inside of
// it, until one asks for no more.
func eachAnswer(contentType string, body io.Reader, depth int, read func(*http.Response) (more bool, err error)) error {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "multipart/") {
			if depth == innermost {
				return errors.New("there are multiparts inside of multiparts")
			}
			return eachAnswer(part.Header.Get("Content-Type"), part, depth+1, read)
		}
		answer, err := http.ReadResponse(bufio.NewReader(part), nil)
		if err != nil {
			return err
		}
		if more, err := read(answer); err != nil || !more {
			return err
		}
	}
}

// refusalIn reads one operation's answer; nil is a success.
func refusalIn(answer *http.Response) (*refusal, error) {
	if answer.StatusCode < http.StatusBadRequest {
		return nil, nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	refused := &refusal{status: answer.StatusCode}
	refused.read(body)
	return refused, nil
}
