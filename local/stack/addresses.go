package stack

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"triptych/internal/records"
)

const (
	bucket = "triptych-pictures"
	region = "eu-central-1"
)

// listenSite runs before any program starts, so that no program can take the site's port.
func (s *Stack) listenSite() error {
	host, _, err := net.SplitHostPort(s.config.Addr)
	if err != nil {
		return fmt.Errorf("-addr %s: want host:port", s.config.Addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("-addr %s: the site is for this machine only: use 127.0.0.1 or localhost", s.config.Addr)
	}
	if s.site, err = net.Listen("tcp", s.config.Addr); err != nil {
		return fmt.Errorf("the site cannot listen on %s (%w): stop the program that does, or choose another address with -addr", s.config.Addr, err)
	}
	s.closers = append(s.closers, func() error {
		s.site.Close() // fails if the HTTP server has closed it already
		return nil
	})
	s.config.Addr = net.JoinHostPort(host, strconv.Itoa(s.site.Addr().(*net.TCPAddr).Port))
	return nil
}

func (s *Stack) setEndpoints() error {
	id := s.identity
	s.Endpoints = Endpoints{
		Site:     "http://" + s.config.Addr,
		S3:       "http://" + id.addr("s3"),
		Cosmos:   "http://" + id.addr("cosmos"),
		Vision:   id.addr("vision"),
		Temporal: id.addr("temporal"), TemporalUI: "http://" + id.addr("temporalUI"),
		Bucket:    bucket,
		AccessKey: id.AccessKey, SecretKey: id.SecretKey, CosmosKey: id.CosmosKey, PayloadKeys: id.PayloadKeys,
	}
	if s.config.OTLP {
		s.Endpoints.Traces = "http://" + id.addr("traces")
	}
	if s.config.Temporal != "" {
		s.Endpoints.Temporal, s.Endpoints.TemporalUI = s.config.Temporal, ""
	}
	s.LambdaURL = "http://" + id.addr("lambda") + "/2015-03-31/functions/trigger/invocations"
	return s.setRealEndpoints()
}

func (s *Stack) setRealEndpoints() error {
	if s.config.real("google") {
		if os.Getenv("TRIPTYCH_ANNOTATIONS_PER_SECOND") == "" {
			return errors.New("-real google: set TRIPTYCH_ANNOTATIONS_PER_SECOND, such as 0.1: Google bills every picture")
		}
		s.Endpoints.Vision = cmp.Or(os.Getenv("VISION_EMULATOR_HOST"), "vision.googleapis.com")
	}
	if s.config.real("azure") {
		if os.Getenv("COSMOS_ENDPOINT") == "" {
			return errors.New("-real azure: set COSMOS_ENDPOINT")
		}
		if _, err := records.ParseEndpoint(os.Getenv("COSMOS_ENDPOINT")); err != nil { // before it is printed
			return fmt.Errorf("-real azure: %w", err)
		}
		s.Endpoints.Cosmos, s.Endpoints.CosmosKey = os.Getenv("COSMOS_ENDPOINT"), os.Getenv("COSMOS_KEY")
	}
	if s.config.real("aws") {
		if os.Getenv("TRIPTYCH_BUCKET") == "" {
			return errors.New("-real aws: set TRIPTYCH_BUCKET")
		}
		s.Endpoints.S3 = cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), "https://s3.amazonaws.com")
		s.Endpoints.Bucket, s.Endpoints.AccessKey, s.Endpoints.SecretKey = os.Getenv("TRIPTYCH_BUCKET"), "", ""
	}
	return nil
}
