package terraform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// sources maps the names of the .tf files to their contents.
type sources map[string]string

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

// plan contains resource instances, data sources, providers, outputs and the terraform block. The addresses of the
// last four begin with "data.", "provider.", "output." and "terraform".
type plan []resource

// resource is one resource instance. If only a provider can compute a value, `values` contains the address of the
// value instead. A test can therefore check that an attribute refers to the right resource.
type resource struct {
	address, typ string
	values       map[string]any // blocks are lists
}

// ofType returns all resources of a type.
func (p plan) ofType(typ string) plan {
	var found plan
	for _, r := range p {
		if r.typ == typ {
			found = append(found, r)
		}
	}
	return found
}

// resource returns the resource with the given address. If the plan does not contain the address, the returned
// resource has no values, so that checks of its attributes fail.
func (p plan) resource(address string) resource {
	for _, r := range p {
		if r.address == address {
			return r
		}
	}
	return resource{address: address}
}

// where returns the resources of the type typ whose given attribute has the given value.
func (p plan) where(typ, attribute, value string) plan {
	var found plan
	for _, r := range p.ofType(typ) {
		if lookup(r.values, attribute) == value {
			found = append(found, r)
		}
	}
	return found
}

// region returns the AWS region.
func (p plan) region() string {
	return fmt.Sprint(lookup(p.resource("provider.aws").values, "region"))
}

// setting returns the SSM parameter that contains the setting with the given name for the given program.
func (p plan) setting(program, name string) resource {
	for _, r := range p.ofType("aws_ssm_parameter") {
		if lookup(r.values, "name") == "/triptych/"+program+"/"+name {
			return r
		}
	}
	return resource{address: program + "'s setting " + name}
}

// lookup returns the value at a path of map keys and list indexes, or nil if the path does not exist.
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

// asList returns a list unchanged, and any other value as a list with one element. A JSON policy may omit the
// brackets of a list with one element.
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
