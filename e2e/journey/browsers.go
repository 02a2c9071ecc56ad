package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"triptych/e2e/pagetest"
	"triptych/e2e/stacktest"
	"triptych/emulators/childprocess"
	"triptych/internal/loopback"
)

type Browser struct {
	programs []string
	packages string // of Debian
	start    func(t *testing.T, proxy string) webDriver

	// nil if WebDriver cannot simulate a lost connection
	setOffline func(ctx context.Context, driver webDriver, yes bool) error
}

var (
	Chromium = Browser{
		programs: []string{"chromium", "chromedriver"},
		packages: "chromium chromium-driver",
		start:    startChromedriver,
		setOffline: func(ctx context.Context, driver webDriver, yes bool) error {
			return driver.command(ctx, "SetNetworkConditions", map[string]any{"network_conditions": map[string]any{
				"offline": yes, "latency": 0, "download_throughput": -1, "upload_throughput": -1,
			}}, nil)
		},
	}
	Firefox = Browser{
		programs: []string{"firefox-esr"},
		packages: "firefox-esr",
		start:    startFirefox,
		setOffline: func(ctx context.Context, driver webDriver, yes bool) error {
			if err := driver.command(ctx, "Marionette:SetContext", map[string]any{"value": "chrome"}, nil); err != nil {
				return err
			}
			script := fmt.Sprintf("Services.io.offline = %t; arguments[0]()", yes)
			if err := driver.command(ctx, "ExecuteAsyncScript", map[string]any{"script": script, "args": []any{}}, nil); err != nil {
				return err
			}
			return driver.command(ctx, "Marionette:SetContext", map[string]any{"value": "content"}, nil)
		},
	}
	WebKitGTK = Browser{
		programs: []string{"WebKitWebDriver", "Xvfb"},
		packages: "webkit2gtk-driver xvfb",
		start:    startWebKit,
	}
)

func (b Browser) requirePrograms(t *testing.T) {
	t.Helper()
	for _, program := range b.programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("no %s on the PATH: apt-get install %s", program, b.packages)
		}
		t.Skipf("no %s on the PATH: the page is not tested in this browser (apt-get install %s)", program, b.packages)
	}
}

func startChromedriver(t *testing.T, proxy string) webDriver {
	url := startDriver(t, exec.Command("chromedriver"))
	return openSession(t, url, map[string]any{
		"proxy": manualProxy(proxy),
		"goog:chromeOptions": map[string]any{"args": []string{
			"--remote-debugging-pipe", // Chromium ends with chromedriver
			"--headless", "--no-sandbox", "--disable-quic", "--disable-component-update", "--disable-background-networking",
			"--proxy-bypass-list=<-loopback>", // also use the proxy for loopback addresses
			"--disable-gpu", "--disable-features=" + pagetest.UnusedFeatures,
			"--force-prefers-reduced-motion", // animations would use most of the CPU time
			"--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--use-file-for-fake-video-capture=" + pagetest.CameraVideo(t),
		}},
	})
}

func startWebKit(t *testing.T, proxy string) webDriver {
	config := t.TempDir()
	if err := os.Mkdir(filepath.Join(config, "gtk-3.0"), 0o700); err != nil {
		t.Fatal(err)
	}
	const noAnimations = "[Settings]\ngtk-enable-animations=0\n" // means prefers-reduced-motion
	if err := os.WriteFile(filepath.Join(config, "gtk-3.0/settings.ini"), []byte(noAnimations), 0o600); err != nil {
		t.Fatal(err)
	}
	driver := exec.Command("WebKitWebDriver")
	driver.Env = append(os.Environ(), "DISPLAY="+startDisplay(t), "XDG_CONFIG_HOME="+config, "NO_AT_BRIDGE=1") // there is no accessibility bus
	return openSession(t, startDriver(t, driver), map[string]any{
		"proxy": manualProxy(proxy),
		"webkitgtk:browserOptions": map[string]any{
			"binary": miniBrowser(t),
			"args":   []string{"--automation", "--enable-media-stream=true", "--enable-mock-capture-devices=true"},
		},
	})
}

func miniBrowser(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/webkit2gtk-4.*/MiniBrowser")
	if err != nil || len(found) == 0 {
		t.Fatalf("no MiniBrowser in /usr/lib: %v", err)
	}
	return found[len(found)-1]
}

func manualProxy(address string) map[string]any {
	return map[string]any{"proxyType": "manual", "httpProxy": address}
}

func openSession(t *testing.T, url string, capabilities map[string]any) webDriver {
	t.Helper()
	capabilities["timeouts"] = map[string]any{"script": scriptTimeout.Milliseconds()}
	driver, err := newHTTPSession(t.Context(), url, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := driver.command(context.Background(), "DeleteSession", nil, nil); err != nil {
			t.Error("closing the browser:", err)
		}
	})
	return driver
}

func startDriver(t *testing.T, driver *exec.Cmd) string {
	t.Helper()
	address, err := loopback.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(address, ":")
	driver.Args = append(driver.Args, "--port="+port)
	run(t, driver)
	url := "http://" + address
	if !stacktest.Eventually(t, func(context.Context) bool {
		res, err := http.Get(url + "/status")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	}) {
		t.Fatalf("%s does not answer", driver.Path)
	}
	return url
}

// startFirefox uses Marionette directly: Debian has no geckodriver, the program that translates WebDriver into Marionette.
func startFirefox(t *testing.T, proxy string) webDriver {
	profile := t.TempDir()
	var preferences strings.Builder
	for name, value := range map[string]any{
		"marionette.port":                         0, // a free port
		"media.navigator.streams.fake":            true,
		"media.navigator.permission.disabled":     true,
		"network.proxy.allow_hijacking_localhost": true, // also use the proxy for loopback addresses
		"ui.prefersReducedMotion":                 1,

		// Without these, the first start waits for Mozilla's servers.
		"app.normandy.enabled":                        false,
		"browser.shell.checkDefaultBrowser":           false,
		"datareporting.policy.dataSubmissionEnabled":  false,
		"messaging-system.rsexperimentloader.enabled": false,
		"network.captive-portal-service.enabled":      false,
		"network.connectivity-service.enabled":        false,
	} {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&preferences, "user_pref(%q, %s);\n", name, encoded)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, exec.Command("firefox-esr", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile))
	var port []byte
	if !stacktest.Eventually(t, func(context.Context) bool {
		var err error
		port, err = os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		return err == nil && len(port) > 0
	}) {
		t.Fatal("Firefox does not listen")
	}
	driver, err := dialMarionette("127.0.0.1:" + strings.TrimSpace(string(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.conn.Close() })
	capabilities := map[string]any{"proxy": manualProxy(proxy), "timeouts": map[string]any{"script": scriptTimeout.Milliseconds()}}
	if err := driver.command(t.Context(), "NewSession", capabilities, nil); err != nil {
		t.Fatal(err)
	}
	return driver
}

// startDisplay returns the name of a virtual display for WebKitGTK, which has no headless mode.
func startDisplay(t *testing.T) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	xvfb := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
	xvfb.ExtraFiles = []*os.File{write}
	run(t, xvfb)
	write.Close()
	var number int
	if _, err := fmt.Fscanln(read, &number); err != nil {
		t.Fatal("starting Xvfb:", err)
	}
	return fmt.Sprintf(":%d", number)
}

func run(t *testing.T, program *exec.Cmd) {
	t.Helper()
	if err := childprocess.Start(program); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-program.Process.Pid, syscall.SIGKILL)
		program.Wait()
	})
}
