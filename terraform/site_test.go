package terraform_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/zclconf/go-cty/cty"

	"triptych/picture"
)

func TestContentSecurityPolicy(t *testing.T) {
	files := readSources(t)
	for region, aws := range map[string]string{"eu": "eu-central-1", "us": "us-east-1"} {
		t.Run("allows_uploads_to_the_bucket_in_"+region, func(t *testing.T) {
			p := mustPlan(t, files, map[string]cty.Value{"region": cty.StringVal(region)})
			bucket, _ := lookup(p.resource("aws_s3_bucket.pictures").values, "bucket").(string)
			key := "pictures/x.jpg"
			client := s3.New(s3.Options{Region: aws, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")})
			signed, err := s3.NewPresignClient(client).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			grant, err := url.Parse(signed.URL)
			if err != nil {
				t.Fatal(err)
			}
			policy := sentHeaders(p.resource("aws_cloudfront_response_headers_policy.site").values)["Content-Security-Policy"]
			if want := "connect-src 'self' https://" + grant.Host + ";"; !strings.Contains(policy, want) {
				t.Errorf("the page may not connect to %s: %s", grant.Host, policy)
			}
		})
	}
}

var siteRules = map[string]rule{
	"CloudFront_signs_requests_to_all_origins": {
		func(p plan) (errs []string) {
			site := p.resource("aws_cloudfront_distribution.site").values
			origins := asList(lookup(site, "origin"))
			if len(origins) != 2 {
				errs = append(errs, fmt.Sprintf("the distribution has %d origins, want 2", len(origins)))
			}
			for _, origin := range origins {
				id, typ := lookup(origin, "origin_id"), "s3"
				if lookup(origin, "custom_origin_config") != nil {
					typ = "lambda"
					api := resource{address: "origin api", values: origin.(map[string]any)}
					errs = append(errs, expect(api, "https-only", "custom_origin_config", 0, "origin_protocol_policy")...)
					errs = append(errs, expect(api, []any{"TLSv1.2"}, "custom_origin_config", 0, "origin_ssl_protocols")...)
				}
				if lookup(origin, "origin_access_control_id") != fmt.Sprintf("aws_cloudfront_origin_access_control.site[%q].id", typ) {
					errs = append(errs, fmt.Sprintf("CloudFront does not sign requests to the origin %v", id))
				}
			}
			for _, r := range p.ofType("aws_cloudfront_origin_access_control") {
				errs = append(errs, expect(r, "always", "signing_behavior")...)
			}
			return errs
		}, []mutation{
			{"unsigned_requests_to_the_page_bucket", "site.tf", `    origin_access_control_id = aws_cloudfront_origin_access_control.site["s3"].id` + "\n", ""},
			{"unsigned_requests_to_the_API", "site.tf", `    origin_access_control_id = aws_cloudfront_origin_access_control.site["lambda"].id` + "\n", ""},
			{"signing_that_the_client_can_override", "site.tf", `"always"`, `"no-override"`},
			{"plain_HTTP_to_the_API_origin", "site.tf", `"https-only"
      origin_ssl`, `"match-viewer"
      origin_ssl`},
		},
	},
	"every_response_has_security_headers_and_uses_TLS": {
		func(p plan) (errs []string) {
			site := p.resource("aws_cloudfront_distribution.site").values
			behaviors := append(asList(lookup(site, "default_cache_behavior")), asList(lookup(site, "ordered_cache_behavior"))...)
			if len(behaviors) != 2 {
				errs = append(errs, fmt.Sprintf("the distribution has %d cache behaviors, want 2", len(behaviors)))
			}
			for _, b := range behaviors {
				r := resource{address: fmt.Sprint(lookup(b, "target_origin_id")), values: b.(map[string]any)}
				errs = append(errs, expect(r, "aws_cloudfront_response_headers_policy.site.id", "response_headers_policy_id")...)
				if lookup(b, "viewer_protocol_policy") == "allow-all" {
					errs = append(errs, r.address+" is served over plain HTTP")
				}
			}
			return errs
		}, []mutation{
			{"API_responses_without_security_headers", "site.tf", `    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site.id`, `    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id`},
			{"a_page_over_plain_HTTP", "site.tf", `"redirect-to-https"`, `"allow-all"`},
		},
	},
	"API_requests_are_not_cached_and_forwarded_without_the_Host_header": {
		func(p plan) (errs []string) {
			api := resource{address: "api", values: map[string]any{}}
			if b, ok := lookup(p.resource("aws_cloudfront_distribution.site").values, "ordered_cache_behavior", 0).(map[string]any); ok {
				api.values = b
			}
			errs = append(errs, expect(api, "/api/*", "path_pattern")...)
			errs = append(errs, expect(api, "data.aws_cloudfront_cache_policy.api.id", "cache_policy_id")...)
			errs = append(errs, expect(api, "data.aws_cloudfront_origin_request_policy.api.id", "origin_request_policy_id")...)
			for address, name := range map[string]string{
				"data.aws_cloudfront_cache_policy.api": "Managed-CachingDisabled", "data.aws_cloudfront_origin_request_policy.api": "Managed-AllViewerExceptHostHeader",
			} {
				errs = append(errs, expect(p.resource(address), name, "name")...)
			}
			return errs
		}, []mutation{
			{"the_cache_policy_of_the_page", "site.tf", "data.aws_cloudfront_cache_policy.api.id", "data.aws_cloudfront_cache_policy.page.id"},
			{"a_caching_policy_for_the_API", "site.tf", `"Managed-CachingDisabled"`, `"Managed-CachingOptimized"`},
			{"a_forwarded_Host_header", "site.tf", `"Managed-AllViewerExceptHostHeader"`, `"Managed-AllViewer"`},
			{"requests_forwarded_without_headers", "site.tf", "    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id\n", ""},
		},
	},
	"no_error_response_is_cached": {
		func(p plan) (errs []string) {
			seconds := map[any]any{}
			for _, e := range asList(lookup(p.resource("aws_cloudfront_distribution.site").values, "custom_error_response")) {
				seconds[lookup(e, "error_code")] = lookup(e, "error_caching_min_ttl")
				if lookup(e, "response_page_path") != nil || lookup(e, "response_code") != nil {
					errs = append(errs, fmt.Sprintf("CloudFront replaces the response body or status of error %v", lookup(e, "error_code")))
				}
			}
			for _, code := range []float64{400, 403, 404, 405, 414, 500, 501, 502, 503, 504} { // all codes that CloudFront can cache
				if seconds[code] != 0. {
					errs = append(errs, fmt.Sprintf("CloudFront caches error %v for %v seconds; without a setting it caches for 10", code, seconds[code]))
				}
			}
			return errs
		}, []mutation{
			{"a_cached_404", "site.tf", "403, 404, 405", "403, 405"},
			{"a_cached_503", "site.tf", "502, 503, 504]", "502, 504]"},
			{"the_default_caching_of_errors", "site.tf", "      error_caching_min_ttl = 0\n", ""},
		},
	},
	"only_the_page_is_compressed_and_HTTP_3_is_enabled": {
		func(p plan) (errs []string) {
			site := p.resource("aws_cloudfront_distribution.site")
			errs = append(errs, expect(site, "http2and3", "http_version")...)
			errs = append(errs, expect(site, true, "default_cache_behavior", 0, "compress")...)
			errs = append(errs, expect(site, false, "ordered_cache_behavior", 0, "compress")...)
			return append(errs, expect(p.resource("data.aws_cloudfront_cache_policy.page"), "Managed-CachingOptimized", "name")...)
		}, []mutation{
			{"an_uncompressed_page", "site.tf", "compress                   = true", "compress                   = false"},
			{"a_compressed_event_stream", "site.tf", "compress                   = false", "compress                   = true"},
			{"HTTP_1_only", "site.tf", `"http2and3"`, `"http1.1"`},
			{"HTTP_2_without_HTTP_3", "site.tf", `"http2and3"`, `"http2"`},
			{"a_page_that_is_not_cached", "site.tf", `"Managed-CachingOptimized"`, `"Managed-CachingDisabled"`},
		},
	},
	"CloudFront_sends_the_same_security_headers_as_web": {
		func(p plan) (errs []string) {
			got, want := sentHeaders(p.resource("aws_cloudfront_response_headers_policy.site").values), webHeaders()
			if len(want) == 0 || !reflect.DeepEqual(got, want) {
				errs = append(errs, fmt.Sprintf("CloudFront sends %v,\nweb sends %v", got, want))
			}
			return errs
		}, []mutation{
			{"another_headers_file", "variables.tf", `"../web/headers.json"`, `"tests/headers.json"`},
			{"a_wildcard_instead_of_the_bucket_origin", "site.tf", `"{bucket}", local.pictures_origin`, `"{bucket}", "*"`},
			{"missing_custom_headers", "site.tf", "for_each = local.headers_custom", "for_each = {}"},
			{"a_header_that_does_not_override_the_origin", "site.tf", "override                = true", "override                = false"},
		},
	},
	"the_firewall_limits_requests_uploads_erasures_and_streams_per_IP_address": {
		forEach("aws_wafv2_web_acl", func(p plan, r resource) (errs []string) {
			errs = append(errs, expect(r, "CLOUDFRONT", "scope")...)
			errs = append(errs, expect(r, "limit", "custom_response_body", 0, "key")...)
			for request, want := range map[string]float64{
				"GET /": 300, "GET /api/pictures/x": 300, "GET /api/pictures/x/image": 300,
				"POST /api/pictures": 20, "POST /api/%70ictures": 20, "DELETE /api/pictures/x": 20, "DELETE /%61pi/pictures/x": 20,
				"GET /api/pictures/x/events": 20, "GET /api/pictures/x/%65vents": 20,
			} {
				method, path, _ := strings.Cut(request, " ")
				if limit := firewallLimit(r, method, path); limit != want {
					errs = append(errs, fmt.Sprintf("%s: one IP address may send %v %s in five minutes, want %v", r.address, limit, request, want))
				}
			}
			site := p.resource("aws_cloudfront_distribution.site")
			return append(errs, expect(site, r.address+".arn", "web_acl_id")...)
		}), []mutation{
			{"a_firewall_that_only_counts", "site.tf", `{ Block = { CustomResponse = { ResponseCode = 429, CustomResponseBodyKey = "limit" } } }`, "{ Count = {} }"},
			{"a_response_that_the_page_does_not_retry", "site.tf", "ResponseCode = 429", "ResponseCode = 403"},
			{"a_missing_response_body", "site.tf", `key          = "limit"`, `key          = "other"`},
			{"one_limit_for_all_addresses_together", "site.tf", `AggregateKeyType    = "IP"`, `AggregateKeyType    = "CONSTANT"`},
			{"a_longer_window_for_the_same_limit", "site.tf", "EvaluationWindowSec = 300", "EvaluationWindowSec = 600"},
			{"300_uploads", "site.tf", `limit = var.uploads_per_address, field = { Method = {} }, position = "EXACTLY", text = "POST"`, `limit = var.requests_per_address, field = { Method = {} }, position = "EXACTLY", text = "POST"`},
			{"a_higher_default", "variables.tf", "default     = 20\n", "default     = 200\n"},
			{"unlimited_erasures", "site.tf", `text = "DELETE"`, `text = "delete"`},
			{"unlimited_streams", "site.tf", `text = "/events"`, `text = "/stream"`},
			{"streams_that_are_unlimited_if_the_path_is_encoded", "site.tf", `"URL_DECODE"`, `"NONE"`},
			{"a_firewall_without_a_distribution", "site.tf", "var.waf ? aws_wafv2_web_acl.site[0].arn : null", "null"},
			{"a_firewall_that_is_off_by_default", "variables.tf", `Without it, only Lambda concurrency limits the request rate."
  type        = bool
  default     = true`, `Without it, only Lambda concurrency limits the request rate."
  type        = bool
  default     = false`},
		},
	},
	"the_site_has_no_IPv6_addresses_because_the_firewall_counts_single_addresses": {
		forEach("aws_cloudfront_distribution", func(_ plan, r resource) []string { return expect(r, false, "is_ipv6_enabled") }),
		[]mutation{{"IPv6", "site.tf", "is_ipv6_enabled     = false", "is_ipv6_enabled     = true"}},
	},
	"web_receives_the_address_of_the_client_from_CloudFront": {
		func(p plan) (errs []string) {
			function := p.resource("aws_cloudfront_function.client")
			errs = append(errs, expect(function, true, "publish")...)
			if code, _ := lookup(function.values, "code").(string); !strings.Contains(code, `headers["x-triptych-client"] = { value: event.viewer.ip };`) {
				errs = append(errs, "the function does not replace the header X-Triptych-Client")
			}
			site := p.resource("aws_cloudfront_distribution.site")
			errs = append(errs, expect(site, "viewer-request", "ordered_cache_behavior", 0, "function_association", 0, "event_type")...)
			return append(errs, expect(site, "aws_cloudfront_function.client.arn", "ordered_cache_behavior", 0, "function_association", 0, "function_arn")...)
		}, []mutation{
			{"an_address_that_the_client_chose", "site.tf", "{ value: event.viewer.ip }", `event.request.headers["x-forwarded-for"]`},
			{"an_unpublished_function", "site.tf", "publish = true", "publish = false"},
			{"a_function_after_the_response", "site.tf", `"viewer-request"`, `"viewer-response"`},
		},
	},
	"workers_start_after_Temporal_Cloud_has_their_search_attributes": {
		func(p plan) (errs []string) {
			if len(p.ofType("temporalcloud_namespace")) == 0 {
				return nil
			}
			for _, name := range []string{picture.StatusAttribute, picture.ReasonAttribute} {
				r := p.resource(fmt.Sprintf("temporalcloud_namespace_search_attribute.rejected[%q]", name))
				errs = append(errs, expect(r, name, "name")...)
				errs = append(errs, expect(r, "keyword", "type")...)
				errs = append(errs, expect(r, "temporalcloud_namespace.this[0].id", "namespace_id")...)
			}
			if r := p.resource("aws_ecs_service.worker"); r.dependencies == nil || !r.dependencies()["temporalcloud_namespace_search_attribute.rejected"] {
				errs = append(errs, "aws_ecs_service.worker does not depend on the search attributes")
			}
			return errs
		},
		[]mutation{
			{"another_name", "temporal.tf", `"TriptychReason"`, `"Reason"`},
			{"another_type", "temporal.tf", `"keyword"`, `"text"`},
			{"a_worker_that_does_not_wait", "worker.tf", "    temporalcloud_namespace_search_attribute.rejected,\n", ""},
		},
	},
	"Temporal_Cloud_observes_fairness_keys": {
		forEach("temporalcloud_namespace", func(_ plan, r resource) []string {
			return expect(r, true, "fairness", "task_queue_fairness_enabled")
		}),
		[]mutation{{"the_default_of_Temporal_Cloud", "temporal.tf", "task_queue_fairness_enabled = true", "task_queue_fairness_enabled = false"}},
	},
}

func firewallLimit(acl resource, method, path string) float64 {
	var rules []any
	text, _ := lookup(acl.values, "rule_json").(string)
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		return 0
	}
	limit := math.Inf(1)
	for _, rule := range rules {
		rate := lookup(rule, "Statement", "RateBasedStatement")
		match := lookup(rate, "ScopeDownStatement", "ByteMatchStatement")
		blocks := lookup(rule, "Action", "Block", "CustomResponse", "ResponseCode") == 429. && lookup(rule, "Action", "Block", "CustomResponse", "CustomResponseBodyKey") == "limit"
		if !blocks || lookup(rate, "AggregateKeyType") != "IP" || lookup(rate, "EvaluationWindowSec") != 300. {
			continue
		}
		value, search := path, fmt.Sprint(lookup(match, "SearchString"))
		if lookup(match, "FieldToMatch", "Method") != nil {
			value = method
		}
		if lookup(match, "TextTransformations", 0, "Type") == "URL_DECODE" {
			value, _ = url.PathUnescape(value)
		}
		matches := map[any]bool{
			"EXACTLY": value == search, "STARTS_WITH": strings.HasPrefix(value, search), "ENDS_WITH": strings.HasSuffix(value, search),
		}
		if matches[lookup(match, "PositionalConstraint")] {
			limit = min(limit, lookup(rate, "Limit").(float64))
		}
	}
	return limit
}

func webHeaders() map[string]string {
	text, err := os.ReadFile("../web/headers.json")
	if err != nil {
		return nil
	}
	var sent map[string]string
	if err := json.Unmarshal(text, &sent); err != nil {
		return nil
	}
	for name, value := range sent {
		sent[name] = strings.ReplaceAll(value, "{bucket}", "https://triptych-pictures-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com")
	}
	return sent
}

func sentHeaders(policy map[string]any) map[string]string {
	sent := map[string]string{}
	security := lookup(policy, "security_headers_config", 0)
	for header, path := range map[string][2]string{
		"Content-Security-Policy": {"content_security_policy", "content_security_policy"},
		"Referrer-Policy":         {"referrer_policy", "referrer_policy"},
		"X-Frame-Options":         {"frame_options", "frame_option"},
	} {
		if lookup(security, path[0], 0, "override") == true {
			sent[header] = fmt.Sprint(lookup(security, path[0], 0, path[1]))
		}
	}
	if lookup(security, "content_type_options", 0, "override") == true {
		sent["X-Content-Type-Options"] = "nosniff"
	}
	if hsts := lookup(security, "strict_transport_security", 0); lookup(hsts, "override") == true {
		sent["Strict-Transport-Security"] = fmt.Sprintf("max-age=%v", int64(lookup(hsts, "access_control_max_age_sec").(float64)))
		for attribute, directive := range map[string]string{"include_subdomains": "; includeSubDomains", "preload": "; preload"} {
			if lookup(hsts, attribute) == true {
				sent["Strict-Transport-Security"] += directive
			}
		}
	}
	for _, item := range asList(lookup(policy, "custom_headers_config", 0, "items")) {
		if lookup(item, "override") == true {
			sent[lookup(item, "header").(string)] = lookup(item, "value").(string)
		}
	}
	return sent
}
