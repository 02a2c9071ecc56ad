package terraform_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

var runbookRules = map[string]rule{
	"every_alarm_has_one_entry_in_the_runbook": {
		func(p plan) (errs []string) {
			alarms := []string{"budget"}
			for _, r := range append(p.ofType("aws_cloudwatch_metric_alarm"), p.ofType("aws_cloudwatch_event_rule")...) {
				name, _ := lookup(r.values, "alarm_name").(string)
				text, _ := lookup(r.values, "alarm_description").(string)
				if r.typ == "aws_cloudwatch_event_rule" {
					name, _ = lookup(r.values, "name").(string)
					input, _ := lookup(p.resource(strings.Replace(r.address, "_rule", "_target", 1)).values, "input").(string)
					text = strings.Trim(input, `"`)
				}
				name = strings.TrimPrefix(name, "triptych-")
				alarms = append(alarms, name)
				if !strings.HasSuffix(text, " docs/runbook.md#"+name) {
					errs = append(errs, fmt.Sprintf("the message of %s does not end with the address of its entry in the runbook", name))
				}
				if len(text) > 1024 { // CloudWatch's limit
					errs = append(errs, fmt.Sprintf("the message of %s has %d characters", name, len(text)))
				}
			}
			var entries []string
			for _, heading := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(runbookSection("Alarms"), -1) {
				entries = append(entries, heading[1])
			}
			for _, name := range slices.Concat(alarms, entries) {
				if a, e := count(alarms, name), count(entries, name); a != 1 || e != 1 {
					errs = append(errs, fmt.Sprintf("%s: %d alarms and %d entries in the runbook, want one of each", name, a, e))
				}
			}
			return errs
		}, []mutation{
			{"an_alarm_without_an_entry", "monitoring.tf", "    trigger-errors = {", "    trigger-failures = {"},
			{"a_notice_without_an_entry", "alarms_deployment.tf", "      deployment-failed = {", "      deployment-ended = {"},
			{"an_alarm_without_a_link", "monitoring.tf", `alarm_description   = "${each.value.description} ${local.runbook}#${each.key}"`, "alarm_description   = each.value.description"},
			{"a_link_to_another_entry", "alarms_site.tf", "${local.runbook}#${each.key}", "${local.runbook}#waiting"},
			{"a_notice_without_a_link", "alarms_deployment.tf", `jsonencode("${each.value.message} ${local.runbook}#${each.key}")`, "jsonencode(each.value.message)"},
		},
	},
	"commands_of_the_runbook_name_existing_resources": {
		func(p plan) (errs []string) {
			for _, c := range []struct{ pattern, typ, attribute string }{
				{`--cluster ([\w-]+)`, "aws_ecs_cluster", "name"},
				{`--services? ([\w-]+)`, "aws_ecs_service", "name"},
				{`--function-name ([\w-]+)`, "aws_lambda_function", "function_name"},
				{`aws logs tail ([\w/-]+)`, "aws_cloudwatch_log_group", "name"},
				{`output -raw (\w+)`, "output", "name"},
			} {
				names := map[string]bool{}
				for _, r := range p {
					if c.typ == "output" {
						names[strings.TrimPrefix(r.address, "output.")] = true
					} else if r.typ == c.typ {
						names[fmt.Sprint(lookup(r.values, c.attribute))] = true
					}
				}
				matches := regexp.MustCompile(c.pattern).FindAllStringSubmatch(runbook(), -1)
				if len(matches) == 0 {
					errs = append(errs, "the runbook does not contain "+c.pattern)
				}
				for _, m := range matches {
					if !names[m[1]] {
						errs = append(errs, fmt.Sprintf("%s: the plan contains no %s with this name", m[0], c.typ))
					}
				}
			}
			return errs
		}, []mutation{
			{"another_cluster", "worker.tf", "resource \"aws_ecs_cluster\" \"worker\" {\n  name = var.name", "resource \"aws_ecs_cluster\" \"worker\" {\n  name = \"other\""},
			{"another_function", "web.tf", "function_name                  = local.role.web", `function_name                  = "other"`},
			{"another_output", "outputs.tf", `output "redrive"`, `output "deliver"`},
		},
	},
}

func runbook() string {
	text, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		panic(err)
	}
	return string(text)
}

func runbookSection(name string) string {
	_, after, _ := strings.Cut(runbook(), "\n## "+name+"\n")
	section, _, _ := strings.Cut(after, "\n## ")
	return section
}

func count(list []string, name string) (n int) {
	for _, each := range list {
		if each == name {
			n++
		}
	}
	return n
}
