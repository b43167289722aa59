package tablestore

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// bodies is a policy that puts bodies in and takes them out where the SDK turns
// rows into maps and back: it writes each row of an answer as JSON for its caller
// to read again, and reads and copies each row of a transaction. Addresses,
// signatures, retries and errors stay the SDK's.
type bodies struct{}

type (
	answerKey      struct{}
	transactionKey struct{}
)

// withAnswer has the body of the call's answer put into *body. The SDK then sees
// an answer without rows.
func withAnswer(ctx context.Context, body *[]byte) context.Context {
	return context.WithValue(ctx, answerKey{}, body)
}

// withTransaction sends the transaction in place of the one that the SDK composed.
func withTransaction(ctx context.Context, t *transaction) context.Context {
	return context.WithValue(ctx, transactionKey{}, t)
}

// Do implements policy.Policy.
func (bodies) Do(request *policy.Request) (*http.Response, error) {
	ctx := request.Raw().Context()
	if t, ok := ctx.Value(transactionKey{}).(*transaction); ok {
		body, contentType := t.compose(strings.TrimSuffix(request.Raw().URL.String(), "/$batch"))
		if err := request.SetBody(streaming.NopCloser(bytes.NewReader(body)), contentType); err != nil {
			return nil, err
		}
	}
	response, err := request.Next()
	answer, wanted := ctx.Value(answerKey{}).(*[]byte)
	if err != nil || !wanted || response.StatusCode != http.StatusOK {
		return response, err
	}
	if *answer, err = runtime.Payload(response); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(strings.NewReader("{}"))
	return response, nil
}
