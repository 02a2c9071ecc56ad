package terraform_test

import (
	"encoding/json"
	"fmt"

	"triptych/activities"
)

var workerRules = map[string]rule{
	"nothing_can_connect_to_a_worker": {
		func(p planned) (c []string) {
			for _, kind := range []string{"aws_vpc_security_group_ingress_rule", "aws_security_group_rule", "aws_vpc_peering_connection", "aws_lb"} {
				for _, r := range p.of(kind) {
					c = append(c, r.address+" opens a door")
				}
			}
			groups := append(p.of("aws_security_group"), p.of("aws_default_security_group")...)
			if len(groups) != 2 {
				c = append(c, fmt.Sprintf("there are %d security groups", len(groups)))
			}
			for _, r := range groups {
				if at(r.values, "ingress") != nil || at(r.values, "egress") != nil {
					c = append(c, r.address+" has rules of its own")
				}
			}
			service := resource{address: "the service", values: p.one("aws_ecs_service.worker")}
			return append(c, mustBe(service, []any{"aws_security_group.worker.id"}, "network_configuration", 0, "security_groups")...)
		}, []breach{
			{"a_door_in_the_group", "network.tf", `  description = "Workers call out; nothing connects to them"`, `  description = "Workers call out"
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }`},
			{"a_rule_beside_it", "network.tf", `resource "aws_vpc_security_group_egress_rule" "worker"`, `resource "aws_vpc_security_group_ingress_rule" "worker"`},
			{"an_open_default", "network.tf", `resource "aws_default_security_group" "closed" {`, `resource "aws_default_security_group" "closed" {
  ingress {
    protocol  = -1
    self      = true
    from_port = 0
    to_port   = 0
  }`},
		},
	},
	"a_worker_calls_the_clouds_and_Temporal_alone": {
		each("aws_vpc_security_group_egress_rule", func(_ planned, r resource) (c []string) {
			port, _ := at(r.values, "from_port").(float64)
			if port != 443 && port != 7233 {
				c = append(c, fmt.Sprintf("%s lets out to %v", r.address, port))
			}
			return append(append(c, mustBe(r, port, "to_port")...), mustBe(r, "tcp", "ip_protocol")...)
		}), []breach{
			{"every_port", "network.tf", "to_port           = tonumber(each.key)", "to_port           = 65535"},
			{"mail", "network.tf", `toset(["443", local.temporal_port])`, `toset(["443", "25"])`},
		},
	},
	"a_worker_is_locked_in_and_may_finish": {
		each("aws_ecs_task_definition", func(_ planned, r resource) (c []string) {
			var containers []any
			text, _ := r.values["container_definitions"].(string)
			if err := json.Unmarshal([]byte(text), &containers); err != nil || len(containers) != 1 {
				return []string{r.address + " has not one container"}
			}
			worker := resource{address: r.address, values: containers[0].(map[string]any)}
			c = append(c, mustBe(worker, true, "readonlyRootFilesystem")...)
			c = append(c, mustBe(worker, "65532:65532", "user")...)
			c = append(c, mustBe(worker, nil, "privileged")...)
			c = append(c, mustBe(worker, []any{"ALL"}, "linuxParameters", "capabilities", "drop")...)
			c = append(c, mustBe(worker, nil, "secrets")...)
			c = append(c, mustBe(r, "ARM64", "runtime_platform", 0, "cpu_architecture")...)
			if stop, _ := at(worker.values, "stopTimeout").(float64); stop <= activities.WorkerStopTimeout.Seconds() || stop > 120 {
				c = append(c, fmt.Sprintf("%s: a worker that is told to stop has %v seconds, and takes %v", r.address, stop, activities.WorkerStopTimeout.Seconds()))
			}
			return c
		}), []breach{
			{"a_file_system_that_can_be_written", "worker.tf", "readonlyRootFilesystem = true", "readonlyRootFilesystem = false"},
			{"root", "worker.tf", `"65532:65532"`, `"0:0"`},
			{"all_that_Linux_grants", "worker.tf", `drop = ["ALL"]`, `drop = []`},
			{"a_worker_killed_at_its_work", "worker.tf", "stopTimeout = 30", "stopTimeout = 10"},
			{"another_processor", "worker.tf", `"ARM64"`, `"X86_64"`},
		},
	},
	"a_deployment_never_stops_all_workers": {
		each("aws_ecs_service", func(p planned, r resource) (c []string) {
			c = append(c, mustBe(r, 100., "deployment_minimum_healthy_percent")...)
			c = append(c, mustBe(r, true, "deployment_circuit_breaker", 0, "rollback")...)
			c = append(c, mustBe(r, false, "enable_execute_command")...)
			zones := map[any]bool{}
			for _, subnet := range p.of("aws_subnet") {
				zones[at(subnet.values, "availability_zone")] = true
			}
			if subnets := list(at(r.values, "network_configuration", 0, "subnets")); len(subnets) != 2 || len(zones) != 2 {
				c = append(c, fmt.Sprintf("%s: %d subnets in %d zones", r.address, len(subnets), len(zones)))
			}
			return append(c, mustBe(r, 2., "desired_count")...)
		}), []breach{
			{"one_that_does", "worker.tf", "deployment_minimum_healthy_percent = 100", "deployment_minimum_healthy_percent = 0"},
			{"one_that_stays_broken", "worker.tf", "rollback = true", "rollback = false"},
			{"a_shell_for_whoever_may", "worker.tf", "enable_execute_command             = false", "enable_execute_command             = true"},
			{"one_zone", "network.tf", `availability_zone = "${local.aws_region}${each.key}"`, `availability_zone = "${local.aws_region}a"`},
		},
	},
	"workers_reach_S3_without_leaving_AWS": {
		func(p planned) (c []string) {
			s3 := resource{address: "the endpoint", values: p.one("aws_vpc_endpoint.s3")}
			c = append(c, mustBe(s3, "Gateway", "vpc_endpoint_type")...)
			c = append(c, mustBe(s3, "com.amazonaws.eu-central-1.s3", "service_name")...)
			c = append(c, mustBe(s3, []any{"aws_route_table.worker.id"}, "route_table_ids")...)
			tables := p.of("aws_route_table_association")
			if len(tables) != 2 {
				c = append(c, fmt.Sprintf("%d subnets have a route", len(tables)))
			}
			for _, r := range tables {
				c = append(c, mustBe(r, "aws_route_table.worker.id", "route_table_id")...)
			}
			return c
		}, []breach{
			{"an_endpoint_that_costs", "network.tf", `"Gateway"`, `"Interface"`},
			{"another_service", "network.tf", "com.amazonaws.${local.aws_region}.s3", "com.amazonaws.${local.aws_region}.dynamodb"},
			{"an_endpoint_that_no_route_leads_to", "network.tf", "  route_table_ids   = [aws_route_table.worker.id]\n", ""},
			{"subnets_without_a_route", "network.tf", "for_each = aws_subnet.worker\n", "for_each = {}\n"},
		},
	},
	"busy_workers_get_help": {
		func(p planned) (c []string) {
			target := resource{address: "the target", values: p.one("aws_appautoscaling_target.worker")}
			c = append(c, mustBe(target, 2., "min_capacity")...)
			c = append(c, mustBe(target, 6., "max_capacity")...)
			c = append(c, mustBe(target, "ecs:service:DesiredCount", "scalable_dimension")...)
			c = append(c, mustBe(target, "service/aws_ecs_cluster.worker.name/aws_ecs_service.worker.name", "resource_id")...)
			policy := resource{address: "the policy", values: p.one("aws_appautoscaling_policy.worker")}
			c = append(c, mustBe(policy, "aws_appautoscaling_target.worker.resource_id", "resource_id")...)
			c = append(c, mustBe(policy, "TargetTrackingScaling", "policy_type")...)
			c = append(c, mustBe(policy, 60., "target_tracking_scaling_policy_configuration", 0, "target_value")...)
			return append(c, mustBe(policy, "ECSServiceAverageCPUUtilization", "target_tracking_scaling_policy_configuration", 0, "predefined_metric_specification", 0, "predefined_metric_type")...)
		}, []breach{
			{"no_worker_at_night", "worker.tf", "min_capacity       = var.worker_tasks", "min_capacity       = 0"},
			{"no_help", "worker.tf", "max_capacity       = var.worker_tasks_max", "max_capacity       = var.worker_tasks"},
			{"help_when_it_is_too_late", "worker.tf", "target_value       = 60", "target_value       = 100"},
			{"memory_that_never_moves", "worker.tf", "ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"},
		},
	},
	"the_image_stays_what_it_was": {
		each("aws_ecr_repository", func(_ planned, r resource) []string {
			return append(mustBe(r, "IMMUTABLE", "image_tag_mutability"), mustBe(r, true, "image_scanning_configuration", 0, "scan_on_push")...)
		}),
		[]breach{{"a_tag_that_moves", "worker.tf", `"IMMUTABLE"`, `"MUTABLE"`}},
	},
}
