package uploads

import (
	"testing"

	"github.com/chromedp/chromedp"

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
	pagetest.Parallel(t, "picture_is_sent_although_a_transaction_of_another_tab_does_not_end_and_is_stored_afterwards", func(t *testing.T) {
		other := h.Visit(t)
		p := h.OpenBeside(t, other)
		p.AddInitScript(`window.setTimeout = ((wait) => (then, ms) => wait(then, ms === 3000 ? 300 : ms))(setTimeout)`)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#open-camera")
		pagetest.Evaluate[bool](other, `idb.openDB("triptych", 1).then((db) => {
			const store = idb.unwrap(db).transaction("pictures", "readwrite").objectStore("pictures");
			const repeat = () => window.ended || (store.get("").onsuccess = repeat);
			repeat();
			return true;
		})`)
		p.Send()
		p.Click("#another")
		p.WaitVisible("#pictures img")
		sent, _ := holdUploads(p, h)
		p.Choose(pagetest.Portrait)
		p.Click("#send")
		pagetest.Receive(p, sent)
		p.Click("#cancel")
		p.WaitText("#notice p", "Cancelled")
		pagetest.Evaluate[bool](other, `window.ended = true`)
		waitUntilStored(p, 1)
		p.Do(chromedp.Navigate(p.Site+"/?"), chromedp.WaitVisible("#pictures img"))
	})
}
