package terraform_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

type sources map[string]string // contents by file name

func readSources(t *testing.T) sources {
	t.Helper()
	names, err := filepath.Glob("*.tf")
	if err != nil || len(names) < 10 {
		t.Fatalf("found %d .tf files, %v", len(names), err)
	}
	files := sources{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return files
}

type plan []resource

// An attribute that only a provider can compute has its own address as its value, such as
// "aws_s3_bucket.pictures.arn".
type resource struct {
	address, typ string
	values       map[string]any // blocks are lists
	dependencies func() map[string]bool
}

func (p plan) ofType(typ string) plan {
	var found plan
	for _, r := range p {
		if r.typ == typ {
			found = append(found, r)
		}
	}
	return found
}

// If the address is not in the plan, the returned resource has no values, so that checks of its attributes fail.
func (p plan) resource(address string) resource {
	for _, r := range p {
		if r.address == address {
			return r
		}
	}
	return resource{address: address}
}

func (p plan) where(typ, attribute, value string) plan {
	var found plan
	for _, r := range p.ofType(typ) {
		if lookup(r.values, attribute) == value {
			found = append(found, r)
		}
	}
	return found
}

func (p plan) region() string {
	return fmt.Sprint(lookup(p.resource("provider.aws").values, "region"))
}

// A setting has the name /triptych/PROGRAM/ID/NAME or, if its value is not in the state, /triptych/PROGRAM/NAME.
func (p plan) setting(program, name string) resource {
	for _, r := range p.ofType("aws_ssm_parameter") {
		full, _ := lookup(r.values, "name").(string)
		if strings.HasPrefix(full, "/triptych/"+program+"/") && path.Base(full) == name {
			return r
		}
	}
	return resource{address: program + "'s setting " + name}
}

// lookup follows a path such as "rule", 0, "days". If the path does not exist, lookup returns nil.
func lookup(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// A JSON policy may omit the brackets of a list with one element.
func asList(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}
