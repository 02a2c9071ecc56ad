# The workers: Fargate tasks on arm64 in two availability zones, without inbound connections.

resource "aws_ecr_repository" "worker" {
  name                 = "${var.name}-worker"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy

  encryption_configuration {
    encryption_type = "AES256"
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "worker" {
  repository = aws_ecr_repository.worker.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      # Each make deploy pushes a changed image before it applies anything, so also declined and failed deployments count.
      description = "Keep 50 images, so that the image of the running workers and the one before remain"
      selection   = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
      action      = { type = "expire" }
    }]
  })
}

resource "aws_ecs_cluster" "worker" {
  name = var.name
}

resource "aws_ecs_task_definition" "worker" {
  family                   = local.role.worker
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.worker_cpu
  memory                   = var.worker_memory
  execution_role_arn       = aws_iam_role.worker_start.arn
  task_role_arn            = aws_iam_role.worker.arn

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name                   = "worker"
    image                  = var.worker_image
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    # ECS stores an empty `add`. Without it, every plan would replace the task definition and restart all workers
    # (braintrustdata/terraform-aws-braintrust-data-plane#335).
    linuxParameters = { capabilities = { add = [], drop = ["ALL"] } }
    # ECS stops the old workers when the new ones are healthy. Without a health check, a running worker is healthy, even if
    # Temporal refuses its key. A worker may wait two minutes in total for its settings and for Temporal (startTimeout).
    command = ["-health", "127.0.0.1:8086"]
    healthCheck = {
      command     = ["CMD", "/worker", "-healthy", "127.0.0.1:8086"]
      startPeriod = 150
      interval    = 15
      timeout     = 5
      retries     = 3
    }
    # A graceful shutdown takes up to 10 seconds (WorkerStopTimeout in activities).
    stopTimeout = 30
    environment = [for name, value in merge(local.telemetry, {
      AWS_REGION        = local.aws_region
      GOMEMLIMIT        = "${floor(var.worker_memory * 0.9)}MiB"
      TRIPTYCH_SSM_PATH = local.ssm_path.worker
    }) : { name = name, value = value }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.program["worker"].name
        awslogs-region        = local.aws_region
        awslogs-stream-prefix = "worker"
      }
    }
  }])

  lifecycle {
    create_before_destroy = true # ECS can roll back to the old one while it is registered

    precondition {
      condition     = var.worker_image != null
      error_message = "worker_image is not set: make deploy builds the image, pushes it and sets this to its digest."
    }
  }
}

resource "aws_ecs_service" "worker" {
  name            = local.role.worker
  cluster         = aws_ecs_cluster.worker.arn
  task_definition = aws_ecs_task_definition.worker.arn
  launch_type     = "FARGATE"
  desired_count   = var.worker_tasks
  propagate_tags  = "SERVICE"

  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  enable_execute_command             = false
  wait_for_steady_state              = true

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = [for subnet in aws_subnet.worker : subnet.id]
    security_groups  = [aws_security_group.worker.id]
    assign_public_ip = !var.nat
  }

  lifecycle {
    ignore_changes = [desired_count] # set by autoscaling

    # Some versions of the provider report a rolled-back deployment as a success (hashicorp/terraform-provider-aws#20858). Terraform
    # would then delete the Temporal keys and settings of the workers that still run.
    postcondition {
      condition     = self.task_definition == aws_ecs_task_definition.worker.arn
      error_message = "ECS rolled the deployment back, so the old workers are still running. The log /${var.name}/worker and the events of the ECS service say why the new workers failed. Fix the cause and deploy again."
    }
  }

  # Without its settings, its permissions and an outbound route, the first task cannot start, and the deployment fails. AWS may
  # refuse a distribution until it has verified a new account (hashicorp/terraform-provider-aws#36663), so resources that cost
  # money while they are idle are created later.
  depends_on = [
    aws_cloudfront_distribution.site,
    aws_ssm_parameter.setting,
    temporalcloud_namespace_search_attribute.rejected,
    aws_iam_role_policy.worker, aws_iam_role_policy.worker_start,
    aws_route.out, aws_route_table_association.worker, aws_vpc_security_group_egress_rule.worker, aws_vpc_endpoint.s3,
  ]
}

resource "aws_appautoscaling_target" "worker" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.worker.name}/${aws_ecs_service.worker.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.worker_tasks
  max_capacity       = var.worker_tasks_max
}

resource "aws_appautoscaling_policy" "worker" {
  name               = "busy"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.worker.service_namespace
  resource_id        = aws_appautoscaling_target.worker.resource_id
  scalable_dimension = aws_appautoscaling_target.worker.scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# Permissions of the worker

locals {
  ecs_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${local.aws_region}:${local.account}:*" }
      }
    }]
  })
}

locals {
  backfill_arns = [for bucket in var.backfill_buckets : "arn:aws:s3:::${bucket}"]

  allow_backfill = [for statement in [
    {
      Sid      = "ReadBackfillPictures"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = [for arn in local.backfill_arns : "${arn}/*"]
    },
    {
      Sid      = "ListBackfillBuckets"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = local.backfill_arns
    },
  ] : statement if length(local.backfill_arns) > 0]
}

resource "aws_iam_role" "worker" {
  name               = local.role.worker
  assume_role_policy = local.ecs_trust
}

resource "aws_iam_role_policy" "worker" {
  name = "worker"
  role = aws_iam_role.worker.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      local.allow_settings.worker,
      {
        Sid      = "Pictures"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource = "${local.pictures_arn}/pictures/*"
      },
      {
        # Without list permission, S3 responds with 403 instead of 404 for a deleted object, and the picture waits forever.
        Sid      = "ListPictures"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = local.pictures_arn
      },
    ], local.allow_backfill, local.allow_azure)
  })
}

# Permissions of Fargate for starting a worker.
resource "aws_iam_role" "worker_start" {
  name               = "${local.role.worker}-start"
  assume_role_policy = local.ecs_trust
}

resource "aws_iam_role_policy" "worker_start" {
  name = "start"
  role = aws_iam_role.worker_start.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.allow_logs.worker,
      {
        Sid      = "Image"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:${local.aws_region}:${local.account}:repository/${var.name}-worker"
      },
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*" # the action does not support resource-level permissions
      },
    ]
  })
}
