package terraform_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// sources are the .tf files of this folder by name.
type sources map[string]string

func read(t *testing.T) sources {
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

// resource is one instance as it would be planned. What only a provider could say stands there as the address of the
// attribute, such as "aws_s3_bucket.site.arn": a reference can be checked by where it leads. Data sources, providers,
// outputs and the terraform block are here too, as data.…, provider.…, output.… and terraform.
type resource struct {
	address, kind string
	values        map[string]any // blocks are lists
}

// plan evaluates the whole root without Terraform and without providers. variables are those without default, and
// others that a test sets.
func plan(files sources, variables map[string]cty.Value) (planned, error) {
	r := &root{blocks: map[string]*hclsyntax.Block{}, locals: map[string]hclsyntax.Expression{}, given: variables, known: map[string]cty.Value{}, attributes: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := r.parse(name, files[name]); err != nil {
			return nil, err
		}
	}
	var all planned
	for _, address := range slices.Sorted(maps.Keys(r.blocks)) {
		block := r.blocks[address]
		if block.Type == "variable" {
			continue
		}
		instances, err := r.instances(address, block)
		if err != nil {
			return nil, err
		}
		for _, i := range instances {
			values, err := r.body(block.Body, i.each)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", i.address, err)
			}
			all = append(all, resource{i.address, kind(block), values})
		}
	}
	return all, nil
}

// kind is a resource's type; of what is none, where it stands.
func kind(block *hclsyntax.Block) string {
	switch {
	case block.Type == "resource":
		return block.Labels[0]
	case len(block.Labels) > 0:
		return block.Type + "." + block.Labels[0]
	}
	return block.Type
}

type root struct {
	blocks     map[string]*hclsyntax.Block // all but locals, by address
	locals     map[string]hclsyntax.Expression
	given      map[string]cty.Value
	known      map[string]cty.Value // what was evaluated, by address
	attributes map[string]bool      // every name that stands after a dot somewhere
}

func (r *root) parse(name, text string) error {
	file, err := parsed(name, text)
	if err != nil {
		return err
	}
	for _, block := range file.body.Blocks {
		switch block.Type {
		case "variable":
			r.blocks["var."+block.Labels[0]] = block
		case "resource":
			r.blocks[strings.Join(block.Labels, ".")] = block
		case "data":
			r.blocks["data."+strings.Join(block.Labels, ".")] = block
		case "provider":
			address := "provider." + block.Labels[0]
			if alias, ok := block.Body.Attributes["alias"]; ok {
				name, _ := alias.Expr.Value(nil)
				address += "." + name.AsString()
			}
			r.blocks[address] = block
		case "terraform":
			r.blocks["terraform"] = block
		case "output":
			r.blocks["output."+block.Labels[0]] = block
		case "locals":
			for name, attribute := range block.Body.Attributes {
				r.locals["local."+name] = attribute.Expr
			}
		}
	}
	maps.Copy(r.attributes, file.attributes)
	return nil
}

type syntax struct {
	body       *hclsyntax.Body
	attributes map[string]bool // every name that stands after a dot somewhere
}

// parsedFiles are those that were parsed once, by name and text: a breach changes one of twenty.
var parsedFiles sync.Map

func parsed(name, text string) (syntax, error) {
	if f, ok := parsedFiles.Load([2]string{name, text}); ok {
		return f.(syntax), nil
	}
	parsed, diags := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return syntax{}, diags
	}
	f := syntax{parsed.Body.(*hclsyntax.Body), map[string]bool{}}
	_ = hclsyntax.VisitAll(f.body, func(n hclsyntax.Node) hcl.Diagnostics {
		var traversal hcl.Traversal
		switch e := n.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			traversal = e.Traversal
		case *hclsyntax.RelativeTraversalExpr:
			traversal = e.Traversal
		}
		for _, step := range traversal {
			if a, ok := step.(hcl.TraverseAttr); ok {
				f.attributes[a.Name] = true
			}
		}
		return nil
	})
	parsedFiles.Store([2]string{name, text}, f)
	return f, nil
}

// instance is one of a resource's; each is what count or for_each make of each and count, null for neither.
type instance struct {
	key     cty.Value
	address string
	each    map[string]cty.Value
}

func (r *root) instances(address string, block *hclsyntax.Block) ([]instance, error) {
	if count, ok := block.Body.Attributes["count"]; ok {
		n, err := r.evaluate(count.Expr, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		var instances []instance
		for i := range int64Of(n) {
			instances = append(instances, instance{cty.NumberIntVal(i), fmt.Sprintf("%s[%d]", address, i), nil})
		}
		return instances, nil
	}
	forEach, ok := block.Body.Attributes["for_each"]
	if !ok {
		return []instance{{cty.NilVal, address, nil}}, nil
	}
	over, err := r.evaluate(forEach.Expr, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	var instances []instance
	for it := over.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if over.Type().IsSetType() {
			key = value
		}
		each := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
		instances = append(instances, instance{key, fmt.Sprintf("%s[%q]", address, key.AsString()), each})
	}
	return instances, nil
}

// addressed are the attributes that name other parts of the root and not their values.
var addressed = []string{"provider", "depends_on", "ignore_changes"}

// body evaluates attributes and blocks. Which instances there are was decided before.
func (r *root) body(body *hclsyntax.Body, scope map[string]cty.Value) (map[string]any, error) {
	values := map[string]any{}
	for name, attribute := range body.Attributes {
		switch {
		case name == "count" || name == "for_each":
			continue
		case slices.Contains(addressed, name):
			values[name] = addresses(attribute.Expr)
			continue
		}
		v, err := r.evaluate(attribute.Expr, scope)
		if err != nil {
			return nil, err
		}
		if values[name], err = plain(v); err != nil {
			return nil, err
		}
	}
	for _, block := range body.Blocks {
		name, nested, err := r.block(block, scope)
		if err != nil {
			return nil, err
		}
		list, _ := values[name].([]any)
		values[name] = append(list, nested...)
	}
	return values, nil
}

// addresses are the parts of the root that an expression names, in order.
func addresses(e hclsyntax.Expression) []any {
	names := []any{}
	for _, traversal := range e.Variables() {
		var address strings.Builder
		for _, step := range traversal {
			switch step := step.(type) {
			case hcl.TraverseRoot:
				address.WriteString(step.Name)
			case hcl.TraverseAttr:
				address.WriteString("." + step.Name)
			}
		}
		names = append(names, address.String())
	}
	return names
}

func (r *root) block(block *hclsyntax.Block, scope map[string]cty.Value) (string, []any, error) {
	if block.Type != "dynamic" {
		values, err := r.body(block.Body, scope)
		return block.Type, []any{values}, err
	}
	name := block.Labels[0]
	over, err := r.evaluate(block.Body.Attributes["for_each"].Expr, scope)
	if err != nil {
		return "", nil, err
	}
	nested := []any{}
	for it := over.ElementIterator(); it.Next(); {
		key, value := it.Element()
		inner := maps.Clone(scope)
		if inner == nil {
			inner = map[string]cty.Value{}
		}
		inner[name] = cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})
		values, err := r.body(block.Body.Blocks[0].Body, inner)
		if err != nil {
			return "", nil, err
		}
		nested = append(nested, values)
	}
	return name, nested, nil
}

// evaluate gives an expression the values that it names, and those alone.
func (r *root) evaluate(e hclsyntax.Expression, scope map[string]cty.Value) (cty.Value, error) {
	roots := map[string]map[string]cty.Value{}
	data := map[string]map[string]cty.Value{}
	for _, traversal := range e.Variables() {
		name := traversal.RootName()
		if _, ok := scope[name]; ok {
			continue
		}
		second := traversal[1].(hcl.TraverseAttr).Name
		into, address := roots, name+"."+second
		if name == "data" {
			third := traversal[2].(hcl.TraverseAttr).Name
			into, name, second, address = data, second, third, address+"."+third
		}
		v, err := r.value(address)
		if err != nil {
			return cty.NilVal, err
		}
		if into[name] == nil {
			into[name] = map[string]cty.Value{}
		}
		into[name][second] = v
	}
	variables := maps.Clone(scope)
	if variables == nil {
		variables = map[string]cty.Value{}
	}
	for name, values := range roots {
		variables[name] = cty.ObjectVal(values)
	}
	if len(data) > 0 {
		kinds := map[string]cty.Value{}
		for kind, values := range data {
			kinds[kind] = cty.ObjectVal(values)
		}
		variables["data"] = cty.ObjectVal(kinds)
	}
	v, diags := e.Value(&hcl.EvalContext{Variables: variables, Functions: functions})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

// value is what an address stands for: a variable, a local, or a resource with all its instances.
func (r *root) value(address string) (cty.Value, error) {
	if v, ok := r.known[address]; ok {
		return v, nil
	}
	v, err := r.fresh(address)
	if err != nil {
		return cty.NilVal, fmt.Errorf("%s: %w", address, err)
	}
	r.known[address] = v
	return v, nil
}

func (r *root) fresh(address string) (cty.Value, error) {
	if e, ok := r.locals[address]; ok {
		return r.evaluate(e, nil)
	}
	block, ok := r.blocks[address]
	switch {
	case !ok:
		return cty.NilVal, fmt.Errorf("nothing is declared under this name")
	case block.Type == "variable":
		return r.variable(block)
	}
	instances, err := r.instances(address, block)
	if err != nil {
		return cty.NilVal, err
	}
	byKey, list := map[string]cty.Value{}, []cty.Value{}
	for _, i := range instances {
		switch {
		case i.key == cty.NilVal:
			return r.stand(i.address), nil
		case i.key.Type() == cty.String:
			byKey[i.key.AsString()] = r.stand(i.address)
		default:
			list = append(list, r.stand(i.address))
		}
	}
	if block.Body.Attributes["count"] != nil {
		return cty.TupleVal(list), nil
	}
	return cty.ObjectVal(byKey), nil
}

func (r *root) variable(block *hclsyntax.Block) (cty.Value, error) {
	v, given := r.given[block.Labels[0]]
	if !given {
		standard, ok := block.Body.Attributes["default"]
		if !ok {
			return cty.NilVal, fmt.Errorf("needs a value")
		}
		var err error
		if v, err = r.evaluate(standard.Expr, nil); err != nil {
			return cty.NilVal, err
		}
	}
	of, diags := typeexpr.TypeConstraint(block.Body.Attributes["type"].Expr)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return convert.Convert(v, of)
}

// stand is a resource of which nothing is known but its address. It has every attribute that anything is asked for.
func (r *root) stand(address string) cty.Value {
	attributes := map[string]cty.Value{}
	for name := range r.attributes {
		attributes[name] = cty.StringVal(address + "." + name)
	}
	// These alone are used as something else than a string.
	attributes["version"] = cty.NumberIntVal(1)
	attributes["endpoints"] = cty.ObjectVal(map[string]cty.Value{"grpc_address": cty.StringVal(address + ".endpoints.grpc_address")})
	attributes["domain_validation_options"] = cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{
		"resource_record_name": cty.StringVal("name"), "resource_record_type": cty.StringVal("CNAME"), "resource_record_value": cty.StringVal("value"),
	})})
	attributes["account_id"] = cty.StringVal(account)
	attributes["cidr_block"] = cty.StringVal("10.0.0.0/16")
	return cty.ObjectVal(attributes)
}

const account = "123456789012"

func plain(v cty.Value) (any, error) {
	b, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(b, &out)
}

func int64Of(v cty.Value) int64 {
	n, _ := v.AsBigFloat().Int64()
	return n
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
