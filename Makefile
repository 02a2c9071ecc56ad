# What is deployed, and how. It needs Go and Terraform, credentials for the clouds, and once before: what terraform/README.md
# says of terraform.tfvars and terraform init.

terraform := terraform -chdir=terraform
output     = $$($(terraform) output -raw $(1))

help: ## says what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## builds the two functions and the worker's image into dist/
	go run ./deploy build

deploy: build ## brings what is in dist/ to the three clouds; the first time makes everything there
	$(terraform) apply -target=aws_ecr_repository.worker
	image=$$(go run ./deploy push $(call output,registry)) && $(terraform) apply -var worker_image=$$image
	AWS_REGION=$(call output,region) go run ./deploy site $(call output,site_bucket) $(call output,distribution)
	@echo "The site is $(call output,site)"

destroy: ## deletes all of it; pictures only after force_destroy was applied
	$(terraform) destroy

.PHONY: help build deploy destroy
.DEFAULT_GOAL := help
