output "site" {
  description = "Where the site is."
  value       = local.site_origin
}

output "site_bucket" {
  description = "Bucket that make deploy copies the page into."
  value       = aws_s3_bucket.site.bucket
}

output "distribution" {
  description = "CloudFront distribution that make deploy invalidates."
  value       = aws_cloudfront_distribution.site.id
}

output "registry" {
  description = "Repository that make deploy pushes the worker's image to."
  value       = aws_ecr_repository.worker.repository_url
}

output "worker_image" {
  description = "The image that the workers run."
  value       = var.worker_image
}

output "region" {
  description = "AWS region of everything but CloudFront."
  value       = local.aws_region
}

output "temporal" {
  description = "What TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are to be for the temporal CLI."
  value       = { address = local.temporal_address, namespace = local.temporal_namespace }
}

output "retention" {
  description = "Days that each of these is kept. Temporal must not forget a run before the dead letters are gone."
  value = {
    pictures     = max(var.retention_days, 2) + 2
    records      = local.record_days
    runs         = local.temporal_days
    dead_letters = local.dead_letter_days
  }
}

output "dead_letters" {
  description = "Queue of the events that could not be delivered."
  value       = aws_sqs_queue.dead_letters.url
}

output "redrive" {
  description = "Delivers the dead letters again; with --no-enabled it stops."
  value       = "aws lambda update-event-source-mapping --region ${local.aws_region} --uuid ${aws_lambda_event_source_mapping.redrive.uuid} --enabled"
}

output "google_limits" {
  description = "What google-limits.sh sets: project, requests a minute, billing account or -, budget, name."
  value = join(" ", [
    var.google_project,
    ceil(var.annotations_per_second * 60),
    coalesce(var.google_billing_account, "-"),
    var.monthly_budget,
    var.name,
  ])
}
