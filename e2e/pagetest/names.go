package pagetest

import (
	"context"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// ExpectNames fails the test unless elements with the role have these accessible names and every control has a name.
func (p Tab) ExpectNames(role string, names ...string) {
	p.Helper()
	tree, err := chromedp.Run(p.Ctx, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		p.Fatal(err)
	}
	var found []string
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		is, called := text(node.Role), strings.Join(strings.Fields(text(node.Name)), " ")
		if is == role {
			found = append(found, called)
		}
		if called == "" && slices.Contains([]string{"button", "link", "checkbox", "combobox", "image", "progressbar", "textbox"}, is) {
			p.Errorf("a %s has no name", is)
		}
	}
	for _, name := range names {
		if !slices.Contains(found, name) {
			p.Errorf("no %s %q among %q", role, name, found)
		}
	}
}

func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}
