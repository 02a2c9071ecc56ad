# What one looks at, and what calls. Metrics come from AWS's own services and from the lines that the worker writes about
# each attempt of a step: {"msg":"step","step":"persist","outcome":"done","seconds":0.04,"waited":0.05,…}.

locals {
  metrics = "Triptych/${var.name}"
  steps   = "($.step = \"presign\" || $.step = \"annotate\" || $.step = \"persist\")"

  # What S3 may send out within an hour before someone is told. Pictures of 500 KB, one a second, that Google and a page
  # fetch, are 3.6.
  download_gb = 10 * max(1, var.annotations_per_second)

  # Each metric with its pattern, the value it takes from a line, and whether it is kept apart by step.
  step_metrics = {
    Done      = { pattern = "{ $.msg = \"step\" && $.outcome = \"done\" && ${local.steps} }", value = "$.seconds", by_step = true }
    Failed    = { pattern = "{ $.msg = \"step\" && $.outcome != \"done\" && ${local.steps} }", value = "1", by_step = true }
    Waited    = { pattern = "{ $.msg = \"step\" && ${local.steps} }", value = "$.waited", by_step = false }
    Throttled = { pattern = "{ $.msg = \"step\" && $.outcome = \"Throttled\" && $.step = \"persist\" }", value = "1", by_step = false }
    Attempts  = { pattern = "{ $.msg = \"step\" }", value = "1", by_step = false }
    Refused   = { pattern = "{ $.msg = \"step\" && ($.outcome = \"Forbidden\" || $.outcome = \"Misconfigured\") }", value = "1", by_step = false }
  }

  # Each alarm with what to do when it rings.
  alarms = {
    dead-letters = {
      do         = "Events could not be delivered to Temporal three times in a row. The log ${local.log_group.trigger} says why. The pictures are not lost: the sweep starts them within a quarter of an hour. To empty the queue, run what terraform output redrive prints, and once it is empty the same with --no-enabled."
      namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 0, minutes = 5, periods = 1
      dimensions = { QueueName = aws_sqs_queue.dead_letters.name }
    }
    trigger-errors = {
      do         = "The trigger fails, so pictures start late. The log ${local.log_group.trigger} says why: mostly Temporal cannot be reached, or its API key has ended."
      namespace  = "AWS/Lambda", metric = "Errors", statistic = "Sum", threshold = 0, minutes = 5, periods = 3
      dimensions = { FunctionName = aws_lambda_function.trigger.function_name }
    }
    trigger-throttled = {
      do         = "Events wait because the account's Lambda concurrency is used up. Ask AWS for more (Service Quotas, Concurrent executions), or reserve some with trigger_concurrency."
      namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum", threshold = 0, minutes = 5, periods = 3
      dimensions = { FunctionName = aws_lambda_function.trigger.function_name }
    }
    site-errors = {
      do         = "The API answers with errors. The log ${local.log_group.web} says why: mostly Temporal or Cosmos DB cannot be reached. Uploads that were granted still arrive."
      namespace  = "AWS/Lambda", metric = "Url5xxCount", statistic = "Sum", threshold = 5, minutes = 5, periods = 2
      dimensions = { FunctionName = aws_lambda_function.web.function_name }
    }
    site-throttled = {
      do         = "Visitors are turned away: each page that follows a picture takes one of the account's concurrent Lambda executions, of which a new account has 10. Ask AWS for more (Service Quotas, Concurrent executions)."
      namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum", threshold = 5, minutes = 5, periods = 2
      dimensions = { FunctionName = aws_lambda_function.web.function_name }
    }
    waiting = {
      do         = "A picture has waited for more than a quarter of an hour. Nothing is lost; its pending activity says why: temporal workflow list, then temporal workflow describe. It goes on by itself once that is mended; temporal activity reset hurries it."
      namespace  = local.metrics, metric = "Waited", statistic = "Maximum", threshold = 900, minutes = 5, periods = 1
      dimensions = {}
    }
    refused = {
      do         = "A cloud refuses the worker's credentials, or a setting is wrong, and pictures wait. The log ${local.log_group.worker} has a sentence that says which and what it needs."
      namespace  = local.metrics, metric = "Refused", statistic = "Sum", threshold = 0, minutes = 5, periods = 1
      dimensions = {}
    }
    cosmos-throttled = {
      do         = "Cosmos DB answers 429: it is asked for more than it may give. Records are written a little later. If it goes on, set or raise cosmos_throughput."
      namespace  = local.metrics, metric = "Throttled", statistic = "Sum", threshold = 10, minutes = 5, periods = 3
      dimensions = {}
    }
    downloads = {
      do         = "More than ${local.download_gb} GB of pictures were sent out within an hour, at $0.09 a GB. Someone may be fetching one again and again: its URL leads to S3 itself, past the firewall, but lives for a minute only. aws lambda put-function-concurrency --function-name ${local.role.web} --reserved-concurrent-executions 0 closes the API and so ends it; uploads that were granted still arrive, and the next make deploy opens it again."
      namespace  = "AWS/S3", metric = "BytesDownloaded", statistic = "Sum", threshold = local.download_gb * 1000 * 1000 * 1000, minutes = 60, periods = 1
      dimensions = { BucketName = aws_s3_bucket.pictures.bucket, FilterId = aws_s3_bucket_metric.pictures.name }
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "step" {
  for_each = local.step_metrics

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.program["worker"].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace  = local.metrics
    name       = each.key
    value      = each.value.value
    dimensions = each.value.by_step ? { Step = "$.step" } : null
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.do
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = each.value.minutes * 60
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A worker that works tries a step with every sweep, four times an hour. That it writes something would tell nothing: one
# that starts again and again does so, and one whose key to Temporal was taken away complains all the time.
resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "${var.name}-worker-silent"
  alarm_description   = "No worker has tried a step for half an hour, though each sweep is one: none runs, or none reaches Temporal, and every picture waits. The log ${local.log_group.worker} says why: mostly a setting that is missing, or a key to Temporal that has ended. Where it is empty, the events of the ECS service ${local.role.worker} do: an image that is gone, or no way out."
  namespace           = local.metrics
  metric_name         = "Attempts"
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 1800
  evaluation_periods  = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_sns_topic" "alarms" {
  name = "${var.name}-alarms"
}

resource "aws_sns_topic_subscription" "alarms" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
