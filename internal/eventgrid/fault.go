package eventgrid

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// fault classifies an error. Its text names the topic's endpoint.
func fault(endpoint string, err error) error {
	return faultOf(fmt.Sprintf("eventgrid: publish to %q", endpoint), "give rekey's identity the role EventGrid Data Sender on the topic", err)
}

func faultOf(where, remedy string, err error) error {
	response, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: %w", where, err)}
	}
	f := &rotation.Fault{
		Class: classify(response.StatusCode),
		Err:   fmt.Errorf("%s: %d %s: %s", where, response.StatusCode, code(response), words(response.RawResponse)),
	}
	switch f.Class {
	case rotation.Denied:
		f.Remedy = remedy
	case rotation.Throttled:
		f.After = httpfault.After(response.RawResponse.Header, time.Now())
	}
	return f
}

// classify maps a status to what it means for what happens next.
// https://learn.microsoft.com/azure/event-grid/post-to-custom-topic#response
func classify(status int) rotation.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rotation.Denied
	case http.StatusNotFound:
		return rotation.NotFound
	case http.StatusTooManyRequests:
		return rotation.Throttled
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return rotation.Permanent
	}
	return rotation.Transient
}

func code(response *azcore.ResponseError) string {
	return cmp.Or(httpfault.Code(response.ErrorCode), http.StatusText(response.StatusCode))
}

const longestMessage = 400

// words is the service's message: the SDK's own text holds the whole exchange.
func words(response *http.Response) string {
	var envelope struct {
		Error struct{ Message string }
	}
	body, err := runtime.Payload(response)
	if err != nil || json.Unmarshal(body, &envelope) != nil || envelope.Error.Message == "" {
		return "no explanation"
	}
	return httpfault.Short(envelope.Error.Message, longestMessage)
}
