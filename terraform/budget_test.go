package terraform_test

import "encoding/json"

var budgetRules = map[string]rule{
	"AWS_and_Azure_send_an_alert_about_the_budget": {
		func(p planned) (c []string) {
			aws := resource{address: "AWS's budget", values: p.one("aws_budgets_budget.month")}
			c = append(c, mustBe(aws, "100", "limit_amount")...)
			c = append(c, mustBe(aws, "MONTHLY", "time_unit")...)
			c = append(c, mustBe(aws, []any{"owner@example.com"}, "notification", 0, "subscriber_email_addresses")...)
			c = append(c, mustBe(aws, []any{"owner@example.com"}, "notification", 1, "subscriber_email_addresses")...)

			azure := resource{address: "Azure's budget", values: map[string]any{}}
			text, _ := at(p.one("azurerm_resource_group_template_deployment.budget"), "template_content").(string)
			if err := json.Unmarshal([]byte(text), &azure.values); err != nil {
				return append(c, "Azure's budget cannot be read: "+err.Error())
			}
			c = append(c, mustBe(azure, "Microsoft.Consumption/budgets", "resources", 0, "type")...)
			c = append(c, mustBe(azure, 100., "resources", 0, "properties", "amount")...)
			for _, when := range []string{"actual", "forecast"} {
				c = append(c, mustBe(azure, true, "resources", 0, "properties", "notifications", when, "enabled")...)
				c = append(c, mustBe(azure, []any{"owner@example.com"}, "resources", 0, "properties", "notifications", when, "contactEmails")...)
			}
			return c
		}, []breach{
			{"an_alert_that_nobody_gets", "budgets.tf", "subscriber_email_addresses = [var.alarm_email]", "subscriber_email_addresses = []"},
			{"a_budget_of_its_own", "budgets.tf", "amount     = var.monthly_budget", "amount     = 100000"},
			{"an_alert_that_is_off", "budgets.tf", "forecast = { enabled = true", "forecast = { enabled = false"},
		},
	},
}
