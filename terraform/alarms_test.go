package terraform_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"sync"
)

// temporalSDK returns the source of Temporal's SDK that names its metrics.
var temporalSDK = sync.OnceValue(func() string {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.temporal.io/sdk").Output()
	if err != nil {
		panic(fmt.Errorf("finding Temporal's SDK: %w", err))
	}
	return goSource(strings.TrimSpace(string(dir)) + "/internal/common/metrics")
})

var alarmRules = map[string]rule{
	"an_alarm_reports_missing_workers": {
		func(p plan) (errs []string) {
			alarm := p.resource("aws_cloudwatch_metric_alarm.tasks")
			for attribute, want := range map[string]any{
				"metric_name": "CPUUtilization", "statistic": "SampleCount", "comparison_operator": "LessThanThreshold", "threshold": 2.,
				"period": 60., "treat_missing_data": "breaching",
				"dimensions": map[string]any{"ClusterName": "aws_ecs_cluster.worker.name", "ServiceName": "aws_ecs_service.worker.name"},
			} {
				errs = append(errs, expect(alarm, want, attribute)...)
			}
			return errs
		}, []mutation{
			{"a_period_that_counts_each_task_five_times", "monitoring.tf", "period              = 60\n", "period              = 300\n"},
			{"a_fixed_number_of_workers", "monitoring.tf", "threshold           = var.worker_tasks", "threshold           = 1"},
			{"no_alarm_without_any_worker", "monitoring.tf", "evaluation_periods  = 15\n  treat_missing_data  = \"breaching\"", "evaluation_periods  = 15\n  treat_missing_data  = \"ignore\""},
		},
	},
	"an_alarm_reports_failed_workflow_tasks": {
		func(p plan) (errs []string) {
			alarm := p.resource(`aws_cloudwatch_metric_alarm.this["workflow-task-failures"]`)
			errs = append(errs, expect(alarm, "temporal_workflow_task_execution_failed", "metric_name")...)
			errs = append(errs, expect(alarm, 900., "period")...) // Temporal waits up to ten minutes between attempts
			return append(errs, expect(alarm, 0., "threshold")...)
		}, []mutation{
			{"an_alarm_that_ends_between_two_attempts", "monitoring.tf", "threshold = 0, minutes = 15", "threshold = 0, minutes = 5"},
			{"failures_of_activities", "monitoring.tf", `metric = "temporal_workflow_task_execution_failed"`, `metric = "triptych.step.attempts"`},
		},
	},
	"alarms_report_errors_of_CloudFront_and_blocks_of_the_firewall": {
		func(p plan) (errs []string) {
			for name, want := range map[string]map[string]any{
				"page-errors":     {"metric_name": "5xxErrorRate", "dimensions": map[string]any{"DistributionId": "aws_cloudfront_distribution.site.id", "Region": "Global"}},
				"firewall-blocks": {"metric_name": "BlockedRequests", "dimensions": map[string]any{"WebACL": "triptych", "Rule": "ALL"}},
			} {
				alarm := p.resource(`aws_cloudwatch_metric_alarm.site["` + name + `"]`)
				errs = append(errs, expect(alarm, []any{"aws.us_east_1"}, "provider")...)
				for attribute, value := range want {
					errs = append(errs, expect(alarm, value, attribute)...)
				}
			}
			for _, address := range []string{"aws_sns_topic.site_alarms", "aws_sns_topic_subscription.site_alarms"} {
				errs = append(errs, expect(p.resource(address), []any{"aws.us_east_1"}, "provider")...)
			}
			return append(errs, expect(p.resource("aws_wafv2_web_acl.site[0]"), "triptych", "visibility_config", 0, "metric_name")...)
		}, []mutation{
			{"an_alarm_in_the_region_of_the_pictures", "alarms_site.tf", "  for_each = local.site_alarms\n  provider = aws.us_east_1\n", "  for_each = local.site_alarms\n"},
			{"a_topic_in_the_region_of_the_pictures", "alarms_site.tf", "resource \"aws_sns_topic\" \"site_alarms\" {\n  provider = aws.us_east_1\n", "resource \"aws_sns_topic\" \"site_alarms\" {\n"},
			{"errors_of_the_client", "alarms_site.tf", "5xxErrorRate", "4xxErrorRate"},
			{"a_firewall_with_another_metric_name", "site.tf", "metric_name                = var.name\n", "metric_name                = \"other\"\n"},
		},
	},
	"a_failed_deployment_is_reported": {
		func(p plan) (errs []string) {
			var pattern map[string]any
			text, _ := lookup(p.resource(`aws_cloudwatch_event_rule.notice["deployment-failed"]`).values, "event_pattern").(string)
			_ = json.Unmarshal([]byte(text), &pattern)
			want := map[string]any{
				"source": []any{"aws.ecs"}, "detail-type": []any{"ECS Deployment State Change"},
				"detail":    map[string]any{"eventName": []any{"SERVICE_DEPLOYMENT_FAILED"}},
				"resources": []any{"arn:aws:ecs:" + p.region() + ":" + accountID + ":service/triptych/triptych-worker"},
			}
			if !reflect.DeepEqual(pattern, want) {
				errs = append(errs, fmt.Sprintf("the rule matches %v, want %v", pattern, want))
			}
			return append(errs, noticeErrors(p, "deployment-failed")...)
		}, []mutation{
			{"completed_deployments", "alarms_deployment.tf", "SERVICE_DEPLOYMENT_FAILED", "SERVICE_DEPLOYMENT_COMPLETED"},
			{"deployments_of_all_services", "alarms_deployment.tf", "service/${var.name}/${local.role.worker}", "service/*"},
			{"a_rule_without_a_target", "alarms_deployment.tf", "rule  = aws_cloudwatch_event_rule.notice[each.key].name", `rule  = "other"`},
			{"a_topic_that_refuses_EventBridge", "alarms_deployment.tf", `"events.amazonaws.com"`, `"cloudtrail.amazonaws.com"`},
			{"a_topic_that_refuses_alarms", "alarms_deployment.tf", `"cloudwatch.amazonaws.com"`, `"cloudtrail.amazonaws.com"`},
		},
	},
	"EventBridge_publishes_to_a_topic_without_a_condition": {
		forEach("aws_sns_topic_policy", func(_ plan, r resource) (errs []string) {
			for _, s := range statements(r, "policy") {
				if lookup(s, "Principal", "Service") == "events.amazonaws.com" && lookup(s, "Condition") != nil {
					errs = append(errs, r.address+" has a condition that EventBridge does not support")
				}
			}
			return errs
		}), []mutation{{
			"a_condition_that_silences_EventBridge", "alarms_deployment.tf", `Principal = { Service = "events.amazonaws.com" }`,
			"Principal = { Service = \"events.amazonaws.com\" }\n        Condition = { StringEquals = { \"aws:SourceAccount\" = local.account } }",
		}},
	},
	"old_Temporal_keys_are_reported_two_months_before_they_expire": {
		func(p plan) (errs []string) {
			if len(p.ofType("temporalcloud_apikey")) == 0 {
				return nil
			}
			expiry, _ := lookup(p.resource(`temporalcloud_apikey.program["worker"]`).values, "expiry_time").(string)
			rule := p.resource(`aws_cloudwatch_event_rule.notice["temporal-keys-expire"]`)
			errs = append(errs, expect(rule, "cron(0 8 1,15 11-12 ? "+expiry[:4]+")", "schedule_expression")...)
			return append(errs, noticeErrors(p, "temporal-keys-expire")...)
		}, []mutation{
			{"a_message_in_the_year_of_the_deployment", "alarms_deployment.tf", "? ${substr(local.temporal_key_expiry, 0, 4)}", `? ${formatdate("YYYY", plantimestamp())}`},
			{"a_message_in_January", "alarms_deployment.tf", "11-12", "1"},
		},
	},
}

func noticeErrors(p plan, name string) (errs []string) {
	rule := p.resource(`aws_cloudwatch_event_rule.notice["` + name + `"]`)
	target := p.resource(`aws_cloudwatch_event_target.notice["` + name + `"]`)
	errs = append(errs, expect(target, "aws_sns_topic.alarms.arn", "arn")...)
	if got, want := fmt.Sprint(lookup(target.values, "rule")), rule.address+".name"; got != want {
		errs = append(errs, fmt.Sprintf("%s belongs to %s, want %s", target.address, got, want))
	}
	message, _ := lookup(rule.values, "description").(string)
	if len(message) < 80 || len(message) > 512 { // EventBridge's limit
		errs = append(errs, fmt.Sprintf("%s has a message of %d characters", rule.address, len(message)))
	}
	var services []any
	for _, s := range statements(p.resource("aws_sns_topic_policy.alarms"), "policy") {
		services = append(services, lookup(s, "Principal", "Service"))
	}
	if want := []any{"cloudwatch.amazonaws.com", "events.amazonaws.com"}; !reflect.DeepEqual(services, want) {
		errs = append(errs, fmt.Sprintf("the topic accepts messages of %v, want %v", services, want))
	}
	return errs
}
