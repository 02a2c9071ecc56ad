package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
	"triptych/local/stack"
)

func TestHiddenPorts(t *testing.T) {
	p := pagetest.NewTab(t, pagetest.StartChromium(t), "")
	for _, port := range stack.HiddenPorts {
		t.Run(fmt.Sprintf("browser_does_not_connect_to_port_%d", port), func(t *testing.T) {
			_, err := chromedp.Run(p.Ctx, chromedp.Navigate(fmt.Sprintf("http://127.0.0.1:%d/", port)))
			if err == nil || !strings.Contains(err.Error(), "ERR_UNSAFE_PORT") {
				t.Errorf("error %v", err)
			}
		})
	}
}
