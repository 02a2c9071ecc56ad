package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"triptych/deploy/page"
)

func TestListComponents(t *testing.T) {
	t.Run("web_has_the_licence_of_the_library_in_its_page", func(t *testing.T) {
		library, err := os.ReadFile("../web/site/idb.js")
		if err != nil {
			t.Fatal(err)
		}
		published, err := page.Minify("idb.js", library)
		if err != nil {
			t.Fatal(err)
		}
		components, err := listComponents(t.Context(), "..", "arm64", "web")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(components, func(c component) bool { return c.name == "triptych" })
		if i < 0 {
			t.Fatal("Triptych is not listed")
		}
		text := components[i].texts["web/LICENSE-idb.txt"]
		if !slices.Contains(components[i].licences, "ISC") || text == "" || !strings.Contains(string(published), text) {
			t.Errorf("the licences are %v, and the text %q is not in the published idb.js", components[i].licences, text)
		}
	})
	t.Run("report_lists_the_licences_of_all_programs", func(t *testing.T) {
		t.Chdir("..")
		var out strings.Builder
		if err := report(t.Context(), &out, "arm64"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "ISC, MIT                     triptych (") {
			t.Errorf("the report lacks the licence of the library in the page:\n%s", out.String())
		}
		if strings.Contains(out.String(), "esbuild") {
			t.Error("a program contains esbuild, which only minifies the page")
		}
	})
}
