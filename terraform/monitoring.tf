# Metrics and alarms. Metrics come from AWS services and from the programs, which write theirs to standard output in CloudWatch's embedded
# metric format. internal/telemetry/emf.go lists these metrics and their dimensions. CloudWatch bills each combination of values.

locals {
  metrics = "Triptych/${var.name}"
  runbook = "Runbook: docs/runbook.md"

  # Variables of the Lambda functions and the workers, whose standard output CloudWatch stores.
  telemetry = {
    OTEL_METRICS_EXPORTER    = "awsemf"
    OTEL_RESOURCE_ATTRIBUTES = "service.namespace=${local.metrics}"
  }

  # Threshold of the alarm `downloads`, in GB per hour. One picture of 500 KB per second, downloaded once by Google and once
  # by a page, makes 3.6 GB per hour.
  download_gb = 10 * max(1, var.annotations_per_second)

  # Each description says what the alarm means and what to do.
  alarms = {
    dead-letters = {
      description = "The trigger failed three times to start workflows for some upload events. No picture is lost: SweepPictures starts their workflows within 15 minutes. Look for the error in the log ${local.log_group.trigger}. After fixing it, redrive the queue with the command from `terraform output redrive`, and run the same command with --no-enabled when the queue is empty."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", threshold = 0, minutes = 5, periods = 1
      dimensions  = { QueueName = aws_sqs_queue.dead_letters.name }
    }
    trigger-errors = {
      description = "The trigger fails, so workflows start late. Look for the error in the log ${local.log_group.trigger}. Likely causes: Temporal is unreachable, or its API key has expired."
      namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum", threshold = 0, minutes = 5, periods = 3
      dimensions  = { FunctionName = aws_lambda_function.trigger.function_name }
    }
    trigger-throttled = {
      description = "Lambda throttles the trigger because the concurrency of the account is exhausted, so workflows start late. Request a higher quota from AWS (Service Quotas, Concurrent executions), or reserve concurrency with the variable trigger_concurrency."
      namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum", threshold = 0, minutes = 5, periods = 3
      dimensions  = { FunctionName = aws_lambda_function.trigger.function_name }
    }
    site-errors = {
      description = "The web API responds with errors. Look for them in the log ${local.log_group.web}. Likely cause: Temporal or Cosmos DB is unreachable. Uploads that were already granted still work."
      namespace   = "AWS/Lambda", metric = "Url5xxCount", statistic = "Sum", threshold = 5, minutes = 5, periods = 2
      dimensions  = { FunctionName = aws_lambda_function.web.function_name }
    }
    site-throttled = {
      description = "Lambda throttles the web API, so visitors see errors. Each open event stream uses one concurrent execution, and a new AWS account has only 10. Request a higher quota from AWS (Service Quotas, Concurrent executions)."
      namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum", threshold = 5, minutes = 5, periods = 2
      dimensions  = { FunctionName = aws_lambda_function.web.function_name }
    }
    waiting = {
      description = "A picture has waited more than 15 minutes for a step, perhaps because the day's annotations were used up; the alarm is then sent at the next attempt, after 00:00 UTC. No picture is lost. Find the workflow with `temporal workflow list`; `temporal workflow describe` shows the error of its pending activity. After you fix the cause, Temporal retries the activity automatically; `temporal activity reset` retries it now."
      namespace   = local.metrics, metric = "triptych.step.wait", statistic = "Maximum", threshold = 900, minutes = 5, periods = 1
      dimensions  = {}
    }
    refused = {
      description = "A cloud rejects the credentials of the worker, or a setting is wrong. Pictures wait until this is fixed. The error message in the log ${local.log_group.worker} names the cloud or the setting and says what to change."
      namespace   = local.metrics, metric = "triptych.step.refusals", statistic = "Sum", threshold = 0, minutes = 5, periods = 1
      dimensions  = {}
    }
    cosmos-throttled = {
      description = "Cosmos DB responds with 429 (request rate too large), so Records are read and written with a delay. If this continues, increase the variable cosmos_throughput. If it is null, do not set it: Azure cannot convert a serverless account, and replacing the account deletes all Records."
      namespace   = local.metrics, metric = "azure.cosmosdb.client.operation.request_charge", statistic = "SampleCount", threshold = 10, minutes = 5, periods = 3
      dimensions  = { "db.response.status_code" = "429" }
    }
    annotations = {
      description = "More than 80 % of today's ${var.annotations_per_day} annotations are reserved. When all are used up, pictures wait until 00:00 UTC. When a full day's worth is waiting, the site refuses uploads. If the uploads are legitimate, increase the variable annotations_per_day and run make deploy; docs/operations.md says how to retry the waiting pictures."
      namespace   = local.metrics, metric = "triptych.annotations.remaining", statistic = "Minimum", threshold = ceil(0.2 * var.annotations_per_day), minutes = 60, periods = 1
      dimensions  = {}, comparison = "LessThanThreshold"
    }
    workflow-task-failures = {
      description = "A worker cannot execute a workflow: its code fails or does not fit the history (non-determinism, usually after a deployment), it lacks the key of the workflow's data, or somebody started the workflow without the codec. The workflow waits, and nothing is lost. Look for the error in the log ${local.log_group.worker}. If it names non-determinism after a rollback, deploy the newer release again. If it names non-determinism after an upgrade, deploy the previous release, and fix the change that lacks workflow.GetVersion. Temporal retries the task automatically."
      namespace   = local.metrics, metric = "temporal_workflow_task_execution_failed", statistic = "Sum", threshold = 0, minutes = 15, periods = 1
      dimensions  = {}
    }
    downloads = {
      description = "More than ${local.download_gb} GB of pictures were downloaded within one hour, at $0.09 per GB. Someone may be downloading a picture repeatedly: download URLs bypass the firewall, but expire after one minute. To stop new URLs, disable the API: aws lambda put-function-concurrency --region ${local.aws_region} --function-name ${local.role.web} --reserved-concurrent-executions 0. Uploads that were already granted still work. The next make deploy enables the API again."
      namespace   = "AWS/S3", metric = "BytesDownloaded", statistic = "Sum", threshold = local.download_gb * 1000 * 1000 * 1000, minutes = 60, periods = 1
      dimensions  = { BucketName = aws_s3_bucket.pictures.bucket, FilterId = aws_s3_bucket_metric.pictures.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} ${local.runbook}#${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = lookup(each.value, "comparison", "GreaterThanThreshold")
  threshold           = each.value.threshold
  period              = each.value.minutes * 60
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# A healthy worker attempts at least one activity with every sweep, four times an hour. Counting all log lines would not
# help: a worker that crashes repeatedly or has no valid Temporal key also writes log lines.
resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "${var.name}-worker-silent"
  alarm_description   = "No worker has attempted an activity for 30 minutes, although a sweep runs every 15 minutes. No worker runs, or none can reach Temporal, and all pictures wait. Look for the error in the log ${local.log_group.worker}. Likely causes: a missing setting or an expired Temporal API key. If the log is empty, look at the events of the ECS service ${local.role.worker}. Likely causes: a deleted image or no outbound network route. ${local.runbook}#worker-silent"
  namespace           = local.metrics
  metric_name         = "triptych.step.attempts"
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 1800
  evaluation_periods  = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# ECS sends one CPU measurement per task and minute, so their number is the number of running tasks. Container Insights would count
# the tasks too, but bills each metric.
resource "aws_cloudwatch_metric_alarm" "tasks" {
  alarm_name          = "${var.name}-worker-missing"
  alarm_description   = "Fewer than ${var.worker_tasks} workers have been running for 15 minutes, although worker_tasks requires them. Pictures are annotated more slowly, or not at all if the alarm worker-silent is sent too. Look at the events and stopped tasks of the ECS service ${local.role.worker}, and for errors in the log ${local.log_group.worker}. Likely causes: a worker that stops at start, a deleted image, or no capacity of Fargate in a zone. ${local.runbook}#worker-missing"
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = aws_ecs_cluster.worker.name, ServiceName = aws_ecs_service.worker.name }
  statistic           = "SampleCount"
  comparison_operator = "LessThanThreshold"
  threshold           = var.worker_tasks
  period              = 60
  evaluation_periods  = 15
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
