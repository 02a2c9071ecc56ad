package pagetest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// ExpectNames fails the test unless elements with the role have these accessible names and every control has a name.
func (p Tab) ExpectNames(role string, names ...string) {
	p.Helper()
	var found []string
	for _, node := range p.accessibleNodes() {
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

// ExpectDescription fails the test unless an element with the role has this accessible description.
func (p Tab) ExpectDescription(role, description string) {
	p.Helper()
	var found []string
	for _, node := range p.accessibleNodes() {
		if text(node.Role) == role {
			found = append(found, text(node.Description))
		}
	}
	if !slices.Contains(found, description) {
		p.Errorf("no %s is described as %q; the descriptions are %q", role, description, found)
	}
}

func (p Tab) accessibleNodes() []*accessibility.Node {
	p.Helper()
	tree, err := chromedp.Run(p.Ctx, func(ctx context.Context, t *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		p.Fatal(err)
	}
	return slices.DeleteFunc(tree.Nodes, func(node *accessibility.Node) bool { return node.Ignored || node.Role == nil })
}

func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	var text string
	json.Unmarshal(value.Value, &text) // leaves the text empty if the value is no string
	return text
}
