package cloudtest

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Elsewhere is the host to which odd answers redirect.
const Elsewhere = "elsewhere.example"

// Echo stands in an odd answer's body where a service repeats what it was sent.
const Echo = "{{echo}}"

// Odd is an answer made of what is fuzzed. It repeats a value, spelled as in JSON,
// wherever the body has Echo. What is no status of HTTP becomes one.
func Odd(status int, retryAfter, contentType string, body []byte, endless bool, echo string) Answer {
	if status < 200 || status > 599 {
		status = 200 + int(uint(status)%400)
	}
	header := http.Header{}
	for name, value := range map[string]string{"Retry-After": retryAfter, "Content-Type": contentType} {
		if value = printable(value); value != "" {
			header.Set(name, value)
		}
	}
	if status/100 == 3 {
		header.Set("Location", "https://"+Elsewhere+"/")
	}
	if echo != "" {
		body = bytes.ReplaceAll(body, []byte(Echo), []byte(echo))
	}
	return Answer{Status: status, Header: header, Body: body, Endless: endless}
}

// printable is what a header can hold.
func printable(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text))
}

const (
	inJSON = "application/json; charset=utf-8"
	inHTML = "text/html; charset=utf-8"
	page   = "<!DOCTYPE html><html><body>Sign in</body></html>"
)

// Seed adds every recorded answer as it is, and what services and proxies are known to
// put in its place on a bad day: signature (n, status, retryAfter, contentType, body,
// endless) for Play and Odd.
func (t *Tape) Seed(f *testing.F) {
	f.Helper()
	var all []Answer
	for _, k := range t.kept {
		all = append(all, k.answer)
	}
	Seed(f, all...)
}

// Seed is Tape.Seed for answers of somebody's choice.
func Seed(f *testing.F, answers ...Answer) {
	f.Helper()
	for n, a := range answers {
		f.Add(n, a.Status, "", a.Header.Get("Content-Type"), a.Body, false)
		f.Add(n, a.Status, "", inJSON, a.Body[:len(a.Body)/2], false)
		f.Add(n, a.Status, "", inJSON, number.ReplaceAll(a.Body, []byte(":-1e30")), false)
		f.Add(n, a.Status, "", inJSON, text.ReplaceAll(a.Body, []byte(":null")), false)
		f.Add(n, a.Status, "", inJSON, text.ReplaceAll(a.Body, []byte(`:["`+Echo+`"]`)), false)
		f.Add(n, a.Status, "", inJSON, moment.ReplaceAll(a.Body, []byte(`"9999-99-99T99:99:99Z"`)), false)
		f.Add(n, a.Status, "", inJSON, a.Body, true)
		for _, odd := range odds {
			f.Add(n, odd.status, odd.retryAfter, odd.contentType, []byte(odd.body), odd.endless)
		}
	}
}

var (
	number = regexp.MustCompile(`:\s*-?[0-9][0-9.]*`)
	text   = regexp.MustCompile(`:\s*"(\\.|[^"\\])*"`)
	moment = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"`)
)

// wordy is far more than anybody wants to read.
var wordy = strings.Repeat("Ä word. ", 1000)

var odds = []struct {
	status                        int
	retryAfter, contentType, body string
	endless                       bool
}{
	{status: 200, contentType: inHTML, body: page},
	{status: 200, contentType: inJSON},
	{status: 204},
	{status: 200, contentType: inJSON, body: `null`},
	{status: 200, contentType: inJSON, body: `[]`},
	{status: 200, contentType: inJSON, body: `"text"`},
	{status: 200, contentType: inJSON, body: `{"value":null,"error":null}`},
	{status: 200, contentType: inJSON, body: `{"value":[null],"id":null,"properties":null}`},
	{status: 200, contentType: inJSON, body: `{"error":"` + Echo + `"}`},
	{status: 302, contentType: inHTML, body: page},
	{status: 307},
	{status: 308},
	{status: 400, contentType: inJSON, body: `{"error":{"code":"` + Echo + `","message":"` + Echo + `","innererror":{"code":"` + Echo + `"}}}`},
	{status: 400, contentType: inJSON, body: `{"code":"` + Echo + `","message":"` + Echo + `","typeKey":"` + Echo + `"}`},
	{status: 400, contentType: "text/plain", body: Echo},
	{status: 400, contentType: inJSON, body: `{"error":{"code":"` + strings.Repeat("C", 95) + Echo + `","message":"` + strings.Repeat("m", 385) + Echo + `"}}`},
	{status: 500, contentType: inJSON, body: `{"error":{"message":"` + strings.Repeat("m", 785) + Echo + `"}}`},
	{status: 400, contentType: inJSON, body: `{"error":{"code":"` + wordy + `","message":"` + wordy + `","innererror":{"code":"` + wordy + `"}}}`},
	{status: 500, contentType: inJSON, body: `{"code":"` + wordy + `","message":"` + wordy + `","typeKey":"` + wordy + `"}`},
	{status: 401, contentType: inJSON, body: `{"error":{"code":"Unauthorized","message":null}}`},
	{status: 403, contentType: inHTML, body: page},
	{status: 404, contentType: inJSON, body: `{"error":{"code":5,"message":["x"]}}`},
	{status: 409},
	{status: 412, contentType: inJSON, body: `{}`},
	{status: 429, retryAfter: "7", contentType: inJSON, body: `{"error":{"code":"TooManyRequests"}}`},
	{status: 429, retryAfter: "-1"},
	{status: 429, retryAfter: "1e300"},
	{status: 429, retryAfter: "Fri, 31 Dec 9999 23:59:59 GMT"},
	{status: 429, retryAfter: "soon"},
	{status: 500, contentType: inJSON, body: `{"error":{"code":"` + Echo + `"}}`},
	{status: 500, contentType: inJSON, body: `{"error":{"message":"x"}}`, endless: true},
	{status: 503, retryAfter: "0.5", contentType: inHTML, body: page},
}
