locals {
  region = {
    eu = { aws = "eu-central-1", azure = "germanywestcentral", vision = "eu", temporal = "aws-eu-central-1" }
    us = { aws = "us-east-1", azure = "eastus2", vision = "us", temporal = "aws-us-east-1" }
  }[var.region]

  aws_region = local.region.aws
  account    = data.aws_caller_identity.current.account_id
  tags       = { application = var.name }

  # Policies use these constructed names instead of resource attributes, so that a plan contains complete policies.
  pictures_bucket = "${var.name}-pictures-${local.account}-${local.aws_region}"
  pictures_arn    = "arn:aws:s3:::${local.pictures_bucket}"
  pictures_origin = "https://${local.pictures_bucket}.s3.${local.aws_region}.amazonaws.com"
  site_bucket     = "${var.name}-site-${local.account}-${local.aws_region}"
  logs_bucket     = "${var.name}-logs-${local.account}-${local.aws_region}"
  programs        = toset(["web", "trigger", "worker"])
  role            = { for program in local.programs : program => "${var.name}-${program}" }
  role_arn        = { for program, role in local.role : program => "arn:aws:iam::${local.account}:role/${role}" }
  log_group       = { for program in local.programs : program => "/${var.name}/${program}" }
  log_group_arn   = { for program, group in local.log_group : program => "arn:aws:logs:${local.aws_region}:${local.account}:log-group:${group}" }

  # A redriven event must find the existing workflow execution, otherwise it starts a second one. So Temporal's retention
  # is at least as long as the queue's. A dead letter is not kept longer than its picture.
  dead_letter_days = min(var.retention_days, 14)
  temporal_days    = max(min(var.retention_days, 90), local.dead_letter_days)
  record_days      = var.retention_days + 7
}

data "aws_caller_identity" "current" {}

# Eight random hexadecimal digits for names that are global or cannot be reused for some time after deletion.
resource "terraform_data" "suffix" {
  input = substr(sha256(uuid()), 0, 8)

  lifecycle {
    ignore_changes = [input]
  }
}

# The output force_destroy must not be true before these resources can be deleted. An output with depends_on would not suffice:
# Terraform stores a value that is known during the plan even if the apply fails.
resource "terraform_data" "force_destroy" {
  input      = var.force_destroy
  depends_on = [aws_s3_bucket.pictures, aws_ecr_repository.worker, temporalcloud_namespace.this]
}

# After a rolled-back deployment, the output worker_image must still name the image of the old workers.
resource "terraform_data" "worker_image" {
  input      = var.worker_image
  depends_on = [aws_ecs_service.worker]
}
