# Access logs: the requests to CloudFront and to the bucket of the pictures. They contain IP addresses, link IDs and presigned URLs, so only
# administrators of the AWS account can read them. Not here: the logs of the programs, which CloudWatch stores.

resource "aws_s3_bucket" "logs" {
  bucket        = local.logs_bucket
  force_destroy = true # log_retention_days deletes them anyway
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# CloudFront's standard logging (legacy) refuses a bucket without ACLs: hashicorp/terraform-provider-aws#43069.
resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.bucket

  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

# CloudFront would add this grant to its own account itself, and Terraform would not notice if it were removed.
resource "aws_s3_bucket_acl" "logs" {
  bucket     = aws_s3_bucket.logs.bucket
  depends_on = [aws_s3_bucket_ownership_controls.logs]

  access_control_policy {
    owner {
      id = data.aws_canonical_user_id.current.id
    }

    dynamic "grant" {
      for_each = [data.aws_canonical_user_id.current.id, data.aws_cloudfront_log_delivery_canonical_user_id.current.id]

      content {
        permission = "FULL_CONTROL"

        grantee {
          type = "CanonicalUser"
          id   = grant.value
        }
      }
    }
  }
}

data "aws_canonical_user_id" "current" {}

data "aws_cloudfront_log_delivery_canonical_user_id" "current" {}

# S3 delivers no access logs to a bucket that is encrypted with KMS by default.
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket     = aws_s3_bucket.logs.bucket
  depends_on = [aws_s3_bucket_public_access_block.logs]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LogsOfThePictures"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "arn:aws:s3:::${local.logs_bucket}/s3/*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account, "aws:SourceArn" = local.pictures_arn } }
      },
      {
        Sid       = "OnlyTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::${local.logs_bucket}", "arn:aws:s3:::${local.logs_bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.bucket

  rule {
    id     = "retention"
    status = "Enabled"
    filter {}

    expiration {
      days = var.log_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_logging" "pictures" {
  bucket        = aws_s3_bucket.pictures.bucket
  target_bucket = aws_s3_bucket.logs.bucket
  target_prefix = "s3/"
  depends_on    = [aws_s3_bucket_policy.logs]
}
