package entra_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	tenant "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Whoever writes a dozen passwords at once is told of success and gets one. That is
// why the engine takes a lease, and proves every password before it is used.
func TestParallelWritesAreLostOrRefused(t *testing.T) {
	const parallel = 12
	w := start(t, tenant.Options{}, graph.Options{WriteLatency: time.Second})
	require.NoError(t, w.warmUp())
	type outcome struct {
		made engine.DirectoryCredential
		err  error
	}
	answers := make(chan outcome, parallel)
	var group sync.WaitGroup
	for range parallel {
		group.Go(func() {
			made, err := w.client.AddPassword(t.Context(), w.shop.ObjectID, "parallel", w.clock.Now().AddDate(1, 0, 0))
			answers <- outcome{made, err}
		})
	}
	group.Wait()
	close(answers)
	succeeded, accepted := 0, 0
	for one := range answers {
		if one.err != nil {
			assert.Equal(t, rotation.Conflict, rotation.ClassOf(one.err), "%v", one.err)
			continue
		}
		succeeded++
		verdict := w.verify(rotation.Credential{Rotation: rotation.ID{Kind: rotation.Secret}, KeyID: one.made.KeyID, Value: one.made.Value})
		if verdict.Kind == rotation.Accepted {
			accepted++
			continue
		}
		assert.Equal(t, rotation.NotYet, verdict.Kind, verdict.Reason)
	}
	assert.Greater(t, succeeded, 1, "some were lost")
	assert.Equal(t, 1, accepted)
}

// warmUp gets the token that all calls share.
func (w *world) warmUp() error {
	_, err := w.client.Application(w.t.Context(), w.shop.AppID, rotation.Secret)
	return err
}

// An application's name can be anything, and its certificate's subject follows it.
func TestCertificatesWithOddSubjects(t *testing.T) {
	for _, name := range []string{
		`Größe, "quoted"; O=Evil+CN=admin`, "注文 API 🚀", strings.Repeat("ö", 200), " #leading and trailing ", "\x00\n\t", `back\slash=<>`,
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tenant.Options{}, graph.Options{})
			made, key := w.madeCertificate(name)
			require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{key}))
			verdict := w.verify(made)
			assert.Equal(t, rotation.Accepted, verdict.Kind, verdict.Reason)
			require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, w.keys()), "it goes back as it came")
			assert.Len(t, w.keys(), 1)
		})
	}
}

// What a tenant forbids and what no longer fits is refused for certificates as it is
// for passwords, and nothing of the list is lost by it.
func TestAListThatIsRefusedStaysAsItWas(t *testing.T) {
	for name, c := range map[string]struct {
		options graph.Options
		text    string
	}{
		"a policy":                    {graph.Options{Policy: graph.Policy{ID: "p", MaxKeyLifetime: time.Hour}}, "CredentialInvalidLifetimeAsPerAppPolicy"},
		"an application that is full": {graph.Options{MaxCredentials: 1}, "Directory_ResourceSizeExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, tenant.Options{}, graph.Options{MaxCredentials: c.options.MaxCredentials})
			_, first := w.madeCertificate("shop")
			require.NoError(t, w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, []engine.DirectoryCredential{first}))
			w.graph.SetPolicy(c.options.Policy)
			before := w.keys()
			_, second := w.madeCertificate("shop")
			err := w.client.ReplaceKeys(t.Context(), w.shop.ObjectID, append(w.keys(), second))
			require.ErrorContains(t, err, c.text)
			assert.Equal(t, rotation.Permanent, rotation.ClassOf(err))
			assert.Equal(t, before, w.keys())
		})
	}
}
