package terraform_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// interpreter evaluates the configuration without Terraform and without providers.
type interpreter struct {
	blocks         map[string]*hclsyntax.Block // all blocks except locals, by address
	locals         map[string]hclsyntax.Expression
	variables      map[string]cty.Value
	values         map[string]cty.Value // evaluated so far, by address
	attributeNames map[string]bool      // names that follow a dot in any expression
	dependencies   map[string]map[string]bool
}

func newPlan(files sources, variables map[string]cty.Value) (plan, error) {
	in := &interpreter{
		blocks: map[string]*hclsyntax.Block{}, locals: map[string]hclsyntax.Expression{}, variables: variables,
		values: map[string]cty.Value{}, attributeNames: map[string]bool{}, dependencies: map[string]map[string]bool{},
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := in.load(name, files[name]); err != nil {
			return nil, err
		}
	}
	var p plan
	for _, address := range slices.Sorted(maps.Keys(in.blocks)) {
		block := in.blocks[address]
		if block.Type == "variable" {
			continue
		}
		instances, err := in.instances(address, block)
		if err != nil {
			return nil, err
		}
		for _, i := range instances {
			values, err := in.body(block.Body, i.scope)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", i.address, err)
			}
			p = append(p, resource{i.address, blockType(block), values, func() map[string]bool { return in.dependenciesOf(address) }})
		}
	}
	return p, nil
}

// Examples of results: aws_s3_bucket, data.aws_caller_identity, provider.aws.
func blockType(block *hclsyntax.Block) string {
	switch {
	case block.Type == "resource":
		return block.Labels[0]
	case len(block.Labels) > 0:
		return block.Type + "." + block.Labels[0]
	}
	return block.Type
}

func (in *interpreter) load(name, text string) error {
	file, err := parseFile(name, text)
	if err != nil {
		return err
	}
	for _, block := range file.body.Blocks {
		switch block.Type {
		case "locals":
			for name, attribute := range block.Body.Attributes {
				in.locals["local."+name] = attribute.Expr
			}
			continue
		case "provider":
			address := "provider." + block.Labels[0]
			if alias, ok := block.Body.Attributes["alias"]; ok {
				name, _ := alias.Expr.Value(nil)
				address += "." + name.AsString()
			}
			in.blocks[address] = block
			continue
		}
		path := block.Labels
		switch block.Type {
		case "resource":
		case "variable":
			path = append([]string{"var"}, path...)
		default: // data, output, terraform
			path = append([]string{block.Type}, path...)
		}
		in.blocks[strings.Join(path, ".")] = block
	}
	maps.Copy(in.attributeNames, file.attributeNames)
	return nil
}

type parsedFile struct {
	body           *hclsyntax.Body
	attributeNames map[string]bool // names that follow a dot in any expression
}

// parsedFiles is a cache. Most tests change one file of the configuration, so the other files need not be parsed
// again.
var parsedFiles sync.Map

func parseFile(name, text string) (parsedFile, error) {
	if f, ok := parsedFiles.Load([2]string{name, text}); ok {
		return f.(parsedFile), nil
	}
	parsed, diags := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return parsedFile{}, diags
	}
	f := parsedFile{parsed.Body.(*hclsyntax.Body), map[string]bool{}}
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
				f.attributeNames[a.Name] = true
			}
		}
		return nil
	})
	parsedFiles.Store([2]string{name, text}, f)
	return f, nil
}

type instance struct {
	key     cty.Value // count: index; for_each: map key; otherwise NilVal
	address string
	scope   map[string]cty.Value
}

// instances expands count and for_each.
func (in *interpreter) instances(address string, block *hclsyntax.Block) ([]instance, error) {
	if count, ok := block.Body.Attributes["count"]; ok {
		n, err := in.evaluate(count.Expr, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		var instances []instance
		length, _ := n.AsBigFloat().Int64()
		for i := range length {
			instances = append(instances, instance{cty.NumberIntVal(i), fmt.Sprintf("%s[%d]", address, i), nil})
		}
		return instances, nil
	}
	forEach, ok := block.Body.Attributes["for_each"]
	if !ok {
		return []instance{{cty.NilVal, address, nil}}, nil
	}
	collection, err := in.evaluate(forEach.Expr, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	var instances []instance
	for it := collection.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if collection.Type().IsSetType() {
			key = value
		}
		scope := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
		instances = append(instances, instance{key, fmt.Sprintf("%s[%q]", address, key.AsString()), scope})
	}
	return instances, nil
}

// dependenciesOf returns the addresses, without instance keys, that Terraform creates or updates first.
func (in *interpreter) dependenciesOf(address string) map[string]bool {
	if found, ok := in.dependencies[address]; ok {
		return found
	}
	found := map[string]bool{}
	in.dependencies[address] = found
	var node hclsyntax.Node
	if e, ok := in.locals[address]; ok {
		node = e
	} else if block, ok := in.blocks[address]; ok {
		node = block.Body
	} else {
		return found
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		e, ok := n.(*hclsyntax.ScopeTraversalExpr)
		if !ok || len(e.Traversal) < 2 {
			return nil
		}
		second, ok := e.Traversal[1].(hcl.TraverseAttr)
		if !ok {
			return nil
		}
		needed := e.Traversal.RootName() + "." + second.Name
		found[needed] = true
		maps.Copy(found, in.dependenciesOf(needed))
		return nil
	})
	return found
}

// These attributes contain references, such as aws_s3_bucket.pictures, which are not evaluated.
var referenceAttributes = []string{"provider", "depends_on", "ignore_changes"}

func (in *interpreter) body(body *hclsyntax.Body, scope map[string]cty.Value) (map[string]any, error) {
	values := map[string]any{}
	for name, attribute := range body.Attributes {
		switch {
		case name == "count" || name == "for_each":
			continue
		case slices.Contains(referenceAttributes, name), attribute.Expr.Variables() != nil && attribute.Expr.Variables()[0].RootName() == "self":
			values[name] = references(attribute.Expr)
			continue
		}
		v, err := in.evaluate(attribute.Expr, scope)
		if err != nil {
			return nil, err
		}
		if values[name], err = toGo(v); err != nil {
			return nil, err
		}
	}
	for _, block := range body.Blocks {
		name, nested, err := in.nestedBlock(block, scope)
		if err != nil {
			return nil, err
		}
		previous, _ := values[name].([]any)
		values[name] = append(previous, nested...)
	}
	return values, nil
}

func references(e hclsyntax.Expression) []any {
	addresses := []any{}
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
		addresses = append(addresses, address.String())
	}
	return addresses
}

func (in *interpreter) nestedBlock(block *hclsyntax.Block, scope map[string]cty.Value) (string, []any, error) {
	if block.Type != "dynamic" {
		values, err := in.body(block.Body, scope)
		return block.Type, []any{values}, err
	}
	name := block.Labels[0]
	collection, err := in.evaluate(block.Body.Attributes["for_each"].Expr, scope)
	if err != nil {
		return "", nil, err
	}
	nested := []any{}
	for it := collection.ElementIterator(); it.Next(); {
		key, value := it.Element()
		inner := map[string]cty.Value{}
		maps.Copy(inner, scope)
		inner[name] = cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})
		values, err := in.body(block.Body.Blocks[0].Body, inner)
		if err != nil {
			return "", nil, err
		}
		nested = append(nested, values)
	}
	return name, nested, nil
}
