#!/usr/bin/env bash
# Limits the cost of Cloud Vision. It lowers the project's quota to annotations_per_second, so that even a stolen credential
# cannot send more requests, and creates or updates a Google budget alert. If annotations_per_second is above the quota, it
# requests an increase, which Google must approve. Run it after `terraform apply`; it is idempotent.
# The Google provider has resources for both (google_cloud_quotas_quota_preference, google_billing_budget), but they are not in
# the provider schemas used to check this configuration, and the name of the quota must be looked up first.
set -euo pipefail
cd "$(dirname "$0")"

read -r project per_minute billing_account budget name < <(terraform output -raw google_limits; echo)

quota=$(gcloud beta quotas info list --project="$project" --service=vision.googleapis.com \
  --filter='metric=vision.googleapis.com/default AND refreshInterval=minute' --format='value(quotaId)')
if [ "$(wc -w <<<"$quota")" -ne 1 ]; then
  echo "Found no unique quota for Cloud Vision requests per minute. Set it to $per_minute by hand:" >&2
  echo "https://console.cloud.google.com/apis/api/vision.googleapis.com/quotas?project=$project" >&2
  exit 1
fi
gcloud beta quotas preferences update "$name-vision" --allow-missing --project="$project" \
  --service=vision.googleapis.com --quota-id="$quota" --preferred-value="$per_minute" \
  --allow-high-percentage-quota-decrease --allow-quota-decrease-below-usage

if [ "$billing_account" = - ]; then
  echo "google_billing_account is not set, so Google sends no budget alert" >&2
  exit
fi
existing=$(gcloud billing budgets list --billing-account="$billing_account" --filter="displayName=$name" --format='value(name)')
if [ -n "$existing" ]; then
  gcloud billing budgets update "$existing" --budget-amount="$budget"
else
  gcloud billing budgets create --billing-account="$billing_account" --display-name="$name" --budget-amount="$budget" \
    --filter-projects="projects/$project" --threshold-rule=percent=0.8 --threshold-rule=percent=1.0,basis=forecasted-spend
fi
