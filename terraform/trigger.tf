# The Lambda function that S3 invokes for each upload. After three failed attempts Lambda sends the event to the dead-letter
# queue, from which an operator can redrive it. SweepPictures also starts these pictures.

resource "aws_lambda_function" "trigger" {
  function_name                  = local.role.trigger
  description                    = "Starts a workflow for each uploaded picture"
  role                           = aws_iam_role.trigger.arn
  filename                       = var.trigger_zip
  source_code_hash               = fileexists(var.trigger_zip) ? filebase64sha256(var.trigger_zip) : null
  runtime                        = "provided.al2023"
  architectures                  = ["arm64"]
  handler                        = "bootstrap"
  memory_size                    = 256
  timeout                        = 30
  reserved_concurrent_executions = var.trigger_concurrency

  environment {
    variables = merge(local.telemetry, {
      TRIPTYCH_SSM_PATH = local.ssm_path.trigger
    })
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.program["trigger"].name
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.trigger_zip)
      error_message = "${var.trigger_zip} does not exist: run make build first."
    }
  }

  depends_on = [aws_iam_role_policy.trigger, aws_ssm_parameter.setting]
}

resource "aws_lambda_function_event_invoke_config" "trigger" {
  function_name                = aws_lambda_function.trigger.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 6 * 60 * 60

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}

# The trigger does not write to the bucket. If a change ever makes it do so, Lambda stops the loop.
resource "aws_lambda_function_recursion_config" "trigger" {
  function_name  = aws_lambda_function.trigger.function_name
  recursive_loop = "Terminate"
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = local.dead_letter_days * 24 * 60 * 60
  sqs_managed_sse_enabled   = true

  # Six times the timeout of the trigger, as AWS recommends.
  visibility_timeout_seconds = 6 * 30
}

# Disabled until an operator has fixed the cause and runs the command in the output redrive.
resource "aws_lambda_event_source_mapping" "redrive" {
  event_source_arn = aws_sqs_queue.dead_letters.arn
  function_name    = aws_lambda_function.trigger.function_name
  batch_size       = 1
  enabled          = false

  lifecycle {
    ignore_changes = [enabled]
  }

  depends_on = [aws_iam_role_policy.trigger]
}

resource "aws_iam_role" "trigger" {
  name               = local.role.trigger
  assume_role_policy = local.lambda_trust
}

resource "aws_iam_role_policy" "trigger" {
  name = "trigger"
  role = aws_iam_role.trigger.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.allow_logs.trigger,
      local.allow_settings.trigger,
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = "arn:aws:sqs:${local.aws_region}:${local.account}:${var.name}-dead-letters"
      },
    ]
  })
}
