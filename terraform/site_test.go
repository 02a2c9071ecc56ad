package terraform_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/zclconf/go-cty/cty"
)

// TestBucketOrigin compares what the page is allowed to talk to with where grants lead.
func TestBucketOrigin(t *testing.T) {
	files := read(t)
	for region, aws := range map[string]string{"eu": "eu-central-1", "us": "us-east-1"} {
		t.Run("in_"+region+"_is_where_a_grant_leads", func(t *testing.T) {
			variables := maps.Clone(required)
			variables["region"] = cty.StringVal(region)
			p, err := plan(files, variables)
			if err != nil {
				t.Fatal(err)
			}
			bucket, _ := at(p.one("aws_s3_bucket.pictures"), "bucket").(string)
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
			policy := headers(p.one("aws_cloudfront_response_headers_policy.site"))["Content-Security-Policy"]
			if want := "connect-src 'self' https://" + grant.Host + ";"; !strings.Contains(policy, want) {
				t.Errorf("the page may not talk to %s: %s", grant.Host, policy)
			}
		})
	}
}

var siteRules = map[string]rule{
	"every_origin_is_signed_for": {
		func(p planned) (c []string) {
			site := p.one("aws_cloudfront_distribution.site")
			origins := list(at(site, "origin"))
			if len(origins) != 2 {
				c = append(c, fmt.Sprintf("there are %d origins", len(origins)))
			}
			for _, origin := range origins {
				id, kind := at(origin, "origin_id"), "s3"
				if at(origin, "custom_origin_config") != nil {
					kind = "lambda"
					c = append(c, mustBe(resource{address: "api", values: origin.(map[string]any)}, "https-only", "custom_origin_config", 0, "origin_protocol_policy")...)
					c = append(c, mustBe(resource{address: "api", values: origin.(map[string]any)}, []any{"TLSv1.2"}, "custom_origin_config", 0, "origin_ssl_protocols")...)
				}
				if at(origin, "origin_access_control_id") != fmt.Sprintf("aws_cloudfront_origin_access_control.site[%q].id", kind) {
					c = append(c, fmt.Sprintf("CloudFront does not sign what it asks of %v", id))
				}
			}
			for _, r := range p.of("aws_cloudfront_origin_access_control") {
				c = append(c, mustBe(r, "always", "signing_behavior")...)
			}
			return c
		}, []breach{
			{"a_page_that_is_asked_for_unsigned", "site.tf", `    origin_access_control_id = aws_cloudfront_origin_access_control.site["s3"].id` + "\n", ""},
			{"an_API_that_is_asked_unsigned", "site.tf", `    origin_access_control_id = aws_cloudfront_origin_access_control.site["lambda"].id` + "\n", ""},
			{"signing_when_it_suits", "site.tf", `"always"`, `"no-override"`},
			{"plain_HTTP_behind_CloudFront", "site.tf", `"https-only"
      origin_ssl`, `"match-viewer"
      origin_ssl`},
		},
	},
	"every_answer_has_the_headers_and_TLS": {
		func(p planned) (c []string) {
			site := p.one("aws_cloudfront_distribution.site")
			behaviours := append(list(at(site, "default_cache_behavior")), list(at(site, "ordered_cache_behavior"))...)
			if len(behaviours) != 2 {
				c = append(c, fmt.Sprintf("there are %d behaviours", len(behaviours)))
			}
			for _, b := range behaviours {
				r := resource{address: fmt.Sprint(at(b, "target_origin_id")), values: b.(map[string]any)}
				c = append(c, mustBe(r, "aws_cloudfront_response_headers_policy.site.id", "response_headers_policy_id")...)
				if at(b, "viewer_protocol_policy") == "allow-all" {
					c = append(c, r.address+" is served over plain HTTP")
				}
			}
			return c
		}, []breach{
			{"an_API_without_headers", "site.tf", `    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site.id`, `    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id`},
			{"a_page_in_the_clear", "site.tf", `"redirect-to-https"`, `"allow-all"`},
		},
	},
	"the_API_is_not_cached_and_gets_all_but_the_host": {
		func(p planned) (c []string) {
			api := resource{address: "api", values: map[string]any{}}
			if b, ok := at(p.one("aws_cloudfront_distribution.site"), "ordered_cache_behavior", 0).(map[string]any); ok {
				api.values = b
			}
			c = append(c, mustBe(api, "/api/*", "path_pattern")...)
			c = append(c, mustBe(api, "data.aws_cloudfront_cache_policy.api.id", "cache_policy_id")...)
			c = append(c, mustBe(api, "data.aws_cloudfront_origin_request_policy.api.id", "origin_request_policy_id")...)
			for address, name := range map[string]string{
				"data.aws_cloudfront_cache_policy.api": "Managed-CachingDisabled", "data.aws_cloudfront_origin_request_policy.api": "Managed-AllViewerExceptHostHeader",
			} {
				c = append(c, mustBe(resource{address: address, values: p.one(address)}, name, "name")...)
			}
			return c
		}, []breach{
			{"a_cached_API", "site.tf", "data.aws_cloudfront_cache_policy.api.id", "data.aws_cloudfront_cache_policy.page.id"},
			{"a_cached_API_by_another_name", "site.tf", `"Managed-CachingDisabled"`, `"Managed-CachingOptimized"`},
			{"a_host_that_the_function_does_not_know", "site.tf", `"Managed-AllViewerExceptHostHeader"`, `"Managed-AllViewer"`},
			{"a_request_without_its_headers", "site.tf", "    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.api.id\n", ""},
		},
	},
	"no_error_is_cached": {
		func(p planned) (c []string) {
			kept := map[any]any{}
			for _, e := range list(at(p.one("aws_cloudfront_distribution.site"), "custom_error_response")) {
				kept[at(e, "error_code")] = at(e, "error_caching_min_ttl")
				if at(e, "response_page_path") != nil || at(e, "response_code") != nil {
					c = append(c, fmt.Sprintf("%v is answered with something else", at(e, "error_code")))
				}
			}
			for _, code := range []float64{400, 403, 404, 405, 414, 500, 501, 502, 503, 504} { // all that CloudFront may keep
				if kept[code] != 0. {
					c = append(c, fmt.Sprintf("%v is kept for %v seconds; unsaid, CloudFront takes 10", code, kept[code]))
				}
			}
			return c
		}, []breach{
			{"a_picture_that_is_not_found_for_ten_seconds_more", "site.tf", "403, 404, 405", "403, 405"},
			{"a_busy_Lambda_that_stays_busy", "site.tf", "502, 503, 504]", "502, 504]"},
			{"CloudFront's_default", "site.tf", "      error_caching_min_ttl = 0\n", ""},
		},
	},
	"the_page_is_compressed_the_event_streams_are_not_and_HTTP_3_is_spoken": {
		func(p planned) (c []string) {
			site := resource{address: "the site", values: p.one("aws_cloudfront_distribution.site")}
			c = append(c, mustBe(site, "http2and3", "http_version")...)
			c = append(c, mustBe(site, true, "is_ipv6_enabled")...)
			c = append(c, mustBe(site, true, "default_cache_behavior", 0, "compress")...)
			c = append(c, mustBe(site, false, "ordered_cache_behavior", 0, "compress")...)
			// CloudFront compresses nothing that it may not keep.
			return append(c, mustBe(resource{address: "the page's cache", values: p.one("data.aws_cloudfront_cache_policy.page")}, "Managed-CachingOptimized", "name")...)
		}, []breach{
			{"a_page_at_full_length", "site.tf", "compress                   = true", "compress                   = false"},
			{"an_event_stream_that_waits_for_more", "site.tf", "compress                   = false", "compress                   = true"},
			{"HTTP_1", "site.tf", `"http2and3"`, `"http1.1"`},
			{"HTTP_2_alone", "site.tf", `"http2and3"`, `"http2"`},
			{"a_page_that_is_never_kept", "site.tf", `"Managed-CachingOptimized"`, `"Managed-CachingDisabled"`},
		},
	},
	"the_headers_are_the_ones_that_web_sends": {
		func(p planned) (c []string) {
			have, want := headers(p.one("aws_cloudfront_response_headers_policy.site")), sitesHeaders()
			if len(want) == 0 || !reflect.DeepEqual(have, want) {
				c = append(c, fmt.Sprintf("CloudFront sends %v,\nweb %v", have, want))
			}
			return c
		}, []breach{
			{"another_file", "variables.tf", `"../web/headers.json"`, `"tests/headers.json"`},
			{"a_bucket_that_is_not_filled_in", "site.tf", `"{bucket}", local.pictures_origin`, `"{bucket}", "*"`},
			{"a_header_that_is_left_out", "site.tf", "for_each = local.headers_other", "for_each = {}"},
			{"a_header_that_gives_way_to_the_origin's", "site.tf", "override                = true", "override                = false"},
		},
	},
	"a_firewall_counts_each_address": {
		each("aws_wafv2_web_acl", func(p planned, r resource) (c []string) {
			c = append(c, mustBe(r, "CLOUDFRONT", "scope")...)
			c = append(c, mustBe(r, "IP", "rule", 0, "statement", 0, "rate_based_statement", 0, "aggregate_key_type")...)
			c = append(c, mustBe(r, 300., "rule", 0, "statement", 0, "rate_based_statement", 0, "limit")...)
			c = append(c, mustBe(r, []any{map[string]any{}}, "rule", 0, "action", 0, "block")...)
			site := resource{address: "the site", values: p.one("aws_cloudfront_distribution.site")}
			return append(c, mustBe(site, r.address+".arn", "web_acl_id")...)
		}), []breach{
			{"a_firewall_that_only_counts", "site.tf", "block {}", "count {}"},
			{"a_firewall_that_protects_nothing", "site.tf", "var.waf ? aws_wafv2_web_acl.site[0].arn : null", "null"},
			{"a_firewall_that_is_off", "variables.tf", `Without it anyone may ask as fast as Lambda answers."
  type        = bool
  default     = true`, `Without it anyone may ask as fast as Lambda answers."
  type        = bool
  default     = false`},
		},
	},
}

// sitesHeaders is what web sends, for the bucket of this plan.
func sitesHeaders() map[string]string {
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

// headers is what CloudFront makes of a policy; what does not override is not sent for certain, and left out.
func headers(policy map[string]any) map[string]string {
	sent := map[string]string{}
	own := at(policy, "security_headers_config", 0)
	for header, path := range map[string][2]string{
		"Content-Security-Policy": {"content_security_policy", "content_security_policy"},
		"Referrer-Policy":         {"referrer_policy", "referrer_policy"},
		"X-Frame-Options":         {"frame_options", "frame_option"},
	} {
		if at(own, path[0], 0, "override") == true {
			sent[header] = fmt.Sprint(at(own, path[0], 0, path[1]))
		}
	}
	if at(own, "content_type_options", 0, "override") == true {
		sent["X-Content-Type-Options"] = "nosniff"
	}
	if hsts := at(own, "strict_transport_security", 0); at(hsts, "override") == true {
		sent["Strict-Transport-Security"] = fmt.Sprintf("max-age=%v", int64(at(hsts, "access_control_max_age_sec").(float64)))
		for attribute, word := range map[string]string{"include_subdomains": "; includeSubDomains", "preload": "; preload"} {
			if at(hsts, attribute) == true {
				sent["Strict-Transport-Security"] += word
			}
		}
	}
	for _, item := range list(at(policy, "custom_headers_config", 0, "items")) {
		if at(item, "override") == true {
			sent[at(item, "header").(string)] = at(item, "value").(string)
		}
	}
	return sent
}
