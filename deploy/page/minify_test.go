package page

import (
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

func TestMinify(t *testing.T) {
	site := os.DirFS("../../web/site")
	t.Run("modules_keep_their_exports", func(t *testing.T) {
		names, err := fs.Glob(site, "*.js")
		if err != nil {
			t.Fatal(err)
		}
		modules := 0
		for _, name := range names {
			content, err := fs.ReadFile(site, name)
			if err != nil {
				t.Fatal(err)
			}
			minified, err := Minify(name, content)
			if err != nil {
				t.Fatal(err)
			}
			want := exportsOf(t, content)
			if got := exportsOf(t, minified); !slices.Equal(got, want) {
				t.Errorf("%s exports %v, want %v", name, got, want)
			}
			if len(want) > 0 {
				modules++
			}
		}
		if modules < 10 {
			t.Errorf("only %d files export names", modules)
		}
	})
	t.Run("other_files_are_unchanged", func(t *testing.T) {
		for _, name := range []string{"index.html", "manifest.json", "icon.svg", "icon-180.png"} {
			content, err := fs.ReadFile(site, name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Minify(name, content); err != nil || !slices.Equal(got, content) {
				t.Errorf("%s: %d bytes, %v; want %d bytes", name, len(got), err, len(content))
			}
		}
	})
	for _, c := range []struct{ outcome, name, content, want string }{
		{"syntax_error_in_JavaScript_is_refused", "a.js", "let a = 1;\nlet b = ;\n", "minifying a.js:2: "},
		{"syntax_error_in_CSS_is_refused", "a.css", "p {}\n\na { color: red;\n", "minifying a.css:4: "},
		{"unknown_CSS_property_is_refused", "a.css", "p {\n\tcolr: red;\n}\n", "minifying a.css:2: "},
	} {
		t.Run(c.outcome, func(t *testing.T) {
			got, err := Minify(c.name, []byte(c.content))
			if got != nil || err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %q, %v, want an error that begins with %q", got, err, c.want)
			}
		})
	}
}

func exportsOf(t *testing.T, module []byte) []string {
	t.Helper()
	result := api.Build(api.BuildOptions{Stdin: &api.StdinOptions{Contents: string(module)}, Metafile: true})
	var meta struct {
		Outputs map[string]struct{ Exports []string }
	}
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil || len(result.Errors) > 0 {
		t.Fatal(err, result.Errors)
	}
	var exports []string
	for _, output := range meta.Outputs {
		exports = append(exports, output.Exports...)
	}
	slices.Sort(exports)
	return exports
}
