package rotate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const envelope = `{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.advance","datacontenttype":"application/json","data":`

func TestAMessageNamesAnApplicationAndAKind(t *testing.T) {
	message, err := decode([]byte(envelope + `{"appId":"app","kind":"secret","row":{"partition":"03","row":"r"}}}`))
	require.NoError(t, err)
	assert.Equal(t, rotation.Advance{AppID: "app", Kind: rotation.Secret, Row: &rotation.WakeUp{Partition: "03", Row: "r"}}, message)
}

// Handlers of two versions share a queue while one takes the other's place.
func TestMessagesOfOtherVersionsAreRead(t *testing.T) {
	want := rotation.Advance{AppID: "app", Kind: rotation.Secret}
	older, err := decode([]byte(envelope + `{"appId":"app","kind":"secret"}}`))
	require.NoError(t, err)
	assert.Equal(t, want, older)
	newer, err := decode([]byte(`{"specversion":"1.0","id":"1","source":"rekey","type":"dev.rekey.advance","dataschema":"/2","hint":{"a":1},` +
		`"data":{"appId":"app","kind":"secret","because":["x"],"row":{"partition":"00","row":"2|x","shard":7}}}`))
	require.NoError(t, err)
	want.Row = &rotation.WakeUp{Partition: "00", Row: "2|x"}
	assert.Equal(t, want, newer)
}

func TestWhatIsNotARequestIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"not JSON":         {`hello`, "CloudEvent"},
		"not a CloudEvent": {`{"appId":"app"}`, "CloudEvent"},
		"no application":   {envelope + `{"kind":"secret"}}`, "data.appId: must name an application"},
		"an unknown kind":  {envelope + `{"appId":"app","kind":"password"}}`, `data.kind "password": must be "secret" or "certificate"`},
		"a list":           {envelope + `[]}`, "data: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode([]byte(c.body))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(envelope + `{"appId":"app","kind":"secret"}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		message, err := decode(body)
		if err == nil && (message.AppID == "" || message.Kind != rotation.Secret && message.Kind != rotation.Certificate) {
			t.Errorf("accepted %q as %+v", body, message)
		}
	})
}
