# The widgets follow the steps of a picture, from left to right and top to bottom.

locals {
  widgets = [
    { title = "Pictures received", stat = "Sum", metrics = [[local.metrics, "triptych.pictures.received"]] },
    { title = "Records by status", stat = "Sum", metrics = [for status in ["annotated", "rejected", "erased"] : [local.metrics, "triptych.records", "triptych.status", status]] },
    { title = "Longest wait for a step (seconds)", stat = "Maximum", metrics = [[local.metrics, "triptych.step.wait"]] },
    { title = "Step duration p99 (seconds)", stat = "p99", metrics = [for step in ["presign", "annotate", "persist"] : [local.metrics, "triptych.step.duration", "triptych.step", step]] },
    { title = "Failed attempts by outcome", stat = "Sum", metrics = [for outcome in ["Unavailable", "Throttled", "Forbidden", "Misconfigured", "unexpected"] : [local.metrics, "triptych.step.attempts", "triptych.outcome", outcome]] },
    { title = "Schedule-to-start latency p95 (seconds)", stat = "p95", metrics = concat([[local.metrics, "temporal_workflow_task_schedule_to_start_latency"]], [for queue in ["pictures", "annotate"] : [local.metrics, "temporal_activity_schedule_to_start_latency", "task_queue", queue]]) },
    { title = "Cosmos DB request units", stat = "Sum", metrics = [for operation in ["read_item", "create_item", "replace_item"] : [local.metrics, "azure.cosmosdb.client.operation.request_charge", "db.operation.name", operation]] },
    { title = "Cosmos DB 429 responses", stat = "SampleCount", metrics = [[local.metrics, "azure.cosmosdb.client.operation.request_charge", "db.response.status_code", "429"]] },
    { title = "Annotations remaining today", stat = "Minimum", metrics = [[local.metrics, "triptych.annotations.remaining"]] },
    { title = "Annotations billed", stat = "Sum", metrics = [[local.metrics, "triptych.annotations.billed"]] },
    { title = "Dead letters", stat = "Maximum", metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-dead-letters"]] },
    { title = "Lambda errors and throttles", stat = "Sum", metrics = [for pair in setproduct(["Errors", "Throttles"], ["trigger", "web"]) : ["AWS/Lambda", pair[0], "FunctionName", local.role[pair[1]]]] },
    { title = "Worker CPU (%)", stat = "Average", metrics = [["AWS/ECS", "CPUUtilization", "ClusterName", var.name, "ServiceName", local.role.worker]] },
    { title = "Site: 4xx and 5xx (%)", stat = "Average", region = "us-east-1", metrics = [for rate in ["4xxErrorRate", "5xxErrorRate"] : ["AWS/CloudFront", rate, "DistributionId", aws_cloudfront_distribution.site.id, "Region", "Global"]] },
    { title = "AWS bill this month (USD)", stat = "Maximum", region = "us-east-1", metrics = [["AWS/Billing", "EstimatedCharges", "Currency", "USD"]] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for i, widget in local.widgets : {
      type   = "metric"
      x      = i % 3 * 8
      y      = floor(i / 3) * 6
      width  = 8
      height = 6
      properties = {
        title   = widget.title
        stat    = widget.stat
        region  = lookup(widget, "region", local.aws_region)
        period  = 300
        view    = "timeSeries"
        metrics = widget.metrics
      }
    }]
  })
}
