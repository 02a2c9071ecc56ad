package terraform_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"triptych/picture"
)

var lambdaRules = map[string]rule{
	"every_function_is_what_make_builds": {
		each("aws_lambda_function", func(_ planned, r resource) (c []string) {
			c = append(c, mustBe(r, "provided.al2023", "runtime")...)
			c = append(c, mustBe(r, []any{"arm64"}, "architectures")...)
			return append(c, mustBe(r, nil, "reserved_concurrent_executions")...)
		}), []breach{
			{"another_processor", "trigger.tf", `["arm64"]`, `["x86_64"]`},
			{"concurrency_that_a_new_account_has_not", "variables.tf", `"Reserved concurrency of the trigger; null for none, because a new account has 10 in all and none to reserve."
  type        = number
  default     = null`, `"Reserved concurrency of the trigger; null for none, because a new account has 10 in all and none to reserve."
  type        = number
  default     = 5`},
		},
	},
	"an_event_that_cannot_be_delivered_is_kept_and_told_of": {
		func(p planned) (c []string) {
			async := p.about("aws_lambda_function_event_invoke_config", "function_name", "aws_lambda_function.trigger.function_name")
			if len(async) != 1 {
				return []string{"the trigger has no configuration for events"}
			}
			c = append(c, mustBe(async[0], "aws_sqs_queue.dead_letters.arn", "destination_config", 0, "on_failure", 0, "destination")...)
			c = append(c, mustBe(async[0], 2., "maximum_retry_attempts")...)
			c = append(c, mustBe(async[0], 21600., "maximum_event_age_in_seconds")...)
			queue := p.one("aws_sqs_queue.dead_letters")
			if at(queue, "sqs_managed_sse_enabled") != true {
				c = append(c, "the dead letters are not encrypted")
			}
			mayTell := slices.ContainsFunc(statements(resource{values: p.one("aws_iam_role_policy.trigger")}, "policy"), func(s any) bool {
				return slices.Contains(list(at(s, "Action")), any("sqs:SendMessage")) && at(s, "Resource") == fmt.Sprintf("arn:aws:sqs:%s:%s:%v", p.region(), account, at(queue, "name"))
			})
			if !mayTell {
				c = append(c, "the trigger's role may not write dead letters")
			}
			redrive := resource{address: "the redrive", values: p.one("aws_lambda_event_source_mapping.redrive")}
			c = append(c, mustBe(redrive, "aws_sqs_queue.dead_letters.arn", "event_source_arn")...)
			c = append(c, mustBe(redrive, "aws_lambda_function.trigger.function_name", "function_name")...)
			c = append(c, mustBe(redrive, 1., "batch_size")...) // a letter that fails keeps no other back
			c = append(c, mustBe(redrive, false, "enabled")...)
			alarm := resource{address: "the alarm on dead letters", values: p.one(`aws_cloudwatch_metric_alarm.this["dead-letters"]`)}
			c = append(c, mustBe(alarm, "aws_sqs_queue.dead_letters.name", "dimensions", "QueueName")...)
			c = append(c, mustBe(alarm, "ApproximateNumberOfMessagesVisible", "metric_name")...)
			return append(c, mustBe(alarm, 0., "threshold")...)
		}, []breach{
			{"no_destination", "trigger.tf", "destination = aws_sqs_queue.dead_letters.arn", `destination = ""`},
			{"a_role_that_may_not_write_there", "trigger.tf", "${var.name}-dead-letters\"\n      },", "${var.name}-other\"\n      },"},
			{"letters_that_come_back_before_anything_is_mended", "trigger.tf", "enabled          = false", "enabled          = true"},
			{"no_alarm", "monitoring.tf", "dimensions = { QueueName = aws_sqs_queue.dead_letters.name }", "dimensions = {}"},
			{"an_alarm_that_waits_for_a_hundred", "monitoring.tf", `metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 0`, `metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 100`},
			{"letters_in_the_clear", "trigger.tf", "sqs_managed_sse_enabled   = true", "sqs_managed_sse_enabled   = false"},
		},
	},
	"the_trigger_cannot_wake_itself_for_ever": {
		each("aws_lambda_function_recursion_config", func(_ planned, r resource) []string {
			return append(mustBe(r, "aws_lambda_function.trigger.function_name", "function_name"), mustBe(r, "Terminate", "recursive_loop")...)
		}),
		[]breach{{"a_loop_that_is_allowed", "trigger.tf", `"Terminate"`, `"Allow"`}},
	},
	"the_API_answers_CloudFront_alone_and_streams": {
		each("aws_lambda_function_url", func(p planned, r resource) (c []string) {
			c = append(c, mustBe(r, "AWS_IAM", "authorization_type")...)
			c = append(c, mustBe(r, "RESPONSE_STREAM", "invoke_mode")...)
			c = append(c, mustBe(r, nil, "cors")...)
			if n := len(p.of("aws_lambda_permission")); n != 3 {
				c = append(c, fmt.Sprintf("there are %d permissions", n))
			}
			var actions []string
			for _, permission := range p.about("aws_lambda_permission", "function_name", at(r.values, "function_name").(string)) {
				c = append(c, mustBe(permission, "cloudfront.amazonaws.com", "principal")...)
				c = append(c, mustBe(permission, "aws_cloudfront_distribution.site.arn", "source_arn")...)
				switch action := at(permission.values, "action").(string); action {
				case "lambda:InvokeFunctionUrl":
					c = append(c, mustBe(permission, "AWS_IAM", "function_url_auth_type")...)
					actions = append(actions, action)
				default: // to call the function by its URL, and not to invoke it with what one likes
					c = append(c, mustBe(permission, true, "invoked_via_function_url")...)
					actions = append(actions, action)
				}
			}
			slices.Sort(actions)
			if !slices.Equal(actions, []string{"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}) {
				c = append(c, fmt.Sprintf("%s: what is permitted is %v, a new URL needs both", r.address, actions))
			}
			return c
		}), []breach{
			{"anyone", "web.tf", `authorization_type = "AWS_IAM"`, `authorization_type = "NONE"`},
			{"any_distribution", "web.tf", `  principal              = "cloudfront.amazonaws.com"
  source_arn             = aws_cloudfront_distribution.site.arn`, `  principal              = "cloudfront.amazonaws.com"`},
			{"CloudFront_invoking_it_with_anything", "web.tf", "  invoked_via_function_url = true\n", ""},
			{"a_permission_for_a_URL_without_signatures", "web.tf", "function_url_auth_type = \"AWS_IAM\"\n  principal", "function_url_auth_type = \"NONE\"\n  principal"},
			{"a_permission_by_another_name", "web.tf", `resource "aws_lambda_permission" "site" {`, `resource "aws_lambda_permission" "more" {
  function_name = aws_lambda_function.web.arn
  action        = "lambda:InvokeFunction"
  principal     = "*"
}

resource "aws_lambda_permission" "site" {`},
			{"one_permission_of_two", "web.tf", `"lambda:InvokeFunctionUrl"`, `"lambda:GetFunction"`},
			{"answers_in_one_piece", "web.tf", `"RESPONSE_STREAM"`, `"BUFFERED"`},
		},
	},
	"an_event_stream_is_not_cut": {
		func(p planned) (c []string) {
			if timeout, _ := at(p.one("aws_lambda_function.web"), "timeout").(float64); timeout < 65 {
				c = append(c, fmt.Sprintf("the web API has %v seconds, an event stream lasts 60", timeout))
			}
			for _, origin := range list(at(p.one("aws_cloudfront_distribution.site"), "origin")) {
				if at(origin, "origin_id") == "api" && at(origin, "custom_origin_config", 0, "origin_read_timeout") == 60. {
					return c
				}
			}
			return append(c, "CloudFront does not wait for 60 seconds, the most it can")
		}, []breach{
			{"a_function_that_ends_first", "web.tf", "timeout                        = 75", "timeout                        = 60"},
			{"CloudFront_losing_patience", "site.tf", "origin_read_timeout      = 60", "origin_read_timeout      = 30"},
		},
	},
	"every_log_ends_sometime": {
		each("aws_cloudwatch_log_group", func(_ planned, r resource) []string { return mustBe(r, 30., "retention_in_days") }),
		[]breach{{"a_log_that_does_not", "settings.tf", "  retention_in_days = var.log_retention_days\n", ""}},
	},
	"metrics_are_made_of_what_the_worker_writes": {
		each("aws_cloudwatch_log_metric_filter", func(_ planned, r resource) (c []string) {
			lines, err := os.ReadFile("../worker/attempts.go")
			if err != nil {
				return []string{err.Error()}
			}
			known := string(lines) + fmt.Sprintf("%q %q %q %q", picture.StepOrder, picture.Throttled, picture.Forbidden, picture.Misconfigured)
			text := fmt.Sprint(at(r.values, "pattern"), " ", at(r.values, "metric_transformation", 0, "value"), " ", at(r.values, "metric_transformation", 0, "dimensions", "Step"))
			for _, word := range regexp.MustCompile(`\$\.(\w+)|"(\w+)"`).FindAllStringSubmatch(text, -1) {
				if name := word[1] + word[2]; name != "msg" && !strings.Contains(known, `"`+name+`"`) {
					c = append(c, fmt.Sprintf("%s: the worker never writes %q", r.address, name))
				}
			}
			return append(c, mustBe(r, `aws_cloudwatch_log_group.program["worker"].name`, "log_group_name")...)
		}), []breach{
			{"a_value_that_is_not_there", "monitoring.tf", `value = "$.seconds"`, `value = "$.duration"`},
			{"an_outcome_that_is_not_there", "monitoring.tf", `$.outcome = \"Throttled\"`, `$.outcome = \"TooManyRequests\"`},
			{"another_log", "monitoring.tf", `aws_cloudwatch_log_group.program["worker"].name
  pattern`, `aws_cloudwatch_log_group.program["web"].name
  pattern`},
		},
	},
	"every_alarm_and_every_curve_has_its_metric": {
		func(p planned) (c []string) {
			made := map[any]bool{}
			for _, r := range p.of("aws_cloudwatch_log_metric_filter") {
				made[at(r.values, "metric_transformation", 0, "name")] = true
			}
			ours := 0
			for _, r := range p.of("aws_cloudwatch_metric_alarm") {
				if at(r.values, "namespace") == "Triptych/triptych" {
					ours++
					if name := at(r.values, "metric_name"); !made[name] {
						c = append(c, fmt.Sprintf("%s rings for %v, which nobody makes", r.address, name))
					}
				}
			}
			var board map[string]any
			text, _ := at(p.one("aws_cloudwatch_dashboard.this"), "dashboard_body").(string)
			if err := json.Unmarshal([]byte(text), &board); err != nil {
				return append(c, "the dashboard cannot be read: "+err.Error())
			}
			for _, widget := range list(at(board, "widgets")) {
				for _, curve := range list(at(widget, "properties", "metrics")) {
					if at(curve, 0) == "Triptych/triptych" {
						ours++
						if !made[at(curve, 1)] {
							c = append(c, fmt.Sprintf("the dashboard shows %v, which nobody makes", at(curve, 1)))
						}
					}
				}
			}
			if ours < 10 {
				c = append(c, fmt.Sprintf("only %d alarms and curves are of our own metrics", ours))
			}
			return c
		}, []breach{
			{"a_metric_under_another_name", "monitoring.tf", "    Waited    = {", "    Waiting   = {"},
			{"a_curve_of_nothing", "dashboard.tf", `[[local.metrics, "Throttled"]]`, `[[local.metrics, "TooMany"]]`},
		},
	},
	"workers_that_do_nothing_are_told_of": {
		func(p planned) (c []string) {
			filter := resource{address: "what is counted", values: p.one(`aws_cloudwatch_log_metric_filter.step["Attempts"]`)}
			c = append(c, mustBe(filter, `{ $.msg = "step" }`, "pattern")...)
			c = append(c, mustBe(filter, "1", "metric_transformation", 0, "value")...)
			c = append(c, mustBe(filter, nil, "metric_transformation", 0, "dimensions")...)
			alarm := resource{address: "the alarm", values: p.one("aws_cloudwatch_metric_alarm.silent")}
			c = append(c, mustBe(alarm, "Attempts", "metric_name")...)
			c = append(c, mustBe(alarm, "Sum", "statistic")...)
			c = append(c, mustBe(alarm, "LessThanThreshold", "comparison_operator")...)
			c = append(c, mustBe(alarm, 1., "threshold")...)
			c = append(c, mustBe(alarm, "breaching", "treat_missing_data")...)
			return append(c, mustBe(alarm, 1800., "period")...) // two sweeps
		}, []breach{
			{"lines_of_any_kind", "monitoring.tf", `pattern = "{ $.msg = \"step\" }"`, `pattern = ""`},
			{"another_metric", "monitoring.tf", `metric_name         = "Attempts"`, `metric_name         = "Failed"`},
			{"silence_that_is_no_news", "monitoring.tf", `treat_missing_data  = "breaching"`, `treat_missing_data  = "notBreaching"`},
		},
	},
	"pictures_that_are_fetched_again_and_again_are_told_of": {
		func(p planned) (c []string) {
			c = append(c, mustBe(resource{address: "what S3 counts", values: p.one("aws_s3_bucket_metric.pictures")}, "aws_s3_bucket.pictures.bucket", "bucket")...)
			alarm := resource{address: "the alarm", values: p.one(`aws_cloudwatch_metric_alarm.this["downloads"]`)}
			c = append(c, mustBe(alarm, map[string]any{"BucketName": "aws_s3_bucket.pictures.bucket", "FilterId": "aws_s3_bucket_metric.pictures.name"}, "dimensions")...)
			c = append(c, mustBe(alarm, "BytesDownloaded", "metric_name")...)
			c = append(c, mustBe(alarm, "AWS/S3", "namespace")...)
			c = append(c, mustBe(alarm, 10e9, "threshold")...)
			return append(c, mustBe(alarm, 3600., "period")...)
		}, []breach{
			{"a_bucket_that_nobody_counts", "upload.tf", `resource "aws_s3_bucket_metric" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket`, `resource "aws_s3_bucket_metric" "pictures" {
  bucket = aws_s3_bucket.site.bucket`},
			{"an_alarm_without_its_filter", "monitoring.tf", ", FilterId = aws_s3_bucket_metric.pictures.name", ""},
			{"a_thousand_times_too_late", "monitoring.tf", "threshold = local.download_gb * 1000 * 1000 * 1000", "threshold = local.download_gb * 1000 * 1000 * 1000 * 1000"},
		},
	},
	"every_alarm_says_what_to_do_and_is_sent": {
		each("aws_cloudwatch_metric_alarm", func(p planned, r resource) (c []string) {
			if text, _ := at(r.values, "alarm_description").(string); len(text) < 80 {
				c = append(c, r.address+" does not say what to do")
			}
			if len(p.about("aws_sns_topic_subscription", "topic_arn", "aws_sns_topic.alarms.arn")) == 0 {
				c = append(c, "nobody hears the alarms")
			}
			return append(c, mustBe(r, []any{"aws_sns_topic.alarms.arn"}, "alarm_actions")...)
		}), []breach{
			{"an_alarm_that_is_silent", "monitoring.tf", "alarm_actions       = [aws_sns_topic.alarms.arn]", "alarm_actions       = []"},
			{"an_alarm_that_leaves_one_alone", "monitoring.tf", "alarm_description   = each.value.do", `alarm_description   = "Something is wrong."`},
		},
	},
}
