# Budget alerts of AWS and Azure. google-limits.sh creates Google's, because it needs the billing account.

resource "aws_budgets_budget" "month" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget)
  limit_unit   = "USD"

  notification {
    notification_type          = "ACTUAL"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alarm_email]
  }

  notification {
    notification_type          = "FORECASTED"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alarm_email]
  }
}

resource "azurerm_resource_group_template_deployment" "budget" {
  name                = "budget"
  resource_group_name = azurerm_resource_group.records.name
  deployment_mode     = "Incremental"

  template_content = jsonencode({
    "$schema"      = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    contentVersion = "1.0.0.0"
    resources = [{
      type       = "Microsoft.Consumption/budgets"
      apiVersion = "2023-11-01"
      name       = var.name
      properties = {
        category   = "Cost"
        amount     = var.monthly_budget
        timeGrain  = "Monthly"
        timePeriod = { startDate = terraform_data.first_month.output }
        notifications = {
          actual   = { enabled = true, thresholdType = "Actual", operator = "GreaterThan", threshold = 80, contactEmails = [var.alarm_email] }
          forecast = { enabled = true, thresholdType = "Forecasted", operator = "GreaterThan", threshold = 100, contactEmails = [var.alarm_email] }
        }
      }
    }]
  })
}

# A budget must start on the first day of a month, and its start date cannot be changed.
resource "terraform_data" "first_month" {
  input = formatdate("YYYY-MM-01'T'00:00:00Z", timestamp())

  lifecycle {
    ignore_changes = [input]
  }
}
