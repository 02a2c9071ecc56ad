package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestEveryTextOfThePageIsTranslated(t *testing.T) {
	texts := map[string]string{}
	for _, name := range scripts(t) {
		for _, text := range scriptTexts(t, name) {
			if file := texts[text]; file == "" || slices.Contains(loadedWithResult, file) {
				texts[text] = name
			}
		}
	}
	for _, text := range htmlTexts(t) {
		texts[text] = "index.html"
	}
	for _, language := range translations(t) {
		started, ofResult := readDictionary(t, language+".js"), readDictionary(t, language+"-result.js")
		for text, file := range texts {
			_, isStarted := started[text]
			_, isOfResult := ofResult[text]
			if !isStarted && (!isOfResult || !slices.Contains(loadedWithResult, file)) {
				t.Errorf("%s: no entry for %q of %s", language, text, file)
			}
			if isStarted && isOfResult {
				t.Errorf("%s: two entries for %q", language, text)
			}
		}
		for _, dictionary := range []map[string]string{started, ofResult} {
			for english := range dictionary {
				if texts[english] == "" {
					t.Errorf("%s: no file uses %q", language, english)
				}
			}
		}
	}
}

// Only these modules may use xx-result.js, which the page loads with the result.
var loadedWithResult = []string{"card-parts.js", "card.js", "colours.js", "findings.js", "highlight.js", "overlay.js", "result.js", "resultview.js"}

var split = regexp.MustCompile(`^(.*?)(; [^;.]*|: try again[^.]*| \(\w+ timeout\))?\.?$`)

// These messages need no translation, because the page never shows them.
var neverShown = []string{
	"An unexpected error occurred; Triptych tries again",
	"Cosmos DB returned %d: %s",
	"Image too large", // a message of Google
	`The bucket does not exist: correct "bucket" in the sweep's input and start the sweep again`,
	`The name of the bucket is invalid: correct "bucket" in the sweep's input and start the sweep again`,
	"The sweep's input has an unknown key or an invalid value: start the sweep again with the keys ",
	"The bucket is in another region: a sweep reads only buckets in AWS_REGION",
	"Google returned annotations and an error; the annotations are kept", // in a log
	"The API has nothing at this address.",
	"The header X-Triptych-Erase must contain the eraseToken of this picture's upload grant. Nothing was changed.",
	"The body is over %d bytes: send the picture itself to the URL of its grant.",
	"The body is invalid (%.100s): send %s.",
	"The body continues after the end of its JSON object: send only %s.",
	"This picture has not arrived: if it was uploaded a moment ago, try again in a few seconds.",
	"This site deletes pictures after %d days.",
	"This address accepts only %s.",
	"This page does not exist: start at the site's front page.",
}

func TestEveryMessageOfTheAPIIsTranslated(t *testing.T) {
	parts := map[string]string{}
	for message, file := range goMessages(t) {
		found := split.FindStringSubmatch(message)
		parts[numbered(found[1])], parts[found[2]] = file, file
	}
	delete(parts, "")
	for _, language := range translations(t) {
		dictionary := language + "-api.js"
		translated := readDictionary(t, dictionary)
		for part, file := range parts {
			if _, ok := translated[part]; !ok {
				t.Errorf("%s: no entry for %q of %s", dictionary, part, file)
			}
		}
		for english := range translated {
			if parts[english] == "" {
				t.Errorf("%s: the API has no message %q", dictionary, english)
			}
		}
	}
}

// The installed page has no address bar (manifest.json: standalone).
func TestNoTextNamesTheAddressBar(t *testing.T) {
	bar := regexp.MustCompile(`(?i)address bar|Adressleiste`)
	for _, language := range translations(t) {
		for english, translated := range readDictionary(t, language+".js") {
			if bar.MatchString(english + translated) {
				t.Errorf("%q names the address bar", english)
			}
		}
	}
}

// A module that translates before the dictionary has loaded would show English.
func TestNoModuleTranslatesWhileItIsLoaded(t *testing.T) {
	constant := regexp.MustCompile(`(?ms)^(?:export )?(?:const|let) .*?;$`)
	call := regexp.MustCompile(`\bt\(`)
	for _, name := range scripts(t) {
		for _, declaration := range constant.FindAllString(readSite(t, name), -1) {
			before, _, _ := strings.Cut(declaration, "=>")
			if call.MatchString(before) {
				t.Errorf("%s calls t() in %q", name, declaration)
			}
		}
	}
}

func translations(t *testing.T) (languages []string) {
	t.Helper()
	list := regexp.MustCompile(`const translations = \[(.*)\];`).FindStringSubmatch(readSite(t, "language.js"))
	if list == nil {
		t.Fatal("language.js contains no list of translations")
	}
	for _, language := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(list[1], -1) {
		languages = append(languages, language[1])
	}
	return languages
}

func scripts(t *testing.T) (names []string) {
	t.Helper()
	other := []string{"idb.js"}
	for _, language := range translations(t) {
		other = append(other, language+".js", language+"-api.js", language+"-result.js")
	}
	entries, err := files.ReadDir("site")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if path.Ext(entry.Name()) == ".js" && !slices.Contains(other, entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func readSite(t *testing.T, name string) string {
	t.Helper()
	content, err := files.ReadFile("site/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func readDictionary(t *testing.T, name string) map[string]string {
	t.Helper()
	const quoted = `("(?:[^"\\]|\\.)*")`
	entry := regexp.MustCompile(`(?m)^\t` + quoted + `:\s+` + quoted + `,$`)
	content, translated := readSite(t, name), map[string]string{}
	for _, found := range entry.FindAllStringSubmatch(content, -1) {
		key, translation := unquote(t, found[1]), unquote(t, found[2])
		if translated[key] != "" {
			t.Errorf("%s: two entries for %q", name, key)
		}
		if values := placeholders(key); !slices.Equal(values, placeholders(translation)) {
			t.Errorf("%s: %q does not contain exactly the values %q of %q", name, translation, values, key)
		}
		translated[key] = translation
	}
	rest := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(entry.ReplaceAllString(content, ""), "")
	if strings.Join(strings.Fields(rest), " ") != "export default { };" {
		t.Errorf("%s: not an entry: %s", name, strings.TrimSpace(rest))
	}
	return translated
}

func scriptTexts(t *testing.T, name string) (texts []string) {
	t.Helper()
	literal := regexp.MustCompile(`(\bt\()?("(?:[^"\\\n]|\\.)*")`)
	code := regexp.MustCompile(`(?m)(^|\s)//.*$`).ReplaceAllString(readSite(t, name), "")
	for _, found := range literal.FindAllStringSubmatch(code, -1) {
		text := unquote(t, found[2])
		if hasWords := letter.MatchString(placeholder.ReplaceAllString(text, "")); !hasWords || slices.Contains(names, text) {
			continue
		}
		if found[1] != "" || sentence.MatchString(text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// names are the same in all languages.
var names = []string{"Triptych", "AWS", "Google Cloud", "Azure", "Temporal", "✕"}

func htmlTexts(t *testing.T) (texts []string) {
	t.Helper()
	page := regexp.MustCompile(`(?s)<noscript>.*?</noscript>|<p id="incomplete">.*?</p>|<!--.*?-->`).ReplaceAllString(readSite(t, "index.html"), "")
	text := regexp.MustCompile(`>([^<]+)<|(?:aria-label|alt|title|placeholder)="([^"]+)"`)
	for _, found := range text.FindAllStringSubmatch(page, -1) {
		text := html.UnescapeString(strings.TrimSpace(found[1] + found[2]))
		if text != "" && !slices.Contains(names, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

var (
	placeholder = regexp.MustCompile(`\{\w+\}`)
	letter      = regexp.MustCompile(`\pL`)
	sentence    = regexp.MustCompile(`^[A-Z][A-Za-z0-9'’]* [A-Za-z]`)
	end         = regexp.MustCompile(`^(; [a-zA-Z]|: try again)`)
)

func goMessages(t *testing.T) map[string]string {
	t.Helper()
	messages := map[string]string{}
	for _, pattern := range []string{"picture/*", "workflows/*", "activities/*", "internal/objects/*", "internal/records/*", "internal/vision/*", "internal/pipeline/explain*", "internal/pipeline/failure*", "worker/attempts*", "web/*", "internal/status/*"} {
		names, err := filepath.Glob("../" + pattern + ".go")
		if err != nil || len(names) == 0 {
			t.Fatalf("no Go files %s: %v", pattern, err)
		}
		for _, name := range names {
			forOperators := []string{"check.go", "story.go"}
			if strings.HasSuffix(name, "_test.go") || slices.Contains(forOperators, filepath.Base(name)) {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(node ast.Node) bool {
				literal, ok := node.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text := unquote(t, literal.Value)
				switch {
				case slices.Contains(neverShown, text):
				case strings.HasSuffix(text, " ("): // continues with the type of a timeout
					messages[text+"StartToClose timeout)"], messages[text+"Heartbeat timeout)"] = name, name
				case sentence.MatchString(text), end.MatchString(text):
					messages[text] = name
				}
				return true
			})
		}
	}
	return messages
}

func numbered(message string) string {
	n := 0
	return regexp.MustCompile(`%[ds]|\b\d[\dhms]*`).ReplaceAllStringFunc(message, func(string) string {
		n++
		return "{" + strconv.Itoa(n) + "}"
	})
}

func placeholders(text string) []string {
	names := map[string]bool{}
	for _, found := range placeholder.FindAllString(text, -1) {
		names[found] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func unquote(t *testing.T, literal string) string {
	t.Helper()
	text, err := strconv.Unquote(literal)
	if err != nil {
		t.Fatalf("%s: %v", literal, err)
	}
	return text
}
