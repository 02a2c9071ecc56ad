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

# Without force_destroy, Terraform would delete the workers and their Temporal keys before the namespace refuses its deletion.
destroy: ## deletes everything, including the pictures; apply force_destroy = true first
	@case "$(call output,force_destroy)" in \
	true) ;; \
	false) printf '%s\n' >&2 "Nothing was deleted, because force_destroy is not applied. To delete all pictures, images and workflows," \
	  "set force_destroy = true in terraform.tfvars, run make deploy, then make destroy again."; exit 1 ;; \
	*) printf '%s\n' >&2 "Nothing was deleted, because the state has no output force_destroy. In a new clone, run terraform init as described" \
	  "in terraform/README.md. If the deployment has no such output yet, run make deploy. If make deploy or make destroy" \
	  "stopped halfway, run: $(terraform) destroy"; exit 1 ;; \
	esac
	$(terraform) destroy

.PHONY: help build deploy destroy
.DEFAULT_GOAL := help
