package pagetest

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// Intercept keeps each matching request pending until handle responds.
func (p Tab) Intercept(pattern string, stage fetch.RequestStage, handle func(*fetch.EventRequestPaused, PausedRequest)) {
	p.Helper()
	err := chromedp.Listen(p.Ctx, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			go handle(paused, PausedRequest{p, paused.RequestID})
		}
	})
	if err != nil {
		p.Fatal(err)
	}
	p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern, RequestStage: stage}}})
		return chromedp.Void{}, err
	})
}

type PausedRequest struct {
	tab Tab
	ID  fetch.RequestID
}

func (r PausedRequest) Pass() {
	Respond(r, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: r.ID})
}

func (r PausedRequest) Reset() {
	Respond(r, fetch.FailRequest, fetch.FailRequestParams{RequestID: r.ID, ErrorReason: "ConnectionReset"})
}

func (r PausedRequest) RespondStatus(status int64) {
	Respond(r, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: r.ID, ResponseCode: status,
		ResponseHeaders: []*fetch.HeaderEntry{
			{Name: "Access-Control-Allow-Origin", Value: "*"}, {Name: "Access-Control-Allow-Methods", Value: "*"}, {Name: "Access-Control-Allow-Headers", Value: "*"}}})
}

func (r PausedRequest) RespondJSON(json string) {
	Respond(r, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: r.ID, ResponseCode: 200, Body: []byte(json)})
}

func Respond[P, R any](r PausedRequest, command cdp.Command[P, R], params P) {
	// Ignore the error, because the tab may be closing.
	chromedp.Run(r.tab.Ctx, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) })
}

// Receive fails the test if nothing is sent before the tab's timeout.
func Receive[T any](p Tab, sent <-chan T) T {
	p.Helper()
	select {
	case value := <-sent:
		return value
	case <-p.Ctx.Done():
		p.Fatal("the page did not send the expected request")
		panic("unreachable")
	}
}
