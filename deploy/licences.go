package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// noticesFile is the file in each artifact that contains the licences of the linked modules. Their licences require
// that each copy of a program contains the licence texts.
const noticesFile = "NOTICES.txt"

// permitted contains the SPDX identifiers of the licences that only require notices. A module with another licence
// fails the build.
var permitted = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}

// unlicensed contains the modules that have no licence file, with the notice for each of them.
var unlicensed = map[string]string{
	"github.com/nexus-rpc/nexus-proto-annotations@v0.1.0": "This version of https://github.com/nexus-rpc/nexus-proto-annotations contains no licence file.\n" +
		"The module go.temporal.io/api, which has the MIT licence, requires this version.",
}

// summaries contains the files that are named like a licence but only list the module's other licence files.
var summaries = []string{"github.com/aws/aws-lambda-go@v1.55.1/LICENSE-SUMMARY"}

// minRecognised is the percentage of a licence file's words that must belong to known licences. The lowest today is
// 85 % (go.yaml.in/yaml/v3).
const minRecognised = 80

// component is a part of a program that has its own licence: a module or Go's standard library.
type component struct {
	name     string
	licences []string          // SPDX identifiers
	texts    map[string]string // the licence texts and notices, by path in the component
}

// listComponents returns the components of a program, sorted by name. It fails if a component has no licence, a
// licence that is not permitted, or a licence file that is not recognised.
func listComponents(ctx context.Context, root, arch, program string) ([]component, error) {
	list := goCommand(ctx, root, arch, "list", "-deps", "-json=ImportPath,Dir,Module", "-tags", buildTags, "./"+program)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the modules of %s: %w", program, err)
	}
	goroot, err := goCommand(ctx, root, arch, "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("finding Go's standard library: %w", err)
	}
	type source struct{ name, root string }
	packages := map[source][]string{} // the directories of the linked packages
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var linked struct {
			ImportPath, Dir string
			Module          *struct{ Path, Version, Dir string }
		}
		if err := decoder.Decode(&linked); err != nil {
			return nil, fmt.Errorf("listing the modules of %s: %w", program, err)
		}
		if strings.HasPrefix(linked.ImportPath, "crypto/internal/boring") {
			continue // a program without cgo does not contain BoringSSL, so the licence of BoringSSL does not apply
		}
		from := source{"Go standard library", strings.TrimSpace(string(goroot))}
		switch m := linked.Module; {
		case m != nil && m.Version == "":
			from = source{m.Path, m.Dir}
		case m != nil:
			from = source{m.Path + "@" + m.Version, m.Dir}
		}
		packages[from] = append(packages[from], linked.Dir)
	}
	var components []component
	for _, from := range slices.SortedFunc(maps.Keys(packages), func(a, b source) int { return strings.Compare(a.name, b.name) }) {
		c, err := readComponent(from.name, from.root, packages[from])
		if err != nil {
			return nil, err
		}
		components = append(components, c)
	}
	return components, nil
}

var legalFile = regexp.MustCompile(`(?i)^(?:(licen[cs]es?|copying)|copyright|notices?|patents)(?:[.-].*)?$`)

func readComponent(name, root string, packages []string) (component, error) {
	c := component{name: name, texts: map[string]string{}}
	for dir := range ancestors(root, packages) {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return component{}, fmt.Errorf("looking for the licence of %s: %w", name, err)
		}
		for _, entry := range entries {
			match := legalFile.FindStringSubmatch(entry.Name())
			if entry.IsDir() || match == nil || filepath.Ext(entry.Name()) == ".go" {
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, dir, entry.Name()))
			if err != nil {
				return component{}, fmt.Errorf("reading the licence of %s: %w", name, err)
			}
			file := filepath.ToSlash(filepath.Join(dir, entry.Name()))
			c.texts[file] = string(text)
			if match[1] == "" || slices.Contains(summaries, name+"/"+file) {
				continue
			}
			recognised := licensecheck.Scan(text)
			if recognised.Percent < minRecognised {
				return component{}, fmt.Errorf("%s has an unknown licence in %s: remove the module, or describe the file in deploy/licences.go", name, file)
			}
			for _, licence := range recognised.Match {
				c.licences = append(c.licences, licence.ID)
			}
		}
	}
	if notice, ok := unlicensed[name]; ok && len(c.texts) == 0 {
		c.texts["no licence file"], c.licences = notice, []string{"none"}
		return c, nil
	}
	slices.Sort(c.licences)
	c.licences = slices.Compact(c.licences)
	if len(c.licences) == 0 {
		return component{}, fmt.Errorf("%s has no licence: remove the module, or describe it in deploy/licences.go", name)
	}
	for _, licence := range c.licences {
		if !slices.Contains(permitted, licence) {
			return component{}, fmt.Errorf("%s has the licence %s, which is not permitted: remove the module, or add the licence in deploy/licences.go", name, licence)
		}
	}
	return c, nil
}

func ancestors(root string, packages []string) map[string]bool {
	dirs := map[string]bool{".": true}
	for _, dir := range packages {
		relative, err := filepath.Rel(root, dir)
		for ; err == nil && !dirs[relative]; relative = filepath.Dir(relative) {
			dirs[relative] = true
		}
	}
	return dirs
}

func notices(ctx context.Context, root, arch, program string) ([]byte, error) {
	components, err := listComponents(ctx, root, arch, program)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	var order []string // the texts in the order of the first component that has them
	users := map[string][]string{}
	fmt.Fprintf(&out, "Licences of the software in %s. The texts of the licences are below the list.\n\n", program)
	for _, c := range components {
		fmt.Fprintf(&out, "%s: %s\n", c.name, strings.Join(c.licences, ", "))
		for _, file := range slices.Sorted(maps.Keys(c.texts)) {
			text := strings.TrimSpace(strings.ReplaceAll(c.texts[file], "\r\n", "\n"))
			if users[text] == nil {
				order = append(order, text)
			}
			users[text] = append(users[text], c.name+" ("+file+")")
		}
	}
	for _, text := range order {
		fmt.Fprintf(&out, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(users[text], "\n"), text)
	}
	return out.Bytes(), nil
}

// report writes the licence of each component of the programs.
func report(ctx context.Context, w io.Writer, arch string) error {
	users, licences := map[string][]string{}, map[string][]string{}
	for _, program := range programs {
		components, err := listComponents(ctx, ".", arch, program)
		if err != nil {
			return err
		}
		for _, c := range components {
			users[c.name] = append(users[c.name], program)
			licences[c.name] = append(licences[c.name], c.licences...) // programs use different packages of a module
		}
	}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		slices.Sort(licences[name])
		fmt.Fprintf(w, "%-28s %s (%s)\n", strings.Join(slices.Compact(licences[name]), ", "), name, strings.Join(users[name], ", "))
	}
	return nil
}
