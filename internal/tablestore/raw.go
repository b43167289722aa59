package tablestore

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// The SDK reads rows into maps and writes each back as JSON for its caller, who
// has to read it once more. rawAnswers gives the caller the answer as it came.
type rawAnswers struct{}

type rawKey struct{}

// withRaw has the body of the call's answer put into *body. The SDK then sees an
// answer without rows.
func withRaw(ctx context.Context, body *[]byte) context.Context {
	return context.WithValue(ctx, rawKey{}, body)
}

// Do implements policy.Policy.
func (rawAnswers) Do(request *policy.Request) (*http.Response, error) {
	response, err := request.Next()
	body, wanted := request.Raw().Context().Value(rawKey{}).(*[]byte)
	if err != nil || !wanted || response.StatusCode != http.StatusOK {
		return response, err
	}
	if *body, err = runtime.Payload(response); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(strings.NewReader("{}"))
	return response, nil
}
