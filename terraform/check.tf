# The command of the output check runs the programs' own checks with their roles and settings: the worker as a one-off
# ECS task, and web and the trigger by events that only an operator can send.

locals {
  check_aws     = "--region ${local.aws_region} --output text"
  check_cluster = "${local.check_aws} --cluster ${aws_ecs_cluster.worker.name}"
  check_invoke  = "aws lambda invoke ${local.check_aws} --cli-binary-format raw-in-base64-out"

  check_network = jsonencode({ awsvpcConfiguration = {
    subnets        = [for subnet in aws_subnet.worker : subnet.id]
    securityGroups = [aws_security_group.worker.id]
    assignPublicIp = var.nat ? "DISABLED" : "ENABLED"
  } })

  check_events = {
    trigger = jsonencode({ Event = "triptych:Check" })
    web     = jsonencode({ rawPath = "/check", requestContext = { http = { method = "GET", path = "/check" } } })
  }
}

output "check" {
  description = "Shell script that makes every call of the programs to the clouds once. Exit status: 0 if all work, otherwise 1."
  value       = <<-END
    set -eu
    out=$(mktemp -d)
    trap 'rm -r "$out"' EXIT
    task=$(aws ecs run-task ${local.check_cluster} --launch-type FARGATE --task-definition ${aws_ecs_task_definition.worker.arn} --network-configuration '${local.check_network}' --overrides '{"containerOverrides":[{"name":"worker","command":["-check"]}]}' --query 'tasks[0].taskArn')
    ${local.check_invoke} --function-name ${aws_lambda_function.trigger.function_name} --payload '${local.check_events.trigger}' "$out/trigger" >/dev/null
    ${local.check_invoke} --function-name ${aws_lambda_function.web.function_name} --payload '${local.check_events.web}' "$out/web" >/dev/null
    {
      echo "trigger:" && jq -r 'if type == "array" then .[] else "FAILED  \(.errorMessage)" end' "$out/trigger"
      echo "web:" && tr -s '\000' '\n' <"$out/web" | sed -e '/^{"statusCode"/d' -e 's/^{"error/FAILED  &/' && echo
      aws ecs wait tasks-stopped ${local.check_cluster} --tasks "$task"
      echo "worker:" && aws logs get-log-events ${local.check_aws} --log-group-name ${aws_cloudwatch_log_group.program["worker"].name} --log-stream-name "worker/worker/$${task##*/}" --start-from-head --query 'events[].[message]' ||
        aws ecs describe-tasks ${local.check_cluster} --tasks "$task" --query 'tasks[0].[stoppedReason]'
    } | tee "$out/all"
    if grep -q ^FAILED "$out/all"; then exit 1; fi
    test "$(aws ecs describe-tasks ${local.check_cluster} --tasks "$task" --query 'tasks[0].containers[0].exitCode')" = 0
  END
}
