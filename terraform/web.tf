# The web API: a Lambda function behind a function URL that only this CloudFront distribution can invoke.

resource "aws_lambda_function" "web" {
  function_name                  = local.role.web
  description                    = "Signs uploads, reports progress, starts erasures"
  role                           = aws_iam_role.web.arn
  filename                       = var.web_zip
  source_code_hash               = fileexists(var.web_zip) ? filebase64sha256(var.web_zip) : null
  runtime                        = "provided.al2023"
  architectures                  = ["arm64"]
  handler                        = "bootstrap"
  memory_size                    = 256
  timeout                        = 75 # an event stream lasts 60 seconds, after a possible cold start
  reserved_concurrent_executions = var.web_concurrency

  environment {
    variables = merge(local.telemetry, {
      TRIPTYCH_SSM_PATH = local.ssm_path.web
    })
  }

  logging_config {
    log_format = "Text" # web already writes JSON
    log_group  = aws_cloudwatch_log_group.program["web"].name
  }

  lifecycle {
    precondition {
      condition     = fileexists(var.web_zip)
      error_message = "${var.web_zip} does not exist: run make build first."
    }
  }

  depends_on = [aws_iam_role_policy.web, aws_ssm_parameter.setting, aws_ssm_parameter.erase_secret]
}

resource "aws_lambda_function_url" "web" {
  function_name      = aws_lambda_function.web.function_name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM"
}

resource "aws_lambda_permission" "site_url" {
  statement_id           = "site-url"
  function_name          = aws_lambda_function.web.function_name
  action                 = "lambda:InvokeFunctionUrl"
  function_url_auth_type = "AWS_IAM"
  principal              = "cloudfront.amazonaws.com"
  source_arn             = aws_cloudfront_distribution.site.arn
}

resource "aws_lambda_permission" "site" {
  statement_id             = "site"
  function_name            = aws_lambda_function.web.function_name
  action                   = "lambda:InvokeFunction"
  invoked_via_function_url = true
  principal                = "cloudfront.amazonaws.com"
  source_arn               = aws_cloudfront_distribution.site.arn
}

resource "aws_iam_role" "web" {
  name               = local.role.web
  assume_role_policy = local.lambda_trust
}

# A presigned URL has the permissions of the role that signed it, so this role has only what uploads and downloads need.
resource "aws_iam_role_policy" "web" {
  name = "web"
  role = aws_iam_role.web.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      local.allow_logs.web,
      local.allow_settings.web,
      {
        Sid      = "GrantsAndImages"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${local.pictures_arn}/pictures/*"
      },
    ], local.allow_azure)
  })
}
