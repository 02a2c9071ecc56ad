variable "name" {
  description = "Prefix of every resource name. A second deployment in the same accounts needs another name and another key in backend.hcl."
  type        = string
  default     = "triptych"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be 3 to 16 lower-case letters, digits and single hyphens, and begin with a letter."
  }

  # Names of buckets and security groups begin with this name and a hyphen. Suffixes that S3 reserves, such as -s3alias, cannot
  # occur, because the name of a bucket ends with the region.
  validation {
    condition     = !can(regex("^(aws|ssm|gcp|(sg|sthree|amzn-s3-demo)-)", "${var.name}-"))
    error_message = "name must not begin with aws, ssm, gcp, sg-, sthree- or amzn-s3-demo-, and not be sthree or amzn-s3-demo: AWS and Google reserve these prefixes."
  }
}

variable "region" {
  description = "Region of the pictures, Records and workflow histories in all clouds: eu or us. It cannot be changed after the first deployment."
  type        = string
  default     = "eu"

  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "region must be eu or us: only these two have a regional Cloud Vision endpoint."
  }
}

variable "alarm_email" {
  description = "E-mail address for alarms and budget alerts. AWS sends two confirmation mails to it, one for each region with alarms."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address."
  }
}

variable "monthly_budget" {
  description = "Monthly cost per cloud at which an alert is sent, in US dollars (Azure and Google: in the billing currency). It does not stop any spending."
  type        = number
  default     = 100

  validation {
    condition     = var.monthly_budget >= 1
    error_message = "monthly_budget must be 1 or more."
  }
}

variable "retention_days" {
  description = "Days until a picture is hidden. S3 deletes it at most two days later (three if this is 1). Records and tombstones are kept a week longer, workflow histories for at most 90 days."
  type        = number
  default     = 30

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 1 to 3650."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the logs of the programs, and S3 the access logs of CloudFront and of the bucket of the pictures."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365: CloudWatch accepts no other values up to one year."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy may delete pictures, worker images and the Temporal namespace. Apply this value before destroying."
  type        = bool
  default     = false
  nullable    = false
}

# The site

variable "domain" {
  description = "Domain name of the site, such as pictures.example.com; null for the name that CloudFront assigns."
  type        = string
  default     = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a lower-case host name without https://."
  }
}

variable "zone_id" {
  description = "ID of the Route 53 hosted zone that contains domain. Required with domain."
  type        = string
  default     = null

  validation {
    condition     = (var.zone_id == null) == (var.domain == null)
    error_message = "zone_id and domain must be set together: a DNS record in the zone validates the certificate."
  }

  validation {
    condition     = var.zone_id == null || can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "zone_id must be the ID of a hosted zone, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "waf" {
  description = "Whether AWS WAF limits the request rate of each IP address. Without it, only Lambda concurrency limits the request rate."
  type        = bool
  default     = true
  nullable    = false
}

variable "requests_per_address" {
  description = "Requests that one IP address may send to the site in five minutes. Opening the page takes about 25 requests, a picture about five."
  type        = number
  default     = 300

  validation {
    condition     = var.requests_per_address >= 10 && var.requests_per_address <= 2000000000 && floor(var.requests_per_address) == var.requests_per_address
    error_message = "requests_per_address must be a whole number from 10, the minimum of AWS WAF, to 2,000,000,000."
  }
}

variable "uploads_per_address" {
  description = "Uploads that one IP address may request in five minutes. The same limit applies to its erasures and to its event streams."
  type        = number
  default     = 20

  validation {
    condition     = var.uploads_per_address >= 10 && var.uploads_per_address <= 2000000000 && floor(var.uploads_per_address) == var.uploads_per_address
    error_message = "uploads_per_address must be a whole number from 10, the minimum of AWS WAF, to 2,000,000,000."
  }
}

variable "headers_file" {
  description = "JSON file with the security headers of the site: one flat object. {bucket} is replaced by the origin of the pictures bucket."
  type        = string
  default     = "../web/headers.json"
  nullable    = false
}

variable "erase_secret_version" {
  description = "Increase it to create a new erase secret. All links and erase tokens issued before then stop working."
  type        = number
  default     = 1

  validation {
    condition     = var.erase_secret_version >= 1 && floor(var.erase_secret_version) == var.erase_secret_version
    error_message = "erase_secret_version must be a whole number of 1 or more."
  }
}

# The Lambda functions

variable "trigger_zip" {
  description = "Deployment package of the trigger, created by make build."
  type        = string
  default     = "../dist/trigger.zip"
  nullable    = false
}

variable "web_zip" {
  description = "Deployment package of the web API, created by make build."
  type        = string
  default     = "../dist/web.zip"
  nullable    = false
}

variable "trigger_concurrency" {
  description = "Reserved concurrency of the trigger, which event streams cannot use; null for none. AWS leaves 100 executions unreserved, so a new account with 10 cannot reserve any."
  type        = number
  default     = null

  validation {
    condition     = var.trigger_concurrency == null || try(var.trigger_concurrency >= 1 && floor(var.trigger_concurrency) == var.trigger_concurrency, false)
    error_message = "trigger_concurrency must be a whole number of 1 or more, or null: with 0 no workflow would ever start."
  }
}

variable "web_concurrency" {
  description = "Reserved concurrency of the web API; null for none. Each open event stream uses one concurrent execution."
  type        = number
  default     = null

  validation {
    condition     = var.web_concurrency == null || try(var.web_concurrency >= 1 && floor(var.web_concurrency) == var.web_concurrency, false)
    error_message = "web_concurrency must be a whole number of 1 or more, or null: with 0 the API would reject every request."
  }
}

# The worker

variable "worker_image" {
  description = "Worker image with its digest. make deploy pushes the image and sets this variable."
  type        = string
  default     = null

  validation {
    condition     = var.worker_image == null || can(regex("^[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}$", var.worker_image))
    error_message = "worker_image must contain a digest, as in 123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker@sha256:…: a tag could be moved to another image."
  }
}

variable "worker_tasks" {
  description = "Minimum number of workers, spread over two availability zones."
  type        = number
  default     = 2

  validation {
    condition     = var.worker_tasks >= 1 && floor(var.worker_tasks) == var.worker_tasks
    error_message = "worker_tasks must be a whole number of 1 or more: without a worker no picture is annotated."
  }
}

variable "worker_tasks_max" {
  description = "Maximum number of workers under load."
  type        = number
  default     = 6

  validation {
    condition     = var.worker_tasks_max >= var.worker_tasks && floor(var.worker_tasks_max) == var.worker_tasks_max
    error_message = "worker_tasks_max must be a whole number, and not less than worker_tasks."
  }
}

variable "worker_cpu" {
  description = "CPU units of one worker; 1024 units are one vCPU."
  type        = number
  default     = 256

  validation {
    condition     = contains([256, 512, 1024], var.worker_cpu)
    error_message = "worker_cpu must be 256, 512 or 1024."
  }
}

variable "worker_memory" {
  description = "Memory of one worker in MiB. A picture sent to Google as bytes uses about 20 MiB."
  type        = number
  default     = 1024

  validation {
    condition     = var.worker_memory % 1024 == 0 && var.worker_memory >= var.worker_cpu * 2 && var.worker_memory <= var.worker_cpu * 8
    error_message = "worker_memory must be a multiple of 1024, between 2 and 8 times worker_cpu: Fargate offers no other sizes."
  }
}

variable "backfill_buckets" {
  description = "Other buckets whose pictures SweepPictures may annotate. The worker gets read and list access, no write access. The buckets must be in this region. The policy of a bucket in another account must allow the role of the worker."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for bucket in var.backfill_buckets : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket))])
    error_message = "backfill_buckets must be bucket names, without s3:// or arn:."
  }
}

variable "nat" {
  description = "Whether the workers run without public addresses behind a NAT gateway, which costs more than the workers. Otherwise each worker has a public address and a security group without ingress rules."
  type        = bool
  default     = false
  nullable    = false
}

# Google

variable "google_project" {
  description = "ID of the Google Cloud project that calls Cloud Vision and pays for it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.google_project))
    error_message = "google_project must be a project ID (not its name or number): 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "google_billing_account" {
  description = "Billing account in which google-limits.sh creates the budget alert; null for no alert from Google."
  type        = string
  default     = null

  validation {
    condition     = var.google_billing_account == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.google_billing_account))
    error_message = "google_billing_account must look like 012345-6789AB-CDEF01."
  }
}

variable "vision_regional" {
  description = "Whether the workers use Cloud Vision's endpoint and location for the variable region. Otherwise they use the global endpoint, and Google chooses where it processes a picture."
  type        = bool
  default     = true
  nullable    = false
}

variable "annotations_per_day" {
  description = "Maximum number of annotations per UTC day. It limits what an attacker can spend. Pictures above it wait until 00:00 UTC. 0 disables annotation."
  type        = number
  default     = 1000

  validation {
    condition     = var.annotations_per_day >= 0 && var.annotations_per_day < pow(2, 31) && floor(var.annotations_per_day) == var.annotations_per_day
    error_message = "annotations_per_day must be a whole number from 0 to 2147483647; 0 disables annotation."
  }
}

variable "annotations_per_second" {
  description = "Maximum number of pictures sent to Cloud Vision per second. Above 30, the default quota of a Google project, run google-limits.sh, which requests a higher quota, and wait until Google has raised it."
  type        = number
  default     = 0.1

  validation {
    condition     = var.annotations_per_second > 0 && var.annotations_per_second <= 1000
    error_message = "annotations_per_second must be above 0 and at most 1000. Above 30, Google must first raise the project's quota."
  }
}

variable "features" {
  description = "Cloud Vision features requested for each picture. Google bills each one separately. Empty for the seven defaults of the worker."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([for f in var.features : contains([
      "FACE_DETECTION", "LANDMARK_DETECTION", "LOGO_DETECTION", "LABEL_DETECTION", "TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION",
      "SAFE_SEARCH_DETECTION", "IMAGE_PROPERTIES", "CROP_HINTS", "WEB_DETECTION", "PRODUCT_SEARCH", "OBJECT_LOCALIZATION",
    ], f)])
    error_message = "features must be feature types of Cloud Vision, such as FACE_DETECTION."
  }
}

# Azure

variable "azure_subscription" {
  description = "ID of the Azure subscription for Cosmos DB."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", lower(var.azure_subscription)))
    error_message = "azure_subscription must be the ID of a subscription, a UUID."
  }
}

variable "azure_location" {
  description = "Azure region of the Cosmos DB account, which stores the Records. null: the Azure region for the variable region. Set it if Azure refuses new accounts there."
  type        = string
  default     = null

  validation {
    condition     = var.azure_location == null || can(regex("^[a-z]+[0-9]?$", var.azure_location))
    error_message = "azure_location must be the name of an Azure region, such as northeurope: az account list-locations prints them."
  }
}

variable "azure_federation" {
  description = "Whether the programs sign in to Cosmos DB with their AWS roles, and account keys are disabled. Otherwise SSM stores the account keys."
  type        = bool
  default     = true
  nullable    = false
}

variable "cosmos_throughput" {
  description = "Maximum request units per second for Cosmos DB autoscale, which starts at a tenth of it; null for serverless, which costs nothing when idle."
  type        = number
  default     = null

  validation {
    condition     = var.cosmos_throughput == null || try(var.cosmos_throughput >= 1000 && var.cosmos_throughput % 1000 == 0, false)
    error_message = "cosmos_throughput must be a multiple of 1000, or null for serverless. Azure cannot convert an account between the two."
  }
}

# Temporal

variable "temporal_address" {
  description = "host:port of your own Temporal server, reachable from the internet; null for a namespace in Temporal Cloud."
  type        = string
  default     = null

  validation {
    condition     = var.temporal_address == null || can(regex("^[A-Za-z0-9.-]+:[0-9]{1,5}$", var.temporal_address))
    error_message = "temporal_address must be host:port, such as temporal.example.com:7233."
  }
}

variable "temporal_namespace" {
  description = "Namespace at temporal_address. Its retention must not be shorter than that of the dead letters; see the output retention."
  type        = string
  default     = "default"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.temporal_namespace))
    error_message = "temporal_namespace must consist of letters, digits, dots, underscores and hyphens, and begin with a letter or digit."
  }
}

variable "temporal_api_key" {
  description = "API key for temporal_address; null if the server requires none."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.temporal_api_key == null || var.temporal_address != null
    error_message = "temporal_api_key requires temporal_address. For Temporal Cloud, Terraform creates a key for each program."
  }
}

variable "temporal_tls" {
  description = "Whether to connect to temporal_address with TLS. Without TLS, the API key and the workflow data are sent unencrypted."
  type        = bool
  default     = true
  nullable    = false
}
