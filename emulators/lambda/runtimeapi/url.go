package runtimeapi

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
)

// A streamed response consists of JSON such as {"statusCode":200}, eight NUL bytes and the body.
const streamed = "application/vnd.awslambda.http-integration-response"

// URL serves the function URL (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html) in the invoke mode
// RESPONSE_STREAM, without authorization.
func (h *Host) URL() http.Handler { return http.HandlerFunc(h.serveURL) }

var errBuffered = errors.New("the function returned a buffered response: stream it, in Go with the package lambdaurl of aws-lambda-go and the build tag lambda.norpc")

func (h *Host) serveURL(w http.ResponseWriter, r *http.Request) {
	i := &invocation{requestID: uuid.NewString(), traceID: cmp.Or(r.Header.Get(traceHeader), newTraceID())}
	var err error
	if i.payload, err = h.urlEvent(w, r, i); err != nil {
		return // the body is too large, or the client has disconnected
	}
	if !h.acquire(r.Context()) {
		writeError(w, http.StatusServiceUnavailable, "ServiceException", errStopping.Error())
		return
	}
	response, written := io.Pipe()
	i.stream = written
	go func() {
		defer h.release()
		got, err := h.invoke(i)
		if err == nil && got.failure != "" {
			err = fmt.Errorf("%s: %s", got.failure, got.payload)
		} else if err == nil && !got.streamed {
			err = errBuffered
		}
		written.CloseWithError(err) // nil ends the response normally
	}()
	body := bufio.NewReader(response)
	head, err := readPrelude(body)
	if err != nil {
		go io.Copy(io.Discard, body)
		slog.Error("a request to the function URL failed with 502", "function", h.Name, "request", i.requestID, "error", err)
		writeError(w, http.StatusBadGateway, "Runtime.Error", "Internal Server Error")
		return
	}
	head.send(w)
	_, err = io.Copy(flushWriter{w}, body)
	if err == nil {
		return
	}
	go io.Copy(io.Discard, body) // if the client has disconnected, the function still finishes
	panic(http.ErrAbortHandler)  // if the function failed, the client sees an incomplete response
}

// urlRequest adds the fields that AWS sends with fixed values.
type urlRequest struct {
	events.LambdaFunctionURLRequest
	RouteKey       string            `json:"routeKey"`
	RequestContext urlRequestContext `json:"requestContext"`
}

type urlRequestContext struct {
	events.LambdaFunctionURLRequestContext
	RouteKey string `json:"routeKey"`
	Stage    string `json:"stage"`
}

// urlEvent encodes the request for the function.
func (h *Host) urlEvent(w http.ResponseWriter, r *http.Request, i *invocation) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		writeError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", "the request is too large")
	}
	if err != nil {
		return nil, err
	}
	now := time.Now()
	e := events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host}, QueryStringParameters: map[string]string{},
	}
	context := events.LambdaFunctionURLRequestContext{
		AccountID: "anonymous", RequestID: i.requestID, APIID: h.Name, DomainName: r.Host, DomainPrefix: h.Name,
		Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{
			Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: "127.0.0.1", UserAgent: r.UserAgent(),
		},
	}
	for name, values := range r.Header {
		separator := ","
		if name == "Cookie" {
			separator = "; "
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, separator)
	}
	e.Headers[strings.ToLower(traceHeader)] = i.traceID
	for _, header := range r.Header["Cookie"] {
		e.Cookies = append(e.Cookies, strings.Split(header, "; ")...)
	}
	for name, values := range r.URL.Query() {
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	e.Body, e.IsBase64Encoded = string(body), len(body) > 0 && !isText(r.Header.Get("Content-Type"))
	if e.IsBase64Encoded {
		e.Body = base64.StdEncoding.EncodeToString(body)
	}
	return json.Marshal(urlRequest{e, "$default", urlRequestContext{context, "$default", "$default"}})
}

func isText(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/javascript" || kind == "application/xml")
}

type prelude struct {
	StatusCode int
	Headers    map[string]string
	Cookies    []string
}

func readPrelude(r *bufio.Reader) (prelude, error) {
	var p prelude
	doc, err := r.ReadBytes(0)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(doc[:len(doc)-1], &p); err != nil {
		return p, err
	}
	p.StatusCode = cmp.Or(p.StatusCode, http.StatusOK)
	if p.StatusCode < 200 || p.StatusCode > 599 { // net/http panics for some of these
		return p, fmt.Errorf("the function returned the status %d", p.StatusCode)
	}
	_, err = r.Discard(7)
	return p, err
}

func (p prelude) send(w http.ResponseWriter) {
	for name, value := range p.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range p.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(p.StatusCode)
}

type flushWriter struct{ http.ResponseWriter }

func (f flushWriter) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	return n, errors.Join(err, http.NewResponseController(f.ResponseWriter).Flush())
}
