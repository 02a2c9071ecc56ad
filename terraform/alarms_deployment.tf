# Messages about events that are no metric: a deployment that failed, and Temporal keys that expire soon. EventBridge sends them to
# the topic of the alarms.

locals {
  notices = merge(
    {
      deployment-failed = {
        event_pattern = jsonencode({
          source      = ["aws.ecs"]
          detail-type = ["ECS Deployment State Change"]
          detail      = { eventName = ["SERVICE_DEPLOYMENT_FAILED"] }
          resources   = ["arn:aws:ecs:${local.aws_region}:${local.account}:service/${var.name}/${local.role.worker}"]
        })
        schedule = null
        message  = "ECS could not start the new workers of ${local.role.worker} and returns to the previous ones, so pictures are still annotated unless this was the first deployment. Look for the error in the log ${local.log_group.worker}. If the log is empty, look at the stopped tasks of the ECS service. After fixing it, run make deploy."
      }
    },
    local.temporal_cloud ? {
      temporal-keys-expire = {
        event_pattern = null
        # The first deployment of a year replaces the keys and moves this rule to the next year.
        schedule = "cron(0 8 1,15 11-12 ? ${substr(local.temporal_key_expiry, 0, 4)})"
        message  = "The Temporal API keys of ${var.name} are from last year and expire on ${substr(local.temporal_key_expiry, 0, 10)}. After that, no picture is annotated. Run make deploy: it creates new keys, because none were created this year."
      }
    } : {},
  )
}

resource "aws_cloudwatch_event_rule" "notice" {
  for_each = local.notices

  name                = "${var.name}-${each.key}"
  description         = each.value.message
  event_pattern       = each.value.event_pattern
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "notice" {
  for_each = local.notices

  rule  = aws_cloudwatch_event_rule.notice[each.key].name
  arn   = aws_sns_topic.alarms.arn
  input = jsonencode("${each.value.message} ${local.runbook}#${each.key}")
}

# A topic policy replaces the default one, which lets the account's alarms publish, so both services are listed.
resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:${local.aws_region}:${local.account}:${var.name}-alarms"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      # EventBridge supports no Condition in the policy of a topic: with one, it does not publish and reports no error.
      {
        Sid       = "notices"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:${local.aws_region}:${local.account}:${var.name}-alarms"
      },
    ]
  })
}
