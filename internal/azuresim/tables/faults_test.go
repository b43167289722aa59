package tables_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
)

func TestFaultsHappenBeforeOrAfterTheEffect(t *testing.T) {
	for name, test := range map[string]struct {
		faults tables.Faults
		status int // 0 = no answer
		code   string
		rows   int
	}{
		"busy":                {tables.Faults{Busy: 1}, http.StatusServiceUnavailable, "ServerBusy", 0},
		"busy, but done":      {tables.Faults{BusyAfter: 1}, http.StatusServiceUnavailable, "ServerBusy", 1},
		"timed out":           {tables.Faults{TimedOut: 1}, http.StatusInternalServerError, "OperationTimedOut", 0},
		"timed out, but done": {tables.Faults{TimedOutAfter: 1}, http.StatusInternalServerError, "OperationTimedOut", 1},
		"cut off":             {tables.Faults{Cut: 1}, 0, "", 0},
		"cut off, but done":   {tables.Faults{LoseAnswer: 1}, 0, "", 1},
		"nothing goes wrong":  {tables.Faults{}, http.StatusCreated, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, tables.Options{})
			client := f.table(t)
			f.account.SetFaults(test.faults)
			_, err := client.AddEntity(t.Context(), entity("p", "r", nil), nil)
			assert.Len(t, f.account.Dump()["orders"], test.rows)

			var response *azcore.ResponseError
			switch {
			case test.status == http.StatusCreated:
				assert.NoError(t, err)
			case test.status == 0:
				require.Error(t, err)
				assert.NotErrorAs(t, err, &response)
			default:
				refused(t, err, test.status, test.code)
			}
		})
	}
}

func TestFaultsHitTheirShare(t *testing.T) {
	f := start(t, tables.Options{})
	client := f.table(t)
	f.account.SetFaults(tables.Faults{Busy: 0.2, TimedOutAfter: 0.1})
	hit := map[int]int{}
	for range 500 {
		_, err := client.UpsertEntity(t.Context(), entity("p", "r", nil), nil)
		var response *azcore.ResponseError
		if err != nil {
			require.ErrorAs(t, err, &response)
			hit[response.StatusCode]++
		}
	}
	assert.InDelta(t, 100, hit[http.StatusServiceUnavailable], 40)
	assert.InDelta(t, 50, hit[http.StatusInternalServerError], 30)
	assert.Equal(t, map[string]int{"Busy": hit[http.StatusServiceUnavailable], "TimedOutAfter": hit[http.StatusInternalServerError]}, f.account.FaultsMet())
}

func TestRetryAfterShortensTheBackoffOfTheSDK(t *testing.T) {
	f := start(t, tables.Options{})
	f.table(t)
	service, err := aztables.NewServiceClientFromConnectionString(f.account.ConnectionString(f.address()), &aztables.ClientOptions{
		ClientOptions: policy.ClientOptions{Transport: f.server.Client()},
	})
	require.NoError(t, err)
	f.account.SetFaults(tables.Faults{Busy: 1, RetryAfter: time.Millisecond})
	begun := time.Now()
	_, err = service.NewClient("orders").AddEntity(t.Context(), entity("p", "r", nil), nil)
	refused(t, err, http.StatusServiceUnavailable, "ServerBusy")
	assert.Less(t, time.Since(begun), 700*time.Millisecond, "three retries by default, the first after 800 ms")
}
