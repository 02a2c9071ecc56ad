# Each variable rejects invalid values during the plan. Without these validations, such values would fail in the middle of an
# apply, or would not be detected.

mock_provider "aws" {}

mock_provider "aws" {
  alias = "us_east_1"
}

mock_provider "google" {}

mock_provider "azurerm" {}

mock_provider "temporalcloud" {}

variables {
  alarm_email        = "owner@example.com"
  google_project     = "some-project"
  azure_subscription = "00000000-0000-0000-0000-000000000000"
  worker_image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  headers_file       = "tests/headers.json"
  trigger_zip        = "tests/headers.json" # any existing file
  web_zip            = "tests/headers.json"
}

run "valid_values_are_accepted" {
  command = plan
}

run "name_with_two_letters_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "ab"
  }
}

run "name_with_a_capital_letter_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Triptych"
  }
}

run "name_with_two_adjacent_hyphens_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "tri--ptych"
  }
}

run "name_with_a_prefix_reserved_by_AWS_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "awsome"
  }
}

run "region_without_a_Vision_endpoint_is_rejected" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "ap"
  }
}

run "alarm_email_without_an_at_sign_is_rejected" {
  command         = plan
  expect_failures = [var.alarm_email]

  variables {
    alarm_email = "owner.example.com"
  }
}

run "monthly_budget_of_0_is_rejected" {
  command         = plan
  expect_failures = [var.monthly_budget]

  variables {
    monthly_budget = 0
  }
}

run "retention_of_0_days_is_rejected" {
  command         = plan
  expect_failures = [var.retention_days]

  variables {
    retention_days = 0
  }
}

run "retention_of_1_5_days_is_rejected" {
  command         = plan
  expect_failures = [var.retention_days]

  variables {
    retention_days = 1.5
  }
}

run "retention_of_3651_days_is_rejected" {
  command         = plan
  expect_failures = [var.retention_days]

  variables {
    retention_days = 3651
  }
}

run "log_retention_that_CloudWatch_does_not_support_is_rejected" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "domain_with_https_is_rejected" {
  command         = plan
  expect_failures = [var.domain]

  variables {
    domain  = "https://pictures.example.com"
    zone_id = "Z0123456789"
  }
}

run "domain_without_zone_id_is_rejected" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = null
    domain  = "pictures.example.com"
  }
}

run "zone_id_that_is_a_domain_name_is_rejected" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
    domain  = "pictures.example.com"
  }
}

run "requests_per_address_below_the_WAF_minimum_is_rejected" {
  command         = plan
  expect_failures = [var.requests_per_address]

  variables {
    requests_per_address = 9
  }
}

run "uploads_per_address_below_the_WAF_minimum_is_rejected" {
  command         = plan
  expect_failures = [var.uploads_per_address]

  variables {
    uploads_per_address = 9
  }
}

run "trigger_concurrency_of_0_is_rejected" {
  command         = plan
  expect_failures = [var.trigger_concurrency]

  variables {
    trigger_concurrency = 0
  }
}

run "web_concurrency_of_0_is_rejected" {
  command         = plan
  expect_failures = [var.web_concurrency]

  variables {
    web_concurrency = 0
  }
}

run "erase_secret_version_of_0_is_rejected" {
  command         = plan
  expect_failures = [var.erase_secret_version]

  variables {
    erase_secret_version = 0
  }
}

run "backfill_bucket_as_s3_URL_is_rejected" {
  command         = plan
  expect_failures = [var.backfill_buckets]

  variables {
    backfill_buckets = ["s3://other-pictures"]
  }
}

run "backfill_bucket_wildcard_is_rejected" {
  command         = plan
  expect_failures = [var.backfill_buckets]

  variables {
    backfill_buckets = ["*"]
  }
}

run "worker_image_with_a_tag_is_rejected" {
  command         = plan
  expect_failures = [var.worker_image]

  variables {
    worker_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker:latest"
  }
}

run "worker_image_with_a_short_digest_is_rejected" {
  command         = plan
  expect_failures = [var.worker_image]

  variables {
    worker_image = "example.com/triptych-worker@sha256:0123"
  }
}

run "worker_tasks_of_0_is_rejected" {
  command         = plan
  expect_failures = [var.worker_tasks]

  variables {
    worker_tasks = 0
  }
}

run "worker_tasks_of_1_5_is_rejected" {
  command         = plan
  expect_failures = [var.worker_tasks]

  variables {
    worker_tasks = 1.5
  }
}

run "worker_tasks_max_below_worker_tasks_is_rejected" {
  command         = plan
  expect_failures = [var.worker_tasks_max]

  variables {
    worker_tasks_max = 1
  }
}

run "worker_cpu_that_Fargate_does_not_support_is_rejected" {
  command         = plan
  expect_failures = [var.worker_cpu]

  variables {
    worker_cpu = 300
  }
}

run "worker_memory_that_Fargate_does_not_support_is_rejected" {
  command         = plan
  expect_failures = [var.worker_memory]

  variables {
    worker_memory = 512
  }
}

run "worker_memory_too_large_for_worker_cpu_is_rejected" {
  command         = plan
  expect_failures = [var.worker_memory]

  variables {
    worker_memory = 4096
  }
}

run "google_project_name_instead_of_ID_is_rejected" {
  command         = plan
  expect_failures = [var.google_project]

  variables {
    google_project = "Some Project"
  }
}

run "google_billing_account_name_instead_of_ID_is_rejected" {
  command         = plan
  expect_failures = [var.google_billing_account]

  variables {
    google_billing_account = "mine"
  }
}

run "negative_annotations_per_day_are_rejected" {
  command         = plan
  expect_failures = [var.annotations_per_day]

  variables {
    annotations_per_day = -1
  }
}

run "fractional_annotations_per_day_are_rejected" {
  command         = plan
  expect_failures = [var.annotations_per_day]

  variables {
    annotations_per_day = 0.5
  }
}

run "annotations_per_second_of_0_is_rejected" {
  command         = plan
  expect_failures = [var.annotations_per_second]

  variables {
    annotations_per_second = 0
  }
}

run "annotations_per_second_above_the_quota_is_rejected" {
  command         = plan
  expect_failures = [var.annotations_per_second]

  variables {
    annotations_per_second = 31
  }
}

run "features_in_lower_case_are_rejected" {
  command         = plan
  expect_failures = [var.features]

  variables {
    features = ["face_detection"]
  }
}

run "azure_subscription_name_instead_of_ID_is_rejected" {
  command         = plan
  expect_failures = [var.azure_subscription]

  variables {
    azure_subscription = "Pay-As-You-Go"
  }
}

run "azure_location_as_display_name_is_rejected" {
  command         = plan
  expect_failures = [var.azure_location]

  variables {
    azure_location = "North Europe"
  }
}

run "cosmos_throughput_of_1500_is_rejected" {
  command         = plan
  expect_failures = [var.cosmos_throughput]

  variables {
    cosmos_throughput = 1500
  }
}

run "temporal_address_without_a_port_is_rejected" {
  command         = plan
  expect_failures = [var.temporal_address]

  variables {
    temporal_address = "temporal.example.com"
  }
}

run "temporal_namespace_with_a_space_is_rejected" {
  command         = plan
  expect_failures = [var.temporal_namespace]

  variables {
    temporal_namespace = "my namespace"
  }
}

run "temporal_api_key_without_temporal_address_is_rejected" {
  command         = plan
  expect_failures = [var.temporal_api_key]

  variables {
    temporal_api_key = "key"
  }
}

# Errors that only a resource precondition can detect.

run "missing_worker_image_is_rejected" {
  command         = plan
  expect_failures = [aws_ecs_task_definition.worker]

  variables {
    worker_image = null
  }
}

run "missing_trigger_zip_is_rejected" {
  command         = plan
  expect_failures = [aws_lambda_function.trigger]

  variables {
    trigger_zip = "nowhere.zip"
  }
}

run "missing_web_zip_is_rejected" {
  command         = plan
  expect_failures = [aws_lambda_function.web]

  variables {
    web_zip = "nowhere.zip"
  }
}

run "unsupported_X_Content_Type_Options_is_rejected" {
  command         = plan
  expect_failures = [aws_cloudfront_response_headers_policy.site]

  variables {
    headers_file = "tests/headers-sniff.json"
  }
}
