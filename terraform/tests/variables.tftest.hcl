# Each variable rejects invalid values during the plan. Without these validations, such values would fail in the middle of an
# apply, or would not be detected.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
}

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

run "name_that_resembles_a_reserved_prefix_is_accepted" {
  command = plan

  variables {
    name = "sgtriptych"
  }
}

run "settings_for_1000_pictures_per_second_are_accepted" { # see bench/CAPACITY.md
  command = plan

  variables {
    annotations_per_second = 1000
    annotations_per_day    = 86400000
    worker_tasks           = 20
    worker_tasks_max       = 20
    worker_cpu             = 1024
    worker_memory          = 2048
    cosmos_throughput      = 10000
  }
}

# All variables that have an invalid value must be rejected in the same run, because each run starts all providers.

run "first_invalid_value_of_each_variable_is_rejected" {
  command = plan
  expect_failures = [
    var.name,
    var.region,
    var.alarm_email,
    var.monthly_budget,
    var.retention_days,
    var.log_retention_days,
    var.domain,
    var.requests_per_address,
    var.uploads_per_address,
    var.trigger_concurrency,
    var.web_concurrency,
    var.erase_secret_version,
    var.backfill_buckets,
    var.worker_image,
    var.worker_tasks,
    var.worker_cpu,
    var.google_project,
    var.google_billing_account,
    var.annotations_per_day,
    var.annotations_per_second,
    var.features,
    var.azure_subscription,
    var.azure_location,
    var.cosmos_throughput,
    var.temporal_address,
    var.temporal_namespace,
  ]

  variables {
    name                   = "ab"                # two letters
    region                 = "ap"                # without a Vision endpoint
    alarm_email            = "owner.example.com" # no @
    monthly_budget         = 0
    retention_days         = 0
    log_retention_days     = 31 # not supported by CloudWatch
    domain                 = "https://pictures.example.com"
    zone_id                = "Z0123456789"
    requests_per_address   = 9 # below the minimum of WAF
    uploads_per_address    = 9 # below the minimum of WAF
    trigger_concurrency    = 0
    web_concurrency        = 0
    erase_secret_version   = 0
    backfill_buckets       = ["s3://other-pictures"]                                                  # a URL
    worker_image           = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker:latest" # a tag
    worker_tasks           = 0
    worker_cpu             = 300            # not supported by Fargate
    google_project         = "Some Project" # a name instead of an ID
    google_billing_account = "mine"         # a name instead of an ID
    annotations_per_day    = -1
    annotations_per_second = 0
    features               = ["face_detection"]     # lower case
    azure_subscription     = "Pay-As-You-Go"        # a name instead of an ID
    azure_location         = "North Europe"         # a display name
    cosmos_throughput      = 1500                   # not a multiple of 1000
    temporal_address       = "temporal.example.com" # no port
    temporal_namespace     = "my namespace"         # a space
  }
}

run "second_invalid_value_of_each_variable_is_rejected" {
  command = plan
  expect_failures = [
    var.name,
    var.retention_days,
    var.zone_id,
    var.backfill_buckets,
    var.worker_image,
    var.worker_tasks,
    var.worker_memory,
    var.annotations_per_day,
    var.annotations_per_second,
    var.temporal_api_key,
  ]

  variables {
    name                   = "Triptych" # a capital letter
    retention_days         = 1.5
    zone_id                = null # domain without zone_id
    domain                 = "pictures.example.com"
    backfill_buckets       = ["*"]                                     # a wildcard
    worker_image           = "example.com/triptych-worker@sha256:0123" # a short digest
    worker_tasks           = 1.5
    worker_memory          = 512 # not supported by Fargate
    annotations_per_day    = 0.5
    annotations_per_second = 1001
    temporal_api_key       = "key" # without temporal_address
  }
}

run "third_invalid_value_of_each_variable_is_rejected" {
  command = plan
  expect_failures = [
    var.name,
    var.retention_days,
    var.zone_id,
    var.worker_tasks_max,
    var.worker_memory,
  ]

  variables {
    name             = "tri--ptych"  # two adjacent hyphens
    retention_days   = 3651          # more than ten years
    zone_id          = "example.com" # a domain name
    domain           = "pictures.example.com"
    worker_tasks_max = 1    # below worker_tasks
    worker_memory    = 4096 # too large for worker_cpu
  }
}

run "fourth_invalid_value_of_each_variable_is_rejected" {
  command = plan
  expect_failures = [
    var.name,
    var.requests_per_address,
    var.uploads_per_address,
    var.trigger_concurrency,
    var.web_concurrency,
    var.worker_tasks_max,
    var.annotations_per_day,
    var.features,
  ]

  variables {
    name                 = "awsome" # a prefix reserved by AWS
    requests_per_address = 10.5
    uploads_per_address  = 20.5
    trigger_concurrency  = 1.5
    web_concurrency      = 1.5
    worker_tasks_max     = 6.5
    annotations_per_day  = 3000000000 # the programs read 31 bits
    features             = ["MOOD_DETECTION"]
  }
}

run "prefix_of_security_group_IDs_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "sg-triptych" # AWS refuses it for security groups
  }
}

run "reserved_name_of_buckets_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "sthree" # S3 refuses sthree-pictures-…
  }
}

run "reserved_prefix_of_buckets_is_rejected" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "amzn-s3-demo-1" # S3 reserves it for examples
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
