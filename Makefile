# Builds and deploys Triptych. Needs Go, Terraform and credentials for the three clouds. Before the first deployment,
# create terraform.tfvars and run terraform init as described in terraform/README.md.

terraform := terraform -chdir=terraform
output     = $$($(terraform) output -raw $(1))

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## builds the Lambda functions and the worker's image into dist/
	go run ./deploy build

# The registry must exist before the image can be pushed, and the other resources refer to the image by its digest.
deploy: build ## builds, then creates or updates everything in the three clouds
	$(terraform) apply -target=aws_ecr_repository.worker
	image=$$(go run ./deploy push $(call output,registry)) && $(terraform) apply -var worker_image=$$image
	AWS_REGION=$(call output,region) go run ./deploy site $(call output,site_bucket) $(call output,distribution)
	@echo "The site is $(call output,site)"

destroy: ## deletes everything; the pictures only if force_destroy was applied before
	$(terraform) destroy

.PHONY: help build deploy destroy
.DEFAULT_GOAL := help
