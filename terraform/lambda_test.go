package terraform_test

import (
	"fmt"
	"slices"
)

var lambdaRules = map[string]rule{
	"every_function_matches_the_build_of_make": {
		forEach("aws_lambda_function", func(_ plan, r resource) (errs []string) {
			errs = append(errs, expect(r, "provided.al2023", "runtime")...)
			errs = append(errs, expect(r, []any{"arm64"}, "architectures")...)
			return append(errs, expect(r, nil, "reserved_concurrent_executions")...)
		}), []mutation{
			{"another_CPU_architecture", "trigger.tf", `["arm64"]`, `["x86_64"]`},
			{"reserved_concurrency_by_default", "variables.tf", `"Reserved concurrency of the trigger, which event streams cannot use; null for none. AWS leaves 100 executions unreserved, so a new account with 10 cannot reserve any."
  type        = number
  default     = null`, `"Reserved concurrency of the trigger, which event streams cannot use; null for none. AWS leaves 100 executions unreserved, so a new account with 10 cannot reserve any."
  type        = number
  default     = 5`},
		},
	},
	"undeliverable_events_go_to_the_dead_letter_queue_and_raise_an_alarm": {
		func(p plan) (errs []string) {
			config := p.where("aws_lambda_function_event_invoke_config", "function_name", "aws_lambda_function.trigger.function_name")
			if len(config) != 1 {
				return []string{"the trigger does not have exactly one configuration for asynchronous events"}
			}
			errs = append(errs, expect(config[0], "aws_sqs_queue.dead_letters.arn", "destination_config", 0, "on_failure", 0, "destination")...)
			errs = append(errs, expect(config[0], 2., "maximum_retry_attempts")...)
			errs = append(errs, expect(config[0], 21600., "maximum_event_age_in_seconds")...)
			queue := p.resource("aws_sqs_queue.dead_letters").values
			if lookup(queue, "sqs_managed_sse_enabled") != true {
				errs = append(errs, "the dead-letter queue is not encrypted")
			}
			canSend := slices.ContainsFunc(statements(p.resource("aws_iam_role_policy.trigger"), "policy"), func(s any) bool {
				return slices.Contains(asList(lookup(s, "Action")), any("sqs:SendMessage")) && lookup(s, "Resource") == fmt.Sprintf("arn:aws:sqs:%s:%s:%v", p.region(), accountID, lookup(queue, "name"))
			})
			if !canSend {
				errs = append(errs, "the role of the trigger cannot send to the dead-letter queue")
			}
			redrive := p.resource("aws_lambda_event_source_mapping.redrive")
			errs = append(errs, expect(redrive, "aws_sqs_queue.dead_letters.arn", "event_source_arn")...)
			errs = append(errs, expect(redrive, "aws_lambda_function.trigger.function_name", "function_name")...)
			errs = append(errs, expect(redrive, 1., "batch_size")...) // a failing event does not block others
			errs = append(errs, expect(redrive, false, "enabled")...)
			alarm := p.resource(`aws_cloudwatch_metric_alarm.this["dead-letters"]`)
			errs = append(errs, expect(alarm, "aws_sqs_queue.dead_letters.name", "dimensions", "QueueName")...)
			errs = append(errs, expect(alarm, "ApproximateNumberOfMessagesVisible", "metric_name")...)
			return append(errs, expect(alarm, 0., "threshold")...)
		}, []mutation{
			{"a_missing_failure_destination", "trigger.tf", "destination = aws_sqs_queue.dead_letters.arn", `destination = ""`},
			{"a_role_without_permission_on_the_queue", "trigger.tf", "${var.name}-dead-letters\"\n      },", "${var.name}-other\"\n      },"},
			{"an_automatic_redrive", "trigger.tf", "enabled          = false", "enabled          = true"},
			{"an_alarm_without_the_queue", "monitoring.tf", "{ QueueName = aws_sqs_queue.dead_letters.name }", "{}"},
			{"an_alarm_threshold_of_100", "monitoring.tf", `metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 0`, `metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 100`},
			{"an_unencrypted_queue", "trigger.tf", "sqs_managed_sse_enabled   = true", "sqs_managed_sse_enabled   = false"},
		},
	},
	"Lambda_stops_recursive_invocations_of_the_trigger": {
		forEach("aws_lambda_function_recursion_config", func(_ plan, r resource) []string {
			return append(expect(r, "aws_lambda_function.trigger.function_name", "function_name"), expect(r, "Terminate", "recursive_loop")...)
		}),
		[]mutation{{"allowed_recursion", "trigger.tf", `"Terminate"`, `"Allow"`}},
	},
	"only_CloudFront_can_invoke_the_API_and_responses_are_streamed": {
		forEach("aws_lambda_function_url", func(p plan, r resource) (errs []string) {
			errs = append(errs, expect(r, "AWS_IAM", "authorization_type")...)
			errs = append(errs, expect(r, "RESPONSE_STREAM", "invoke_mode")...)
			errs = append(errs, expect(r, nil, "cors")...)
			if n := len(p.ofType("aws_lambda_permission")); n != 3 {
				errs = append(errs, fmt.Sprintf("the plan contains %d Lambda permissions, want 3", n))
			}
			var actions []string
			for _, permission := range p.where("aws_lambda_permission", "function_name", lookup(r.values, "function_name").(string)) {
				errs = append(errs, expect(permission, "cloudfront.amazonaws.com", "principal")...)
				errs = append(errs, expect(permission, "aws_cloudfront_distribution.site.arn", "source_arn")...)
				action := lookup(permission.values, "action").(string)
				actions = append(actions, action)
				if action == "lambda:InvokeFunctionUrl" {
					errs = append(errs, expect(permission, "AWS_IAM", "function_url_auth_type")...)
				} else { // the caller must use the function URL, so that it cannot choose the event
					errs = append(errs, expect(permission, true, "invoked_via_function_url")...)
				}
			}
			slices.Sort(actions)
			if !slices.Equal(actions, []string{"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}) {
				errs = append(errs, fmt.Sprintf("%s: the permitted actions are %v, but a function URL requires InvokeFunction and InvokeFunctionUrl", r.address, actions))
			}
			return errs
		}), []mutation{
			{"an_API_without_authorization", "web.tf", `authorization_type = "AWS_IAM"`, `authorization_type = "NONE"`},
			{"a_permission_for_any_distribution", "web.tf", `  principal              = "cloudfront.amazonaws.com"
  source_arn             = aws_cloudfront_distribution.site.arn`, `  principal              = "cloudfront.amazonaws.com"`},
			{"direct_invocation_by_CloudFront", "web.tf", "  invoked_via_function_url = true\n", ""},
			{"a_permission_for_unsigned_requests", "web.tf", "function_url_auth_type = \"AWS_IAM\"\n  principal", "function_url_auth_type = \"NONE\"\n  principal"},
			{"an_additional_public_permission", "web.tf", `resource "aws_lambda_permission" "site" {`, `resource "aws_lambda_permission" "more" {
  function_name = aws_lambda_function.web.arn
  action        = "lambda:InvokeFunction"
  principal     = "*"
}

resource "aws_lambda_permission" "site" {`},
			{"a_missing_InvokeFunctionUrl_permission", "web.tf", `"lambda:InvokeFunctionUrl"`, `"lambda:GetFunction"`},
			{"buffered_responses", "web.tf", `"RESPONSE_STREAM"`, `"BUFFERED"`},
		},
	},
	"timeouts_exceed_the_length_of_an_event_stream": {
		func(p plan) (errs []string) {
			if timeout, _ := lookup(p.resource("aws_lambda_function.web").values, "timeout").(float64); timeout < 65 {
				errs = append(errs, fmt.Sprintf("the timeout of web is %v seconds, but an event stream lasts 60", timeout))
			}
			for _, origin := range asList(lookup(p.resource("aws_cloudfront_distribution.site").values, "origin")) {
				if lookup(origin, "origin_id") == "api" && lookup(origin, "custom_origin_config", 0, "origin_read_timeout") == 60. {
					return errs
				}
			}
			return append(errs, "the read timeout of CloudFront is not 60 seconds, the maximum")
		}, []mutation{
			{"a_function_timeout_of_60_seconds", "web.tf", "timeout                        = 75", "timeout                        = 60"},
			{"a_CloudFront_read_timeout_of_30_seconds", "site.tf", "origin_read_timeout      = 60", "origin_read_timeout      = 30"},
		},
	},
}
