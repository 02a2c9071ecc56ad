# Checks of planned values that depend on variables or on several files. The Go tests in the parent directory check rules on all
# resources, such as no public access.

mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }

  mock_resource "aws_cloudfront_distribution" {
    defaults = { domain_name = "d1.cloudfront.net", arn = "arn:aws:cloudfront::123456789012:distribution/E1" }
  }

  mock_resource "aws_nat_gateway" {
    defaults = { id = "nat-1" }
  }

  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abc.lambda-url.eu-central-1.on.aws/" }
  }
}

mock_provider "aws" {
  alias           = "us_east_1"
  override_during = plan

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/triptych/1" }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      domain_validation_options = [{
        domain_name           = "pictures.example.com"
        resource_record_name  = "_x.pictures.example.com"
        resource_record_type  = "CNAME"
        resource_record_value = "_y.acm-validations.aws"
      }]
    }
  }
}

mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = { email = "triptych-worker@some-project.iam.gserviceaccount.com", member = "serviceAccount:triptych-worker@some-project.iam.gserviceaccount.com" }
  }

  mock_resource "google_iam_workload_identity_pool" {
    defaults = { name = "projects/1/locations/global/workloadIdentityPools/p" }
  }

  mock_resource "google_iam_workload_identity_pool_provider" {
    defaults = { name = "projects/1/locations/global/workloadIdentityPools/p/providers/aws-worker" }
  }
}

mock_provider "azurerm" {
  override_during = plan

  mock_resource "azurerm_cosmosdb_account" {
    defaults = {
      id                   = "/subscriptions/s/resourceGroups/triptych/providers/Microsoft.DocumentDB/databaseAccounts/a"
      endpoint             = "https://a.documents.azure.com:443/"
      primary_key          = "read-and-write"
      primary_readonly_key = "read-only"
    }
  }
}

mock_provider "temporalcloud" {
  override_during = plan

  mock_resource "temporalcloud_namespace" {
    defaults = {
      id        = "triptych.a1b2c"
      endpoints = { grpc_address = "triptych.a1b2c.tmprl.cloud:7233", mtls_grpc_address = "m", web_address = "w" }
    }
  }
}

variables {
  alarm_email        = "owner@example.com"
  google_project     = "some-project"
  azure_subscription = "00000000-0000-0000-0000-000000000000"
  worker_image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  headers_file       = "tests/headers.json"
  trigger_zip        = "tests/headers.json" # any existing file
  web_zip            = "tests/headers.json"
}

run "default_values" {
  command = plan

  assert {
    condition     = local.aws_region == "eu-central-1" && azurerm_cosmosdb_account.records.location == "germanywestcentral" && aws_ssm_parameter.setting["worker/TRIPTYCH_VISION_ENDPOINT"].value == "eu-vision.googleapis.com:443" && temporalcloud_namespace.this[0].regions == tolist(["aws-eu-central-1"])
    error_message = "The variable region does not apply to all four clouds."
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.pictures.cors_rule).allowed_origins == toset(["https://d1.cloudfront.net"])
    error_message = "CORS of the bucket does not allow exactly the origin of the site."
  }

  assert {
    condition     = length(aws_wafv2_web_acl.site) == 1 && aws_cloudfront_distribution.site.web_acl_id == aws_wafv2_web_acl.site[0].arn
    error_message = "The firewall is not on by default."
  }

  assert {
    condition     = aws_lambda_function.trigger.reserved_concurrent_executions == null && aws_lambda_function.web.reserved_concurrent_executions == null
    error_message = "Concurrency is reserved by default, but a new AWS account cannot reserve any."
  }

  assert {
    condition     = one(aws_ecs_service.worker.network_configuration).assign_public_ip && length(aws_nat_gateway.worker) == 0
    error_message = "The workers have no public addresses, or a NAT gateway exists by default."
  }

  assert {
    condition     = [for subnet in aws_subnet.worker : subnet.availability_zone] == ["eu-central-1a", "eu-central-1b"]
    error_message = "The workers are not in the first two zones."
  }

  assert {
    condition     = one(azurerm_cosmosdb_account.records.capabilities).name == "EnableServerless" && length(azurerm_cosmosdb_sql_container.records.autoscale_settings) == 0
    error_message = "Cosmos DB is not serverless by default."
  }
}

run "CloudFront_sends_the_headers_of_headers_file" {
  command = plan

  assert {
    condition = jsonencode(one(aws_cloudfront_response_headers_policy.site.security_headers_config)) == jsonencode({
      content_security_policy   = [{ content_security_policy = "default-src 'none'; img-src https://triptych-pictures-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com; connect-src 'self' https://triptych-pictures-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com", override = true }]
      content_type_options      = [{ override = true }]
      frame_options             = [{ frame_option = "SAMEORIGIN", override = true }]
      referrer_policy           = [{ referrer_policy = "same-origin", override = true }]
      strict_transport_security = [{ access_control_max_age_sec = 600, include_subdomains = true, preload = false, override = true }]
      xss_protection            = []
    })
    error_message = "The built-in security headers of CloudFront differ from headers_file."
  }

  assert {
    condition     = { for item in one(aws_cloudfront_response_headers_policy.site.custom_headers_config).items : item.header => item.value } == { Permissions-Policy = "camera=(self)", X-Custom = "as it stands" }
    error_message = "The custom headers of CloudFront differ from headers_file."
  }
}

run "region_us" {
  command = plan
  variables { region = "us" }

  assert {
    condition     = local.aws_region == "us-east-1" && azurerm_cosmosdb_account.records.location == "eastus2" && aws_ssm_parameter.setting["worker/TRIPTYCH_VISION_ENDPOINT"].value == "us-vision.googleapis.com:443" && temporalcloud_namespace.this[0].regions == tolist(["aws-us-east-1"])
    error_message = "The variable region does not apply to all four clouds."
  }
}

run "custom_domain" {
  command = plan
  variables {
    domain  = "pictures.example.com"
    zone_id = "Z0123456789"
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.pictures.cors_rule).allowed_origins == toset(["https://pictures.example.com"])
    error_message = "CORS of the bucket does not allow exactly the origin of the site."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.site.viewer_certificate).minimum_protocol_version == "TLSv1.2_2021"
    error_message = "The site accepts TLS versions below 1.2."
  }
}

# Retention: Records are kept a week longer than pictures. Workflow histories are kept for at most 90 days, and not shorter than
# dead letters.

run "retention_of_30_days_by_default" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.pictures.rule[0].expiration).days == 29 && azurerm_cosmosdb_sql_container.records.default_ttl == 37 * 86400 && temporalcloud_namespace.this[0].retention_days == 30 && aws_sqs_queue.dead_letters.message_retention_seconds == 14 * 86400
    error_message = "The retention of pictures, Records, workflows or dead letters does not follow retention_days."
  }

  assert {
    condition     = aws_ssm_parameter.setting["web/TRIPTYCH_RETENTION_DAYS"].value == "30"
    error_message = "TRIPTYCH_RETENTION_DAYS differs from retention_days."
  }
}

run "retention_of_1_day" {
  command = plan
  variables { retention_days = 1 }

  assert {
    condition     = azurerm_cosmosdb_sql_container.records.default_ttl == 8 * 86400 && temporalcloud_namespace.this[0].retention_days == 1 && aws_sqs_queue.dead_letters.message_retention_seconds == 86400
    error_message = "Temporal deletes a workflow history before its dead letter expires, or a retention is wrong."
  }
}

run "retention_of_365_days" {
  command = plan
  variables { retention_days = 365 }

  assert {
    condition     = azurerm_cosmosdb_sql_container.records.default_ttl == 372 * 86400 && temporalcloud_namespace.this[0].retention_days == 90 && aws_sqs_queue.dead_letters.message_retention_seconds == 14 * 86400
    error_message = "The namespace retention is not 90 days, the maximum of Temporal Cloud, or another retention is wrong."
  }
}

# Trust

run "Google_trusts_only_the_role_of_the_worker" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.aws.attribute_condition == "attribute.aws_role == 'arn:aws:sts::123456789012:assumed-role/triptych-worker'"
    error_message = "The Google identity provider accepts other roles than that of the worker."
  }

  assert {
    condition     = google_service_account_iam_member.worker.member == "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/attribute.aws_role/arn:aws:sts::123456789012:assumed-role/triptych-worker"
    error_message = "Other roles than that of the worker can impersonate the service account."
  }

  assert {
    condition     = jsondecode(aws_ssm_parameter.setting["worker/GOOGLE_CREDENTIALS_CONFIG"].value).audience == "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aws-worker"
    error_message = "The audience of the worker is not the Google identity provider that trusts it."
  }
}

run "Azure_trusts_two_roles_and_accepts_no_key" {
  command = plan

  assert {
    condition     = { for program, trust in azurerm_federated_identity_credential.program : program => trust.subject } == { web = "arn:aws:iam::123456789012:role/triptych-web", worker = "arn:aws:iam::123456789012:role/triptych-worker" }
    error_message = "Azure does not trust exactly the roles of web and worker."
  }

  assert {
    condition     = !azurerm_cosmosdb_account.records.local_authentication_enabled && !contains(keys(aws_ssm_parameter.setting), "worker/COSMOS_KEY") && !contains(keys(aws_ssm_parameter.setting), "web/COSMOS_KEY")
    error_message = "Cosmos DB account keys are enabled or in SSM, although federation is on."
  }

  assert {
    condition     = { for program, role in azurerm_cosmosdb_sql_role_definition.program : program => [for action in one(role.permissions).data_actions : reverse(split("/", action))[0]] } == { web = ["read"], worker = ["create", "read", "replace"] }
    error_message = "A program has other permissions on Records than it needs."
  }
}

run "account_keys_instead_of_federation" {
  command = plan
  variables { azure_federation = false }

  assert {
    condition     = aws_ssm_parameter.setting["worker/COSMOS_KEY"].value == "read-and-write" && aws_ssm_parameter.setting["web/COSMOS_KEY"].value == "read-only" && aws_ssm_parameter.setting["web/COSMOS_KEY"].type == "SecureString"
    error_message = "web has a key that can write, or a key is not encrypted."
  }

  assert {
    condition     = azurerm_cosmosdb_account.records.local_authentication_enabled && length(azurerm_federated_identity_credential.program) == 0 && !contains(keys(aws_ssm_parameter.setting), "worker/AZURE_FEDERATION") && !strcontains(aws_iam_role_policy.worker.policy, "GetWebIdentityToken")
    error_message = "Account keys are disabled, or a part of the federation still exists."
  }
}

# Temporal

run "each_program_has_its_own_Temporal_key" {
  command = plan

  assert {
    condition     = length(temporalcloud_apikey.program) == 3 && alltrue([for account in temporalcloud_service_account.program : account.namespace_scoped_access.permission == "write" && account.account_access == null])
    error_message = "A program has no key, or has other access than write access to its namespace."
  }
}

run "self_hosted_Temporal_server" {
  command = plan
  variables {
    temporal_address = "temporal.example.com:7234"
    temporal_api_key = "key"
  }

  assert {
    condition     = length(temporalcloud_namespace.this) == 0 && length(temporalcloud_apikey.program) == 0 && aws_ssm_parameter.setting["trigger/TEMPORAL_ADDRESS"].value == "temporal.example.com:7234" && aws_ssm_parameter.setting["trigger/TEMPORAL_API_KEY"].value == "key" && aws_ssm_parameter.setting["trigger/TEMPORAL_TLS"].value == "true"
    error_message = "The programs do not use temporal_address and temporal_api_key, or Temporal Cloud resources exist."
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.worker)) == toset(["443", "7234"])
    error_message = "The egress rules of the workers do not allow exactly port 443 and the Temporal port."
  }
}

# Other variables

run "NAT_gateway" {
  command = plan
  variables { nat = true }

  assert {
    condition     = !one(aws_ecs_service.worker.network_configuration).assign_public_ip && aws_route.out.gateway_id == null && aws_route.out.nat_gateway_id == aws_nat_gateway.worker[0].id
    error_message = "Workers behind a NAT gateway still have public addresses."
  }
}

run "provisioned_throughput" {
  command = plan
  variables { cosmos_throughput = 4000 }

  assert {
    condition     = length(azurerm_cosmosdb_account.records.capabilities) == 0 && one(azurerm_cosmosdb_sql_container.records.autoscale_settings).max_throughput == 4000
    error_message = "Cosmos DB is serverless, or its maximum throughput is not cosmos_throughput."
  }
}

run "site_without_a_firewall" {
  command = plan
  variables { waf = false }

  assert {
    condition     = length(aws_wafv2_web_acl.site) == 0 && aws_cloudfront_distribution.site.web_acl_id == null
    error_message = "The firewall exists although waf is false."
  }
}

run "destroy_keeps_data_by_default" {
  command = plan

  assert {
    condition     = !aws_s3_bucket.pictures.force_destroy && !aws_ecr_repository.worker.force_delete && temporalcloud_namespace.this[0].namespace_lifecycle.enable_delete_protection
    error_message = "Destroy deletes pictures, images or the Temporal namespace by default."
  }
}
