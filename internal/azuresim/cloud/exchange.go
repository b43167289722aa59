package cloud

import (
	"bytes"
	"io"
	"net/http"
)

// Exchange is one call with its answer, as a service saw them: bodies are
// complete, and hold whatever secrets were sent.
type Exchange struct {
	Request    *http.Request
	Body       []byte
	Status     int
	Header     http.Header
	AnswerBody []byte
}

// Record has f called, beside those before it, with every exchange that a service
// answered by itself, for tests that judge them. Call it before the first request; f
// may be called from any goroutine.
func (c *Cloud) Record(f func(Exchange)) { c.records = append(c.records, f) }

// recorded lets whoever records see what the service is sent and answers.
func (c *Cloud) recorded(service http.Handler) http.Handler {
	if len(c.records) == 0 {
		return service
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			writeError(w, http.StatusBadRequest, "BadRequest", "the body could not be read")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		copied := &copying{recorder: recorder{ResponseWriter: w}}
		asked := r.Clone(r.Context())
		service.ServeHTTP(copied, r)
		for _, record := range c.records {
			record(Exchange{asked, body, copied.status, w.Header().Clone(), copied.body.Bytes()})
		}
	})
}

// copying keeps a copy of what a service answers.
type copying struct {
	recorder
	body bytes.Buffer
}

func (c *copying) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.recorder.Write(p)
}
