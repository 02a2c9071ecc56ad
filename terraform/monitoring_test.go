package terraform_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"triptych/picture"
)

var monitoringRules = map[string]rule{
	"every_log_group_has_a_retention": {
		forEach("aws_cloudwatch_log_group", func(_ plan, r resource) []string { return expect(r, 30., "retention_in_days") }),
		[]mutation{{"a_log_group_that_never_expires", "settings.tf", "  retention_in_days = var.log_retention_days\n", ""}},
	},
	"metric_filters_match_the_log_of_the_worker": {
		forEach("aws_cloudwatch_log_metric_filter", func(_ plan, r resource) (errs []string) {
			known := goSource("../worker", "../internal/records") + fmt.Sprintf("%q %q %q %q", picture.StepOrder, picture.Throttled, picture.Forbidden, picture.Misconfigured) + temporalSDK()
			text := fmt.Sprint(lookup(r.values, "pattern"), " ", lookup(r.values, "metric_transformation", 0, "value"), " ", lookup(r.values, "metric_transformation", 0, "dimensions", "Step"))
			for _, match := range regexp.MustCompile(`\$\.(\w+)|"([\w .]+)"`).FindAllStringSubmatch(text, -1) {
				if name := match[1] + match[2]; name != "msg" && !strings.Contains(known, `"`+name+`"`) {
					errs = append(errs, fmt.Sprintf("%s: the log of the worker never contains %q", r.address, name))
				}
			}
			return append(errs, expect(r, `aws_cloudwatch_log_group.program["worker"].name`, "log_group_name")...)
		}), []mutation{
			{"an_unknown_log_field", "monitoring.tf", `value = "$.seconds"`, `value = "$.duration"`},
			{"an_unknown_message", "monitoring.tf", `$.msg = \"annotations reserved\"`, `$.msg = \"annotations used\"`},
			{"a_message_that_the_SDK_does_not_write", "monitoring.tf", "Failed to process workflow task.", "Failed to process the workflow task."},
			{"an_unknown_outcome", "monitoring.tf", `$.outcome = \"Throttled\"`, `$.outcome = \"TooManyRequests\"`},
			{"the_log_of_web", "monitoring.tf", `aws_cloudwatch_log_group.program["worker"].name
  pattern`, `aws_cloudwatch_log_group.program["web"].name
  pattern`},
		},
	},
	"every_alarm_and_dashboard_line_uses_an_existing_metric": {
		func(p plan) (errs []string) {
			defined := map[any]bool{}
			for _, r := range p.ofType("aws_cloudwatch_log_metric_filter") {
				defined[lookup(r.values, "metric_transformation", 0, "name")] = true
			}
			count := 0
			for _, r := range p.ofType("aws_cloudwatch_metric_alarm") {
				if lookup(r.values, "namespace") == "Triptych/triptych" {
					count++
					if name := lookup(r.values, "metric_name"); !defined[name] {
						errs = append(errs, fmt.Sprintf("%s uses the metric %v, which no filter defines", r.address, name))
					}
				}
			}
			var dashboard map[string]any
			text, _ := lookup(p.resource("aws_cloudwatch_dashboard.this").values, "dashboard_body").(string)
			if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
				return append(errs, "reading the dashboard: "+err.Error())
			}
			for _, widget := range asList(lookup(dashboard, "widgets")) {
				for _, metric := range asList(lookup(widget, "properties", "metrics")) {
					if lookup(metric, 0) == "Triptych/triptych" {
						count++
						if !defined[lookup(metric, 1)] {
							errs = append(errs, fmt.Sprintf("the dashboard uses the metric %v, which no filter defines", lookup(metric, 1)))
						}
					}
				}
			}
			if count < 10 {
				errs = append(errs, fmt.Sprintf("only %d alarms and dashboard lines use metrics of Triptych", count))
			}
			return errs
		}, []mutation{
			{"a_renamed_metric", "monitoring.tf", "    Waited    = {", "    Waiting   = {"},
			{"a_dashboard_line_without_a_metric", "dashboard.tf", `[[local.metrics, "Throttled"]]`, `[[local.metrics, "TooMany"]]`},
		},
	},
	"an_alarm_reports_idle_workers": {
		func(p plan) (errs []string) {
			filter := p.resource(`aws_cloudwatch_log_metric_filter.step["Attempts"]`)
			errs = append(errs, expect(filter, `{ $.msg = "step" }`, "pattern")...)
			errs = append(errs, expect(filter, "1", "metric_transformation", 0, "value")...)
			errs = append(errs, expect(filter, nil, "metric_transformation", 0, "dimensions")...)
			alarm := p.resource("aws_cloudwatch_metric_alarm.silent")
			errs = append(errs, expect(alarm, "Attempts", "metric_name")...)
			errs = append(errs, expect(alarm, "Sum", "statistic")...)
			errs = append(errs, expect(alarm, "LessThanThreshold", "comparison_operator")...)
			errs = append(errs, expect(alarm, 1., "threshold")...)
			errs = append(errs, expect(alarm, "breaching", "treat_missing_data")...)
			return append(errs, expect(alarm, 1800., "period")...) // two sweep intervals
		}, []mutation{
			{"counting_all_log_lines", "monitoring.tf", `pattern = "{ $.msg = \"step\" }"`, `pattern = ""`},
			{"an_alarm_on_failed_attempts", "monitoring.tf", `metric_name         = "Attempts"`, `metric_name         = "Failed"`},
			{"missing_data_that_raises_no_alarm", "monitoring.tf", `treat_missing_data  = "breaching"`, `treat_missing_data  = "notBreaching"`},
		},
	},
	"an_alarm_reports_80_percent_of_the_annotations_per_day": {
		func(p plan) (errs []string) {
			filter := p.resource(`aws_cloudwatch_log_metric_filter.step["Reserved"]`)
			errs = append(errs, expect(filter, "$.reserved", "metric_transformation", 0, "value")...)
			alarm := p.resource(`aws_cloudwatch_metric_alarm.this["annotations"]`)
			errs = append(errs, expect(alarm, "Reserved", "metric_name")...)
			errs = append(errs, expect(alarm, "Maximum", "statistic")...)
			errs = append(errs, expect(alarm, "GreaterThanThreshold", "comparison_operator")...)
			errs = append(errs, expect(alarm, 799., "threshold")...)
			for _, program := range []string{"web", "worker"} {
				errs = append(errs, expect(p.setting(program, "TRIPTYCH_ANNOTATIONS_PER_DAY"), "1000", "value")...)
			}
			return errs
		}, []mutation{
			{"a_sum_of_running_totals", "monitoring.tf", `metric = "Reserved", statistic = "Maximum"`, `metric = "Reserved", statistic = "Sum"`},
			{"an_alarm_that_comes_when_all_are_used_up", "monitoring.tf", "threshold = ceil(0.8 * var.annotations_per_day)", "threshold = ceil(1.0 * var.annotations_per_day)"},
			{"a_site_that_does_not_know_the_limit", "settings.tf", "      TRIPTYCH_ANNOTATIONS_PER_DAY = tostring(var.annotations_per_day)\n", ""},
		},
	},
	"an_alarm_reports_excessive_downloads": {
		func(p plan) (errs []string) {
			errs = append(errs, expect(p.resource("aws_s3_bucket_metric.pictures"), "aws_s3_bucket.pictures.bucket", "bucket")...)
			alarm := p.resource(`aws_cloudwatch_metric_alarm.this["downloads"]`)
			errs = append(errs, expect(alarm, map[string]any{"BucketName": "aws_s3_bucket.pictures.bucket", "FilterId": "aws_s3_bucket_metric.pictures.name"}, "dimensions")...)
			errs = append(errs, expect(alarm, "BytesDownloaded", "metric_name")...)
			errs = append(errs, expect(alarm, "AWS/S3", "namespace")...)
			errs = append(errs, expect(alarm, 10e9, "threshold")...)
			return append(errs, expect(alarm, 3600., "period")...)
		}, []mutation{
			{"request_metrics_of_the_page_bucket", "upload.tf", `resource "aws_s3_bucket_metric" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket`, `resource "aws_s3_bucket_metric" "pictures" {
  bucket = aws_s3_bucket.site.bucket`},
			{"an_alarm_without_the_metrics_filter", "monitoring.tf", ", FilterId = aws_s3_bucket_metric.pictures.name", ""},
			{"a_threshold_that_is_1000_times_too_high", "monitoring.tf", "threshold = local.download_gb * 1000 * 1000 * 1000", "threshold = local.download_gb * 1000 * 1000 * 1000 * 1000"},
		},
	},
	"every_alarm_has_instructions_and_is_sent": {
		forEach("aws_cloudwatch_metric_alarm", func(p plan, r resource) (errs []string) {
			if text, _ := lookup(r.values, "alarm_description").(string); len(text) < 80 {
				errs = append(errs, r.address+" has no description that says what to do")
			}
			for _, topic := range p.ofType("aws_sns_topic") {
				if len(p.where("aws_sns_topic_subscription", "topic_arn", topic.address+".arn")) == 0 {
					errs = append(errs, topic.address+" has no subscription")
				}
			}
			topic := "alarms"
			if lookup(r.values, "provider", 0) == "aws.us_east_1" {
				topic = "site_alarms"
			}
			for _, attribute := range []string{"alarm_actions", "ok_actions"} {
				errs = append(errs, expect(r, []any{"aws_sns_topic." + topic + ".arn"}, attribute)...)
			}
			return errs
		}), []mutation{
			{"an_alarm_without_an_action", "monitoring.tf", "alarm_actions       = [aws_sns_topic.alarms.arn]", "alarm_actions       = []"},
			{"an_alarm_with_a_topic_in_another_region", "alarms_site.tf", "alarm_actions       = [aws_sns_topic.site_alarms.arn]", "alarm_actions       = [aws_sns_topic.alarms.arn]"},
			{"a_topic_without_a_subscription", "alarms_site.tf", "topic_arn = aws_sns_topic.site_alarms.arn", "topic_arn = aws_sns_topic.alarms.arn"},
			{"an_alarm_without_instructions", "monitoring.tf", `alarm_description   = "${each.value.description} ${local.runbook}#${each.key}"`, `alarm_description   = "Something is wrong."`},
		},
	},
}
