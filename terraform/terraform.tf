terraform {
  required_version = ">= 1.11"

  required_providers {
    aws           = { source = "hashicorp/aws", version = "~> 6.66" }
    google        = { source = "hashicorp/google", version = "~> 7.39" }
    azurerm       = { source = "hashicorp/azurerm", version = "~> 5.2" }
    temporalcloud = { source = "temporalio/temporalcloud", version = "~> 1.5" }
  }

  # The bucket and its region are given to `terraform init`; see README.md. State holds secrets, so it is encrypted.
  backend "s3" {
    key          = "triptych/terraform.tfstate"
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

provider "azurerm" {
  subscription_id = var.azure_subscription

  features {}
}

provider "temporalcloud" {}
