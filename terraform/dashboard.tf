# The widgets follow the steps of a picture, from left to right and top to bottom.

locals {
  widgets = [
    { title = "Upload events", stat = "Sum", metrics = [["AWS/Lambda", "Invocations", "FunctionName", local.role.trigger]] },
    { title = "Records written", stat = "SampleCount", metrics = [[local.metrics, "Done", "Step", "persist"]] },
    { title = "Oldest waiting picture (seconds)", stat = "Maximum", metrics = [[local.metrics, "Waited"]] },
    { title = "Step duration p99 (seconds)", stat = "p99", metrics = [for step in ["presign", "annotate", "persist"] : [local.metrics, "Done", "Step", step]] },
    { title = "Failed attempts", stat = "Sum", metrics = [for step in ["presign", "annotate", "persist"] : [local.metrics, "Failed", "Step", step]] },
    { title = "Cosmos DB 429 responses", stat = "Sum", metrics = [[local.metrics, "Throttled"]] },
    { title = "Annotations reserved today", stat = "Maximum", metrics = [[local.metrics, "Reserved"]] },
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
