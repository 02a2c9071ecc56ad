package pagetest

import (
	"context"
	"encoding/json"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

func (p Tab) Emulate(feature, value string) {
	p.Helper()
	p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
		return chromedp.Void{}, err
	})
}

// SetLanguages must be called before the page is opened.
func (p Tab) SetLanguages(languages ...string) {
	p.Helper()
	list, err := json.Marshal(languages)
	if err != nil {
		p.Fatal(err)
	}
	p.AddInitScript(`for (const [name, value] of Object.entries({languages: ` + string(list) + `, language: ` + string(list) + `?.[0]})) {
		Object.defineProperty(Navigator.prototype, name, {get: () => value});
	}`)
}
