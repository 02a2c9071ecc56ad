terraform {
  required_version = ">= 1.11"

  required_providers {
    aws           = { source = "hashicorp/aws", version = "~> 6.66" }
    google        = { source = "hashicorp/google", version = "~> 7.39" }
    azurerm       = { source = "hashicorp/azurerm", version = "~> 5.2" }
    temporalcloud = { source = "temporalio/temporalcloud", version = "~> 1.5" }
  }

  # The bucket, its region and the key in it are given to `terraform init`, see README.md: a second deployment with the
  # first one's key would destroy it. State holds secrets, so it is encrypted.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = local.aws_region

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes its certificate and its firewall from here alone.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  default_tags {
    tags = local.tags
  }
}

provider "google" {
  project        = var.google_project
  default_labels = local.tags
}

# Since version 5 it registers nothing by itself, and a subscription that was never used for these knows none of them.
provider "azurerm" {
  subscription_id                = var.azure_subscription
  resource_providers_to_register = ["Microsoft.Consumption", "Microsoft.DocumentDB", "Microsoft.ManagedIdentity"]

  features {
    # It cannot delete a budget that a template made (terraform-provider-azurerm#9458); the budget goes with its group.
    template_deployment {
      delete_nested_items_during_deletion = false
    }
  }
}

# It takes its key from TEMPORAL_CLOUD_API_KEY, and refuses to have none even where it has nothing to do.
provider "temporalcloud" {
  api_key = var.temporal_address == null ? null : "unused"
}
