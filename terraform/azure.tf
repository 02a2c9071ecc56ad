# Cosmos DB and the permissions of the programs in it.

locals {
  cosmos_database  = "triptych" # the name and the container are constants in internal/records
  cosmos_container = "pictures"
  cosmos_location  = coalesce(var.azure_location, local.region.azure)
  cosmos_scope     = "${azurerm_cosmosdb_account.records.id}/dbs/${local.cosmos_database}/colls/${local.cosmos_container}"

  cosmos_metadata = "Microsoft.DocumentDB/databaseAccounts/readMetadata"
  cosmos_items    = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items"
  cosmos_actions = {
    worker = ["${local.cosmos_items}/create", "${local.cosmos_items}/read", "${local.cosmos_items}/replace"]
    web    = ["${local.cosmos_items}/read"]
  }

  # With federation, the two programs sign in to Azure with a token that AWS signed, and account keys are disabled.
  azure_federated = var.azure_federation ? toset(["worker", "web"]) : toset([])
  azure_audience  = "api://AzureADTokenExchange"

  cosmos_settings = { for program in ["worker", "web"] : program => merge(
    { COSMOS_ENDPOINT = azurerm_cosmosdb_account.records.endpoint },
    var.azure_federation ? {
      AZURE_FEDERATION = "aws"
      AZURE_TENANT_ID  = azurerm_user_assigned_identity.program[program].tenant_id
      AZURE_CLIENT_ID  = azurerm_user_assigned_identity.program[program].client_id
    } : {},
    var.azure_federation ? {} : {
      COSMOS_KEY = program == "web" ? azurerm_cosmosdb_account.records.primary_readonly_key : azurerm_cosmosdb_account.records.primary_key
    },
  ) }

  # sts:GetWebIdentityToken supports no resource, so conditions limit the audience and the lifetime of the token.
  allow_azure = [for audience in var.azure_federation ? [local.azure_audience] : [] : {
    Sid      = "TokenForAzure"
    Effect   = "Allow"
    Action   = "sts:GetWebIdentityToken"
    Resource = "*"
    Condition = {
      "ForAllValues:StringEquals" = { "sts:IdentityTokenAudience" = [audience] }
      NumericLessThanEquals       = { "sts:DurationSeconds" = 300 }
      Null                        = { "sts:IdentityTokenAudience" = "false" }
    }
  }]
}

resource "azurerm_resource_group" "records" {
  name     = var.name
  location = local.region.azure
  tags     = local.tags
}

resource "azurerm_cosmosdb_account" "records" {
  name                = "${var.name}-${terraform_data.suffix.output}"
  resource_group_name = azurerm_resource_group.records.name
  location            = local.cosmos_location
  kind                = "GlobalDocumentDB"
  offer_type          = "Standard"
  tags                = local.tags

  minimal_tls_version                = "Tls12"
  local_authentication_enabled       = !var.azure_federation
  access_key_metadata_writes_enabled = false # a key can write Records, but not create or delete databases
  public_network_access_enabled      = true  # workers and web have no fixed IP addresses

  # With Session, a program could miss what another one has just written, because Azure's Go SDK sends no session token: annotate
  # could pay Google for a picture that has a Record, and web could show an erased one.
  consistency_policy {
    consistency_level = "Strong"
  }

  geo_location {
    location          = local.cosmos_location
    failover_priority = 0
  }

  backup {
    type = "Continuous"
    tier = "Continuous7Days"
  }

  dynamic "capabilities" {
    for_each = var.cosmos_throughput == null ? ["EnableServerless"] : []

    content {
      name = capabilities.value
    }
  }
}

resource "azurerm_cosmosdb_sql_database" "records" {
  name                = local.cosmos_database
  resource_group_name = azurerm_resource_group.records.name
  account_name        = azurerm_cosmosdb_account.records.name
}

# Records are read only by ID, so no path is indexed. The indexing mode is not "none", because that disables time-to-live.
resource "azurerm_cosmosdb_sql_container" "records" {
  name                  = local.cosmos_container
  resource_group_name   = azurerm_resource_group.records.name
  account_name          = azurerm_cosmosdb_account.records.name
  database_name         = azurerm_cosmosdb_sql_database.records.name
  partition_key_paths   = ["/id"]
  partition_key_version = 2
  default_ttl           = local.record_days * 24 * 60 * 60

  indexing_policy {
    indexing_mode = "consistent"

    excluded_path {
      path = "/*"
    }
  }

  dynamic "autoscale_settings" {
    for_each = var.cosmos_throughput == null ? [] : [var.cosmos_throughput]

    content {
      max_throughput = autoscale_settings.value
    }
  }

  depends_on = [aws_cloudfront_distribution.site] # see aws_ecs_service.worker
}

# Federation: AWS signs the tokens, and Azure trusts only the two roles

resource "aws_iam_outbound_web_identity_federation" "account" {
  count = var.azure_federation ? 1 : 0
}

resource "azurerm_user_assigned_identity" "program" {
  for_each = local.azure_federated

  name                = local.role[each.key]
  resource_group_name = azurerm_resource_group.records.name
  location            = azurerm_resource_group.records.location
  tags                = local.tags
}

# A new identity takes 15 to 120 seconds until all of Entra ID knows it (Azure/ARO-HCP#5321). Until then Cosmos DB refuses role
# assignments, and azurerm does not repeat them (hashicorp/terraform-provider-azurerm#28070). Asking Entra ID would require `az`
# with access to the directory, and one answer says nothing about the other replicas. The first deployment loses no time, because
# creating the Cosmos DB account takes longer.
resource "terraform_data" "entra_replication" {
  for_each = local.azure_federated

  triggers_replace = azurerm_user_assigned_identity.program[each.key].principal_id

  provisioner "local-exec" {
    command = "sleep 180"
  }
}

resource "azurerm_federated_identity_credential" "program" {
  for_each = local.azure_federated

  name                      = "aws"
  user_assigned_identity_id = azurerm_user_assigned_identity.program[each.key].id
  issuer                    = aws_iam_outbound_web_identity_federation.account[0].issuer_identifier
  subject                   = local.role_arn[each.key]
  audience                  = [local.azure_audience]
}

resource "azurerm_cosmosdb_sql_role_definition" "program" {
  for_each = local.azure_federated

  name                = local.role[each.key]
  resource_group_name = azurerm_resource_group.records.name
  account_name        = azurerm_cosmosdb_account.records.name
  assignable_scopes   = [azurerm_cosmosdb_account.records.id]

  permissions {
    data_actions = local.cosmos_actions[each.key]
  }
}

resource "azurerm_cosmosdb_sql_role_assignment" "program" {
  for_each = local.azure_federated

  resource_group_name = azurerm_resource_group.records.name
  account_name        = azurerm_cosmosdb_account.records.name
  role_definition_id  = azurerm_cosmosdb_sql_role_definition.program[each.key].id
  principal_id        = azurerm_user_assigned_identity.program[each.key].principal_id
  scope               = local.cosmos_scope
  depends_on          = [azurerm_cosmosdb_sql_container.records, terraform_data.entra_replication]
}

# The Cosmos DB client first reads the account metadata, which permissions on the container do not cover.
resource "azurerm_cosmosdb_sql_role_definition" "metadata" {
  count = var.azure_federation ? 1 : 0

  name                = "${var.name}-metadata"
  resource_group_name = azurerm_resource_group.records.name
  account_name        = azurerm_cosmosdb_account.records.name
  assignable_scopes   = [azurerm_cosmosdb_account.records.id]

  permissions {
    data_actions = [local.cosmos_metadata]
  }
}

resource "azurerm_cosmosdb_sql_role_assignment" "metadata" {
  for_each = local.azure_federated

  resource_group_name = azurerm_resource_group.records.name
  account_name        = azurerm_cosmosdb_account.records.name
  role_definition_id  = azurerm_cosmosdb_sql_role_definition.metadata[0].id
  principal_id        = azurerm_user_assigned_identity.program[each.key].principal_id
  scope               = azurerm_cosmosdb_account.records.id
  depends_on          = [terraform_data.entra_replication]
}
