package runtimeapi

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

func (h *Host) serveURL(w http.ResponseWriter, r *http.Request) {
	event, requestID, err := urlEvent(w, r)
	if err != nil {
		return // the body is too large, or the client has disconnected
	}
	if !h.acquire(r.Context()) {
		writeError(w, http.StatusServiceUnavailable, "ServiceException", errStopping.Error())
		return
	}
	response, written := io.Pipe()
	go func() {
		defer h.release()
		got, err := h.invoke(requestID, event, written)
		if err == nil && got.failure != "" {
			err = fmt.Errorf("%s: %s", got.failure, got.payload)
		}
		written.CloseWithError(err) // nil ends the response normally
	}()
	body := bufio.NewReader(response)
	head, err := readPrelude(body)
	if err != nil {
		go io.Copy(io.Discard, body)
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

// urlEvent encodes the request for the function.
func urlEvent(w http.ResponseWriter, r *http.Request) (event []byte, requestID string, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		writeError(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", "the request is too large")
	}
	if err != nil {
		return nil, "", err
	}
	now := time.Now()
	e := events.LambdaFunctionURLRequest{
		Version: "2.0", RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host}, QueryStringParameters: map[string]string{},
		RequestContext: events.LambdaFunctionURLRequestContext{
			RequestID: uuid.NewString(), DomainName: r.Host, Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: "127.0.0.1", UserAgent: r.UserAgent(),
			},
		},
	}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for name, values := range r.URL.Query() {
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	e.Body, e.IsBase64Encoded = string(body), !isText(r.Header.Get("Content-Type"))
	if e.IsBase64Encoded {
		e.Body = base64.StdEncoding.EncodeToString(body)
	}
	event, err = json.Marshal(e)
	return event, e.RequestContext.RequestID, err
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

// flushWriter flushes after each write.
type flushWriter struct{ http.ResponseWriter }

func (f flushWriter) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	return n, errors.Join(err, http.NewResponseController(f.ResponseWriter).Flush())
}
