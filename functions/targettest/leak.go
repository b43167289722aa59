package targettest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
)

// assertSilent asserts that a text has none of the credentials, however spelled.
func (s *subject) assertSilent(t testing.TB, text string) {
	t.Helper()
	for _, found := range s.secrets.Find([]byte(text)) {
		assert.Fail(t, "a credential leaks", found)
	}
}

// faults replaces the rules by which the cloud misbehaves.
func (s *subject) faults(t testing.TB, rules ...cloud.Fault) {
	t.Helper()
	cloudtest.Misbehave(t, s.Cloud, rules...)
}
