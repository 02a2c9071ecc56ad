package terraform_test

import (
	"os"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are those of Terraform's that this root calls. The clock stands still.
var functions = map[string]function.Function{
	"ceil": stdlib.CeilFunc, "coalesce": stdlib.CoalesceFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"floor": stdlib.FloorFunc, "formatdate": stdlib.FormatDateFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc,
	"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc,
	"lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "regex": stdlib.RegexFunc,
	"replace": stdlib.ReplaceFunc, "setproduct": stdlib.SetProductFunc, "split": stdlib.SplitFunc, "substr": stdlib.SubstrFunc,
	"timeadd": stdlib.TimeAddFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc,
	"tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),

	"sensitive": same, "nonsensitive": same,
	"plantimestamp": constant("2026-11-24T12:00:00Z"), "timestamp": constant("2026-11-24T12:00:00Z"), "uuid": constant("a-uuid"),
	"sha256":           ofStrings(cty.String, 1, func(s ...string) cty.Value { return cty.StringVal(hexSum(s[0])) }),
	"filebase64sha256": ofStrings(cty.String, 1, func(s ...string) cty.Value { return cty.StringVal("the sum of " + s[0]) }),
	"fileexists":       ofStrings(cty.Bool, 1, func(s ...string) cty.Value { return cty.BoolVal(exists(s[0])) }),
	"strcontains":      ofStrings(cty.Bool, 2, func(s ...string) cty.Value { return cty.BoolVal(strings.Contains(s[0], s[1])) }),
	"startswith":       ofStrings(cty.Bool, 2, func(s ...string) cty.Value { return cty.BoolVal(strings.HasPrefix(s[0], s[1])) }),
	"file":             file, "one": one,
	"cidrsubnet": function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.String}, {Type: cty.Number}, {Type: cty.Number}}, Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
	}),
}

var same = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowNull: true}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
})

func constant(value string) function.Function {
	return function.New(&function.Spec{
		Type: function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.StringVal(value), nil },
	})
}

func ofStrings(of cty.Type, n int, f func(...string) cty.Value) function.Function {
	parameters := make([]function.Parameter, n)
	for i := range parameters {
		parameters[i].Type = cty.String
	}
	return function.New(&function.Spec{
		Params: parameters, Type: function.StaticReturnType(of),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			strings := make([]string, n)
			for i, arg := range args {
				strings[i] = arg.AsString()
			}
			return f(strings...), nil
		},
	})
}

var file = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.String}}, Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		b, err := os.ReadFile(args[0].AsString())
		return cty.StringVal(string(b)), err
	},
})

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

var one = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if args[0].LengthInt() == 0 {
			return cty.DynamicPseudoType, nil
		}
		return args[0].AsValueSlice()[0].Type(), nil
	},
	Impl: func(args []cty.Value, of cty.Type) (cty.Value, error) {
		if args[0].LengthInt() == 0 {
			return cty.NullVal(of), nil
		}
		return args[0].AsValueSlice()[0], nil
	},
})
