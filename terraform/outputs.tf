output "site" {
  description = "URL of the site."
  value       = local.site_origin
}

output "site_bucket" {
  description = "Bucket to which make deploy copies the page."
  value       = aws_s3_bucket.site.bucket
}

output "distribution" {
  description = "CloudFront distribution that make deploy invalidates."
  value       = aws_cloudfront_distribution.site.id
}

output "registry" {
  description = "Repository to which make deploy pushes the worker image."
  value       = aws_ecr_repository.worker.repository_url
}

output "force_destroy" {
  description = "Whether destroy may delete pictures, worker images and the Temporal namespace. make destroy requires it."
  value       = terraform_data.force_destroy.output
}

output "worker_image" {
  description = "Image that the workers run."
  value       = terraform_data.worker_image.output
}

output "region" {
  description = "AWS region of everything except CloudFront, its certificate and its firewall."
  value       = local.aws_region
}

output "temporal" {
  description = "Values of TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE for the temporal CLI."
  value       = { address = local.temporal_address, namespace = local.temporal_namespace }
}

output "worker_settings" {
  description = "Paths of the worker's settings in SSM, separated by a comma. The first one changes when a setting of the worker changes."
  value       = local.ssm_path.worker
}

output "retention" {
  description = "Retention in days. The retention of workflow executions must not be shorter than that of the dead letters."
  value = {
    pictures     = max(var.retention_days, 2) + 2
    records      = local.record_days
    runs         = local.temporal_days
    dead_letters = local.dead_letter_days
  }
}

output "dead_letters" {
  description = "URL of the queue that holds undeliverable S3 events."
  value       = aws_sqs_queue.dead_letters.url
}

output "redrive" {
  description = "Command that delivers the dead letters again. Run it with --no-enabled to stop."
  value       = "aws lambda update-event-source-mapping --region ${local.aws_region} --uuid ${aws_lambda_event_source_mapping.redrive.uuid} --enabled"
}

output "google_limits" {
  description = "Input of google-limits.sh: project, requests per minute, billing account or -, budget, name."
  value = join(" ", [
    var.google_project,
    ceil(var.annotations_per_second * 60),
    coalesce(var.google_billing_account, "-"),
    var.monthly_budget,
    var.name,
  ])
}
