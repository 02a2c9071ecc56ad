package terraform_test

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func (in *interpreter) evaluate(e hclsyntax.Expression, scope map[string]cty.Value) (cty.Value, error) {
	objects := map[string]map[string]cty.Value{}     // by first name, such as var or aws_s3_bucket
	dataSources := map[string]map[string]cty.Value{} // by type
	for _, traversal := range e.Variables() {
		first := traversal.RootName()
		if _, ok := scope[first]; ok {
			continue
		}
		second := traversal[1].(hcl.TraverseAttr).Name
		target, typ, name, address := objects, first, second, first+"."+second
		if first == "data" {
			third := traversal[2].(hcl.TraverseAttr).Name
			target, typ, name, address = dataSources, second, third, address+"."+third
		}
		v, err := in.value(address)
		if err != nil {
			return cty.NilVal, err
		}
		if target[typ] == nil {
			target[typ] = map[string]cty.Value{}
		}
		target[typ][name] = v
	}
	variables := toValues(objects)
	maps.Copy(variables, scope)
	if len(dataSources) > 0 {
		variables["data"] = cty.ObjectVal(toValues(dataSources))
	}
	v, diags := e.Value(&hcl.EvalContext{Variables: variables, Functions: functions})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

func toValues(objects map[string]map[string]cty.Value) map[string]cty.Value {
	values := map[string]cty.Value{}
	for name, attributes := range objects {
		values[name] = cty.ObjectVal(attributes)
	}
	return values
}

func (in *interpreter) value(address string) (cty.Value, error) {
	if v, ok := in.values[address]; ok {
		return v, nil
	}
	v, err := in.evaluateAddress(address)
	if err != nil {
		return cty.NilVal, fmt.Errorf("%s: %w", address, err)
	}
	in.values[address] = v
	return v, nil
}

func (in *interpreter) evaluateAddress(address string) (cty.Value, error) {
	if e, ok := in.locals[address]; ok {
		return in.evaluate(e, nil)
	}
	block, ok := in.blocks[address]
	switch {
	case !ok:
		return cty.NilVal, fmt.Errorf("nothing with this address is declared")
	case block.Type == "variable":
		return in.variable(block)
	}
	instances, err := in.instances(address, block)
	if err != nil {
		return cty.NilVal, err
	}
	byKey, list := map[string]cty.Value{}, []cty.Value{}
	for _, i := range instances {
		switch {
		case i.key == cty.NilVal:
			return in.placeholder(i.address), nil
		case i.key.Type() == cty.String:
			byKey[i.key.AsString()] = in.placeholder(i.address)
		default:
			list = append(list, in.placeholder(i.address))
		}
	}
	if block.Body.Attributes["count"] != nil {
		return cty.TupleVal(list), nil
	}
	return cty.ObjectVal(byKey), nil
}

func (in *interpreter) variable(block *hclsyntax.Block) (cty.Value, error) {
	v, ok := in.variables[block.Labels[0]]
	if !ok {
		fallback, ok := block.Body.Attributes["default"]
		if !ok {
			return cty.NilVal, fmt.Errorf("the variable has no value and no default")
		}
		var err error
		if v, err = in.evaluate(fallback.Expr, nil); err != nil {
			return cty.NilVal, err
		}
	}
	typ, diags := typeexpr.TypeConstraint(block.Body.Attributes["type"].Expr)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return convert.Convert(v, typ)
}

const accountID = "123456789012"

func (in *interpreter) placeholder(address string) cty.Value {
	attributes := map[string]cty.Value{}
	for name := range in.attributeNames {
		attributes[name] = cty.StringVal(address + "." + name)
	}
	attributes["version"] = cty.NumberIntVal(1)
	attributes["endpoints"] = cty.ObjectVal(map[string]cty.Value{"grpc_address": cty.StringVal(address + ".endpoints.grpc_address")})
	attributes["domain_validation_options"] = cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{
		"resource_record_name": cty.StringVal("name"), "resource_record_type": cty.StringVal("CNAME"), "resource_record_value": cty.StringVal("value"),
	})})
	attributes["names"] = cty.TupleVal([]cty.Value{cty.StringVal(address + ".names[0]"), cty.StringVal(address + ".names[1]")})
	attributes["account_id"] = cty.StringVal(accountID)
	attributes["cidr_block"] = cty.StringVal("10.0.0.0/16")
	return cty.ObjectVal(attributes)
}

func toGo(v cty.Value) (any, error) {
	b, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(b, &out)
}
