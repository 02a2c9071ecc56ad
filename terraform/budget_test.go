package terraform_test

import "encoding/json"

var budgetRules = map[string]rule{
	"AWS_and_Azure_send_budget_alerts": {
		func(p plan) (errs []string) {
			aws := p.resource("aws_budgets_budget.month")
			errs = append(errs, expect(aws, "100", "limit_amount")...)
			errs = append(errs, expect(aws, "MONTHLY", "time_unit")...)
			errs = append(errs, expect(aws, []any{"owner@example.com"}, "notification", 0, "subscriber_email_addresses")...)
			errs = append(errs, expect(aws, []any{"owner@example.com"}, "notification", 1, "subscriber_email_addresses")...)

			azure := resource{address: "Azure's budget", values: map[string]any{}}
			text, _ := lookup(p.resource("azurerm_resource_group_template_deployment.budget").values, "template_content").(string)
			if err := json.Unmarshal([]byte(text), &azure.values); err != nil {
				return append(errs, "reading the template of the Azure budget: "+err.Error())
			}
			errs = append(errs, expect(azure, "Microsoft.Consumption/budgets", "resources", 0, "type")...)
			errs = append(errs, expect(azure, 100., "resources", 0, "properties", "amount")...)
			for _, when := range []string{"actual", "forecast"} {
				errs = append(errs, expect(azure, true, "resources", 0, "properties", "notifications", when, "enabled")...)
				errs = append(errs, expect(azure, []any{"owner@example.com"}, "resources", 0, "properties", "notifications", when, "contactEmails")...)
			}
			return errs
		}, []mutation{
			{"an_alert_without_recipients", "budgets.tf", "subscriber_email_addresses = [var.alarm_email]", "subscriber_email_addresses = []"},
			{"a_fixed_amount_instead_of_monthly_budget", "budgets.tf", "amount     = var.monthly_budget", "amount     = 100000"},
			{"a_disabled_alert", "budgets.tf", "forecast = { enabled = true", "forecast = { enabled = false"},
		},
	},
}
