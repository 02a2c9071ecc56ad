# The network of the workers. It allows outbound connections only. Traffic to S3 stays inside AWS.

resource "aws_vpc" "worker" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# The default security group has no rules: a resource without an explicit group can reach nothing.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.worker.id
}

resource "aws_security_group" "worker" {
  name        = local.role.worker
  description = "Workers call out; nothing connects to them"
  vpc_id      = aws_vpc.worker.id
}

resource "aws_vpc_security_group_egress_rule" "worker" {
  for_each = toset(["443", local.temporal_port])

  security_group_id = aws_security_group.worker.id
  description       = each.key == "443" ? "The three clouds" : "Temporal"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
  cidr_ipv4         = "0.0.0.0/0"
}

# One zone of us-east-1 has no Fargate on arm64. Only its ID is the same in all accounts: its name can be us-east-1a or another.
data "aws_availability_zones" "worker" {
  state            = "available"
  exclude_zone_ids = ["use1-az3"]

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"] # no local zones
  }
}

resource "aws_subnet" "worker" {
  for_each = { a = 0, b = 1 }

  vpc_id            = aws_vpc.worker.id
  availability_zone = data.aws_availability_zones.worker.names[each.value]
  cidr_block        = cidrsubnet(aws_vpc.worker.cidr_block, 8, each.value)
  tags              = { Name = "${local.role.worker}-${each.key}" }

  lifecycle {
    ignore_changes = [availability_zone] # a zone that is unavailable for a while must not replace the subnets
  }
}

resource "aws_internet_gateway" "worker" {
  vpc_id = aws_vpc.worker.id
}

resource "aws_route_table" "worker" {
  vpc_id = aws_vpc.worker.id
  tags   = { Name = local.role.worker }
}

resource "aws_route_table_association" "worker" {
  for_each = aws_subnet.worker

  subnet_id      = each.value.id
  route_table_id = aws_route_table.worker.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.worker.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = var.nat ? null : aws_internet_gateway.worker.id
  nat_gateway_id         = var.nat ? aws_nat_gateway.worker[0].id : null
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.worker.id
  service_name      = "com.amazonaws.${local.aws_region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.worker.id]
}

# The optional NAT gateway, in its own public subnet

resource "aws_subnet" "nat" {
  count = var.nat ? 1 : 0

  vpc_id            = aws_vpc.worker.id
  availability_zone = aws_subnet.worker["a"].availability_zone
  cidr_block        = cidrsubnet(aws_vpc.worker.cidr_block, 8, 2)
  tags              = { Name = "${var.name}-nat" }
}

resource "aws_route_table" "nat" {
  count = var.nat ? 1 : 0

  vpc_id = aws_vpc.worker.id
  tags   = { Name = "${var.name}-nat" }
}

resource "aws_route" "nat" {
  count = var.nat ? 1 : 0

  route_table_id         = aws_route_table.nat[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.worker.id
}

resource "aws_route_table_association" "nat" {
  count = var.nat ? 1 : 0

  subnet_id      = aws_subnet.nat[0].id
  route_table_id = aws_route_table.nat[0].id
}

resource "aws_eip" "nat" {
  count = var.nat ? 1 : 0

  domain     = "vpc"
  depends_on = [aws_cloudfront_distribution.site] # see aws_ecs_service.worker
}

resource "aws_nat_gateway" "worker" {
  count = var.nat ? 1 : 0

  subnet_id     = aws_subnet.nat[0].id
  allocation_id = aws_eip.nat[0].allocation_id
  depends_on    = [aws_route.nat]
}
