package automation

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// mask takes a credential out of what others print and say: a script may print
// what it was given, and a service may repeat what it was sent.
type mask struct {
	value       secret.Value
	certificate bool
}

func maskOf(c rotation.Credential) mask {
	return mask{c.Value, c.Rotation.Kind == rotation.Certificate}
}

// encoded matches what a certificate with its key is printed as, PFX or PEM, whole
// or cut, because a PFX is another text each time that it is written.
var encoded = regexp.MustCompile(`[A-Za-z0-9+/=_%-]{40,}`)

const (
	shortestTail     = 4 // characters of a spelling that are recognised where an output was cut
	shortestFragment = 10
)

// text returns a text without the credential, in any spelling.
func (m mask) text(text string) string {
	if m.value.IsZero() || text == "" {
		return text
	}
	hidden := m.value.String()
	if m.certificate {
		text = encoded.ReplaceAllString(text, hidden)
	}
	spellings := m.spellings()
	for _, spelled := range spellings {
		text = strings.ReplaceAll(text, spelled, hidden)
		text = withoutTail(text, spelled, hidden)
	}
	text = m.withoutFragments(text, hidden)
	for _, spelled := range spellings {
		text = secret.Without(text, spelled) // where it was cut off
	}
	return text
}

// spellings are the ways to write the value, the longest first, so that none is
// left half by another.
func (m mask) spellings() []string {
	value := m.value.Reveal()
	inJSON, _ := json.Marshal(value) // a string has no error
	sum := hex.EncodeToString([]byte(value))
	all := []string{
		value, strings.Trim(string(inJSON), `"`), strings.Trim(strconv.Quote(value), `"`),
		plainJSON(value), url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.RawStdEncoding.EncodeToString([]byte(value)),
		base64.URLEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
		base64.StdEncoding.EncodeToString(utf16le(value)), // what PowerShell takes for text in base64
		sum, strings.ToUpper(sum),
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// plainJSON escapes as most encoders do, which leave < > and & alone.
func plainJSON(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(value)
}

func utf16le(text string) []byte {
	var all []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		all = binary.LittleEndian.AppendUint16(all, unit)
	}
	return all
}

// withoutTail hides the end of a spelling where an output begins in its middle:
// services keep the last part of what was printed.
func withoutTail(text, spelled, hidden string) string {
	for n := min(len(spelled)-1, len(text)); n >= shortestTail; n-- {
		if strings.HasPrefix(text, spelled[len(spelled)-n:]) {
			return hidden + text[n:]
		}
	}
	return text
}

// withoutFragments hides words that are a part of the value: a long line that was
// wrapped, for example.
func (m mask) withoutFragments(text, hidden string) string {
	spellings := m.spellings()
	for word := range strings.FieldsSeq(text) {
		isPart := func(spelled string) bool { return strings.Contains(spelled, word) }
		if len(word) >= shortestFragment && slices.ContainsFunc(spellings, isPart) {
			text = strings.ReplaceAll(text, word, hidden)
		}
	}
	return text
}

// err returns an error without the credential. What it wrapped goes with it.
func (m mask) err(err error) error {
	if err == nil || m.text(err.Error()) == err.Error() {
		return err
	}
	masked := &rotation.Fault{Class: rotation.ClassOf(err), After: rotation.AfterOf(err), Err: errors.New(m.text(err.Error()))}
	return masked
}

// longestOutput is how much of an output is kept, its end.
const longestOutput = 1000

// output returns the end of what a step printed.
func (m mask) output(text string) string {
	text = strings.TrimSpace(m.text(strings.ToValidUTF8(text, "")))
	runes := []rune(text)
	if len(runes) <= longestOutput {
		return text
	}
	return "…" + string(runes[len(runes)-longestOutput:])
}
