package terraform_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var functions = map[string]function.Function{
	"ceil": stdlib.CeilFunc, "coalesce": stdlib.CoalesceFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
	"floor": stdlib.FloorFunc, "formatdate": stdlib.FormatDateFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc,
	"jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc,
	"lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "regex": stdlib.RegexFunc,
	"replace": stdlib.ReplaceFunc, "setproduct": stdlib.SetProductFunc, "split": stdlib.SplitFunc, "substr": stdlib.SubstrFunc,
	"trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc,
	"tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),

	"nonsensitive": identity, "one": one,
	// Fixed values, so that two plans can be compared.
	"plantimestamp": constant("2026-11-24T12:00:00Z"), "timestamp": constant("2026-11-24T12:00:00Z"), "uuid": constant("a-uuid"),
	"file": onStrings(cty.String, 1, func(s ...string) (cty.Value, error) {
		b, err := os.ReadFile(s[0])
		return cty.StringVal(string(b)), err
	}),
	"filebase64sha256": onStrings(cty.String, 1, func(s ...string) (cty.Value, error) { return cty.StringVal("the sum of " + s[0]), nil }),
	"fileexists": onStrings(cty.Bool, 1, func(s ...string) (cty.Value, error) {
		_, err := os.Stat(s[0])
		return cty.BoolVal(err == nil), nil
	}),
	"sha256": onStrings(cty.String, 1, func(s ...string) (cty.Value, error) {
		return cty.StringVal(fmt.Sprintf("%x", sha256.Sum256([]byte(s[0])))), nil
	}),
	"base64sha256": onStrings(cty.String, 1, func(s ...string) (cty.Value, error) {
		sum := sha256.Sum256([]byte(s[0]))
		return cty.StringVal(base64.StdEncoding.EncodeToString(sum[:])), nil
	}),
	"startswith":  onStrings(cty.Bool, 2, func(s ...string) (cty.Value, error) { return cty.BoolVal(strings.HasPrefix(s[0], s[1])), nil }),
	"strcontains": onStrings(cty.Bool, 2, func(s ...string) (cty.Value, error) { return cty.BoolVal(strings.Contains(s[0], s[1])), nil }),

	// The tests check no subnet address, so cidrsubnet returns its first argument.
	"cidrsubnet": function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.String}, {Type: cty.Number}, {Type: cty.Number}}, Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
	}),
}

var identity = function.New(&function.Spec{
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

func onStrings(result cty.Type, n int, f func(...string) (cty.Value, error)) function.Function {
	parameters := make([]function.Parameter, n)
	for i := range parameters {
		parameters[i].Type = cty.String
	}
	return function.New(&function.Spec{
		Params: parameters, Type: function.StaticReturnType(result),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			values := make([]string, n)
			for i, arg := range args {
				values[i] = arg.AsString()
			}
			return f(values...)
		},
	})
}

var one = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if args[0].LengthInt() == 0 {
			return cty.DynamicPseudoType, nil
		}
		return args[0].AsValueSlice()[0].Type(), nil
	},
	Impl: func(args []cty.Value, typ cty.Type) (cty.Value, error) {
		if args[0].LengthInt() == 0 {
			return cty.NullVal(typ), nil
		}
		return args[0].AsValueSlice()[0], nil
	},
})
