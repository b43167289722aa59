package tables

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// maxSkew is how far a request's date may lie from the service's.
const maxSkew = 15 * time.Minute

// authenticate verifies a request's signature.
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
func authenticate(r *http.Request) error {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	name, signature, _ := strings.Cut(credential, ":")
	date := r.Header.Get("x-ms-date")
	if date == "" {
		date = r.Header.Get("Date")
	}
	signed, known := stringToSign(scheme, date, r)
	if !known || name != accountName || !isFresh(date) {
		return errAuthenticationFailed
	}
	if !hmac.Equal([]byte(signature), []byte(sign(signed))) {
		return errAuthenticationFailed
	}
	return nil
}

func stringToSign(scheme, date string, r *http.Request) (signed string, known bool) {
	resource := canonicalizedResource(r)
	switch scheme {
	case "SharedKeyLite":
		return date + "\n" + resource, true
	case "SharedKey":
		parts := []string{r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), date, resource}
		return strings.Join(parts, "\n"), true
	}
	return "", false
}

// canonicalizedResource names the account twice, because the path does too.
func canonicalizedResource(r *http.Request) string {
	resource := "/" + accountName + r.URL.EscapedPath()
	if comp := r.URL.Query().Get("comp"); comp != "" {
		resource += "?comp=" + comp
	}
	return resource
}

func sign(text string) string {
	secret, _ := base64.StdEncoding.DecodeString(accountKey) // a constant
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// isFresh reads the wall clock: SDKs sign with it, however far simulated time is.
func isFresh(date string) bool {
	signed, err := http.ParseTime(date)
	return err == nil && time.Since(signed).Abs() <= maxSkew
}
