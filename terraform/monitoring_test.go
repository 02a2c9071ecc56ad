package terraform_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"triptych/internal/telemetry"
)

const namespace = "Triptych/triptych" // of the programs' metrics

var programs = sync.OnceValue(func() string {
	return goSource("../picture", "../worker", "../trigger", "../activities", "../internal/records")
})

type metricLine struct {
	user, metric string
	dimensions   map[string]string
}

// metricLines returns the alarms and the lines of the dashboard that use metrics of the programs.
func metricLines(p plan) (lines []metricLine) {
	for _, r := range p.ofType("aws_cloudwatch_metric_alarm") {
		if lookup(r.values, "namespace") == namespace {
			line := metricLine{r.address, fmt.Sprint(lookup(r.values, "metric_name")), map[string]string{}}
			values, _ := lookup(r.values, "dimensions").(map[string]any)
			for name, value := range values {
				line.dimensions[name] = fmt.Sprint(value)
			}
			lines = append(lines, line)
		}
	}
	var dashboard map[string]any
	text, _ := lookup(p.resource("aws_cloudwatch_dashboard.this").values, "dashboard_body").(string)
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		return []metricLine{{user: "the dashboard, which is not JSON: " + err.Error()}}
	}
	for _, widget := range asList(lookup(dashboard, "widgets")) {
		for _, metric := range asList(lookup(widget, "properties", "metrics")) {
			if lookup(metric, 0) == namespace {
				line := metricLine{fmt.Sprint("the dashboard's ", lookup(widget, "properties", "title")), fmt.Sprint(lookup(metric, 1)), map[string]string{}}
				for i := 2; i < len(asList(metric)); i += 2 {
					line.dimensions[fmt.Sprint(lookup(metric, i))] = fmt.Sprint(lookup(metric, i+1))
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}

var monitoringRules = map[string]rule{
	"every_log_group_has_a_retention": {
		forEach("aws_cloudwatch_log_group", func(_ plan, r resource) []string { return expect(r, 30., "retention_in_days") }),
		[]mutation{{"a_log_group_that_never_expires", "settings.tf", "  retention_in_days = var.log_retention_days\n", ""}},
	},
	"alarms_and_dashboard_use_exactly_the_metrics_that_the_programs_export": {
		func(p plan) (errs []string) {
			used := map[string]bool{} // metric and names of its dimensions
			for _, line := range metricLines(p) {
				names := slices.Sorted(maps.Keys(line.dimensions))
				if !slices.ContainsFunc(telemetry.CloudWatch[line.metric], func(set []string) bool { return slices.Equal(set, names) }) {
					errs = append(errs, fmt.Sprintf("%s uses the metric %s with the dimensions %v, which no program exports", line.user, line.metric, names))
				}
				used[fmt.Sprint(line.metric, names)] = true
				for name, value := range line.dimensions {
					if !strings.Contains(programs(), `"`+value+`"`) {
						errs = append(errs, fmt.Sprintf("%s: no program contains the value %q of %s", line.user, value, name))
					}
				}
			}
			for metric, sets := range telemetry.CloudWatch {
				if source := programs() + strings.ReplaceAll(temporalSDK(), `TemporalMetricsPrefix + "`, `"temporal_`); !strings.Contains(source, `"`+metric+`"`) {
					errs = append(errs, "no program measures "+metric)
				}
				for _, set := range sets {
					if !used[fmt.Sprint(metric, set)] {
						errs = append(errs, fmt.Sprintf("CloudWatch bills %s with the dimensions %v, but nothing uses it", metric, set))
					}
				}
			}
			return errs
		}, []mutation{
			{"an_alarm_on_another_metric", "monitoring.tf", `metric = "triptych.step.wait"`, `metric = "triptych.step.waited"`},
			{"an_alarm_without_the_dimension_of_its_metric", "monitoring.tf", `{ "db.response.status_code" = "429" }`, `{}`},
			{"an_unknown_outcome", "dashboard.tf", `"Throttled", "Forbidden"`, `"Throttled", "Denied"`},
			{"a_dashboard_line_of_another_metric", "dashboard.tf", `"triptych.pictures.received"`, `"triptych.pictures"`},
			{"a_dashboard_line_with_another_dimension", "dashboard.tf", `"triptych.records", "triptych.status", status`, `"triptych.records", "status", status`},
			{"an_unknown_status", "dashboard.tf", `"rejected", "erased"`, `"refused", "erased"`},
			{"a_metric_that_is_billed_and_not_used", "dashboard.tf", `"triptych.annotations.billed"`, `"triptych.annotations.remaining"`},
		},
	},
	"every_program_exports_its_metrics_to_the_namespace_of_the_alarms": {
		func(p plan) (errs []string) {
			for _, program := range []string{"trigger", "web", "worker"} {
				for name, want := range map[string]string{"OTEL_METRICS_EXPORTER": "awsemf", "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=" + namespace} {
					if got := p.environment(program)[name]; got != want {
						errs = append(errs, fmt.Sprintf("%s of %s is %q, want %q", name, program, got, want))
					}
				}
			}
			return errs
		}, []mutation{
			{"another_namespace", "monitoring.tf", `"service.namespace=${local.metrics}"`, `"service.namespace=Triptych"`},
			{"another_exporter", "monitoring.tf", `"awsemf"`, `"otlp"`},
			{"a_trigger_without_metrics", "trigger.tf", "merge(local.telemetry, {", "merge({"},
			{"a_worker_without_metrics", "worker.tf", "merge(local.telemetry, {", "merge({"},
		},
	},
	"an_alarm_reports_idle_workers": {
		func(p plan) (errs []string) {
			alarm := p.resource("aws_cloudwatch_metric_alarm.silent")
			errs = append(errs, expect(alarm, "triptych.step.attempts", "metric_name")...)
			errs = append(errs, expect(alarm, nil, "dimensions")...)
			errs = append(errs, expect(alarm, "Sum", "statistic")...)
			errs = append(errs, expect(alarm, "LessThanThreshold", "comparison_operator")...)
			errs = append(errs, expect(alarm, 1., "threshold")...)
			errs = append(errs, expect(alarm, "breaching", "treat_missing_data")...)
			return append(errs, expect(alarm, 1800., "period")...) // two sweep intervals
		}, []mutation{
			{"an_alarm_on_received_pictures", "monitoring.tf", `metric_name         = "triptych.step.attempts"`, `metric_name         = "triptych.pictures.received"`},
			{"missing_data_that_raises_no_alarm", "monitoring.tf", `treat_missing_data  = "breaching"`, `treat_missing_data  = "notBreaching"`},
		},
	},
	"an_alarm_reports_80_percent_of_the_annotations_per_day": {
		func(p plan) (errs []string) {
			alarm := p.resource(`aws_cloudwatch_metric_alarm.this["annotations"]`)
			errs = append(errs, expect(alarm, "triptych.annotations.remaining", "metric_name")...)
			errs = append(errs, expect(alarm, "Minimum", "statistic")...)
			errs = append(errs, expect(alarm, "LessThanThreshold", "comparison_operator")...)
			errs = append(errs, expect(alarm, 200., "threshold")...)
			for _, program := range []string{"web", "worker"} {
				errs = append(errs, expect(p.setting(program, "TRIPTYCH_ANNOTATIONS_PER_DAY"), "1000", "value")...)
			}
			return errs
		}, []mutation{
			{"a_sum_over_the_workers", "monitoring.tf", `metric = "triptych.annotations.remaining", statistic = "Minimum"`, `metric = "triptych.annotations.remaining", statistic = "Sum"`},
			{"an_alarm_that_comes_when_20_percent_are_used_up", "monitoring.tf", "threshold = ceil(0.2 * var.annotations_per_day)", "threshold = ceil(0.8 * var.annotations_per_day)"},
			{"an_alarm_while_many_remain", "monitoring.tf", `, comparison = "LessThanThreshold"`, ""},
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
