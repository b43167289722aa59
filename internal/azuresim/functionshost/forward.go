package functionshost

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// notForwarded are the headers that do not go on: .NET counts the first ones among
// the content's, of which the host sets only type and length, and the others belong
// to one connection.
var notForwarded = map[string]bool{
	"Allow": true, "Content-Disposition": true, "Content-Encoding": true, "Content-Language": true,
	"Content-Length": true, "Content-Location": true, "Content-Md5": true, "Content-Range": true,
	"Content-Type": true, "Expires": true, "Last-Modified": true,
	"Connection": true, "Expect": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// forward sends an outside request on and its answer back, both of them whole.
// https://github.com/Azure/azure-functions-host, HttpRequestExtensions.ToHttpRequestMessage
func (h *Host) forward(w http.ResponseWriter, r *http.Request, f function, path string) {
	body, err := forwardedBody(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := h.exchange(f, exchange{request: func(ctx context.Context, address string) (*http.Request, error) {
		return forwardedRequest(ctx, r, address, path, body), nil
	}})
	if err != nil {
		h.log.Error("invocation failed", "function", f.name, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer.copyTo(w)
}

// forwardedBody reads the body, if the client said how long it is.
func forwardedBody(r *http.Request) ([]byte, error) {
	if r.ContentLength <= 0 {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}

func forwardedRequest(ctx context.Context, r *http.Request, address, path string, body []byte) *http.Request {
	escaped := absolutePath(path)
	decoded, _ := url.PathUnescape(escaped) // it was escaped just now
	target := &url.URL{Scheme: "http", Host: address, Path: decoded, RawPath: escaped, RawQuery: forwardedQuery(r.URL.RawQuery)}
	req := (&http.Request{Method: r.Method, URL: target, Host: r.Host, Header: http.Header{}}).WithContext(ctx)
	for name, values := range r.Header {
		if !notForwarded[name] {
			req.Header[name] = values
		}
	}
	if len(body) > 0 {
		req.ContentLength = int64(len(body))
		req.Body = io.NopCloser(bytes.NewReader(body))
		if kind := r.Header.Get("Content-Type"); kind != "" {
			req.Header.Set("Content-Type", kind)
		}
	}
	addHostHeaders(req.Header)
	return req
}

func (r reply) copyTo(w http.ResponseWriter) {
	for name, values := range r.header {
		if !strings.EqualFold(name, "Connection") && !strings.EqualFold(name, "Transfer-Encoding") {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(r.status)
	w.Write(r.content)
}
