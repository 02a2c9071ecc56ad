package journey

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// A webDriver executes WebDriver commands (https://www.w3.org/TR/webdriver2/).
type webDriver interface {
	command(ctx context.Context, name string, params map[string]any, result any) error
}

type httpDriver struct{ url string }

// newHTTPSession talks to a driver program such as chromedriver, which listens at url.
func newHTTPSession(ctx context.Context, url string, capabilities map[string]any) (*httpDriver, error) {
	d := &httpDriver{url + "/session"}
	var session struct{ SessionID string }
	params := map[string]any{"capabilities": map[string]any{"alwaysMatch": capabilities}}
	if err := d.command(ctx, "NewSession", params, &session); err != nil {
		return nil, err
	}
	d.url += "/" + session.SessionID
	return d, nil
}

var endpoints = map[string]struct{ method, path string }{
	"NewSession":         {http.MethodPost, ""},
	"DeleteSession":      {http.MethodDelete, ""},
	"SetWindowRect":      {http.MethodPost, "/window/rect"},
	"GetWindowHandle":    {http.MethodGet, "/window"},
	"GetWindowHandles":   {http.MethodGet, "/window/handles"},
	"NewWindow":          {http.MethodPost, "/window/new"},
	"SwitchToWindow":     {http.MethodPost, "/window"},
	"CloseWindow":        {http.MethodDelete, "/window"},
	"Navigate":           {http.MethodPost, "/url"},
	"Refresh":            {http.MethodPost, "/refresh"},
	"Back":               {http.MethodPost, "/back"},
	"FindElement":        {http.MethodPost, "/element"},
	"ElementClick":       {http.MethodPost, "/element/{id}/click"},
	"ElementSendKeys":    {http.MethodPost, "/element/{id}/value"},
	"ExecuteAsyncScript": {http.MethodPost, "/execute/async"},

	// https://chromium.googlesource.com/chromium/src/+/main/chrome/test/chromedriver/server/http_handler.cc
	"SetNetworkConditions": {http.MethodPost, "/chromium/network_conditions"},
}

func (d *httpDriver) command(ctx context.Context, name string, params map[string]any, result any) error {
	endpoint, known := endpoints[name]
	if !known {
		return fmt.Errorf("WebDriver has no command %s", name)
	}
	return d.send(ctx, endpoint.method, strings.ReplaceAll(endpoint.path, "{id}", fmt.Sprint(params["id"])), params, result)
}

func (d *httpDriver) send(ctx context.Context, method, path string, params map[string]any, result any) error {
	var body io.Reader
	if method == http.MethodPost {
		content, err := json.Marshal(params)
		if err != nil {
			return err
		}
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("reading the driver's answer %s: %w", res.Status, err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, answer.Value)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, result)
}

// A marionette talks to Firefox: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html.
type marionette struct {
	conn net.Conn
	in   *bufio.Reader
	sent int
}

func dialMarionette(address string) (*marionette, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	m := &marionette{conn: conn, in: bufio.NewReader(conn)}
	if _, err := m.read(); err != nil { // the greeting
		conn.Close()
		return nil, fmt.Errorf("reading Marionette's greeting: %w", err)
	}
	return m, nil
}

func (m *marionette) command(ctx context.Context, name string, params map[string]any, result any) error {
	stop := context.AfterFunc(ctx, func() { m.conn.Close() })
	defer stop()
	if !strings.Contains(name, ":") {
		name = "WebDriver:" + name
	}
	if params == nil {
		params = map[string]any{}
	}
	m.sent++
	message, err := json.Marshal([]any{0, m.sent, name, params})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(m.conn, "%d:%s", len(message), message); err != nil {
		return err
	}
	answer, err := m.read()
	if err != nil {
		return err
	}
	var failure *struct{ Error, Message string }
	var value json.RawMessage
	if err := json.Unmarshal(answer, &[]any{new(int), new(int), &failure, &value}); err != nil {
		return fmt.Errorf("reading Marionette's answer %s: %w", answer, err)
	}
	if failure != nil {
		return fmt.Errorf("%s: %s: %s", name, failure.Error, failure.Message)
	}
	if result == nil {
		return nil
	}
	var wrapped struct{ Value json.RawMessage } // Marionette does not wrap arrays and some objects
	if err := json.Unmarshal(value, &wrapped); err == nil && wrapped.Value != nil {
		value = wrapped.Value
	}
	return json.Unmarshal(value, result)
}

func (m *marionette) read() ([]byte, error) {
	length, err := m.in.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil {
		return nil, err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(m.in, message)
	return message, err
}
