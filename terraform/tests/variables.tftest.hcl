# Each variable refuses what it should, with a sentence. These are mistakes that would otherwise show in the middle of an
# apply, or not at all.

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
  trigger_zip        = "tests/headers.json" # any file that is there
  web_zip            = "tests/headers.json"
}

run "what_is_right_is_accepted" {
  command = plan
}

run "name_too_short" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "ab"
  }
}

run "name_with_a_capital" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Triptych"
  }
}

run "name_with_two_hyphens" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "tri--ptych"
  }
}

run "name_that_AWS_keeps" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "awsome"
  }
}

run "region_that_Vision_has_not" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "ap"
  }
}

run "alarm_email_without_an_at" {
  command         = plan
  expect_failures = [var.alarm_email]

  variables {
    alarm_email = "owner.example.com"
  }
}

run "monthly_budget_of_nothing" {
  command         = plan
  expect_failures = [var.monthly_budget]

  variables {
    monthly_budget = 0
  }
}

run "retention_of_no_day" {
  command         = plan
  expect_failures = [var.retention_days]

  variables {
    retention_days = 0
  }
}

run "retention_of_half_a_day" {
  command         = plan
  expect_failures = [var.retention_days]

  variables {
    retention_days = 1.5
  }
}

run "retention_for_ever" {
  command         = plan
  expect_failures = [var.retention_days]

  variables {
    retention_days = 3651
  }
}

run "log_retention_that_CloudWatch_has_not" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "domain_with_a_scheme" {
  command         = plan
  expect_failures = [var.domain]

  variables {
    domain  = "https://pictures.example.com"
    zone_id = "Z0123456789"
  }
}

run "domain_without_its_zone" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = null
    domain  = "pictures.example.com"
  }
}

run "zone_that_is_no_ID" {
  command         = plan
  expect_failures = [var.zone_id]

  variables {
    zone_id = "example.com"
    domain  = "pictures.example.com"
  }
}

run "requests_per_address_below_what_WAF_takes" {
  command         = plan
  expect_failures = [var.requests_per_address]

  variables {
    requests_per_address = 9
  }
}

run "trigger_that_may_never_run" {
  command         = plan
  expect_failures = [var.trigger_concurrency]

  variables {
    trigger_concurrency = 0
  }
}

run "web_that_may_never_run" {
  command         = plan
  expect_failures = [var.web_concurrency]

  variables {
    web_concurrency = 0
  }
}

run "erase_secret_of_no_version" {
  command         = plan
  expect_failures = [var.erase_secret_version]

  variables {
    erase_secret_version = 0
  }
}

run "bucket_to_backfill_by_URL" {
  command         = plan
  expect_failures = [var.backfill_buckets]

  variables {
    backfill_buckets = ["s3://other-pictures"]
  }
}

run "every_bucket_to_backfill" {
  command         = plan
  expect_failures = [var.backfill_buckets]

  variables {
    backfill_buckets = ["*"]
  }
}

run "image_by_tag" {
  command         = plan
  expect_failures = [var.worker_image]

  variables {
    worker_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker:latest"
  }
}

run "image_with_half_a_digest" {
  command         = plan
  expect_failures = [var.worker_image]

  variables {
    worker_image = "example.com/triptych-worker@sha256:0123"
  }
}

run "no_worker" {
  command         = plan
  expect_failures = [var.worker_tasks]

  variables {
    worker_tasks = 0
  }
}

run "half_a_worker" {
  command         = plan
  expect_failures = [var.worker_tasks]

  variables {
    worker_tasks = 1.5
  }
}

run "fewer_workers_at_most_than_at_least" {
  command         = plan
  expect_failures = [var.worker_tasks_max]

  variables {
    worker_tasks_max = 1
  }
}

run "cpu_that_Fargate_has_not" {
  command         = plan
  expect_failures = [var.worker_cpu]

  variables {
    worker_cpu = 300
  }
}

run "memory_that_Fargate_has_not" {
  command         = plan
  expect_failures = [var.worker_memory]

  variables {
    worker_memory = 512
  }
}

run "memory_beyond_the_cpus" {
  command         = plan
  expect_failures = [var.worker_memory]

  variables {
    worker_memory = 4096
  }
}

run "google_project_by_name" {
  command         = plan
  expect_failures = [var.google_project]

  variables {
    google_project = "Some Project"
  }
}

run "billing_account_by_name" {
  command         = plan
  expect_failures = [var.google_billing_account]

  variables {
    google_billing_account = "mine"
  }
}

run "annotations_never" {
  command         = plan
  expect_failures = [var.annotations_per_second]

  variables {
    annotations_per_second = 0
  }
}

run "annotations_beyond_the_quota" {
  command         = plan
  expect_failures = [var.annotations_per_second]

  variables {
    annotations_per_second = 31
  }
}

run "features_in_lower_case" {
  command         = plan
  expect_failures = [var.features]

  variables {
    features = ["face_detection"]
  }
}

run "azure_subscription_by_name" {
  command         = plan
  expect_failures = [var.azure_subscription]

  variables {
    azure_subscription = "Pay-As-You-Go"
  }
}

run "cosmos_throughput_between_steps" {
  command         = plan
  expect_failures = [var.cosmos_throughput]

  variables {
    cosmos_throughput = 1500
  }
}

run "temporal_without_a_port" {
  command         = plan
  expect_failures = [var.temporal_address]

  variables {
    temporal_address = "temporal.example.com"
  }
}

run "temporal_namespace_with_a_space" {
  command         = plan
  expect_failures = [var.temporal_namespace]

  variables {
    temporal_namespace = "my namespace"
  }
}

run "temporal_key_without_its_address" {
  command         = plan
  expect_failures = [var.temporal_api_key]

  variables {
    temporal_api_key = "key"
  }
}

# What only a resource can refuse.

run "no_image" {
  command         = plan
  expect_failures = [aws_ecs_task_definition.worker]

  variables {
    worker_image = null
  }
}

run "no_zip_of_the_trigger" {
  command         = plan
  expect_failures = [aws_lambda_function.trigger]

  variables {
    trigger_zip = "nowhere.zip"
  }
}

run "no_zip_of_the_web_API" {
  command         = plan
  expect_failures = [aws_lambda_function.web]

  variables {
    web_zip = "nowhere.zip"
  }
}

run "a_header_that_CloudFront_cannot_send" {
  command         = plan
  expect_failures = [aws_cloudfront_response_headers_policy.site]

  variables {
    headers_file = "tests/headers-sniff.json"
  }
}
