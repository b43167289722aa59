package functions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const envelope = `{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.deploy","data":`

// Handlers of two versions share a topic while one takes the other's place.
func TestMessagesOfOtherVersionsAreRead(t *testing.T) {
	want := rotation.Rotated{Rotation: rotation.ID{AppID: "app", Kind: rotation.Secret, Generation: 7}, Target: "vault"}
	for name, body := range map[string]string{
		"an older one": envelope + `{"rotation":"app.secret.7","target":"vault"}}`,
		"a newer one":  `{"dataschema":"/2",` + envelope[1:] + `{"rotation":"app.secret.7","target":"vault","delivery":3,"because":{"a":[1]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			message, err := decodeRotated([]byte(body))
			require.NoError(t, err)
			assert.Equal(t, want, message)
		})
	}
}

func TestWhatIsNoDeliveryIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"not JSON":           {`hello`, "servicebus: not a CloudEvent in JSON"},
		"no rotation's id":   {envelope + `{"rotation":"nonsense","target":"vault"}}`, `data: rotation id "nonsense": must look like <appId>.<kind>.<generation>`},
		"a kind of tomorrow": {envelope + `{"rotation":"app.passkey.7","target":"vault"}}`, `kind "passkey": must be "secret" or "certificate"`},
		"no target":          {envelope + `{"rotation":"app.secret.7"}}`, "data.target: must name a target"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeRotated([]byte(c.body))
			assert.ErrorContains(t, err, c.want)
		})
	}
}
