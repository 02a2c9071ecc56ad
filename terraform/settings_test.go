package terraform_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"triptych/internal/pipeline"
)

var settingReaders = map[string][]string{
	"web":     {"../web", "../internal/settings", "../internal/records", "../internal/objects"},
	"trigger": {"../trigger"},
	"worker":  {"../worker", "../activities", "../internal/settings", "../internal/records", "../internal/objects", "../internal/vision"},
}

var allPrograms = slices.Sorted(maps.Keys(settingReaders))

var settingRules = map[string]rule{
	"every_setting_is_read_by_its_program": {
		forEach("aws_ssm_parameter", func(_ plan, r resource) []string {
			full := fmt.Sprint(lookup(r.values, "name"))
			programs, name := []string{strings.Split(full, "/")[2]}, path.Base(full)
			if programs[0] == "shared" {
				programs = allPrograms
			}
			var errs []string
			for _, program := range programs {
				if !strings.HasPrefix(name, "TEMPORAL_") && !strings.Contains(goSource(settingReaders[program]...), `"`+name+`"`) {
					errs = append(errs, fmt.Sprintf("no code of %s reads %s", program, name))
				}
			}
			return errs
		}),
		[]mutation{
			{"a_misspelled_setting", "settings.tf", "TRIPTYCH_VISION_ENDPOINT ", "TRIPTYCH_VISION_ENDPONT "},
			{"a_shared_setting_that_only_web_reads", "settings.tf", "${local.program_path.web}/TRIPTYCH_ERASE_SECRET", "${local.shared_path}/TRIPTYCH_ERASE_SECRET"},
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
	"the_payload_keys_are_shared_by_all_programs_and_not_in_the_state": {
		func(p plan) (errs []string) {
			keys := p.setting("shared", "TRIPTYCH_PAYLOAD_KEYS")
			errs = append(errs, expect(keys, nil, "value")...)
			errs = append(errs, expect(keys, 1., "value_wo_version")...)
			errs = append(errs, expect(keys, "SecureString", "type")...)
			value, _ := lookup(keys.values, "value_wo").(string)
			if _, err := pipeline.ParseKeys(value); err != nil {
				errs = append(errs, err.Error())
			}
			_, key, _ := strings.Cut(value, ":")
			if random := sha256.Sum256([]byte("a-uuida-uuid")); key != base64.StdEncoding.EncodeToString(random[:]) { // see functions
				errs = append(errs, "the payload key can be guessed")
			}
			for _, r := range p {
				if r.address != keys.address && strings.Contains(fmt.Sprint(r.values), key) {
					errs = append(errs, r.address+" would store the payload key in the state")
				}
			}
			for _, program := range allPrograms {
				if found := p.settingsOf(program, "TRIPTYCH_PAYLOAD_KEYS"); len(found) != 1 || found[0].address != keys.address {
					errs = append(errs, program+" does not read the shared payload keys")
				}
			}
			return errs
		}, []mutation{
			{"a_key_stored_in_the_state", "settings.tf", `  value_wo         = "${formatdate`, `  value            = "${formatdate`},
			{"a_key_that_can_be_guessed", "settings.tf", `${base64sha256("${uuid()}${uuid()}")}`, `${base64sha256(var.name)}`},
			{"a_key_that_is_too_short", "settings.tf", `${base64sha256("${uuid()}${uuid()}")}`, `${uuid()}`},
			{"a_rotated_key_that_Terraform_replaces", "settings.tf", "value_wo_version = 1", "value_wo_version = var.erase_secret_version + 1"},
			{"a_web_API_that_does_not_read_the_key", "settings.tf", "${local.program_path.web},${local.shared_path}", "${local.program_path.web}"},
			{"a_trigger_that_does_not_read_the_key", "settings.tf", "${local.settings_path.trigger},${local.shared_path}", "${local.settings_path.trigger}"},
			{"a_worker_that_does_not_read_the_key", "settings.tf", "${local.settings_path.worker},${local.shared_path}", "${local.settings_path.worker}"},
			{"another_key_for_the_trigger", "settings.tf", "trigger = merge(local.temporal_settings.trigger, {", `trigger = merge(local.temporal_settings.trigger, { TRIPTYCH_PAYLOAD_KEYS = "own",`},
		},
	},
	"a_failed_deployment_deletes_no_setting_and_no_key_that_old_programs_use": {
		func(p plan) (errs []string) {
			for _, typ := range []string{"aws_ssm_parameter", "temporalcloud_apikey", "aws_ecs_task_definition"} {
				for _, r := range p.ofType(typ) {
					if lookup(r.values, "value_wo_version") == nil { // such values change without a new parameter
						errs = append(errs, expect(r, true, "lifecycle", 0, "create_before_destroy")...)
					}
				}
			}
			// Terraform deletes the old object after it has updated all resources that depend on it.
			for _, program := range []string{"aws_lambda_function.web", "aws_lambda_function.trigger", "aws_ecs_service.worker"} {
				for _, needed := range []string{"aws_ssm_parameter.setting", "temporalcloud_apikey.program"} {
					if r := p.resource(program); r.dependencies == nil || !r.dependencies()[needed] {
						errs = append(errs, fmt.Sprintf("%s does not depend on %s", program, needed))
					}
				}
			}
			condition := lookup(p.resource("aws_ecs_service.worker").values, "lifecycle", 0, "postcondition", 0, "condition")
			if want := []any{"self.task_definition", "aws_ecs_task_definition.worker.arn"}; !reflect.DeepEqual(condition, want) {
				errs = append(errs, fmt.Sprintf("after a deployment Terraform compares %v, want %v", condition, want))
			}
			return errs
		}, []mutation{
			{"a_rolled_back_deployment_that_is_a_success", "worker.tf", "condition     = self.task_definition == aws_ecs_task_definition.worker.arn", "condition     = self.task_definition != null"},
			{"a_Temporal_key_deleted_before_the_deployment", "temporal.tf", "create_before_destroy = true # the old key", "create_before_destroy = false # the old key"},
			{"settings_deleted_before_the_deployment", "settings.tf", "create_before_destroy = true", "create_before_destroy = false"},
			{"a_task_definition_deleted_before_the_deployment", "worker.tf", "create_before_destroy = true #", "create_before_destroy = false #"},
			{"settings_deleted_before_the_web_API_is_updated", "web.tf", "aws_ssm_parameter.setting, ", ""},
			{"settings_deleted_before_the_trigger_is_updated", "trigger.tf", "  depends_on = [aws_iam_role_policy.trigger, aws_ssm_parameter.setting]", "  depends_on = [aws_iam_role_policy.trigger]"},
		},
	},
	"an_old_configuration_can_be_deployed_again_after_a_failed_deployment": {
		forEach("terraform_data", func(p plan, _ resource) (errs []string) {
			for _, program := range allPrograms {
				id := fmt.Sprintf("/triptych/%s/terraform_data.settings[%q].id/", program, program) // random, so no path is used twice
				for _, r := range p.ofType("aws_ssm_parameter") {
					name := fmt.Sprint(lookup(r.values, "name"))
					if lookup(r.values, "value_wo_version") == nil && strings.HasPrefix(name, "/triptych/"+program+"/") && !strings.HasPrefix(name, id) {
						errs = append(errs, name+" would exist already")
					}
				}
			}
			return errs
		}), []mutation{
			{"a_path_that_depends_only_on_the_settings", "settings.tf", "${path}/${terraform_data.settings[program].id}", "${path}/${sha256(jsonencode(local.settings[program]))}"},
			{"one_path_for_all_deployments", "settings.tf", "${path}/${terraform_data.settings[program].id}", "${path}"},
		},
	},
	"pictures_are_limited_to_one_in_ten_seconds": {
		func(p plan) []string {
			return expect(p.setting("worker", "TRIPTYCH_ANNOTATIONS_PER_SECOND"), "0.1", "value")
		},
		[]mutation{{"ten_times_as_many", "variables.tf", "default     = 0.1\n", "default     = 1\n"}},
	},
	"every_required_setting_is_set": {
		func(p plan) (errs []string) {
			for program, dirs := range settingReaders {
				for _, call := range regexp.MustCompile(`\.Require\(([^)]*)\)`).FindAllStringSubmatch(goSource(dirs[0]), -1) {
					for _, name := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(call[1], -1) {
						if len(p.settingsOf(program, name[1])) == 0 && p.environment(program)[name[1]] == "" {
							errs = append(errs, fmt.Sprintf("%s requires %s", program, name[1]))
						}
					}
				}
				for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY"} {
					if len(p.settingsOf(program, name)) == 0 {
						errs = append(errs, fmt.Sprintf("%s cannot connect to Temporal without %s", program, name))
					}
				}
			}
			return errs
		}, []mutation{
			{"a_missing_bucket_setting", "settings.tf", "      TRIPTYCH_BUCKET              = local.pictures_bucket\n", ""},
			{"a_web_API_that_does_not_read_the_erase_secret", "settings.tf", "${local.program_path.web},", ""},
			{"an_erase_secret_under_another_name", "settings.tf", "/TRIPTYCH_ERASE_SECRET", "/TRIPTYCH_ERASE_KEY"},
			{"a_missing_Temporal_API_key", "settings.tf", "local.temporal_cloud ? { TEMPORAL_API_KEY = temporalcloud_apikey.program[program].token } : {},", ""},
		},
	},
}

// A program reads its settings when it starts. Terraform therefore redeploys the program when the ID of its settings
// changes.
func TestSettingsID(t *testing.T) {
	files := readSources(t)
	ids := func(t *testing.T, files sources, variables map[string]cty.Value) map[string]string {
		p := mustPlan(t, files, variables)
		found := map[string]string{}
		for _, program := range allPrograms {
			address := fmt.Sprintf("terraform_data.settings[%q]", program)
			found[program] = fmt.Sprint(lookup(p.resource(address).values, "triggers_replace"))
			if paths := p.environment(program)["TRIPTYCH_SSM_PATH"]; !strings.HasPrefix(paths, "/triptych/"+program+"/"+address+".id,") {
				t.Errorf("%s reads its settings from %s", program, paths)
			}
		}
		return found
	}
	before := ids(t, files, nil)
	swapped := mutation{"", "settings.tf", "TRIPTYCH_RETENTION_DAYS      =", "TRIPTYCH_RETENTION_WEEKS ="}.apply(t, files)
	for name, test := range map[string]struct {
		files     sources
		variables map[string]cty.Value
		replaced  string
	}{
		"new_erase_secret_replaces_only_web":        {files, map[string]cty.Value{"erase_secret_version": cty.NumberIntVal(2)}, "web"},
		"additional_setting_replaces_only_worker":   {files, map[string]cty.Value{"features": cty.SetVal([]cty.Value{cty.StringVal("FACE_DETECTION")})}, "worker"},
		"changed_setting_replaces_only_worker":      {files, map[string]cty.Value{"annotations_per_second": cty.NumberIntVal(1)}, "worker"},
		"setting_with_a_new_name_replaces_only_web": {swapped, nil, "web"},
	} {
		t.Run(name, func(t *testing.T) {
			after := ids(t, test.files, test.variables)
			for _, program := range allPrograms {
				if replaced := after[program] != before[program]; replaced != (program == test.replaced) || len(after[program]) != 64 {
					t.Errorf("%s: the ID depends on %s, before on %s", program, after[program], before[program])
				}
			}
		})
	}
}

// environment returns the variables that the Lambda configuration or the task definition sets.
func (p plan) environment(program string) map[string]string {
	found := map[string]string{}
	if program != "worker" {
		variables, _ := lookup(p.resource("aws_lambda_function."+program).values, "environment", 0, "variables").(map[string]any)
		for name, value := range variables {
			found[name] = fmt.Sprint(value)
		}
		return found
	}
	for _, variable := range asList(lookup(p.workerContainer().values, "environment")) {
		found[fmt.Sprint(lookup(variable, "name"))] = fmt.Sprint(lookup(variable, "value"))
	}
	return found
}

func (p plan) settingsOf(program, name string) (found plan) {
	for root := range strings.SplitSeq(p.environment(program)["TRIPTYCH_SSM_PATH"], ",") {
		found = append(found, p.where("aws_ssm_parameter", "name", root+"/"+name)...)
	}
	return found
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
