package eventgrid_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/eventgrid"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// FuzzAnswers gives any answer to a publication.
func FuzzAnswers(f *testing.F) {
	cloudtest.Seed(f,
		cloudtest.Answer{Status: 200, Header: http.Header{}},
		cloudtest.Answer{Status: 413, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"error":{"code":"PayloadTooLarge","message":"Too large.","details":[]}}`)},
	)
	f.Fuzz(func(t *testing.T, _, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, "")
		said := cloudtest.Says(odd)
		publisher, err := eventgrid.New("https://life.westeurope-1.eventgrid.azure.net/api/events", credential("rekey"), cloudtest.Through(said))
		require.NoError(t, err)
		err = publisher.Publish(policy.WithRetryOptions(t.Context(), policy.RetryOptions{MaxRetries: -1}), rotation.Event{ID: "1", Type: rotation.EventRotated, AppID: "app"})
		assert.NotContains(t, said.Hosts(), cloudtest.Elsewhere)
		assert.LessOrEqual(t, said.Read(), int64(17<<20))
		if err != nil {
			targettest.AssertFault(t, err)
			targettest.AssertClass(t, err, odd)
		}
		assert.False(t, err == nil && odd.Status >= http.StatusMultipleChoices)
	})
}
