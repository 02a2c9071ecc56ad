package terraform_test

import (
	"fmt"
	"time"

	"triptych/local/gateway"
)

var gatewayRules = map[string]rule{
	"local_gateway_has_CloudFronts_methods_timeout_and_headers": {
		func(p plan) (errs []string) {
			site := p.resource("aws_cloudfront_distribution.site")
			errs = append(errs, expect(site, toList(gateway.PageMethods), "default_cache_behavior", 0, "allowed_methods")...)
			errs = append(errs, expect(site, toList(gateway.APIMethods), "ordered_cache_behavior", 0, "allowed_methods")...)
			errs = append(errs, expect(site, gateway.APIPath+"*", "ordered_cache_behavior", 0, "path_pattern")...)
			timeouts := 0
			for _, origin := range asList(lookup(site.values, "origin")) {
				if lookup(origin, "origin_id") != "api" {
					continue
				}
				timeouts++
				seconds, _ := lookup(origin, "custom_origin_config", 0, "origin_read_timeout").(float64)
				if got := time.Duration(seconds) * time.Second; got != gateway.OriginReadTimeout {
					errs = append(errs, fmt.Sprintf("the read timeout of the API is %s, the gateway's is %s", got, gateway.OriginReadTimeout))
				}
			}
			if timeouts != 1 {
				errs = append(errs, fmt.Sprintf("the distribution has %d origins named api, want 1", timeouts))
			}
			for _, kind := range []string{"s3", "lambda"} { // the gateway removes the header Authorization and verifies the body's hash
				errs = append(errs, expect(p.resource(fmt.Sprintf("aws_cloudfront_origin_access_control.site[%q]", kind)), "always", "signing_behavior")...)
			}
			return errs
		}, []mutation{
			{"a_page_that_takes_POST", "site.tf", `allowed_methods            = ["GET", "HEAD"]`, `allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]`},
			{"an_API_that_takes_only_GET", "site.tf", `allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]`, `allowed_methods            = ["GET", "HEAD", "OPTIONS"]`},
			{"another_path_of_the_API", "site.tf", `path_pattern               = "/api/*"`, `path_pattern               = "/v1/*"`},
			{"a_shorter_read_timeout", "site.tf", "origin_read_timeout      = 60", "origin_read_timeout      = 30"},
			{"requests_that_are_not_signed", "site.tf", `"always"`, `"never"`},
		},
	},
}

func toList(s []string) (list []any) {
	for _, each := range s {
		list = append(list, each)
	}
	return list
}
