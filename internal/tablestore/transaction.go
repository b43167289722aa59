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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/rekey-dev/rekey/internal/engine"
)

// insideOf finds the error inside of a transaction's answer, which is a success
// around the refusal of the one operation that failed.
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions#sample-error-response
func insideOf(err error) error {
	var answered *azcore.ResponseError
	if !errors.As(err, &answered) || answered.StatusCode != http.StatusAccepted || answered.ErrorCode != "" {
		return err
	}
	body, readErr := runtime.Payload(answered.RawResponse)
	if readErr != nil {
		return fmt.Errorf("read a transaction's answer: %w", readErr)
	}
	refused, parseErr := parseTransaction(answered.RawResponse.Header.Get("Content-Type"), bytes.NewReader(body))
	if parseErr != nil {
		return fmt.Errorf("read a transaction's answer: %w", parseErr)
	}
	return refused
}

// readETags hands out the rows' new ETags, which the SDK does not read: there is one
// answer for each change, in the order of the changes.
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions#sample-response
func readETags(answer *http.Response, changes []engine.Change) error {
	body, err := runtime.Payload(answer)
	if err != nil {
		return fmt.Errorf("read a transaction's answer: %w", err)
	}
	var etags []string
	err = eachAnswer(answer.Header.Get("Content-Type"), bytes.NewReader(body), func(part *http.Response) (bool, error) {
		etags = append(etags, part.Header.Get("ETag"))
		return true, nil
	})
	if err == nil && len(etags) != len(changes) {
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

// parseTransaction finds the refusal in the answer of a transaction that failed.
func parseTransaction(contentType string, body io.Reader) (refused *refusal, err error) {
	err = eachAnswer(contentType, body, func(answer *http.Response) (bool, error) {
		refused, err = refusalIn(answer)
		return refused == nil, err
	})
	if err == nil && refused == nil {
		err = errors.New("no refusal in it")
	}
	return refused, err
}

// eachAnswer reads the answers in a multipart answer, and in the multiparts inside
// of it, until one asks for no more.
func eachAnswer(contentType string, body io.Reader, read func(*http.Response) (more bool, err error)) error {
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
			return eachAnswer(part.Header.Get("Content-Type"), part, read)
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
