# CloudFront serves the page from a private bucket and forwards /api/* to web. Both accept requests from CloudFront only.

locals {
  site_host   = coalesce(var.domain, aws_cloudfront_distribution.site.domain_name)
  site_origin = "https://${local.site_host}"

  # Five headers have their own arguments in a CloudFront response headers policy. The others are custom headers.
  headers         = { for name, value in jsondecode(file(var.headers_file)) : name => replace(value, "{bucket}", local.pictures_origin) }
  headers_builtin = ["Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options"]
  headers_custom  = { for name, value in local.headers : name => value if !contains(local.headers_builtin, name) }
}

resource "aws_cloudfront_distribution" "site" {
  comment             = var.name
  enabled             = true
  is_ipv6_enabled     = false # AWS WAF counts single addresses, and one IPv6 network has 2^64 of them
  http_version        = "http2and3"
  price_class         = "PriceClass_100"
  default_root_object = "index.html"
  aliases             = var.domain == null ? [] : [var.domain]
  web_acl_id          = var.waf ? aws_wafv2_web_acl.site[0].arn : null
  depends_on          = [aws_s3_bucket_acl.logs]

  logging_config {
    bucket          = aws_s3_bucket.logs.bucket_domain_name
    prefix          = "cloudfront/"
    include_cookies = false
  }

  origin {
    origin_id                = "page"
    domain_name              = aws_s3_bucket.site.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.site["s3"].id
  }

  # In an event stream, web sends at least one line every 15 seconds and ends the stream after 60 seconds.
  origin {
    origin_id                = "api"
    domain_name              = trimsuffix(trimprefix(aws_lambda_function_url.web.function_url, "https://"), "/")
    origin_access_control_id = aws_cloudfront_origin_access_control.site["lambda"].id

    custom_origin_config {
      http_port                = 80
      https_port               = 443
      origin_protocol_policy   = "https-only"
      origin_ssl_protocols     = ["TLSv1.2"]
      origin_read_timeout      = 60
      origin_keepalive_timeout = 60
    }
  }

  default_cache_behavior {
    target_origin_id           = "page"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.page.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site.id
  }

  ordered_cache_behavior {
    path_pattern               = "/api/*"
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = false
    cache_policy_id            = data.aws_cloudfront_cache_policy.api.id
    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.client.arn
    }
  }

  # By default CloudFront caches error responses for ten seconds, even if the origin forbids caching. Then a client could
  # receive 404 for an existing Record, or 503 although Lambda has capacity again.
  dynamic "custom_error_response" {
    for_each = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504]

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  # The minimum TLS version cannot be set for the domain name that CloudFront assigns.
  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = var.domain == null ? null : aws_acm_certificate_validation.site[0].certificate_arn
    minimum_protocol_version       = var.domain == null ? null : "TLSv1.2_2021"
    ssl_support_method             = var.domain == null ? null : "sni-only"
  }
}

data "aws_cloudfront_cache_policy" "page" {
  name = "Managed-CachingOptimized"
}

data "aws_cloudfront_cache_policy" "api" {
  name = "Managed-CachingDisabled"
}

# A function URL rejects requests with another Host header.
data "aws_cloudfront_origin_request_policy" "api" {
  name = "Managed-AllViewerExceptHostHeader"
}

# web makes client networks take turns, and finds the network in this header. The function replaces a header that the client sent.
resource "aws_cloudfront_function" "client" {
  name    = "${var.name}-client"
  runtime = "cloudfront-js-2.0"
  publish = true

  code = <<-EOT
    function handler(event) {
      event.request.headers["x-triptych-client"] = { value: event.viewer.ip };
      return event.request;
    }
  EOT
}

resource "aws_cloudfront_origin_access_control" "site" {
  for_each = toset(["s3", "lambda"])

  name                              = "${var.name}-${each.key}"
  origin_access_control_origin_type = each.key
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_response_headers_policy" "site" {
  name = var.name

  security_headers_config {
    content_security_policy {
      content_security_policy = local.headers["Content-Security-Policy"]
      override                = true
    }

    referrer_policy {
      referrer_policy = local.headers["Referrer-Policy"]
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = tonumber(regex("max-age=([0-9]+)", local.headers["Strict-Transport-Security"])[0])
      include_subdomains         = strcontains(local.headers["Strict-Transport-Security"], "includeSubDomains")
      preload                    = strcontains(local.headers["Strict-Transport-Security"], "preload")
      override                   = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = local.headers["X-Frame-Options"]
      override     = true
    }
  }

  custom_headers_config {
    dynamic "items" {
      for_each = local.headers_custom

      content {
        header   = items.key
        value    = items.value
        override = true
      }
    }
  }

  lifecycle {
    precondition {
      condition     = local.headers["X-Content-Type-Options"] == "nosniff"
      error_message = "headers_file must set X-Content-Type-Options to nosniff: CloudFront supports no other value."
    }
  }
}

# The page

resource "aws_s3_bucket" "site" {
  bucket        = local.site_bucket
  force_destroy = true # make deploy can upload the page again
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "site" {
  bucket = aws_s3_bucket.site.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "site" {
  bucket     = aws_s3_bucket.site.bucket
  depends_on = [aws_s3_bucket_public_access_block.site]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyThisDistribution"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "arn:aws:s3:::${local.site_bucket}/*"
        Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site.arn } }
      },
      {
        Sid       = "OnlyTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::${local.site_bucket}", "arn:aws:s3:::${local.site_bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

# The optional domain

resource "aws_acm_certificate" "site" {
  count    = var.domain == null ? 0 : 1
  provider = aws.us_east_1

  domain_name       = var.domain
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "certificate" {
  count = var.domain == null ? 0 : 1

  zone_id         = var.zone_id
  name            = one(aws_acm_certificate.site[0].domain_validation_options).resource_record_name
  type            = one(aws_acm_certificate.site[0].domain_validation_options).resource_record_type
  records         = [one(aws_acm_certificate.site[0].domain_validation_options).resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "site" {
  count    = var.domain == null ? 0 : 1
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.site[0].arn
  validation_record_fqdns = [aws_route53_record.certificate[0].fqdn]
}

resource "aws_route53_record" "site" {
  count = var.domain == null ? 0 : 1

  zone_id = var.zone_id
  name    = var.domain
  type    = "A"

  alias {
    name                   = aws_cloudfront_distribution.site.domain_name
    zone_id                = aws_cloudfront_distribution.site.hosted_zone_id
    evaluate_target_health = false
  }
}

# The firewall

locals {
  # The method alone selects uploads and erasures, because web also accepts encoded paths.
  firewall = [
    { name = "requests-per-address", limit = var.requests_per_address, field = { UriPath = {} }, position = "STARTS_WITH", text = "/" },
    { name = "uploads-per-address", limit = var.uploads_per_address, field = { Method = {} }, position = "EXACTLY", text = "POST" },
    { name = "erasures-per-address", limit = var.uploads_per_address, field = { Method = {} }, position = "EXACTLY", text = "DELETE" },
    { name = "streams-per-address", limit = var.uploads_per_address, field = { UriPath = {} }, position = "ENDS_WITH", text = "/events" },
  ]
}

resource "aws_wafv2_web_acl" "site" {
  count    = var.waf ? 1 : 0
  provider = aws.us_east_1

  name  = var.name
  scope = "CLOUDFRONT"

  default_action {
    allow {}
  }

  # Not `rule` blocks: the provider schemas used to check this configuration contain no scope-down statement.
  rule_json = jsonencode([for priority, rule in local.firewall : {
    Name     = rule.name
    Priority = priority
    Action   = { Block = { CustomResponse = { ResponseCode = 429, CustomResponseBodyKey = "limit" } } }
    Statement = {
      RateBasedStatement = {
        AggregateKeyType    = "IP"
        EvaluationWindowSec = 300
        Limit               = rule.limit
        ScopeDownStatement = {
          ByteMatchStatement = {
            FieldToMatch         = rule.field
            PositionalConstraint = rule.position
            SearchString         = rule.text # the provider encodes it in base64
            TextTransformations  = [{ Priority = 0, Type = "URL_DECODE" }]
          }
        }
      }
    }
    VisibilityConfig = {
      CloudWatchMetricsEnabled = true
      MetricName               = "${var.name}-${rule.name}"
      SampledRequestsEnabled   = false
    }
  }])

  custom_response_body {
    key          = "limit"
    content_type = "APPLICATION_JSON"
    content      = jsonencode({ detail = "Your network address sent too many requests: wait five minutes." })
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = false
  }

  lifecycle {
    create_before_destroy = true # with waf = false the distribution is updated first: AWS refuses to delete a firewall in use
  }
}
