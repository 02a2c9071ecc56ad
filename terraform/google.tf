# Access to Cloud Vision for the worker. There is no Google key: Google accepts the AWS role of the worker (workload identity
# federation).

locals {
  google_services = toset(["vision.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com"])
  worker_session  = "arn:aws:sts::${local.account}:assumed-role/${local.role.worker}"

  # This configuration contains no secret. It is in SSM because of its length.
  google_credentials = jsonencode({
    type                              = "external_account"
    audience                          = "//iam.googleapis.com/${google_iam_workload_identity_pool_provider.aws.name}"
    subject_token_type                = "urn:ietf:params:aws:token-type:aws4_request"
    token_url                         = "https://sts.googleapis.com/v1/token"
    service_account_impersonation_url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${google_service_account.worker.email}:generateAccessToken"
    credential_source = {
      environment_id                 = "aws1"
      regional_cred_verification_url = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    }
  })
}

resource "google_project_service" "used" {
  for_each = local.google_services

  service            = each.key
  disable_on_destroy = false # the project may need them for other purposes
}

# Cloud Vision requires no IAM role. The role below lets the service account use the quota of the project.
resource "google_service_account" "worker" {
  account_id   = local.role.worker
  display_name = "The worker of ${var.name}"
  depends_on   = [google_project_service.used]
}

resource "google_project_iam_member" "worker" {
  project = var.google_project
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = google_service_account.worker.member
}

# Google reserves the ID of a deleted pool for 30 days.
resource "google_iam_workload_identity_pool" "aws" {
  workload_identity_pool_id = "${var.name}-${terraform_data.suffix.output}"
  display_name              = "AWS roles of ${var.name}"
  depends_on                = [google_project_service.used]
}

resource "google_iam_workload_identity_pool_provider" "aws" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.aws.workload_identity_pool_id
  workload_identity_pool_provider_id = "aws-worker"
  attribute_condition                = "attribute.aws_role == '${local.worker_session}'"

  attribute_mapping = {
    "google.subject"     = "assertion.arn"
    "attribute.aws_role" = "assertion.arn.extract('{account}assumed-role/') + 'assumed-role/' + assertion.arn.extract('assumed-role/{role}/')"
  }

  aws {
    account_id = local.account
  }
}

resource "google_service_account_iam_member" "worker" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.aws.name}/attribute.aws_role/${local.worker_session}"
}
