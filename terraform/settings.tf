# Settings of the programs. At start, each program reads all SSM parameters under its paths as environment variables. Every
# parameter is a SecureString, so that no secret is stored unencrypted by mistake.
#
# Changed settings of a program get a new path, /NAME/PROGRAM/ID, which is part of the new task definition or Lambda configuration.
# The old parameters, task definition and Temporal keys are deleted only after all programs use the new ones. If ECS rolls a
# deployment back, the apply fails (see the postcondition in worker.tf), so the old workers still find what they started with. But
# Azure refuses them after a change of azure_federation or of the Cosmos DB keys, and after a change of nat to false they have no
# route to the internet. The next successful apply deletes what failed ones left. An ID is random, because a hash of the settings
# would repeat if an operator reverts a failed change, and SSM refuses to create a parameter that exists.
#
# The erase secret and the payload keys keep their paths, because Terraform does not know their values.

locals {
  program_path  = { for program in local.programs : program => "/${var.name}/${program}" }
  settings_path = { for program, path in local.program_path : program => "${path}/${terraform_data.settings[program].id}" }
  shared_path   = "/${var.name}/shared"

  ssm_path = {
    trigger = "${local.settings_path.trigger},${local.shared_path}"
    web     = "${local.settings_path.web},${local.program_path.web},${local.shared_path}"
    worker  = "${local.settings_path.worker},${local.shared_path}"
  }

  temporal_settings = { for program in local.programs : program => merge(
    {
      TEMPORAL_ADDRESS   = local.temporal_address
      TEMPORAL_NAMESPACE = local.temporal_namespace
      TEMPORAL_TLS       = tostring(var.temporal_address == null || var.temporal_tls)
    },
    local.temporal_cloud ? { TEMPORAL_API_KEY = temporalcloud_apikey.program[program].token } : {},
    local.temporal_has_key ? { TEMPORAL_API_KEY = var.temporal_api_key } : {},
  ) }

  settings = {
    trigger = merge(local.temporal_settings.trigger, {
      TRIPTYCH_BUCKET = local.pictures_bucket
    })

    web = merge(local.temporal_settings.web, local.cosmos_settings.web, {
      TRIPTYCH_BUCKET              = local.pictures_bucket
      TRIPTYCH_RETENTION_DAYS      = tostring(var.retention_days)
      TRIPTYCH_ANNOTATIONS_PER_DAY = tostring(var.annotations_per_day)
    })

    worker = merge(local.temporal_settings.worker, local.cosmos_settings.worker, {
      TRIPTYCH_BUCKET                 = local.pictures_bucket
      TRIPTYCH_ANNOTATIONS_PER_SECOND = tostring(var.annotations_per_second)
      TRIPTYCH_ANNOTATIONS_PER_DAY    = tostring(var.annotations_per_day)
      GOOGLE_CREDENTIALS_CONFIG       = local.google_credentials
      }, var.vision_regional ? {
      # The endpoint alone may not be enough: "If no parent is specified, a region will be chosen automatically."
      # https://cloud.google.com/vision/docs/reference/rpc/google.cloud.vision.v1#batchannotateimagesrequest
      TRIPTYCH_VISION_ENDPOINT = "${local.region.vision}-vision.googleapis.com:443"
      TRIPTYCH_VISION_PARENT   = "projects/${var.google_project}/locations/${local.region.vision}"
    } : {}, length(var.features) > 0 ? { TRIPTYCH_FEATURES = join(",", var.features) } : {})
  }

  parameters = merge([for program, settings in local.settings : {
    for name, value in settings : "${program}/${name}" => value
  }]...)

  allow_settings = { for program in local.programs : program => {
    Sid      = "Settings"
    Effect   = "Allow"
    Action   = "ssm:GetParametersByPath"
    Resource = [for path in setproduct([local.program_path[program], local.shared_path], ["", "/*"]) : "arn:aws:ssm:${local.aws_region}:${local.account}:parameter${join("", path)}"]
  } }

  allow_logs = { for program in local.programs : program => {
    Sid      = "Logs"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = "${local.log_group_arn[program]}:*"
  } }

  lambda_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

# A program reads its settings only at start, so a changed setting must replace the program. That includes the settings whose
# values Terraform does not know.
resource "terraform_data" "settings" {
  for_each = local.programs

  triggers_replace = sha256(jsonencode([
    local.settings[each.key],
    each.key == "web" ? var.erase_secret_version : 0,
    aws_ssm_parameter.payload_keys.version,
  ]))
}

resource "aws_ssm_parameter" "setting" {
  for_each = toset(nonsensitive(keys(local.parameters)))

  name  = "${local.settings_path[split("/", each.key)[0]]}/${split("/", each.key)[1]}"
  type  = "SecureString"
  value = local.parameters[each.key]

  lifecycle {
    create_before_destroy = true
  }
}

# The erase secret allows erasing any picture whose ID is known. value_wo is write-only: the secret is in no state, plan or output.
resource "aws_ssm_parameter" "erase_secret" {
  name             = "${local.program_path.web}/TRIPTYCH_ERASE_SECRET"
  type             = "SecureString"
  value_wo         = sha256("${uuid()}${uuid()}")
  value_wo_version = var.erase_secret_version
}

# The keys encrypt the payloads that Temporal stores. All programs read the same parameter, so that their keys cannot differ.
# The version never changes, so that Terraform does not replace keys that the operator has rotated.
resource "aws_ssm_parameter" "payload_keys" {
  name             = "${local.shared_path}/TRIPTYCH_PAYLOAD_KEYS"
  type             = "SecureString"
  value_wo         = "${formatdate("YYYY-MM-DD", timestamp())}:${base64sha256("${uuid()}${uuid()}")}"
  value_wo_version = 1
}

resource "aws_cloudwatch_log_group" "program" {
  for_each = local.log_group

  name              = each.value
  retention_in_days = var.log_retention_days
}
