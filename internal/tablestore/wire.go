package tablestore

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// bodies is a policy that takes bodies out where the SDK turns rows into maps and
// back: it writes each row of an answer as JSON for its caller to read again.
// Everything else stays the SDK's.
type bodies struct{}

type answerKey struct{}

// withAnswer has the body of the call's answer put into *body. The SDK then sees
// an answer without rows.
func withAnswer(ctx context.Context, body *[]byte) context.Context {
	return context.WithValue(ctx, answerKey{}, body)
}

type transactionKey struct{}

// withTransaction has the answer to a transaction put into *answer. The SDK then sees
// one without answers inside of it.
func withTransaction(ctx context.Context, answer *transaction) context.Context {
	return context.WithValue(ctx, transactionKey{}, answer)
}

// emptyTransaction is an answer in which the SDK finds nothing.
const emptyTransaction = "--outer\r\n\r\n--inner\r\n\r\n--outer--\r\n"

// Do implements policy.Policy.
func (bodies) Do(request *policy.Request) (*http.Response, error) {
	ctx := request.Raw().Context()
	response, err := request.Next()
	if t, wanted := ctx.Value(transactionKey{}).(*transaction); wanted && err == nil {
		return t.take(response)
	}
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

// take keeps an answer that is not the refusal of the whole transaction.
func (t *transaction) take(response *http.Response) (*http.Response, error) {
	if !runtime.HasStatusCode(response, http.StatusAccepted, http.StatusNoContent) {
		return response, nil
	}
	body, err := runtime.Payload(response)
	if err != nil {
		return nil, err
	}
	*t = transaction{response.Header.Get("Content-Type"), body}
	response.Body = io.NopCloser(strings.NewReader(emptyTransaction))
	return response, nil
}
