package entra_test

import (
	"testing"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// Nothing that we did not sign is believed, however it looks.
func FuzzForeignTokensAreRefused(f *testing.F) {
	d := entra.New(clock.New(), nil, tenantID, entra.Options{})
	for _, seed := range []string{"", "a.b.c", "e30.e30.", "bnVsbA.bnVsbA.", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "eyJhbGciOiJQUzI1NiJ9.e30.AAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if caller, err := d.Authenticate(withBearer(token), entra.VaultAudience); err == nil {
			t.Fatalf("%q was believed: %v", token, caller)
		}
	})
}
