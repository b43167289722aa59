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

// parseTransaction looks through a multipart answer, and through the multiparts
// inside of it, for the first refusal.
func parseTransaction(contentType string, body io.Reader) (*refusal, error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, fmt.Errorf("no refusal in it: %w", err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "multipart/") {
			return parseTransaction(part.Header.Get("Content-Type"), part)
		}
		refused, err := parseAnswer(part)
		if refused != nil || err != nil {
			return refused, err
		}
	}
}

// parseAnswer reads one operation's answer; nil is a success.
func parseAnswer(part io.Reader) (*refusal, error) {
	answer, err := http.ReadResponse(bufio.NewReader(part), nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
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
