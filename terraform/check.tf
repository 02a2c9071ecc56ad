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
  description = "Shell script that makes the calls of the programs to the clouds once, except starting a workflow. Exit status: 0 if all work, otherwise 1."
  value       = <<-END
    set -u
    out=$(mktemp -d) || exit 1
    trap 'rm -r "$out"' EXIT
    finished() { grep -qs '^done ' "$out/$1" || echo "FAILED  $1: no complete answer"; }
    {
      aws ecs run-task ${local.check_cluster} --launch-type FARGATE --task-definition ${aws_ecs_task_definition.worker.arn} --network-configuration '${local.check_network}' --overrides '{"containerOverrides":[{"name":"worker","command":["-check"]}]}' --query '[tasks[0].taskArn, failures[0].reason]' >"$out/task"
      echo "trigger:"
      ${local.check_invoke} --function-name ${aws_lambda_function.trigger.function_name} --payload '${local.check_events.trigger}' "$out/answer" >"$out/status" || echo "FAILED  trigger: aws lambda invoke failed"
      test ! -f "$out/answer" || jq -r 'if type == "array" then .[] else "FAILED  \(.errorMessage)" end' "$out/answer" | tee "$out/trigger"
      rm -f "$out/answer"
      finished trigger
      echo "web:"
      ${local.check_invoke} --function-name ${aws_lambda_function.web.function_name} --payload '${local.check_events.web}' "$out/answer" >"$out/status" || echo "FAILED  web: aws lambda invoke failed"
      test ! -f "$out/answer" || tr -s '\000' '\n' <"$out/answer" | awk '/^[{]"statusCode"/ { next } /^[{]"error/ { $0 = "FAILED  " $0 } { print }' | tee "$out/web"
      finished web
      echo "worker:"
      task=$(cut -f 1 "$out/task")
      case $task in
      arn:*)
        aws ecs wait tasks-stopped ${local.check_cluster} --tasks "$task" || echo "FAILED  worker: the task does not stop"
        aws ecs describe-tasks ${local.check_cluster} --tasks "$task" --query 'tasks[0].[containers[0].exitCode, stoppedReason, containers[0].reason]' >"$out/stopped" || echo "FAILED  worker: aws ecs describe-tasks failed"
        code=$(cut -f 1 "$out/stopped")
        for try in 1 2 3 4 5 6 7 8 9 10; do
          aws logs get-log-events ${local.check_aws} --log-group-name ${aws_cloudwatch_log_group.program["worker"].name} --log-stream-name "worker/worker/$${task##*/}" --start-from-head --query 'events[].[message]' >"$out/worker" 2>"$out/error"
          # A container without an exit code never started and has no log.
          if grep -q '^done ' "$out/worker" || test "$code" = None; then break; fi
          sleep 3
        done
        cat "$out/worker"
        cat "$out/error" >&2
        if test "$code" != 0 && ! grep -q '^FAILED' "$out/worker"; then
          echo "FAILED  worker: exit code, reason of the task, reason of the container: $(tr '\t' ',' <"$out/stopped")"
        else
          finished worker
        fi
        ;;
      *) echo "FAILED  worker: aws ecs run-task started no task: $(cut -f 2 "$out/task")" ;;
      esac
    } | tee "$out/all"
    ! grep -q '^FAILED' "$out/all" && test "$(grep -c '^done ' "$out/all")" = 3
  END
}
