package terraform_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Prices in US dollars, as README.md lists them with their sources.
const (
	visionImage     = 9.75 / 1000 // six billed features of the usual seven; safe search comes with labels
	visionFree      = 1000        // of each feature, a month
	temporalAction  = 50.0 / 1e6
	temporalGBHour  = 0.00105
	temporalPlan    = 0.10 // of the rest
	fargateCPUHour  = 0.03238
	fargateGBHour   = 0.00356
	ipv4Hour        = 0.005
	wafMonth        = 5.0 + 1.0
	wafRequest      = 0.60 / 1e6
	s3GBMonth       = 0.023
	s3Put           = 0.005 / 1000
	s3Get           = 0.0004 / 1000
	egressGB        = 0.09
	egressFreeGB    = 100
	cosmosUnit      = 0.25 / 1e6
	cosmosGBMonth   = 0.25
	lambdaGBSecond  = 0.0000133334
	lambdaRequest   = 0.20 / 1e6
	lambdaFreeGBs   = 400_000
	lambdaFreeCalls = 1e6
	edgeRequest     = 0.01 / 10_000
	edgeFree        = 10e6
	logGB           = 0.50
	logFreeGB       = 5
	metricMonth     = 0.30
	metricsFree     = 10
	monthHours      = 730
)

// What a picture is taken to be: 500 KB, looked at once on a page of 19 files; 6 calls to the API and 5 seconds of an
// event stream; a Record of 12 KB and a history of 40 KB. Each is looked at by 100 quarter-hourly sweeps and 30 daily
// ones.
const (
	pictureGB = 0.0005
	recordGB  = 12e-6
	historyGB = 40e-6
	logsGB    = 5e-6
	requests  = 19 + 6.0
	sweeps    = 2880 + 30.0 // a month
	looks     = 100 + 30.0
	readUnits = 2.0 // of Cosmos DB, for a Record
	newUnits  = 8.0
	metrics   = 10 + 12.0 // ours, and S3's about its requests
)

func cost(n float64) []float64 {
	above := func(used, free float64) float64 { return max(0, used-free) }
	temporal := (5*n+5*sweeps+looks*n/1000)*temporalAction + n*historyGB*30*24*temporalGBHour
	return []float64{
		above(n, visionFree) * visionImage,
		temporal * (1 + temporalPlan),
		2 * (0.25*fargateCPUHour + 1*fargateGBHour) * monthHours,
		2 * ipv4Hour * monthHours,
		wafMonth + n*requests*wafRequest,
		above(n*requests, edgeFree) * edgeRequest,
		n*pictureGB*s3GBMonth + n*s3Put + n*(looks+2)*s3Get + above(n*2*pictureGB, egressFreeGB)*egressGB,
		n*(newUnits+(looks+6)*readUnits)*cosmosUnit + n*recordGB*37/30*cosmosGBMonth,
		above(n*1.4, lambdaFreeGBs)*lambdaGBSecond + above(n*8, lambdaFreeCalls)*lambdaRequest,
		above(n*logsGB, logFreeGB)*logGB + (metrics-metricsFree)*metricMonth,
	}
}

// TestCost keeps README.md's table what its prices make it.
func TestCost(t *testing.T) {
	names := []string{"Cloud Vision", "Temporal Cloud", "Fargate, two workers", "their IPv4 addresses", "WAF", "CloudFront", "S3 and its traffic", "Cosmos DB", "Lambda", "CloudWatch"}
	months := []float64{0, 1_000, 100_000, 1_000_000}
	totals := make([]float64, len(months))
	var table strings.Builder
	for i, name := range names {
		fmt.Fprintf(&table, "| %s |", name)
		for j, n := range months {
			totals[j] += cost(n)[i]
			fmt.Fprintf(&table, " %.0f |", cost(n)[i])
		}
		table.WriteByte('\n')
	}
	table.WriteString("| **together** |")
	for _, total := range totals {
		fmt.Fprintf(&table, " **%.0f** |", total)
	}
	const day = 24 * 60 * 60
	attacks := []string{
		fmt.Sprintf("$%.0f a day", day*visionImage),
		fmt.Sprintf("$%.0f a day for each gigabit a second", day*0.125*egressGB),
		fmt.Sprintf("60 at a time, $%.0f a day", 60*0.25*day*lambdaGBSecond),
		fmt.Sprintf("$%.0f at 1,000 Lambdas", 1000*0.25*day*lambdaGBSecond),
		fmt.Sprintf("%.1f TB a day, $%.0f a month", day*0.02/1000, day*0.02*s3GBMonth),
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append(attacks, table.String()) {
		if !strings.Contains(string(readme), want) {
			t.Errorf("README.md must say\n%s", want)
		}
	}
}
