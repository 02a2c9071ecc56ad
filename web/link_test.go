package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	googleuuid "github.com/google/uuid"

	"triptych/emulators/cosmos/cosmosdb"
)

func TestNetworkTag(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		a, b  string
		later time.Duration
		same  bool
	}{
		"same_IPv4_/24":         {a: "198.51.100.7:1", b: "198.51.100.200:2", same: true},
		"other_IPv4_/24":        {a: "198.51.100.7:1", b: "198.51.101.7:1"},
		"same_IPv6_/64":         {a: "[2001:db8:0:1::7]:1", b: "[2001:db8:0:1:ffff::8]:2", same: true},
		"other_IPv6_/64":        {a: "[2001:db8:0:1::7]:1", b: "[2001:db8:0:2::7]:1"},
		"IPv4_mapped_in_IPv6":   {a: "198.51.100.7:1", b: "[::ffff:198.51.100.7]:1", same: true},
		"unknown_addresses":     {a: ":0", b: "unknown", same: true},
		"unknown_and_known":     {a: ":0", b: "198.51.100.7:1"},
		"same_day":              {a: "198.51.100.7:1", b: "198.51.100.7:1", later: 11 * time.Hour, same: true},
		"same_network_next_day": {a: "198.51.100.7:1", b: "198.51.100.7:1", later: 13 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := testConfig.networkTag(test.a, noon), testConfig.networkTag(test.b, noon.Add(test.later))
			if len(a) != 2 || bytes.Equal(a, b) != test.same {
				t.Errorf("%s has the tag %x, %s has %x, want equal: %t", test.a, a, test.b, b, test.same)
			}
		})
	}
	t.Run("other_secret", func(t *testing.T) {
		if a, b := testConfig.networkTag("198.51.100.7:1", noon), (config{eraseSecret: []byte("other")}).networkTag("198.51.100.7:1", noon); bytes.Equal(a, b) {
			t.Errorf("the tag is %x with either secret", a)
		}
	})
}

func TestLinkThatWasNeverIssuedCausesNoWork(t *testing.T) {
	s := newTestSite(t, func(s *testSite) { s.temporal.onDescribe = func() { t.Error("Temporal was called") } })
	s.cosmos.SetFault(cosmosdb.Fault{OnMatch: func() { t.Error("Cosmos DB was called") }})
	l := newTestLink(time.Now())
	uuid, mac := l.id[:36], l.id[37:]
	for name, id := range map[string]string{
		"without_MAC": uuid, "with_an_empty_MAC": uuid + "-", "with_a_zero_MAC": uuid + "-" + strings.Repeat("0", 16),
		"with_half_a_MAC": uuid + "-" + mac[:8], "with_a_longer_MAC": l.id + "0", "with_the_MAC_of_another_link": uuid + newTestLink(time.Now()).id[36:],
		"with_the_MAC_of_another_secret": config{eraseSecret: []byte("other")}.link(googleuuid.MustParse(uuid)).id,
	} {
		for path, method := range map[string]string{"": "GET", "/image": "GET", "/events": "GET", "?erase": "DELETE"} {
			t.Run(name+path, func(t *testing.T) {
				header := http.Header{"X-Triptych-Erase": {s.eraseToken(l.picture)}}
				wantProblem(t, s.do(t, method, "/api/pictures/"+id+path, "", header), http.StatusNotFound, "names no picture")
			})
		}
	}
}

func TestNewLink(t *testing.T) {
	network := func(remoteAddr string) string {
		t.Helper()
		l := testConfig.newLink(remoteAddr)
		if parsed, ok := testConfig.parseLink(l.id); !ok || parsed != l {
			t.Errorf("parseLink(%q) = %v, %t, want %v", l.id, parsed, ok, l)
		}
		return l.picture.Network()
	}
	t.Run("picture_IDs_of_one_network_have_one_tag", func(t *testing.T) {
		if a, b := network("198.51.100.7:1"), network("198.51.100.8:1"); a != b {
			t.Errorf("the tags are %s and %s", a, b)
		}
	})
	t.Run("picture_IDs_of_two_networks_have_two_tags", func(t *testing.T) {
		if a, b := network("198.51.100.7:1"), network("203.0.113.7:1"); a == b {
			t.Errorf("both have the tag %s", a)
		}
	})
	t.Run("plain_server_ignores_the_header_of_CloudFront", func(t *testing.T) {
		s := newTestSite(t)
		networks := map[string]bool{}
		for _, address := range []string{"198.51.100.7", "203.0.113.7"} {
			resp := s.do(t, "POST", "/api/pictures", validRequest(), http.Header{"X-Triptych-Client": {address}})
			networks[decodeBody[grant](t, resp).Reference.Network()] = true
		}
		if len(networks) != 1 {
			t.Errorf("one client has the tags %v", networks)
		}
	})
}
