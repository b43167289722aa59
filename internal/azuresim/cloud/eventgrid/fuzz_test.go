package eventgrid_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
)

func FuzzPublish(f *testing.F) {
	f.Add(single, `{"id":"1","source":"/s","type":"t","specversion":"1.0"}`)
	f.Add(batch, `[{"id":"1","source":"/s","type":"t","specversion":"1.0","data":null}]`)
	f.Add("application/json", `[{"id":"1","subject":"s","eventType":"t","eventTime":"2026-01-02T03:04:05Z"}]`)
	f.Add("application/json", `[null]`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for _, schema := range []eventgrid.Schema{eventgrid.EventGridSchema, eventgrid.CloudEventSchemaV1_0} {
			s := eventgrid.New(clock.New(), identity{}, identity{}, eventgrid.Options{})
			r := httptest.NewRequest("POST", s.AddTopic(eventgrid.Topic{ID: topicID, Name: "life", Schema: schema, Key: key}), strings.NewReader(body))
			r.Header.Set("aeg-sas-key", key)
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			assert.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusUnsupportedMediaType}, w.Code)
			for _, event := range s.Received(topicID) {
				assert.True(t, json.Valid(event))
			}
		}
	})
}
