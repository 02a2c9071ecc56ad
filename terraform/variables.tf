variable "name" {
  description = "Prefix of everything's name; a second deployment in the same accounts needs another one, and another key in backend.hcl."
  type        = string
  default     = "triptych"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must be 3 to 16 lower-case letters, digits and single hyphens, and begin with a letter."
  }

  validation {
    condition     = !can(regex("^(aws|ssm|gcp)", var.name))
    error_message = "name must not begin with aws, ssm or gcp: AWS and Google keep these for themselves."
  }
}

variable "region" {
  description = "Where pictures, Records and runs stay, in all clouds together: eu or us."
  type        = string
  default     = "eu"

  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "region must be eu or us: these are the two for which Cloud Vision has an endpoint of its own."
  }
}

variable "alarm_email" {
  description = "Address that alarms and budget alerts are sent to; AWS asks it for a confirmation once."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address."
  }
}

variable "monthly_budget" {
  description = "What a month may cost in each cloud, in US dollars (Azure and Google: in the currency of the bill), before an alert is sent. It stops nothing."
  type        = number
  default     = 100

  validation {
    condition     = var.monthly_budget >= 1
    error_message = "monthly_budget must be 1 or more."
  }
}

variable "retention_days" {
  description = "How many days a picture is kept; what S3 has of it is gone two days later (three, where this is 1). Its Record and a tombstone stay a week longer, its run for at most 90 days."
  type        = number
  default     = 30

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 1 to 3650."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365: CloudWatch knows no others up to a year."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy may delete pictures, images of the worker and Temporal's runs. Apply it before destroying."
  type        = bool
  default     = false
  nullable    = false
}

# The site

variable "domain" {
  description = "Domain name of the site, such as pictures.example.com; null for CloudFront's own."
  type        = string
  default     = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a host name in lower case, without https://."
  }
}

variable "zone_id" {
  description = "Route 53 hosted zone in which domain lies; set with domain."
  type        = string
  default     = null

  validation {
    condition     = (var.zone_id == null) == (var.domain == null)
    error_message = "zone_id and domain must be set together: the certificate is proven by a record in the zone."
  }

  validation {
    condition     = var.zone_id == null || can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "zone_id must be the ID of a hosted zone, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "waf" {
  description = "Whether a firewall limits how often one address may ask. Without it anyone may ask as fast as Lambda answers."
  type        = bool
  default     = true
  nullable    = false
}

variable "requests_per_address" {
  description = "How many requests one address may send to the site in five minutes. Opening the page takes about 25, a picture about five."
  type        = number
  default     = 300

  validation {
    condition     = var.requests_per_address >= 10 && var.requests_per_address <= 2000000000
    error_message = "requests_per_address must be 10 or more, which is the least that AWS WAF takes."
  }
}

variable "headers_file" {
  description = "The site's one list of security headers, a flat JSON object; {bucket} stands for the bucket's origin."
  type        = string
  default     = "../web/headers.json"
  nullable    = false
}

variable "erase_secret_version" {
  description = "Raise it to have a new erase secret made. Tokens that were handed out before no longer erase."
  type        = number
  default     = 1

  validation {
    condition     = var.erase_secret_version >= 1 && floor(var.erase_secret_version) == var.erase_secret_version
    error_message = "erase_secret_version must be a whole number of 1 or more."
  }
}

# The Lambda functions

variable "trigger_zip" {
  description = "The trigger's deployment package, as make build leaves it."
  type        = string
  default     = "../dist/trigger.zip"
  nullable    = false
}

variable "web_zip" {
  description = "The web API's deployment package, as make build leaves it."
  type        = string
  default     = "../dist/web.zip"
  nullable    = false
}

variable "trigger_concurrency" {
  description = "Reserved concurrency of the trigger; null for none, because a new account has 10 in all and none to reserve."
  type        = number
  default     = null

  validation {
    condition     = var.trigger_concurrency == null || try(var.trigger_concurrency >= 1, false)
    error_message = "trigger_concurrency must be 1 or more, or null: at 0 no picture would ever start."
  }
}

variable "web_concurrency" {
  description = "Reserved concurrency of the web API; null for none. Each page that follows a picture takes one."
  type        = number
  default     = null

  validation {
    condition     = var.web_concurrency == null || try(var.web_concurrency >= 1, false)
    error_message = "web_concurrency must be 1 or more, or null: at 0 the site would be closed."
  }
}

# The worker

variable "worker_image" {
  description = "The worker's image by digest; make deploy pushes it and sets this."
  type        = string
  default     = null

  validation {
    condition     = var.worker_image == null || can(regex("^[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}$", var.worker_image))
    error_message = "worker_image must name its digest, as in 123456789012.dkr.ecr.eu-central-1.amazonaws.com/triptych-worker@sha256:…: a tag could be moved to another image."
  }
}

variable "worker_tasks" {
  description = "How many workers run at least, spread over two zones."
  type        = number
  default     = 2

  validation {
    condition     = var.worker_tasks >= 1 && floor(var.worker_tasks) == var.worker_tasks
    error_message = "worker_tasks must be a whole number of 1 or more: without a worker every picture waits."
  }
}

variable "worker_tasks_max" {
  description = "How many workers run at most, when they are busy."
  type        = number
  default     = 6

  validation {
    condition     = var.worker_tasks_max >= var.worker_tasks
    error_message = "worker_tasks_max must not be less than worker_tasks."
  }
}

variable "worker_cpu" {
  description = "CPU of one worker, in 1/1024 of a processor."
  type        = number
  default     = 256

  validation {
    condition     = contains([256, 512, 1024], var.worker_cpu)
    error_message = "worker_cpu must be 256, 512 or 1024."
  }
}

variable "worker_memory" {
  description = "Memory of one worker in MiB. A picture that is sent by bytes takes about 20 of them."
  type        = number
  default     = 1024

  validation {
    condition     = var.worker_memory % 1024 == 0 && var.worker_memory >= var.worker_cpu * 2 && var.worker_memory <= var.worker_cpu * 8
    error_message = "worker_memory must be a multiple of 1024, between 2 and 8 times worker_cpu: Fargate has no other sizes."
  }
}

variable "backfill_buckets" {
  description = "Other buckets whose pictures SweepPictures may annotate: the worker may list and read them, and change nothing. They must be in this region and, if another account's, let the worker's role in."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for bucket in var.backfill_buckets : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", bucket))])
    error_message = "backfill_buckets must be names of buckets, without s3:// or arn:."
  }
}

variable "nat" {
  description = "Whether workers sit in private subnets behind a NAT gateway, which costs more than the workers do. Otherwise each has a public address and a security group that lets nothing in."
  type        = bool
  default     = false
  nullable    = false
}

# Google

variable "google_project" {
  description = "ID of the Google Cloud project whose Cloud Vision is asked and billed."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.google_project))
    error_message = "google_project must be a project ID (not its name or number): 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "google_billing_account" {
  description = "Billing account that google-limits.sh makes the budget alert in; null for no alert from Google."
  type        = string
  default     = null

  validation {
    condition     = var.google_billing_account == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.google_billing_account))
    error_message = "google_billing_account must look like 012345-6789AB-CDEF01."
  }
}

variable "annotations_per_second" {
  description = "How many pictures Google is asked about in a second, at most: what an attacker can spend is this times a day."
  type        = number
  default     = 1

  validation {
    condition     = var.annotations_per_second > 0 && var.annotations_per_second <= 30
    error_message = "annotations_per_second must be above 0 and at most 30, which is the quota of a Google project."
  }
}

variable "features" {
  description = "What is asked of Cloud Vision about each picture; each is billed by itself. Empty for the worker's default, the seven usual ones."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for f in var.features : can(regex("^[A-Z]+(_[A-Z]+)+$", f))])
    error_message = "features must be names such as FACE_DETECTION."
  }
}

# Azure

variable "azure_subscription" {
  description = "ID of the Azure subscription that Cosmos DB is made in."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", lower(var.azure_subscription)))
    error_message = "azure_subscription must be a subscription's ID, a UUID."
  }
}

variable "azure_federation" {
  description = "Whether AWS roles are trusted by Cosmos DB, so that no key to it works at all. Otherwise its keys lie in SSM."
  type        = bool
  default     = true
  nullable    = false
}

variable "cosmos_throughput" {
  description = "Most request units a second that Cosmos DB scales to, from a tenth of it; null for serverless, which costs nothing at rest."
  type        = number
  default     = null

  validation {
    condition     = var.cosmos_throughput == null || try(var.cosmos_throughput >= 1000 && var.cosmos_throughput % 1000 == 0, false)
    error_message = "cosmos_throughput must be a multiple of 1000, or null for serverless. Azure cannot change one into the other in place."
  }
}

# Temporal

variable "temporal_address" {
  description = "host:port of a Temporal of one's own that the internet can reach; null for a namespace in Temporal Cloud."
  type        = string
  default     = null

  validation {
    condition     = var.temporal_address == null || can(regex("^[A-Za-z0-9.-]+:[0-9]{1,5}$", var.temporal_address))
    error_message = "temporal_address must be host:port, such as temporal.example.com:7233."
  }
}

variable "temporal_namespace" {
  description = "Namespace at temporal_address. Its retention must not be shorter than the dead letters'; see the output retention."
  type        = string
  default     = "default"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.temporal_namespace))
    error_message = "temporal_namespace must be the name of a namespace."
  }
}

variable "temporal_api_key" {
  description = "API key for temporal_address; null if it takes none."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.temporal_api_key == null || var.temporal_address != null
    error_message = "temporal_api_key is for temporal_address; in Temporal Cloud each program gets a key of its own."
  }
}

variable "temporal_tls" {
  description = "Whether temporal_address speaks TLS. Turn it off only where nobody listens between here and there."
  type        = bool
  default     = true
  nullable    = false
}
