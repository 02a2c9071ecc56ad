package uploads

import (
	"testing"

	"triptych/e2e/pagetest"
)

func testStorage(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "page_asks_for_lasting_storage_after_a_picture_was_sent_and_ignores_a_refusal", func(t *testing.T) {
		p := h.Visit(t)
		pagetest.Evaluate[bool](p, `window.asked = 0, StorageManager.prototype.persist = async () => { asked++; throw new TypeError("refused"); }, true`)
		p.Choose(pagetest.Portrait)
		if n := pagetest.Evaluate[int](p, `asked`); n != 0 {
			t.Error("the page asks before a picture is sent")
		}
		p.Click("#send")
		p.WaitVisible(pagetest.AllDone, "#result")
		if n := pagetest.Evaluate[int](p, `asked`); n != 1 {
			t.Errorf("the page asked %d times, want once", n)
		}
	})
	for name, c := range map[string]struct{ refuse, says string }{
		"that_it_is_stored": {``, "this device keeps the picture"},
		"to_keep_the_page_open_if_IndexedDB_takes_no_image": {`if (entry.unsent?.blob) throw new DOMException("", "QuotaExceededError");`, "Keep this page open"},
		"to_keep_the_page_open_without_IndexedDB":           {`throw new DOMException("", "UnknownError");`, "Keep this page open"},
	} {
		pagetest.Parallel(t, "sender_of_a_waiting_picture_is_told_"+name, func(t *testing.T) {
			p := visitDeployedSite(t, h)
			responses{put: answerStatus(503)}.respondTo(p, h)
			pagetest.Evaluate[bool](p, `IDBObjectStore.prototype.put = ((put) => function (entry) { `+c.refuse+` return put.call(this, entry); })(IDBObjectStore.prototype.put), true`)
			p.Choose(pagetest.Portrait)
			p.Click("#send")
			p.WaitText("#title", "The upload waits")
			p.WaitText("#now", c.says)
		})
	}
}
