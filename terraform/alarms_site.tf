# Alarms on metrics of CloudFront and its firewall, which exist in us-east-1 only. An alarm can use only a topic of its own region, so
# there is a second topic.

locals {
  site_alarms = merge(
    {
      page-errors = {
        description = "CloudFront answers more than 5 % of the requests with a 5xx status. If the alarm site-errors or site-throttled is sent too, follow it. If not, web does not answer within 60 seconds, or its function URL or the bucket of the page is missing: compare the origins with `terraform plan`. Refusals with status 403 do not count here; the dashboard shows the rate of 4xx."
        namespace   = "AWS/CloudFront", metric = "5xxErrorRate", statistic = "Average", threshold = 5, periods = 3
        dimensions  = { DistributionId = aws_cloudfront_distribution.site.id, Region = "Global" }
      }
    },
    var.waf ? {
      firewall-blocks = {
        description = "The firewall has refused more than ${local.blocks} requests in five minutes, three times in a row: an attack, or many visitors who share an address. The metric BlockedRequests of AWS WAF shows the rule. For visitors who share an address, increase the variable requests_per_address or uploads_per_address and run make deploy. For an attack there is nothing to do: the firewall limits each address, and annotations_per_day limits the cost."
        namespace   = "AWS/WAFV2", metric = "BlockedRequests", statistic = "Sum", threshold = local.blocks, periods = 3
        dimensions  = { WebACL = var.name, Rule = "ALL" } # no dimension Region for a firewall of CloudFront
      }
    } : {},
  )

  # As many as one address may send in all. A page that polls too often stays below.
  blocks = var.requests_per_address
}

resource "aws_cloudwatch_metric_alarm" "site" {
  for_each = local.site_alarms
  provider = aws.us_east_1

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} ${local.runbook}#${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.site_alarms.arn]
  ok_actions          = [aws_sns_topic.site_alarms.arn]
}

resource "aws_sns_topic" "site_alarms" {
  provider = aws.us_east_1
  name     = "${var.name}-site-alarms"
}

resource "aws_sns_topic_subscription" "site_alarms" {
  provider  = aws.us_east_1
  topic_arn = aws_sns_topic.site_alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
