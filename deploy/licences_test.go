package main

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkNotices checks that the notices name every module in the program's build information, and contain the licences
// of Triptych and Go.
func checkNotices(t *testing.T, program, notices []byte) {
	t.Helper()
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Copyright (c) 2026 The Triptych authors", "Copyright 2009 The Go Authors", "Apache License"}
	for _, module := range info.Deps {
		want = append(want, module.Path+"@"+module.Version+": ", module.Path+"@"+module.Version+" (")
	}
	if len(want) < 60 {
		t.Fatalf("the program has only %d modules", len(info.Deps))
	}
	for _, text := range want {
		if !bytes.Contains(notices, []byte(text)) {
			t.Errorf("the notices do not contain %q", text)
		}
	}
}

func TestReadComponent(t *testing.T) {
	isc := "ISC License\n\nCopyright (c) 2012 Somebody\n\nPermission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby " +
		"granted, provided that the above copyright notice and this permission notice appear in all copies.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS " +
		"ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, " +
		"DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR " +
		"OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE."
	mit, err := os.ReadFile("../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	gpl := "https://www.gnu.org/licenses/gpl-3.0-standalone.html"
	for name, test := range map[string]struct {
		module   string
		files    map[string]string
		licences []string
		texts    []string
		err      string // part of the error; "" for success
	}{
		"licence_and_notice_of_a_module_are_read": {
			files: map[string]string{"LICENSE.txt": string(mit), "NOTICE": "made by somebody", "licence.go": "package linked"}, licences: []string{"MIT"}, texts: []string{"LICENSE.txt", "NOTICE"},
		},
		"licence_of_a_linked_directory_is_read": {
			files: map[string]string{"COPYING": string(mit), "internal/LICENSE": isc}, licences: []string{"ISC", "MIT"}, texts: []string{"COPYING", "internal/LICENSE"},
		},
		"licence_of_a_directory_that_is_not_linked_is_ignored": {
			files: map[string]string{"LICENSE": string(mit), "other/LICENSE": gpl}, licences: []string{"MIT"}, texts: []string{"LICENSE"},
		},
		"module_without_a_licence_is_refused":           {files: map[string]string{"NOTICE": string(mit)}, err: "no licence"},
		"licence_with_an_unknown_text_is_refused":       {files: map[string]string{"LICENSE": "Ask the author."}, err: "unknown licence in LICENSE"},
		"unknown_licence_beside_a_known_one_is_refused": {files: map[string]string{"LICENSE": string(mit), "internal/LICENSE": "Ask the author."}, err: "unknown licence in internal/LICENSE"},
		"known_licence_with_a_long_addition_is_refused": {files: map[string]string{"LICENSE": string(mit) + strings.Repeat("Ask the author. ", 50)}, err: "unknown licence in LICENSE"},
		"GPL_is_refused": {files: map[string]string{"LICENSE": gpl}, err: "GPL-3.0"},
		"known_summary_of_the_licences_is_only_a_text": {
			module: "github.com/aws/aws-lambda-go@v1.55.1", files: map[string]string{"LICENSE": string(mit), "LICENSE-SUMMARY": "See LICENSE."},
			licences: []string{"MIT"}, texts: []string{"LICENSE", "LICENSE-SUMMARY"},
		},
		"known_module_without_a_licence_has_a_description": {module: "github.com/nexus-rpc/nexus-proto-annotations@v0.1.0", licences: []string{"none"}, texts: []string{"no licence file"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			linked := filepath.Join(root, "internal", "linked")
			if err := os.MkdirAll(linked, 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range test.files {
				file = filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c, err := readComponent(test.module, root, []string{linked})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want an error that contains %q", err, test.err)
				}
				return
			}
			if err != nil || !slices.Equal(c.licences, test.licences) {
				t.Errorf("got %v and %v, want %v", c.licences, err, test.licences)
			}
			for _, file := range test.texts {
				if c.texts[file] == "" {
					t.Errorf("the text of %s is missing", file)
				}
			}
			if len(c.texts) != len(test.texts) {
				t.Errorf("got %d texts, want %v", len(c.texts), test.texts)
			}
		})
	}
}
