package uploads

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/fetch"

	"triptych/e2e/pagetest"
)

func testStoredGrant(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "refused_grant_whose_picture_is_erased_is_replaced", func(t *testing.T) {
		p := h.Visit(t)
		var grants, puts atomic.Int32
		p.Intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			switch {
			case r.Request.Method == "POST":
				grants.Add(1)
				request.Pass()
			case r.Request.Method == "PUT" && puts.Add(1) == 1:
				request.RespondStatus(403)
			case strings.HasSuffix(r.Request.URL, "/events") && grants.Load() < 2:
				request.RespondStatus(503)
			case strings.Contains(r.Request.URL, "/api/pictures/") && r.Request.Method == "GET" && grants.Load() < 2:
				request.RespondJSON(`{"status": "erased", "steps": []}`)
			default:
				request.Pass()
			}
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#result")
		if n := puts.Load(); n != 2 {
			t.Errorf("%d PUTs, want 2", n)
		}
		expectOnePicture(p)
	})
	pagetest.Parallel(t, "grant_is_stored_before_the_upload_and_replaced_and_removed_in_one_transaction", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `(() => {
			window.committed = [];
			const open = IDBDatabase.prototype.transaction;
			IDBDatabase.prototype.transaction = function (...parameters) {
				const transaction = open.apply(this, parameters);
				transaction.steps = [];
				transaction.addEventListener("complete", () => committed.push(transaction.steps.join()));
				return transaction;
			};
			const record = (method, describe) => {
				const original = IDBObjectStore.prototype[method];
				IDBObjectStore.prototype[method] = function (value) {
					this.transaction.steps.push(describe(value));
					return original.call(this, value);
				};
			};
			record("put", ({erasing, unsent}) => erasing ? "erase" : unsent?.granted ? "granted" : "put");
			record("delete", () => "delete");
			const send = XMLHttpRequest.prototype.send;
			XMLHttpRequest.prototype.send = function (body) {
				committed.push("PUT");
				send.call(this, body);
			};
			return true;
		})()`)
		var puts atomic.Int32
		second := make(chan bool, 1)
		p.Intercept(h.Endpoints.S3+"/*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
			switch {
			case r.Request.Method != "PUT":
				request.Pass()
			case puts.Add(1) == 1:
				request.RespondStatus(403)
			default:
				second <- true
			}
		})
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, second)
		p.Click("#cancel")
		waitUntilStored(p, 0)
		steps := pagetest.Evaluate[[]string](p, `committed.filter((step) => step.includes("granted") || step === "PUT" || step.includes("delete") && step.includes("erase"))`)
		if want := []string{"granted", "PUT", "erase,granted", "PUT", "erase,delete"}; !slices.Equal(steps, want) {
			t.Errorf("the transactions and uploads are %q, want %q", steps, want)
		}
	})
}
