package functions

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// FuzzRotated reads any body of the topic "rotated": it names a rotation and a target,
// or is refused in words.
func FuzzRotated(f *testing.F) {
	const envelope = `{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.deploy","datacontenttype":"application/json","data":`
	f.Add([]byte(envelope + `{"rotation":"app.secret.1","target":"vault","row":{"partition":"03","row":"r"}}}`))
	f.Add([]byte(envelope + `{"rotation":"app.secret.-1","target":"vault"}}`))
	f.Add([]byte(envelope + `{"rotation":7,"target":null}}`))
	f.Add([]byte(envelope + `{"tArget":"vault"}}`))
	f.Add([]byte(envelope + `null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		message, err := decodeRotated(body)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		assert.NotEmpty(t, message.Target)
		_, err = rotation.ParseID(message.Rotation.String())
		assert.NoError(t, err)
	})
}
