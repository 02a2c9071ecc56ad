# The bucket of the pictures. Uploads require a presigned URL from web.

resource "aws_s3_bucket" "pictures" {
  bucket        = local.pictures_bucket
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "pictures" {
  bucket                  = aws_s3_bucket.pictures.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# A Record contains the ID of the annotated object version.
resource "aws_s3_bucket_versioning" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "pictures" {
  bucket     = aws_s3_bucket.pictures.bucket
  depends_on = [aws_s3_bucket_public_access_block.pictures]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.pictures_arn, "${local.pictures_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "OnlyTLS12"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.pictures_arn, "${local.pictures_arn}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
    ]
  })
}

# web shows no picture that is older than retention_days. S3 rounds up to the next midnight twice: when it adds a delete marker,
# and when it deletes the version a day later. One day is subtracted, so that a picture is deleted at most two days after
# retention_days. If retention_days is 1, this takes one day longer, because S3 accepts no fewer than one day.
resource "aws_s3_bucket_lifecycle_configuration" "pictures" {
  bucket     = aws_s3_bucket.pictures.bucket
  depends_on = [aws_s3_bucket_versioning.pictures]

  rule {
    id     = "retention"
    status = "Enabled"
    filter {}

    expiration {
      days = max(1, var.retention_days - 1)
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  rule {
    id     = "delete-markers"
    status = "Enabled"
    filter {}

    expiration {
      expired_object_delete_marker = true
    }
  }
}

# Downloads from S3 bypass the firewall. These request metrics feed the alarm `downloads`.
resource "aws_s3_bucket_metric" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket
  name   = "all"
}

# Only pages of the site may upload from a browser, and only with the headers that the upload grant signs.
resource "aws_s3_bucket_cors_configuration" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket

  cors_rule {
    allowed_origins = [local.site_origin]
    allowed_methods = ["PUT", "GET", "HEAD"]
    allowed_headers = ["content-type", "if-none-match", "x-amz-checksum-sha256"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_notification" "pictures" {
  bucket     = aws_s3_bucket.pictures.bucket
  depends_on = [aws_lambda_permission.pictures]

  lambda_function {
    lambda_function_arn = aws_lambda_function.trigger.arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "pictures/"
  }
}

resource "aws_lambda_permission" "pictures" {
  statement_id   = "pictures"
  function_name  = aws_lambda_function.trigger.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = aws_s3_bucket.pictures.arn
  source_account = local.account
}
