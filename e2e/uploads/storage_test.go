package uploads

import (
	"testing"

	"triptych/e2e/pagetest"
)

func testStorage(t *testing.T, h pagetest.Env) {
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
