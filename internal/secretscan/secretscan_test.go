package secretscan_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/secretscan"
)

// sentinel has characters that every encoding spells differently.
const sentinel = `Qx8~k<&>"2+/ %ä_Zy.9?Lm=4 tßR-w`

func scannerOf(t testing.TB, values ...string) *secretscan.Scanner {
	t.Helper()
	s := &secretscan.Scanner{}
	for i, value := range values {
		require.NoError(t, s.Add(fmt.Sprintf("secret %d", i), value))
	}
	return s
}

func backwards(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

func utf16LE(text string) (encoded []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = append(encoded, byte(unit), byte(unit>>8))
	}
	return encoded
}

func inJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestASecretIsFoundHoweverItIsSpelled(t *testing.T) {
	cut := len(sentinel) / 2
	first, second := sentinel[:cut], sentinel[cut:]
	for how, text := range map[string]string{
		"as it is":                     "password=" + sentinel + ";",
		"in JSON":                      inJSON(t, map[string]string{"value": sentinel}),
		"in Go's quotes":               fmt.Sprintf("%q", "x"+sentinel),
		"in a query":                   url.Values{"client_secret": {sentinel}}.Encode(),
		"in a query, in small letters": strings.ReplaceAll(url.QueryEscape(sentinel), "%2B%2F", "%2b%2f"),
		"in a path":                    "/" + url.PathEscape(sentinel),
		"in HTML":                      "<p>" + html.EscapeString(sentinel),
		"in hexadecimal":               hex.EncodeToString([]byte(sentinel)),
		"in capital hexadecimal":       strings.ToUpper(hex.EncodeToString([]byte("xyz" + sentinel))),
		"in base64":                    base64.StdEncoding.EncodeToString([]byte(sentinel)),
		"in base64, one byte behind":   base64.StdEncoding.EncodeToString([]byte("w" + sentinel)),
		"in base64, two bytes behind":  base64.StdEncoding.EncodeToString([]byte("us" + sentinel + "!")),
		"in base64 of URLs":            base64.RawURLEncoding.EncodeToString([]byte("w" + sentinel + "y")),
		"in UTF-16":                    string(utf16LE(sentinel)),
		"in a PowerShell command":      base64.StdEncoding.EncodeToString(utf16LE("Set-It '" + sentinel + "'")),
		"the first half alone":         first,
		"the second half alone":        second,
		"half in base64":               base64.StdEncoding.EncodeToString([]byte(first)),
		"half, one byte behind":        base64.StdEncoding.EncodeToString([]byte("w" + first)),
		"half, two bytes behind":       base64.StdEncoding.EncodeToString([]byte("xy" + first + "z")),
		"reversed":                     backwards(sentinel),
		"one half reversed":            "…" + backwards(second) + "…",
		"one half reversed in base64":  base64.StdEncoding.EncodeToString([]byte(backwards(first))),
	} {
		t.Run(how, func(t *testing.T) {
			found := scannerOf(t, "another-secret-of-0123456789-bytes", sentinel).Find([]byte(text))
			require.NotEmpty(t, found)
			for _, f := range found {
				assert.Equal(t, "secret 1", f.Secret)
				assert.NotContains(t, f.String(), first)
			}
		})
	}
}

func TestAFindingSaysWhatWasFoundWhere(t *testing.T) {
	s := scannerOf(t, "0123456789abcdefghijklmnopqrstuv")
	found := s.Find([]byte(`{"a":"MDEyMzQ1Njc4OWFiY2RlZg=="}`))
	require.Len(t, found, 1)
	assert.Equal(t, "secret 0: its first half in base64, at byte 6", found[0].String())
}

func TestWhatIsNoSecretIsNotFound(t *testing.T) {
	s := scannerOf(t, sentinel)
	noise := make([]byte, 1<<20)
	_, err := rand.Read(noise)
	require.NoError(t, err)
	assert.Empty(t, s.Find(noise))
	assert.Empty(t, s.Find([]byte(base64.StdEncoding.EncodeToString(noise))))
	assert.Empty(t, s.Find([]byte(sentinel[:14])), "less than half")
	assert.Empty(t, s.Find(nil))
	assert.Empty(t, (&secretscan.Scanner{}).Find(noise))
}

func TestAShortSecretIsRefused(t *testing.T) {
	err := (&secretscan.Scanner{}).Add("pin", "123456789012345")
	assert.EqualError(t, err, `secretscan: add "pin": 15 bytes are too short to be told from chance; at least 16 are needed`)
}

func TestALongTextIsSearchedToItsEnd(t *testing.T) {
	s := scannerOf(t, sentinel)
	text := bytes.Repeat([]byte("nothing here\n"), 300_000)
	for _, at := range []int{0, 1<<20 - 5, 1 << 20, 3 << 20, len(text) - len(sentinel)} {
		leaking := slices.Clone(text)
		copy(leaking[at:], sentinel)
		found, err := s.FindIn(bytes.NewReader(leaking))
		require.NoError(t, err)
		require.NotEmpty(t, found, at)
		assert.EqualValues(t, at, found[0].At)
	}
	found, err := s.FindIn(bytes.NewReader(text))
	require.NoError(t, err)
	assert.Empty(t, found)
	_, err = s.FindIn(iotest.ErrReader(assert.AnError))
	assert.ErrorIs(t, err, assert.AnError)
}

func TestAPrivateKeyIsFoundByAnyPart(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	lines := strings.Split(private, "\n")
	s := &secretscan.Scanner{}
	s.AddKey("key", key)
	for how, text := range map[string]string{
		"PEM":             private,
		"PEM in JSON":     inJSON(t, private),
		"one line of PEM": lines[10],
		"DER":             string(der),
		"hexadecimal":     hex.EncodeToString(der),
		"printed":         fmt.Sprintf("%v", key),
		"a prime in JWK":  base64.RawURLEncoding.EncodeToString(key.Primes[0].Bytes()),
	} {
		assert.NotEmpty(t, s.Find([]byte(text)), how)
	}
	assert.Empty(t, s.Find(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), "the public key may be seen")
	assert.Empty(t, s.Find(public))
}

func TestSealedBytesAreFoundByAPart(t *testing.T) {
	sealed := make([]byte, 1000)
	_, err := rand.Read(sealed)
	require.NoError(t, err)
	s := &secretscan.Scanner{}
	s.AddSealed("pfx", sealed)
	assert.NotEmpty(t, s.Find([]byte(base64.StdEncoding.EncodeToString(sealed)[100:500])))
	assert.NotEmpty(t, s.Find(sealed[300:600]))
}

// BenchmarkFind searches a megabyte of a log for two thousand secrets.
func BenchmarkFind(b *testing.B) {
	s := &secretscan.Scanner{}
	for i := range 2000 {
		require.NoError(b, s.Add(fmt.Sprint(i), rand.Text()+rand.Text()))
	}
	line := `{"time":"2026-03-01T00:00:00Z","level":"INFO","msg":"in use at the target","app":"` + rand.Text() + "\"}\n"
	text := []byte(strings.Repeat(line, 1<<20/len(line)))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s.Find(text)
	}
}
