terraform {
  required_version = ">= 1.11"

  required_providers {
    aws           = { source = "hashicorp/aws", version = "~> 6.66" }
    google        = { source = "hashicorp/google", version = "~> 7.39" }
    azurerm       = { source = "hashicorp/azurerm", version = "~> 5.2" }
    temporalcloud = { source = "temporalio/temporalcloud", version = "~> 1.5" }
  }

  # `terraform init` takes the bucket, the region and the key from backend.hcl (see README.md). A second deployment with
  # the same key would destroy the first one. The state is encrypted because it contains secrets.
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

# CloudFront accepts certificates and firewalls from us-east-1 only.
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

# Since version 5, azurerm registers no resource providers by default. A new subscription has none of these registered.
provider "azurerm" {
  subscription_id                = var.azure_subscription
  resource_providers_to_register = ["Microsoft.Consumption", "Microsoft.DocumentDB", "Microsoft.ManagedIdentity"]

  features {
    # azurerm cannot delete a budget that a template created (terraform-provider-azurerm#9458). Deleting the resource group
    # deletes the budget.
    template_deployment {
      delete_nested_items_during_deletion = false
    }
  }
}

# The provider reads TEMPORAL_CLOUD_API_KEY. Without a key it fails even if it manages no resources.
provider "temporalcloud" {
  api_key = var.temporal_address == null ? null : "unused"
}
