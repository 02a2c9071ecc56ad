package terraform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// readers is where each program reads its settings, but for TEMPORAL_*, which Temporal's own library does.
var readers = map[string][]string{
	"web":     {"../web", "../internal/records", "../internal/objects"},
	"trigger": {"../trigger"},
	"worker":  {"../worker", "../activities", "../internal/records", "../internal/objects"},
}

var settingRules = map[string]rule{
	"every_setting_is_one_that_its_program_reads": {
		each("aws_ssm_parameter", func(_ planned, r resource) []string {
			parts := strings.Split(fmt.Sprint(at(r.values, "name")), "/") // /triptych/worker/COSMOS_ENDPOINT
			program, name := parts[2], parts[3]
			if strings.HasPrefix(name, "TEMPORAL_") || strings.Contains(source(readers[program]), `"`+name+`"`) {
				return nil
			}
			return []string{fmt.Sprintf("the %s does not read %s", program, name)}
		}),
		[]breach{
			{"a_misspelt_name", "settings.tf", "TRIPTYCH_VISION_ENDPOINT ", "TRIPTYCH_VISION_ENDPONT "},
			{"a_setting_of_another_program", "settings.tf", "    web = merge(local.temporal_settings.web, local.cosmos_settings.web, {\n", "    web = merge(local.temporal_settings.web, local.cosmos_settings.web, {\n      GOOGLE_CREDENTIALS_CONFIG = local.google_credentials\n"},
		},
	},
	"every_setting_that_a_program_demands_is_there": {
		func(p planned) (c []string) {
			for program, dirs := range readers {
				for _, call := range regexp.MustCompile(`settings\.Require\(([^)]*)\)`).FindAllStringSubmatch(source(dirs[:1]), -1) {
					for _, name := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(call[1], -1) {
						if p.one(fmt.Sprintf("aws_ssm_parameter.setting[%q]", program+"/"+name[1])) == nil {
							c = append(c, fmt.Sprintf("the %s demands %s", program, name[1]))
						}
					}
				}
				for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"} {
					if p.one(fmt.Sprintf("aws_ssm_parameter.setting[%q]", program+"/"+name)) == nil {
						c = append(c, fmt.Sprintf("the %s cannot reach Temporal without %s", program, name))
					}
				}
			}
			return c
		}, []breach{
			{"one_that_is_missing", "settings.tf", "      TRIPTYCH_ERASE_SECRET   = sensitive(terraform_data.erase_secret.output)\n", ""},
			{"a_key_that_is_missing", "settings.tf", "local.temporal_cloud ? { TEMPORAL_API_KEY = temporalcloud_apikey.program[program].token } : {},", ""},
		},
	},
}

// source is the code in folders, without its tests.
func source(dirs []string) string {
	var all strings.Builder
	for _, dir := range dirs {
		names, _ := filepath.Glob(dir + "/*.go")
		for _, name := range names {
			if text, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, "_test.go") {
				all.Write(text)
			}
		}
	}
	return all.String()
}
