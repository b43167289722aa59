package cli_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// lines is text as it is shown, written in a test with a margin.
func lines(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, "\n"), "\t", "")
}

// etag is the line with the ETag, which the store chooses.
var etag = regexp.MustCompile(`ETag: ("[^"]+")`)

func TestATableIsAligned(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "No application is managed yet.\n", w.must("apps"))
	w.manage()
	assert.Equal(t, lines(`
		APPLICATION                           NAME  KINDS
		11111111-aaaa-4111-8111-111111111111  Shop  secret
		`), w.must("apps", "list"))
	assert.Equal(t, lines(`
		APPLICATION                           NAME  KIND    STATE              TARGETS
		11111111-aaaa-4111-8111-111111111111  Shop  secret  no credential yet  1 new
		`), w.must("status"))
	assert.Equal(t, lines(`
		TARGET  INTEGRATION  KIND    ENABLED
		shop    place        secret  yes
		`), w.must("targets", "Shop"))
}

func TestARotationIsShownWithWhatItBrought(t *testing.T) {
	w := newWorld(t)
	w.manage()
	assert.Equal(t, lines(`
		Rotation:      11111111-aaaa-4111-8111-111111111111.secret.1
		State:         completed
		Asked for by:  anybody
		Key id:        44444444-4444-4444-8444-000000000001
		Requested:     2026-03-01 12:00 (17s ago)
		Published:     2026-03-01 12:00 (16s ago)
		Ended:         2026-03-01 12:00 (now)

		TARGETS
		TARGET  INTEGRATION  STATE      ATTEMPTS  CONFIRMED                  RECEIPT
		shop    place        confirmed  1         2026-03-01 12:00 (5s ago)  version-1
		`), w.must("rotate", "shop", "--kind", "secret", "--wait"))
	assert.Equal(t, lines(`
		APPLICATION                           NAME  KIND    STATE    DUE                        TARGETS
		11111111-aaaa-4111-8111-111111111111  Shop  secret  current  2026-03-22 11:00 (in 20d)  1 confirmed
		`), w.must("status"))
	assert.Equal(t, lines(`
		Application:  11111111-aaaa-4111-8111-111111111111
		Name:         Shop
		Kinds:        secret

		KINDS
		KIND    STATE    DUE                        BECAUSE OF  CURRENT
		secret  current  2026-03-22 11:00 (in 20d)  lifetime    11111111-aaaa-4111-8111-111111111111.secret.1

		CREDENTIALS
		KIND    KEY ID                                STATE    NAME            ENDS
		secret  44444444-4444-4444-8444-000000000001  current  rekey/test/1.1  2026-03-24 12:00 (in 22d)
		secret  2222222a-2222-4222-8222-222222222222  foreign  by hand         2027-03-01 12:00 (in 364d)

		TARGETS
		TARGET  INTEGRATION  KIND    ENABLED  STATE      ROTATION                                       UPDATED
		shop    place        secret  yes      confirmed  11111111-aaaa-4111-8111-111111111111.secret.1  2026-03-01 12:00 (5s ago)

		ETag: "…"
		`), etag.ReplaceAllString(w.must("apps", "show", appID), `ETag: "…"`))
	log := w.must("log", appID)
	assert.Contains(t, log, "AT                   KIND    WHAT        TARGET  ACTOR    DETAIL\n2026-03-01 12:00:00          configured          anybody  managed from now on: secret added\n")
	assert.True(t, strings.HasSuffix(log, "completed           rekey    confirmed by every target (1)\n"), "the newest last")
}

func TestACheckSaysWhatWouldNotWork(t *testing.T) {
	w := newWorld(t)
	w.manage()
	assert.Equal(t, "Would work:  yes\nNotes:       it is a small vault\n", w.must("targets", "check", appID, "shop"))
	w.place.fail = &rotation.Fault{Class: rotation.Denied, Err: errors.New("place: forbidden")}
	r := w.run("targets", "check", appID, "shop")
	assert.Equal(t, result{1, "Would work:  no\nReason:      place: forbidden\nNotes:       it is a small vault\n", "rekey: a delivery would not work\n"}, r)
	assert.Equal(t, "VALUE  NAME           UNUSABLE BECAUSE\np1     of the street  it is closed\n", w.must("choices", "place", "vault", "street=the street"))
}

func TestAThingIsShownWithWhatChangesIt(t *testing.T) {
	w := newWorld(t)
	w.manage()
	shown := w.must("targets", "show", appID, "shop")
	tag := etag.FindStringSubmatch(shown)[1]
	assert.Equal(t, lines(`
		Target:       shop
		Integration:  place
		Kind:         secret
		Enabled:      yes

		SETTINGS
		vault:  v

		ETag: "…"
		`), etag.ReplaceAllString(shown, `ETag: "…"`))
	assert.Equal(t, 3, w.run("targets", "delete", appID, "shop", "--if-match", `"b2xk"`).code)
	assert.Empty(t, w.must("targets", "delete", appID, "shop", "--if-match", tag))
	assert.Equal(t, "There are none.\n", w.must("targets", "list", appID))
}

func TestTheAnswerIsTheAPIsOwn(t *testing.T) {
	w := newWorld(t)
	w.manage()
	response, err := w.server.Client().Get(w.server.URL + "/api/applications")
	if assert.NoError(t, err) {
		defer response.Body.Close()
		assert.Equal(t, readAll(t, response.Body), w.must("apps", "-o", "json"))
	}
	assert.Contains(t, w.must("apps", "-o", "yaml"), "items:\n  - appId: 11111111-aaaa-4111-8111-111111111111\n    objectId: object-1\n    name: Shop\n")
}

func TestYAMLSaysTheSame(t *testing.T) {
	document := `{"texts":["- x","1","null","2026-03-01","yes",""," lead","two\nlines\n","a: b","#","\u0007","é😀"],"number":0.0013888,"none":null,"empty":{},"list":[]}`
	r := run(t, answering(t, 200, document), "groups", "show", "x", "-o", "yaml")
	var got any
	require.NoError(t, yaml.Unmarshal([]byte(r.out), &got), r.out)
	text, err := json.Marshal(got)
	require.NoError(t, err)
	assert.JSONEq(t, document, string(text))
}

func TestNoNameSteersATerminal(t *testing.T) {
	around := answering(t, 200, `{"items":[{"appId":"a","name":"\u001b[2Jshop\u202e\u009b"},{"appId":"b","name":"two\nlines"}],"next":null}`)
	assert.Equal(t, "APPLICATION  NAME\na            ·[2Jshop··\nb            two lines\n", run(t, around, "apps").out)
	r := run(t, answering(t, 409, `{"detail":"\u001b[31mno"}`), "apps")
	assert.Equal(t, "rekey: ·[31mno (409)\n", r.err)
}

func TestColoursAreForTerminals(t *testing.T) {
	around := answering(t, 200, `{"integration":"x","deployments":[{"state":"failed"}]}`)
	for _, c := range []struct{ terminal, colour, want bool }{{true, true, true}, {false, true, false}, {true, false, false}} {
		around.OutTerminal, around.Colour = c.terminal, c.colour
		r := run(t, around, "status", appID+".secret.1")
		assert.Equal(t, c.want, strings.Contains(r.out, "\x1b[31mfailed\x1b[0m"), r.out)
	}
}
