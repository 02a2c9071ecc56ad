package terraform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
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
	"the_erase_secret_is_in_no_state": {
		func(p planned) (c []string) {
			secret := p.setting("web", "TRIPTYCH_ERASE_SECRET")
			c = append(c, mustBe(secret, nil, "value")...)
			c = append(c, mustBe(secret, 1., "value_wo_version")...)
			if written, _ := at(secret.values, "value_wo").(string); len(written) < 64 {
				c = append(c, "it is shorter than 32 bytes")
			}
			for _, r := range p {
				if r.kind == "terraform_data" && strings.Contains(r.address, "secret") {
					c = append(c, r.address+" lies in state, and is shown when it is replaced or destroyed")
				}
			}
			return c
		}, []breach{
			{"a_value_that_is_kept", "settings.tf", "  value_wo         = sha256", "  value            = sha256"},
			{"a_secret_that_anyone_guesses", "settings.tf", `sha256("${uuid()}${uuid()}")`, "var.name"},
			{"a_secret_that_is_never_made_anew", "settings.tf", "value_wo_version = var.erase_secret_version", "value_wo_version = 2"},
		},
	},
	"every_setting_that_a_program_demands_is_there": {
		func(p planned) (c []string) {
			for program, dirs := range readers {
				for _, call := range regexp.MustCompile(`settings\.Require\(([^)]*)\)`).FindAllStringSubmatch(source(dirs[:1]), -1) {
					for _, name := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(call[1], -1) {
						if p.setting(program, name[1]).values == nil {
							c = append(c, fmt.Sprintf("the %s demands %s", program, name[1]))
						}
					}
				}
				for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"} {
					if p.setting(program, name).values == nil {
						c = append(c, fmt.Sprintf("the %s cannot reach Temporal without %s", program, name))
					}
				}
			}
			return c
		}, []breach{
			{"one_that_is_missing", "settings.tf", "      TRIPTYCH_BUCKET         = local.pictures_bucket\n", ""},
			{"a_secret_under_another_name", "settings.tf", "/TRIPTYCH_ERASE_SECRET", "/TRIPTYCH_ERASE_KEY"},
			{"a_key_that_is_missing", "settings.tf", "local.temporal_cloud ? { TEMPORAL_API_KEY = temporalcloud_apikey.program[program].token } : {},", ""},
		},
	},
}

// TestSettingsVersion changes what a program reads and sees whether the program would be replaced.
func TestSettingsVersion(t *testing.T) {
	files := read(t)
	versions := func(t *testing.T, files sources, given map[string]cty.Value) map[string]string {
		p := mustPlan(t, files, given)
		have := map[string]string{"worker": fmt.Sprint(at(p.one("aws_ecs_task_definition.worker"), "container_definitions"))}
		have["worker"] = regexp.MustCompile(`"TRIPTYCH_SETTINGS_VERSION","value":"[0-9a-f]{64}"`).FindString(have["worker"])
		for _, program := range []string{"web", "trigger"} {
			have[program] = fmt.Sprint(at(p.one("aws_lambda_function."+program), "environment", 0, "variables", "TRIPTYCH_SETTINGS_VERSION"))
		}
		return have
	}
	was := versions(t, files, nil)
	setting := func(t *testing.T, old, new string) sources { return breach{"", "settings.tf", old, new}.in(t, files) }
	for name, test := range map[string]struct {
		files    sources
		given    map[string]cty.Value
		replaced []string
	}{
		"a_new_erase_secret": {files, map[string]cty.Value{"erase_secret_version": cty.NumberIntVal(2)}, []string{"web"}},
		"one_setting_more":   {files, map[string]cty.Value{"features": cty.SetVal([]cty.Value{cty.StringVal("FACE_DETECTION")})}, []string{"worker"}},
		// Sums of versions were the same then.
		"one_setting_in_another's_place": {setting(t, "TRIPTYCH_RETENTION_DAYS =", "TRIPTYCH_RETENTION_WEEKS ="), nil, []string{"web"}},
	} {
		t.Run(name+"_replaces_who_reads_it", func(t *testing.T) {
			now := versions(t, test.files, test.given)
			for _, program := range []string{"web", "trigger", "worker"} {
				if replaced := now[program] != was[program]; replaced != slices.Contains(test.replaced, program) || now[program] == "" {
					t.Errorf("%s: %s, was %s", program, now[program], was[program])
				}
			}
		})
	}
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
