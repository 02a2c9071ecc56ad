# A namespace in Temporal Cloud, and for each program a service account that can access only this namespace. None of them is
# created if temporal_address is set.

locals {
  temporal_cloud     = var.temporal_address == null
  temporal_has_key   = nonsensitive(var.temporal_api_key != null)
  temporal_address   = local.temporal_cloud ? one(temporalcloud_namespace.this[*].endpoints.grpc_address) : var.temporal_address
  temporal_namespace = local.temporal_cloud ? one(temporalcloud_namespace.this[*].id) : var.temporal_namespace
  temporal_port      = local.temporal_cloud ? "7233" : split(":", var.temporal_address)[1]

  # The first apply of a calendar year creates new keys. Temporal Cloud sends mails to its administrators from 30 days before
  # a key expires.
  temporal_key_expiry = "${tonumber(formatdate("YYYY", plantimestamp())) + 1}-12-30T00:00:00Z"
}

resource "temporalcloud_namespace" "this" {
  count = local.temporal_cloud ? 1 : 0

  name           = var.name
  regions        = [local.region.temporal]
  api_key_auth   = true
  retention_days = local.temporal_days

  # Without it, Temporal ignores fairness keys, and one visitor's pictures delay all others.
  fairness = {
    task_queue_fairness_enabled = true
  }

  namespace_lifecycle = {
    enable_delete_protection = !var.force_destroy
  }
}

# The worker creates them elsewhere, but a key with the permission "write" cannot. Their names are in picture/names.go.
resource "temporalcloud_namespace_search_attribute" "rejected" {
  for_each = local.temporal_cloud ? toset(["TriptychStatus", "TriptychReason"]) : []

  namespace_id = temporalcloud_namespace.this[0].id
  name         = each.key
  type         = "keyword"
}

resource "temporalcloud_service_account" "program" {
  for_each = local.temporal_cloud ? local.programs : []

  name        = local.role[each.key]
  description = "The ${each.key} of ${var.name}"

  namespace_scoped_access = {
    namespace_id = temporalcloud_namespace.this[0].id
    permission   = "write"
  }
}

resource "temporalcloud_apikey" "program" {
  for_each = local.temporal_cloud ? local.programs : []

  display_name = local.role[each.key]
  description  = "The ${each.key} of ${var.name}"
  owner_type   = "service-account"
  owner_id     = temporalcloud_service_account.program[each.key].id
  expiry_time  = local.temporal_key_expiry

  lifecycle {
    create_before_destroy = true # the old key works until all programs have the new one
  }
}
