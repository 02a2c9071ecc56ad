package terraform_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"regexp"
	"strconv"
)

func gracefulShutdown() float64 {
	found := regexp.MustCompile(`stopTimeout = (\d+) \* time\.Second`).FindStringSubmatch(goSource("../worker"))
	if found == nil {
		return math.Inf(1)
	}
	seconds, _ := strconv.ParseFloat(found[1], 64) // the pattern allows only digits
	return seconds
}

func startTimeout() float64 {
	found := regexp.MustCompile(`startTimeout = (\d+) \* time\.Minute`).FindStringSubmatch(goSource("../worker"))
	if found == nil {
		return math.Inf(1)
	}
	minutes, _ := strconv.ParseFloat(found[1], 64) // the pattern allows only digits
	return minutes * 60
}

// If the task does not have exactly one container, the returned resource has no values, so that checks of its attributes fail.
func (p plan) workerContainer() resource {
	task := p.resource("aws_ecs_task_definition.worker")
	var containers []map[string]any
	text, _ := task.values["container_definitions"].(string)
	if err := json.Unmarshal([]byte(text), &containers); err != nil || len(containers) != 1 {
		return resource{address: task.address}
	}
	return resource{address: task.address, values: containers[0]}
}

var workerRules = map[string]rule{
	"workers_accept_no_inbound_connections": {
		func(p plan) (errs []string) {
			for _, typ := range []string{"aws_vpc_security_group_ingress_rule", "aws_security_group_rule", "aws_vpc_peering_connection", "aws_lb"} {
				for _, r := range p.ofType(typ) {
					errs = append(errs, r.address+" allows inbound connections")
				}
			}
			groups := append(p.ofType("aws_security_group"), p.ofType("aws_default_security_group")...)
			if len(groups) != 2 {
				errs = append(errs, fmt.Sprintf("the plan contains %d security groups, want 2", len(groups)))
			}
			for _, r := range groups {
				if lookup(r.values, "ingress") != nil || lookup(r.values, "egress") != nil {
					errs = append(errs, r.address+" has inline rules")
				}
			}
			service := p.resource("aws_ecs_service.worker")
			return append(errs, expect(service, []any{"aws_security_group.worker.id"}, "network_configuration", 0, "security_groups")...)
		}, []mutation{
			{"an_ingress_rule_in_the_security_group", "network.tf", `  description = "Workers call out; nothing connects to them"`, `  description = "Workers call out"
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }`},
			{"a_separate_ingress_rule", "network.tf", `resource "aws_vpc_security_group_egress_rule" "worker"`, `resource "aws_vpc_security_group_ingress_rule" "worker"`},
			{"a_default_security_group_with_rules", "network.tf", `resource "aws_default_security_group" "closed" {`, `resource "aws_default_security_group" "closed" {
  ingress {
    protocol  = -1
    self      = true
    from_port = 0
    to_port   = 0
  }`},
		},
	},
	"workers_connect_only_to_the_HTTPS_and_Temporal_ports": {
		forEach("aws_vpc_security_group_egress_rule", func(_ plan, r resource) (errs []string) {
			port, _ := lookup(r.values, "from_port").(float64)
			if port != 443 && port != 7233 {
				errs = append(errs, fmt.Sprintf("%s allows outbound port %v", r.address, port))
			}
			return append(append(errs, expect(r, port, "to_port")...), expect(r, "tcp", "ip_protocol")...)
		}), []mutation{
			{"all_outbound_ports", "network.tf", "to_port           = tonumber(each.key)", "to_port           = 65535"},
			{"the_SMTP_port", "network.tf", `toset(["443", local.temporal_port])`, `toset(["443", "25"])`},
		},
	},
	"the_worker_container_is_locked_down_and_has_time_to_shut_down": {
		forEach("aws_ecs_task_definition", func(p plan, r resource) (errs []string) {
			worker := p.workerContainer()
			errs = append(errs, expect(worker, true, "readonlyRootFilesystem")...)
			errs = append(errs, expect(worker, "65532:65532", "user")...)
			errs = append(errs, expect(worker, nil, "privileged")...)
			errs = append(errs, expect(worker, map[string]any{"add": []any{}, "drop": []any{"ALL"}}, "linuxParameters", "capabilities")...)
			errs = append(errs, expect(worker, nil, "secrets")...)
			errs = append(errs, expect(r, "ARM64", "runtime_platform", 0, "cpu_architecture")...)
			if stop, _ := lookup(worker.values, "stopTimeout").(float64); stop <= gracefulShutdown() || stop > 120 {
				errs = append(errs, fmt.Sprintf("%s: stopTimeout is %v seconds, but a graceful shutdown takes up to %v", r.address, stop, gracefulShutdown()))
			}
			return errs
		}), []mutation{
			{"a_writable_file_system", "worker.tf", "readonlyRootFilesystem = true", "readonlyRootFilesystem = false"},
			{"the_root_user", "worker.tf", `"65532:65532"`, `"0:0"`},
			{"Linux_capabilities", "worker.tf", `drop = ["ALL"]`, `drop = []`},
			{"a_default_that_ECS_adds_and_every_plan_removes", "worker.tf", `add = [], `, ``},
			{"a_stop_timeout_shorter_than_the_graceful_shutdown", "worker.tf", "stopTimeout = 30", "stopTimeout = 10"},
			{"another_CPU_architecture", "worker.tf", `"ARM64"`, `"X86_64"`},
		},
	},
	"old_workers_run_until_the_new_ones_are_healthy": {
		func(p plan) (errs []string) {
			worker := p.workerContainer()
			address, _ := lookup(worker.values, "command", 1).(string)
			if host, _, err := net.SplitHostPort(address); err != nil || host != "127.0.0.1" {
				errs = append(errs, fmt.Sprintf("the worker accepts health checks at %q, which is not a loopback address", address))
			}
			errs = append(errs, expect(worker, []any{"-health", address}, "command")...)
			errs = append(errs, expect(worker, []any{"CMD", "/worker", "-healthy", address}, "healthCheck", "command")...)
			// The defaults of ECS are named too, because a task definition that omits them differs from what ECS stores.
			for _, name := range []string{"interval", "timeout", "retries"} {
				if value, _ := lookup(worker.values, "healthCheck", name).(float64); value == 0 {
					errs = append(errs, "the health check has no "+name)
				}
			}
			if start, _ := lookup(worker.values, "healthCheck", "startPeriod").(float64); start <= startTimeout() || start > 300 {
				errs = append(errs, fmt.Sprintf("ECS stops a worker that is not healthy after %v seconds, but it may wait %v before it serves", start, startTimeout()))
			}
			return errs
		}, []mutation{
			{"no_health_check", "worker.tf", "healthCheck = {", "other = {"},
			{"a_check_of_another_address", "worker.tf", `"-healthy", "127.0.0.1:8086"`, `"-healthy", "127.0.0.1:8087"`},
			{"a_worker_that_does_not_answer", "worker.tf", `command = ["-health", "127.0.0.1:8086"]`, `command = []`},
			{"a_check_through_a_shell_that_the_image_does_not_contain", "worker.tf", `["CMD", "/worker"`, `["CMD-SHELL", "/worker"`},
			{"a_worker_stopped_while_it_waits", "worker.tf", "startPeriod = 150", "startPeriod = 60"},
			{"a_start_period_that_ECS_rejects", "worker.tf", "startPeriod = 150", "startPeriod = 400"},
		},
	},
	"a_deployment_keeps_workers_running": {
		forEach("aws_ecs_service", func(p plan, r resource) (errs []string) {
			errs = append(errs, expect(r, 100., "deployment_minimum_healthy_percent")...)
			errs = append(errs, expect(r, true, "deployment_circuit_breaker", 0, "rollback")...)
			errs = append(errs, expect(r, false, "enable_execute_command")...)
			zones := map[any]bool{}
			for _, subnet := range p.ofType("aws_subnet") {
				zones[lookup(subnet.values, "availability_zone")] = true
			}
			if subnets := asList(lookup(r.values, "network_configuration", 0, "subnets")); len(subnets) != 2 || len(zones) != 2 {
				errs = append(errs, fmt.Sprintf("%s: %d subnets in %d zones, want 2 in 2", r.address, len(subnets), len(zones)))
			}
			return append(errs, expect(r, 2., "desired_count")...)
		}), []mutation{
			{"a_deployment_that_stops_all_workers", "worker.tf", "deployment_minimum_healthy_percent = 100", "deployment_minimum_healthy_percent = 0"},
			{"a_failed_deployment_without_rollback", "worker.tf", "rollback = true", "rollback = false"},
			{"shell_access_to_workers", "worker.tf", "enable_execute_command             = false", "enable_execute_command             = true"},
			{"workers_in_one_availability_zone", "network.tf", `data.aws_availability_zones.worker.names[each.value]`, `data.aws_availability_zones.worker.names[0]`},
		},
	},
	"workers_run_in_zones_that_offer_Fargate_on_arm64": {
		func(p plan) (errs []string) {
			errs = append(errs, expect(p.resource("aws_ecs_task_definition.worker"), "ARM64", "runtime_platform", 0, "cpu_architecture")...)
			zones := p.resource("data.aws_availability_zones.worker")
			errs = append(errs, expect(zones, []any{"use1-az3"}, "exclude_zone_ids")...)
			errs = append(errs, expect(zones, "available", "state")...)
			errs = append(errs, expect(zones, "opt-in-status", "filter", 0, "name")...)
			errs = append(errs, expect(zones, []any{"opt-in-not-required"}, "filter", 0, "values")...)
			for i, subnet := range []string{`aws_subnet.worker["a"]`, `aws_subnet.worker["b"]`} {
				errs = append(errs, expect(p.resource(subnet), fmt.Sprintf("%s.names[%d]", zones.address, i), "availability_zone")...)
				errs = append(errs, expect(p.resource(subnet), []any{"availability_zone"}, "lifecycle", 0, "ignore_changes")...)
			}
			return errs
		}, []mutation{
			{"a_zone_without_arm64", "network.tf", `["use1-az3"]`, `[]`},
			{"a_local_zone", "network.tf", `["opt-in-not-required"]`, `["opt-in-not-required", "opted-in"]`},
			{"a_zone_that_is_not_available", "network.tf", `state            = "available"`, `state            = "impaired"`},
			{"a_zone_by_its_letter", "network.tf", `data.aws_availability_zones.worker.names[each.value]`, `"${local.aws_region}${each.key}"`},
			{"subnets_replaced_while_a_zone_is_unavailable", "network.tf", "[availability_zone]", "[]"},
		},
	},
	"output_worker_image_is_the_image_of_the_last_successful_deployment": {
		func(p plan) (errs []string) {
			errs = append(errs, expect(p.resource("output.worker_image"), "terraform_data.worker_image.output", "value")...)
			deployed := p.resource("terraform_data.worker_image")
			errs = append(errs, expect(deployed, p.workerContainer().values["image"], "input")...)
			return append(errs, expect(deployed, []any{"aws_ecs_service.worker"}, "depends_on")...)
		}, []mutation{
			{"an_image_that_ECS_rolled_back", "outputs.tf", "terraform_data.worker_image.output", "var.worker_image"},
			{"an_image_before_its_deployment", "locals.tf", "  depends_on = [aws_ecs_service.worker]\n", ""},
			{"a_fixed_image", "locals.tf", "= var.worker_image\n", "= \"image\"\n"},
		},
	},
	"workers_reach_S3_through_a_gateway_endpoint": {
		func(p plan) (errs []string) {
			s3 := p.resource("aws_vpc_endpoint.s3")
			errs = append(errs, expect(s3, "Gateway", "vpc_endpoint_type")...)
			errs = append(errs, expect(s3, "com.amazonaws.eu-central-1.s3", "service_name")...)
			errs = append(errs, expect(s3, []any{"aws_route_table.worker.id"}, "route_table_ids")...)
			tables := p.ofType("aws_route_table_association")
			if len(tables) != 2 {
				errs = append(errs, fmt.Sprintf("%d subnets have a route table, want 2", len(tables)))
			}
			for _, r := range tables {
				errs = append(errs, expect(r, "aws_route_table.worker.id", "route_table_id")...)
			}
			return errs
		}, []mutation{
			{"an_interface_endpoint_that_costs_money", "network.tf", `"Gateway"`, `"Interface"`},
			{"an_endpoint_for_another_service", "network.tf", "com.amazonaws.${local.aws_region}.s3", "com.amazonaws.${local.aws_region}.dynamodb"},
			{"an_endpoint_without_a_route", "network.tf", "  route_table_ids   = [aws_route_table.worker.id]\n", ""},
			{"subnets_without_a_route_table", "network.tf", "for_each = aws_subnet.worker\n", "for_each = {}\n"},
		},
	},
	"workers_scale_with_CPU_load": {
		func(p plan) (errs []string) {
			target := p.resource("aws_appautoscaling_target.worker")
			errs = append(errs, expect(target, 2., "min_capacity")...)
			errs = append(errs, expect(target, 6., "max_capacity")...)
			errs = append(errs, expect(target, "ecs:service:DesiredCount", "scalable_dimension")...)
			errs = append(errs, expect(target, "service/aws_ecs_cluster.worker.name/aws_ecs_service.worker.name", "resource_id")...)
			policy := p.resource("aws_appautoscaling_policy.worker")
			errs = append(errs, expect(policy, "aws_appautoscaling_target.worker.resource_id", "resource_id")...)
			errs = append(errs, expect(policy, "TargetTrackingScaling", "policy_type")...)
			errs = append(errs, expect(policy, 60., "target_tracking_scaling_policy_configuration", 0, "target_value")...)
			return append(errs, expect(policy, "ECSServiceAverageCPUUtilization", "target_tracking_scaling_policy_configuration", 0, "predefined_metric_specification", 0, "predefined_metric_type")...)
		}, []mutation{
			{"scaling_to_zero_workers", "worker.tf", "min_capacity       = var.worker_tasks", "min_capacity       = 0"},
			{"a_maximum_equal_to_the_minimum", "worker.tf", "max_capacity       = var.worker_tasks_max", "max_capacity       = var.worker_tasks"},
			{"a_CPU_target_of_100_percent", "worker.tf", "target_value       = 60", "target_value       = 100"},
			{"scaling_by_memory", "worker.tf", "ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"},
		},
	},
	"image_tags_are_immutable_and_images_are_scanned": {
		forEach("aws_ecr_repository", func(_ plan, r resource) []string {
			return append(expect(r, "IMMUTABLE", "image_tag_mutability"), expect(r, true, "image_scanning_configuration", 0, "scan_on_push")...)
		}),
		[]mutation{{"mutable_image_tags", "worker.tf", `"IMMUTABLE"`, `"MUTABLE"`}},
	},
}
