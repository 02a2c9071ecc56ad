package terraform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// Source directories in which a program reads settings. The TEMPORAL_* settings are read by the Temporal SDK.
var settingReaders = map[string][]string{
	"web":     {"../web", "../internal/records", "../internal/objects"},
	"trigger": {"../trigger"},
	"worker":  {"../worker", "../activities", "../internal/records", "../internal/objects", "../internal/vision"},
}

var settingRules = map[string]rule{
	"every_setting_is_read_by_its_program": {
		forEach("aws_ssm_parameter", func(_ plan, r resource) []string {
			parts := strings.Split(fmt.Sprint(lookup(r.values, "name")), "/") // /triptych/worker/COSMOS_ENDPOINT
			program, name := parts[2], parts[3]
			if strings.HasPrefix(name, "TEMPORAL_") || strings.Contains(goSource(settingReaders[program]...), `"`+name+`"`) {
				return nil
			}
			return []string{fmt.Sprintf("no code of %s reads %s", program, name)}
		}),
		[]mutation{
			{"a_misspelled_setting", "settings.tf", "TRIPTYCH_VISION_ENDPOINT ", "TRIPTYCH_VISION_ENDPONT "},
			{"a_worker_setting_for_web", "settings.tf", "    web = merge(local.temporal_settings.web, local.cosmos_settings.web, {\n", "    web = merge(local.temporal_settings.web, local.cosmos_settings.web, {\n      GOOGLE_CREDENTIALS_CONFIG = local.google_credentials\n"},
		},
	},
	"the_erase_secret_is_not_in_the_state": {
		func(p plan) (errs []string) {
			secret := p.setting("web", "TRIPTYCH_ERASE_SECRET")
			errs = append(errs, expect(secret, nil, "value")...)
			errs = append(errs, expect(secret, 1., "value_wo_version")...)
			if value, _ := lookup(secret.values, "value_wo").(string); len(value) < 64 {
				errs = append(errs, "the erase secret is shorter than 32 bytes")
			}
			for _, r := range p {
				if r.typ == "terraform_data" && strings.Contains(r.address, "secret") {
					errs = append(errs, r.address+" would store the secret in the state")
				}
			}
			return errs
		}, []mutation{
			{"a_value_stored_in_the_state", "settings.tf", "  value_wo         = sha256", "  value            = sha256"},
			{"an_erase_secret_that_can_be_guessed", "settings.tf", `sha256("${uuid()}${uuid()}")`, "var.name"},
			{"an_erase_secret_that_cannot_be_rotated", "settings.tf", "value_wo_version = var.erase_secret_version", "value_wo_version = 2"},
		},
	},
	"every_required_setting_is_set": {
		func(p plan) (errs []string) {
			for program, dirs := range settingReaders {
				for _, call := range regexp.MustCompile(`\.Require\(([^)]*)\)`).FindAllStringSubmatch(goSource(dirs[0]), -1) {
					for _, name := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(call[1], -1) {
						if p.setting(program, name[1]).values == nil {
							errs = append(errs, fmt.Sprintf("%s requires %s", program, name[1]))
						}
					}
				}
				for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"} {
					if p.setting(program, name).values == nil {
						errs = append(errs, fmt.Sprintf("%s cannot connect to Temporal without %s", program, name))
					}
				}
			}
			return errs
		}, []mutation{
			{"a_missing_bucket_setting", "settings.tf", "      TRIPTYCH_BUCKET         = local.pictures_bucket\n", ""},
			{"an_erase_secret_under_another_name", "settings.tf", "/TRIPTYCH_ERASE_SECRET", "/TRIPTYCH_ERASE_KEY"},
			{"a_missing_Temporal_API_key", "settings.tf", "local.temporal_cloud ? { TEMPORAL_API_KEY = temporalcloud_apikey.program[program].token } : {},", ""},
		},
	},
}

// A program reads its settings when it starts. Terraform therefore redeploys the program when its settings version
// changes.
func TestSettingsVersion(t *testing.T) {
	files := readSources(t)
	versions := func(t *testing.T, files sources, variables map[string]cty.Value) map[string]string {
		p := mustPlan(t, files, variables)
		containers := fmt.Sprint(lookup(p.resource("aws_ecs_task_definition.worker").values, "container_definitions"))
		found := map[string]string{"worker": regexp.MustCompile(`"TRIPTYCH_SETTINGS_VERSION","value":"[0-9a-f]{64}"`).FindString(containers)}
		for _, program := range []string{"web", "trigger"} {
			found[program] = fmt.Sprint(lookup(p.resource("aws_lambda_function."+program).values, "environment", 0, "variables", "TRIPTYCH_SETTINGS_VERSION"))
		}
		return found
	}
	before := versions(t, files, nil)
	swapped := mutation{"", "settings.tf", "TRIPTYCH_RETENTION_DAYS =", "TRIPTYCH_RETENTION_WEEKS ="}.apply(t, files)
	for name, test := range map[string]struct {
		files     sources
		variables map[string]cty.Value
		replaced  string
	}{
		"new_erase_secret_replaces_only_web":      {files, map[string]cty.Value{"erase_secret_version": cty.NumberIntVal(2)}, "web"},
		"additional_setting_replaces_only_worker": {files, map[string]cty.Value{"features": cty.SetVal([]cty.Value{cty.StringVal("FACE_DETECTION")})}, "worker"},
		// Regression: the settings version was a sum of parameter versions, which can stay the same when one
		// parameter replaces another.
		"setting_with_a_new_name_replaces_only_web": {swapped, nil, "web"},
	} {
		t.Run(name, func(t *testing.T) {
			after := versions(t, test.files, test.variables)
			for _, program := range []string{"web", "trigger", "worker"} {
				if replaced := after[program] != before[program]; replaced != (program == test.replaced) || after[program] == "" {
					t.Errorf("%s: settings version %s, before %s", program, after[program], before[program])
				}
			}
		})
	}
}

func goSource(dirs ...string) string {
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
