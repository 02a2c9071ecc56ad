# Changes of a deployment that replace resources. Old settings, keys and task definitions are deleted last, so all resources that
# they depend on are also created before their old version is deleted. A plan does not show a cycle in that order; only an apply
# does. With federation, each apply would wait for Entra ID.

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
  azure_federation   = false
  alarm_email        = "owner@example.com"
  google_project     = "some-project"
  azure_subscription = "00000000-0000-0000-0000-000000000000"
  worker_image       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  headers_file       = "tests/headers.json"
  trigger_zip        = "tests/headers.json" # any existing file
  web_zip            = "tests/headers.json"
}

run "first_deployment" {
  command = apply
}

run "new_image_and_settings_of_all_programs" {
  command = apply

  variables {
    worker_image         = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker@sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    features             = ["FACE_DETECTION"]
    erase_secret_version = 2
    temporal_address     = "temporal.example.com:7233"
  }
}

run "earlier_settings" {
  command = apply
}

run "new_Temporal_key_of_each_program" {
  command = apply

  plan_options {
    replace = [
      temporalcloud_apikey.program["trigger"],
      temporalcloud_apikey.program["web"],
      temporalcloud_apikey.program["worker"],
    ]
  }
}

run "new_suffix" {
  command = apply

  plan_options {
    replace = [terraform_data.suffix]
  }
}
