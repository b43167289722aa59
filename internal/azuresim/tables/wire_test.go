package tables_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/tables"
)

// reply is an answer as it came over the wire.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) code(t *testing.T) string {
	t.Helper()
	var body struct {
		Error struct {
			Code    string
			Message struct{ Lang, Value string }
		} `json:"odata.error"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &body), r.body)
	assert.Equal(t, "en-US", body.Error.Message.Lang)
	assert.Contains(t, body.Error.Message.Value, "\nRequestId:"+r.header.Get("x-ms-request-id")+"\nTime:")
	return body.Error.Code
}

// accountKey is read from the connection string, as a client does.
func (f fixture) accountKey(t *testing.T) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(f.account.ConnectionString(f.address()), "AccountKey=")
	encoded, _, _ := strings.Cut(rest, ";")
	key, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)
	return key
}

func (f fixture) request(t *testing.T, method, path, body string, header http.Header) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.server.URL+"/devstoreaccount1"+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if request.Header.Get("x-ms-date") == "" {
		request.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
	}
	return request
}

// sign signs with Shared Key, which the Go SDK never does.
func (f fixture) sign(t *testing.T, request *http.Request, key []byte) {
	t.Helper()
	resource := "/devstoreaccount1" + request.URL.EscapedPath()
	if comp := request.URL.Query().Get("comp"); comp != "" {
		resource += "?comp=" + comp
	}
	text := strings.Join([]string{
		request.Method, request.Header.Get("Content-MD5"), request.Header.Get("Content-Type"), request.Header.Get("x-ms-date"), resource,
	}, "\n")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	request.Header.Set("Authorization", "SharedKey devstoreaccount1:"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func (f fixture) send(t *testing.T, request *http.Request) reply {
	t.Helper()
	response, err := f.server.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, response.Header, string(body)}
}

// call sends a signed request.
func (f fixture) call(t *testing.T, method, path, body string, header http.Header) reply {
	t.Helper()
	request := f.request(t, method, path, body, header)
	f.sign(t, request, f.accountKey(t))
	return f.send(t, request)
}

func with(pairs ...string) http.Header {
	header := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		header.Add(pairs[i], pairs[i+1])
	}
	return header
}

func TestSignaturesAreVerified(t *testing.T) {
	f := start(t, tables.Options{})
	at := func(shift time.Duration) http.Header {
		return with("x-ms-date", time.Now().Add(shift).UTC().Format(http.TimeFormat))
	}
	for name, test := range map[string]struct {
		header http.Header
		key    []byte
		change func(*http.Request)
		status int
	}{
		"a good signature":             {at(0), f.accountKey(t), nil, http.StatusOK},
		"a content type is signed too": {with("Content-Type", "application/json"), f.accountKey(t), nil, http.StatusOK},
		"a clock 14 minutes behind":    {at(-14 * time.Minute), f.accountKey(t), nil, http.StatusOK},
		"a clock 14 minutes ahead":     {at(14 * time.Minute), f.accountKey(t), nil, http.StatusOK},
		"a clock 16 minutes behind":    {at(-16 * time.Minute), f.accountKey(t), nil, http.StatusForbidden},
		"a clock 16 minutes ahead":     {at(16 * time.Minute), f.accountKey(t), nil, http.StatusForbidden},
		"no date worth the name":       {with("x-ms-date", "now"), f.accountKey(t), nil, http.StatusForbidden},
		"another key":                  {at(0), []byte("another"), nil, http.StatusForbidden},
		"a path changed afterwards": {at(0), f.accountKey(t), func(r *http.Request) {
			r.URL.Path = "/devstoreaccount1/Tables('x')"
		}, http.StatusForbidden},
		"a date changed afterwards": {at(0), f.accountKey(t), func(r *http.Request) {
			r.Header.Set("x-ms-date", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
		}, http.StatusForbidden},
		"no signature": {at(0), f.accountKey(t), func(r *http.Request) {
			r.Header.Del("Authorization")
		}, http.StatusForbidden},
		"another account": {at(0), f.accountKey(t), func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "devstoreaccount1", "devstoreaccount2", 1))
		}, http.StatusForbidden},
		"a bearer token": {at(0), f.accountKey(t), func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer x")
		}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			request := f.request(t, http.MethodGet, "/Tables", "", test.header)
			f.sign(t, request, test.key)
			if test.change != nil {
				test.change(request)
			}
			got := f.send(t, request)
			assert.Equal(t, test.status, got.status, got.body)
			if test.status == http.StatusForbidden {
				assert.Equal(t, "AuthenticationFailed", got.code(t))
			}
		})
	}
}

func TestTheDateHeaderServesWithoutXMSDate(t *testing.T) {
	f := start(t, tables.Options{})
	request := f.request(t, http.MethodGet, "/Tables", "", nil)
	f.sign(t, request, f.accountKey(t))
	request.Header.Set("Date", request.Header.Get("x-ms-date"))
	request.Header.Del("x-ms-date")
	assert.Equal(t, http.StatusOK, f.send(t, request).status)
}

const row = "/orders(PartitionKey='p',RowKey='r')"

// withRow is an account with one table and one row.
func withRow(t *testing.T, body string) fixture {
	t.Helper()
	f := start(t, tables.Options{})
	require.Equal(t, http.StatusCreated, f.call(t, http.MethodPost, "/Tables", `{"TableName":"orders"}`, nil).status)
	got := f.call(t, http.MethodPost, "/orders", body, with("Content-Type", "application/json"))
	require.Equal(t, http.StatusCreated, got.status, got.body)
	return f
}

func TestMetadataLevels(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r","N":1,"D":2.0,"Whole@odata.type":"Edm.Double","Whole":3,
		"L":"4","L@odata.type":"Edm.Int64","At@odata.type":"Edm.DateTime","At":"2026-01-02T03:04:05Z",
		"Inf@odata.type":"Edm.Double","Inf":"-Infinity","Null":null,"odata.etag":"ignored","Timestamp":"ignored"}`)
	stamp := f.account.Dump()["orders"][0]
	base := f.server.URL + "/devstoreaccount1"
	at := stamp.Timestamp.Format("2006-01-02T15:04:05.9999999Z")
	quoted, err := json.Marshal(stamp.ETag)
	require.NoError(t, err)
	for level, want := range map[string]string{
		"nometadata": `{"PartitionKey":"p","RowKey":"r","Timestamp":"` + at + `",
			"At":"2026-01-02T03:04:05Z","D":2.0,"Inf":"-Infinity","L":"4","N":1,"Whole":3.0}`,
		"minimalmetadata": `{"odata.metadata":"` + base + `/$metadata#orders/@Element","odata.etag":` + string(quoted) + `,
			"PartitionKey":"p","RowKey":"r","Timestamp":"` + at + `","At@odata.type":"Edm.DateTime","At":"2026-01-02T03:04:05Z",
			"D":2.0,"Inf@odata.type":"Edm.Double","Inf":"-Infinity","L@odata.type":"Edm.Int64","L":"4","N":1,"Whole":3.0}`,
		"fullmetadata": `{"odata.metadata":"` + base + `/$metadata#orders/@Element","odata.type":"devstoreaccount1.orders",
			"odata.id":"` + base + row + `","odata.etag":` + string(quoted) + `,"odata.editLink":"` + row[1:] + `",
			"PartitionKey":"p","RowKey":"r","Timestamp@odata.type":"Edm.DateTime","Timestamp":"` + at + `",
			"At@odata.type":"Edm.DateTime","At":"2026-01-02T03:04:05Z",
			"D":2.0,"Inf@odata.type":"Edm.Double","Inf":"-Infinity","L@odata.type":"Edm.Int64","L":"4","N":1,"Whole":3.0}`,
	} {
		t.Run(level, func(t *testing.T) {
			want := strings.NewReplacer("\n", "", "\t", "").Replace(want)
			got := f.call(t, http.MethodGet, row, "", with("Accept", "application/json;odata="+level))
			assert.Equal(t, want, got.body)
			assert.Equal(t, "application/json;odata="+level+";streaming=true;charset=utf-8", got.header.Get("Content-Type"))
			assert.Equal(t, stamp.ETag, got.header.Get("ETag"))

			byFormat := f.call(t, http.MethodGet, row+"?$format=application/json%3Bodata%3D"+level, "", with("Accept", "application/json"))
			assert.Equal(t, want, byFormat.body, "$format decides over Accept")
		})
	}
}

func TestSelectShowsWhatIsMissingAsNull(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r","N":1,"M":2}`)
	for path, want := range map[string]string{
		row + "?$select=N,%20Missing":    `{"N":1,"Missing":null}`,
		"/orders?$select=RowKey,N":       `{"value":[{"RowKey":"r","N":1}]}`,
		"/orders()?$select=PartitionKey": `{"value":[{"PartitionKey":"p"}]}`,
		"/Tables":                        `{"value":[{"TableName":"orders"}]}`,
		"/Tables('ORDERS')":              `{"TableName":"orders"}`,
	} {
		assert.Equal(t, want, f.call(t, http.MethodGet, path, "", with("Accept", "application/json;odata=nometadata")).body)
	}
}

func TestPreferDecidesWhatAnInsertAnswers(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r"}`)
	silent := f.call(t, http.MethodPost, "/orders", `{"PartitionKey":"p","RowKey":"s"}`, with("Prefer", "return-no-content"))
	assert.Equal(t, http.StatusNoContent, silent.status)
	assert.Equal(t, "return-no-content", silent.header.Get("Preference-Applied"))
	assert.Equal(t, f.server.URL+"/devstoreaccount1/orders(PartitionKey='p',RowKey='s')", silent.header.Get("DataServiceId"))
	assert.NotEmpty(t, silent.header.Get("ETag"))
	assert.Empty(t, silent.body)

	loud := f.call(t, http.MethodPost, "/orders", `{"PartitionKey":"p","RowKey":"t"}`, with("Prefer", "return-content", "x-ms-client-request-id", "mine"))
	assert.Equal(t, http.StatusCreated, loud.status)
	assert.Equal(t, "return-content", loud.header.Get("Preference-Applied"))
	assert.Equal(t, "mine", loud.header.Get("x-ms-client-request-id"))
	assert.Contains(t, loud.body, `"RowKey":"t"`)

	table := f.call(t, http.MethodPost, "/Tables", `{"TableName":"quiet"}`, with("Prefer", "return-no-content"))
	assert.Equal(t, http.StatusNoContent, table.status)
}

func TestMethodsMayBeTunneled(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r","A":"1"}`)
	for _, step := range []struct {
		method, tunneled string
		want             map[string]any
	}{
		{http.MethodPost, "MERGE", map[string]any{"A": "1", "B": "2"}},
		{"MERGE", "", map[string]any{"A": "1", "B": "2"}},
		{http.MethodPost, "PUT", map[string]any{"B": "2"}},
	} {
		header := http.Header{}
		if step.tunneled != "" {
			header.Set("X-HTTP-Method", step.tunneled)
		}
		got := f.call(t, step.method, row, `{"B":"2"}`, header)
		assert.Equal(t, http.StatusNoContent, got.status, got.body)
		assert.Equal(t, step.want, f.account.Dump()["orders"][0].Properties)
	}
	assert.Equal(t, "XMethodNotUsingPost", f.call(t, http.MethodPut, row, `{}`, with("X-HTTP-Method", "MERGE")).code(t))
	assert.Equal(t, "XMethodIncorrectValue", f.call(t, http.MethodPost, row, `{}`, with("X-HTTP-Method", "GET")).code(t))
	assert.Equal(t, "XMethodIncorrectCount", f.call(t, http.MethodPost, row, `{}`, with("X-HTTP-Method", "PUT", "X-HTTP-Method", "MERGE")).code(t))

	got := f.call(t, http.MethodPost, row, "", with("X-HTTP-Method", "DELETE", "If-Match", "*"))
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Empty(t, f.account.Dump()["orders"])
}

func TestKeysInAnUpdatesBodyAreIgnored(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r"}`)
	got := f.call(t, http.MethodPut, "/orders(RowKey='r',PartitionKey='p')", `{"PartitionKey":"x","RowKey":"y","A":true}`, nil)
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Equal(t, got.header.Get("ETag"), f.account.Dump()["orders"][0].ETag)
	assert.Equal(t, map[string]any{"A": true}, f.account.Dump()["orders"][0].Properties)
}

func TestErrorsAreXMLForThoseWhoAsk(t *testing.T) {
	f := start(t, tables.Options{})
	got := f.call(t, http.MethodDelete, "/Tables('none')", "", with("Accept", "application/xml"))
	assert.Equal(t, "application/xml", got.header.Get("Content-Type"))
	assert.Contains(t, got.body, `<code>ResourceNotFound</code><message xml:lang="en-US">The specified resource does not exist.`)

	atom := f.call(t, http.MethodGet, "/Tables", "", with("Accept", "application/atom+xml"))
	assert.Equal(t, http.StatusUnsupportedMediaType, atom.status)
	assert.Contains(t, atom.body, "<code>AtomFormatNotSupported</code>")
}

func TestRequestsAreRefused(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r"}`)
	for name, test := range map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		code               string
	}{
		"a deletion without If-Match":  {http.MethodDelete, row, "", nil, 400, "MissingRequiredHeader"},
		"an ETag of another form":      {http.MethodPut, row, "{}", with("If-Match", "abc"), 400, "InvalidInput"},
		"an insert to a row":           {http.MethodPost, row, "{}", nil, 405, "MethodNotAllowed"},
		"an update of a table":         {http.MethodPut, "/orders", "{}", nil, 405, "MethodNotAllowed"},
		"a batch that is read":         {http.MethodGet, "/$batch", "", nil, 405, "MethodNotAllowed"},
		"an address with one key":      {http.MethodGet, "/orders(PartitionKey='p')", "", nil, 400, "InvalidUri"},
		"a key with a bare quote":      {http.MethodGet, "/orders(PartitionKey='p',RowKey='a'b')", "", nil, 400, "InvalidUri"},
		"no resource":                  {http.MethodGet, "/", "", nil, 400, "InvalidUri"},
		"an access policy":             {http.MethodGet, "/orders?comp=acl", "", nil, 501, "NotImplemented"},
		"a page of 1001":               {http.MethodGet, "/orders?$top=1001", "", nil, 400, "InvalidInput"},
		"a page of less than nothing":  {http.MethodGet, "/orders?$top=-1", "", nil, 400, "InvalidInput"},
		"a token that is not ours":     {http.MethodGet, "/orders?NextPartitionKey=x", "", nil, 400, "InvalidInput"},
		"a table without a name":       {http.MethodPost, "/Tables", "{}", nil, 400, "PropertiesNeedValue"},
		"a table that is no object":    {http.MethodPost, "/Tables", "[", nil, 400, "InvalidInput"},
		"a slash in a key's address":   {http.MethodGet, "/orders(PartitionKey='p',RowKey='a%2Fb')", "", nil, 400, "OutOfRangeInput"},
		"a request beyond 4 MiB":       {http.MethodPost, "/orders", strings.Repeat(" ", 4<<20+1), nil, 413, "RequestBodyTooLarge"},
		"a batch that is JSON":         {http.MethodPost, "/$batch", "x", with("Content-Type", "application/json"), 400, "InvalidInput"},
		"a batch without a change set": {http.MethodPost, "/$batch", "--b--", with("Content-Type", "multipart/mixed; boundary=b"), 400, "InvalidInput"},
		"a query in a batch": {
			http.MethodPost, "/$batch", "--b\r\nContent-Type: application/http\r\n\r\nGET /devstoreaccount1/orders HTTP/1.1\r\n\r\n\r\n--b--\r\n",
			with("Content-Type", "multipart/mixed; boundary=b"), 501, "NotImplemented",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := f.call(t, test.method, test.path, test.body, test.header)
			assert.Equal(t, test.status, got.status, got.body)
			assert.Equal(t, test.code, got.code(t))
		})
	}
}

func TestInsertsAreChecked(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r"}`)
	keys := `"PartitionKey":"p","RowKey":"new"`
	for name, test := range map[string]struct {
		body string
		code string
	}{
		"no row key":               {`{"PartitionKey":"p"}`, "PropertiesNeedValue"},
		"a null key":               {`{"PartitionKey":null,"RowKey":"r"}`, "PropertiesNeedValue"},
		"a number as a key":        {`{"PartitionKey":"p","RowKey":1}`, "PropertiesNeedValue"},
		"no object":                {`[]`, "InvalidInput"},
		"half an object":           {`{` + keys, "InvalidInput"},
		"two objects":              {`{` + keys + `}{}`, "InvalidInput"},
		"a nested object":          {`{` + keys + `,"A":{}}`, "InvalidInput"},
		"a list":                   {`{` + keys + `,"A":[1]}`, "InvalidInput"},
		"a name twice":             {`{` + keys + `,"A":1,"A":2}`, "DuplicatePropertiesSpecified"},
		"an unknown type":          {`{` + keys + `,"A":"1","A@odata.type":"Edm.Single"}`, "InvalidInput"},
		"a value of another type":  {`{` + keys + `,"A":"x","A@odata.type":"Edm.Int64"}`, "InvalidInput"},
		"a wrong guid":             {`{` + keys + `,"A":"x","A@odata.type":"Edm.Guid"}`, "InvalidInput"},
		"an int32 too big":         {`{` + keys + `,"A":2147483648,"A@odata.type":"Edm.Int32"}`, "OutOfRangeInput"},
		"a date before the first":  {`{` + keys + `,"A":"1600-01-01T00:00:00Z","A@odata.type":"Edm.DateTime"}`, "OutOfRangeInput"},
		"a name with a dash":       {`{` + keys + `,"a-b":1}`, "PropertyNameInvalid"},
		"a name that is a number":  {`{` + keys + `,"1":1}`, "PropertyNameInvalid"},
		"a name of 256":            {`{` + keys + `,"` + strings.Repeat("a", 256) + `":1}`, "PropertyNameTooLong"},
		"a slash in a key":         {`{"PartitionKey":"a/b","RowKey":"r"}`, "OutOfRangeInput"},
		"a backslash in a key":     {`{"PartitionKey":"a\\b","RowKey":"r"}`, "OutOfRangeInput"},
		"a hash in a key":          {`{"PartitionKey":"p","RowKey":"a#b"}`, "OutOfRangeInput"},
		"a question mark in a key": {`{"PartitionKey":"p","RowKey":"a?b"}`, "OutOfRangeInput"},
		"a tab in a key":           {`{"PartitionKey":"p","RowKey":"a\tb"}`, "OutOfRangeInput"},
		"a C1 control in a key":    {`{"PartitionKey":"p","RowKey":"a\u0085b"}`, "OutOfRangeInput"},
		"a key of 513":             {`{"PartitionKey":"p","RowKey":"` + strings.Repeat("k", 513) + `"}`, "KeyValueTooLarge"},
		"a string of 32K and one":  {`{` + keys + `,"A":"` + strings.Repeat("a", 32<<10+1) + `"}`, "PropertyValueTooLarge"},
		"253 properties":           {`{` + keys + many(253, "1") + `}`, "TooManyProperties"},
		"more than 1 MiB":          {`{` + keys + many(17, `"`+strings.Repeat("a", 31<<10)+`"`) + `}`, "EntityTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			got := f.call(t, http.MethodPost, "/orders", test.body, nil)
			assert.Equal(t, http.StatusBadRequest, got.status)
			assert.Equal(t, test.code, got.code(t))
			assert.Len(t, f.account.Dump()["orders"], 1)
		})
	}
}

func TestTheLimitsThemselvesAreAllowed(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r"}`)
	keys := `"PartitionKey":"p","RowKey":"`
	for name, body := range map[string]string{
		"a key of 512":      `{` + keys + strings.Repeat("k", 512) + `"}`,
		"a string of 32K":   `{` + keys + `string","A":"` + strings.Repeat("ä", 32<<10) + `"}`,
		"252 properties":    `{` + keys + `many"` + many(252, "1") + `}`,
		"a name of 255":     `{` + keys + `name","` + strings.Repeat("a", 255) + `":1}`,
		"just below 1 MiB":  `{` + keys + `big"` + many(16, `"`+strings.Repeat("a", 32<<10-100)+`"`) + `}`,
		"an entity of keys": `{` + keys + `keys"}`,
	} {
		got := f.call(t, http.MethodPost, "/orders", body, nil)
		assert.Equal(t, http.StatusCreated, got.status, name)
	}
}

func TestAMergeMayNotOutgrowTheLimits(t *testing.T) {
	f := withRow(t, `{"PartitionKey":"p","RowKey":"r"`+many(200, "1")+`}`)
	got := f.call(t, http.MethodPatch, row, `{"Z":1`+strings.ReplaceAll(many(60, "1"), "P", "Q")+`}`, nil)
	assert.Equal(t, "TooManyProperties", got.code(t))
	assert.Len(t, f.account.Dump()["orders"][0].Properties, 200)
}

func many(n int, value string) string {
	var list strings.Builder
	for i := range n {
		list.WriteString(`,"P` + strings.Repeat("x", i%7) + string(rune('a'+i/26)) + string(rune('a'+i%26)) + `":` + value)
	}
	return list.String()
}

// Other SDKs write batches in ways that Go's does not.
func TestBatchesOfOtherClientsAreRead(t *testing.T) {
	for name, body := range map[string]string{
		"lines end without a carriage return": "--b\nContent-Type: multipart/mixed; boundary=c\n\n" +
			"--c\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n" +
			"POST /devstoreaccount1/orders HTTP/1.1\n\n{\"PartitionKey\":\"p\",\"RowKey\":\"s\"}\n--c--\n--b--\n",
		"blank lines, a quoted boundary, lower case": "\r\n--b\r\ncontent-type: multipart/mixed; boundary=\"c\"\r\n\r\n\r\n" +
			"--c\r\ncontent-type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n" +
			"POST http://elsewhere:1/devstoreaccount1/orders HTTP/1.1\r\naccept: application/json\r\n\r\n{\"PartitionKey\":\"p\",\"RowKey\":\"s\"}\r\n\r\n--c--\r\n--b--",
		"an upsert": "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n" +
			"--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 7\r\n\r\n" +
			"MERGE /devstoreaccount1/orders(PartitionKey='p',RowKey='s') HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{}\r\n--c--\r\n--b--\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := withRow(t, `{"PartitionKey":"p","RowKey":"r"}`)
			got := f.call(t, http.MethodPost, "/$batch", body, with("Content-Type", "multipart/mixed; boundary=b"))
			assert.Equal(t, http.StatusAccepted, got.status, got.body)
			assert.Regexp(t, "HTTP/1.1 20[14] ", got.body)
			assert.Equal(t, strings.Contains(body, "Content-ID: 7"), strings.Contains(got.body, "Content-Id: 7"))
			require.Len(t, f.account.Dump()["orders"], 2)
			assert.Equal(t, "s", f.account.Dump()["orders"][1].RowKey)
		})
	}
}
