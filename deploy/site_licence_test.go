package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestListComponents(t *testing.T) {
	t.Run("web_has_the_licence_of_the_library_in_its_page", func(t *testing.T) {
		library, err := os.ReadFile("../web/site/idb.js")
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
		if !slices.Contains(components[i].licences, "ISC") || text == "" || !strings.Contains(string(library), text) {
			t.Errorf("the licences are %v, and the text %q is not in idb.js", components[i].licences, text)
		}
	})
}
