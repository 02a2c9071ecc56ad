// Package page prepares the files of the web page for publication.
package page

import (
	"fmt"
	"path"

	"github.com/evanw/esbuild/pkg/api"
)

var loaders = map[string]api.Loader{".css": api.LoaderCSS, ".js": api.LoaderJS}

// Minify returns files other than CSS and JavaScript unchanged. It keeps the names that a module exports.
func Minify(name string, content []byte) ([]byte, error) {
	loader, ok := loaders[path.Ext(name)]
	if !ok {
		return content, nil
	}
	result := api.Transform(string(content), api.TransformOptions{
		Loader:            loader,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsInline, // the licence of idb.js
		Target:            api.ESNext,              // an older target would add code for browsers that the sources do not support
		Charset:           api.CharsetUTF8,         // ASCII would write "ü" as "\xFC" in de.js
	})
	// esbuild reports a syntax error in CSS as a warning.
	messages := append(result.Errors, result.Warnings...)
	if len(messages) == 0 {
		return result.Code, nil
	}
	place := name
	if at := messages[0].Location; at != nil {
		place = fmt.Sprintf("%s:%d", name, at.Line)
	}
	return nil, fmt.Errorf("minifying %s: %s", place, messages[0].Text)
}
