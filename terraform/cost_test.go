package terraform_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"triptych/internal/telemetry"
)

// US dollars. Sources: prices.md.
const (
	visionImage     = 9.75 / 1000 // six billed features of the default seven; safe search is free with labels
	visionFree      = 1000        // pictures a month, for each feature
	temporalAction  = 50.0 / 1e6
	temporalGBHour  = 0.00105
	temporalPlan    = 0.10 // surcharge on usage
	temporalFair    = 0.10 // actions billed for each action while fairness is enabled
	fargateCPUHour  = 0.03238
	fargateGBHour   = 0.00356
	ipv4Hour        = 0.005
	wafMonth        = 5.0 + 4*1.0
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
	edgeCode        = 0.10 / 1e6
	edgeCodeFree    = 2e6
	logGB           = 0.50
	logFreeGB       = 5
	metricMonth     = 0.30
	metricsFree     = 10
	alarmMonth      = 0.10
	alarmsFree      = 10
	monthHours      = 730
)

// These estimates are for one picture of 500 KB that is viewed once.
const (
	pictureGB = 0.0005
	recordGB  = 12e-6
	historyGB = 10.2e-6    // bench/README.md: size of the history
	logsGB    = 5.3e-6     // of which 0.3e-6 are the trigger's metrics, without web's
	chargeGB  = 0.42e-6    // a line of the metric request_charge (internal/telemetry/emf.go)
	charges   = 2 * calls  // web writes the lines of each call at its end: one for a read that finds the Record, one for the others
	exportsGB = 0.8        // a month: each of two workers writes up to 25 lines of metrics a minute
	accessGB  = 0.6e-6     // of access logs for each request to CloudFront or S3
	requests  = 19 + calls // page files and API calls
	calls     = 6.0
	sweeps    = 2880 + 30.0 // a month
	checks    = 100 + 30.0  // by quarter-hourly and daily sweeps
	readUnits = 4.0         // Cosmos DB request units to read a Record; strong consistency doubles them
	newUnits  = 9.0         // request units to create a Record: 7 to write it, 2 to read that none exists
	alarms    = 15.0

	// Billable Temporal actions.
	annotated = 4.0           // start, markers of presign, annotate, markers of persist: bench/README.md
	rejected  = annotated + 1 // it sets search attributes
)

// metrics is the number of metrics that CloudWatch bills: the request metrics of S3, and those of the programs.
var metrics = func() float64 {
	values := map[string]float64{ // in a usual hour
		"triptych.status": 3, "triptych.outcome": 2, "triptych.step": 4, "db.operation.name": 4, "db.response.status_code": 3, "task_queue": 2,
	}
	sum := 12.0
	for _, sets := range telemetry.CloudWatch {
		for _, set := range sets {
			combinations := 1.0
			for _, name := range set {
				combinations *= values[name]
			}
			sum += combinations
		}
	}
	return sum
}()

// cost returns one number for each row of README.md's table: monthly US dollars for n monthly pictures.
func cost(n float64) []float64 {
	above := func(used, free float64) float64 { return max(0, used-free) }
	temporal := (annotated*n+5*sweeps+checks*n/1000)*(1+temporalFair)*temporalAction + n*historyGB*30*24*temporalGBHour
	return []float64{
		above(n, visionFree) * visionImage,
		temporal * (1 + temporalPlan),
		2 * (0.25*fargateCPUHour + 1*fargateGBHour) * monthHours,
		2 * ipv4Hour * monthHours,
		wafMonth + n*requests*wafRequest,
		above(n*requests, edgeFree)*edgeRequest + above(n*calls, edgeCodeFree)*edgeCode,
		n*(pictureGB+(requests+checks+4)*accessGB)*s3GBMonth + n*s3Put + n*(checks+2)*s3Get + above(n*2*pictureGB, egressFreeGB)*egressGB,
		n*(newUnits+(checks+6)*readUnits)*cosmosUnit + n*recordGB*37/30*cosmosGBMonth,
		above(n*1.4, lambdaFreeGBs)*lambdaGBSecond + above(n*8, lambdaFreeCalls)*lambdaRequest,
		above(n*(logsGB+charges*chargeGB)+exportsGB, logFreeGB)*logGB + (metrics-metricsFree)*metricMonth + (alarms-alarmsFree)*alarmMonth,
	}
}

func TestREADMECosts(t *testing.T) {
	names := []string{"Cloud Vision", "Temporal Cloud", "Fargate, two workers", "IPv4 addresses of the workers", "WAF", "CloudFront", "S3 and its traffic", "Cosmos DB", "Lambda", "CloudWatch"}
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
	table.WriteString("| **total** |")
	for _, total := range totals {
		fmt.Fprintf(&table, " **%.0f** |", total)
	}
	const day = 24 * 60 * 60
	const action = temporalAction * (1 + temporalFair) * (1 + temporalPlan)
	p := mustPlan(t, readSources(t), nil)
	setting := func(name string) float64 {
		value, err := strconv.ParseFloat(fmt.Sprint(lookup(p.setting("worker", name).values, "value")), 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	if n := len(p.ofType("aws_cloudwatch_metric_alarm")); n != alarms {
		t.Errorf("the plan contains %d alarms, the formula %v", n, alarms)
	}
	pictures, stolen := setting("TRIPTYCH_ANNOTATIONS_PER_DAY"), day*setting("TRIPTYCH_ANNOTATIONS_PER_SECOND")
	requests := firewallLimit(p.resource("aws_wafv2_web_acl.site[0]"), "POST", "/api/pictures") // of one address in five minutes
	uploads := requests * day / 300
	attacks := []string{
		fmt.Sprintf("most %.0f pictures between 00:00 and 24:00 UTC, for $%.2f a day, or $%.0f in 30 days", pictures, pictures*visionImage, 30*pictures*visionImage),
		fmt.Sprintf("$%.2f a day in Temporal actions and $%.0f for S3 traffic", stolen*rejected*action, stolen*0.02*egressGB),
		fmt.Sprintf("four heartbeats add $%.2f a day", stolen*4*action),
		fmt.Sprintf("waits for S3 or Cosmos DB adds $%.2f a day", 24*60*action),
		fmt.Sprintf("%.0f pictures a day, up to $%.0f a day", stolen, stolen*visionImage),
		fmt.Sprintf("while %.0f are waiting", pictures),
		fmt.Sprintf("%.0f uploads a day, more than the limit", uploads),
		fmt.Sprintf("%.0f GB a day, $%.2f a month", uploads*0.02, uploads*0.02*s3GBMonth),
		fmt.Sprintf("A million uploads cost $%.0f, their workflows and erasures $%.0f", 1e6*s3Put, 1e6*(3+8)*action), // start, presign, schedule annotate
		fmt.Sprintf("$%.2f a day for one address", uploads*8*action),                                                 // start, six activities, timer
		fmt.Sprintf("%.0f at a time on average, $%.2f a day", requests/5, requests/5*0.25*day*lambdaGBSecond),
		fmt.Sprintf("$%.0f at 1,000 Lambdas", 1000*0.25*day*lambdaGBSecond),
		fmt.Sprintf("$%.0f a day for each gigabit a second", day*0.125*egressGB),
	}
	expectTexts(t, "README.md", append(attacks, table.String())...)
	expectTexts(t, "../README.md", fmt.Sprintf("about $%.0f a", totals[0]),
		fmt.Sprintf("%s for 100,000 pictures, of which Google charges %.0f %%", dollars(totals[2]), 100*cost(100_000)[0]/totals[2]))
}

func TestCapacityCosts(t *testing.T) {
	const million = 1e6
	const (
		storedGBHours = million * historyGB * 30 * 24
		recordsGB     = million * recordGB
		gigabytes     = million * pictureGB
		triggers      = million * 0.0042 * 0.25 * lambdaGBSecond // 4.2 ms with 256 MB
		workerHours   = million * 0.01 / 3600
	)
	vision := million * visionImage
	temporal := (annotated*million*temporalAction*(1+temporalFair) + storedGBHours*temporalGBHour) * (1 + temporalPlan)
	s3 := million*(s3Put+s3Get) + gigabytes*(s3GBMonth+egressGB)
	cosmos := million*newUnits*cosmosUnit + recordsGB*37/30*cosmosGBMonth
	programs := million*lambdaRequest + triggers + workerHours*fargateCPUHour
	if programs >= 1 {
		t.Errorf("Lambda and Fargate cost $%.2f, want less than 1", programs)
	}
	target := mustPlan(t, readSources(t), nil).resource("aws_appautoscaling_target.worker")
	expectTexts(t, "../bench/CAPACITY.md",
		fmt.Sprintf("| %s |", strings.TrimPrefix(dollars(vision), "$")),
		fmt.Sprintf("%v per picture", annotated),
		fmt.Sprintf("%v M Actions at %v per million, and %v more for each while fairness is enabled; %.1f kB stored for 30 days: %s GBh at %v; %v %% for the plan",
			annotated, temporalAction*million, temporalFair, historyGB*million, strings.TrimPrefix(dollars(storedGBHours), "$"), temporalGBHour, 100*temporalPlan),
		fmt.Sprintf("November 2026) | %.0f |", temporal),
		fmt.Sprintf("writes %.2f, reads %.2f; %.0f GB for a month %.2f; transfer to Google %.2f at %v per GB", million*s3Put, million*s3Get, gigabytes, gigabytes*s3GBMonth, gigabytes*egressGB, egressGB),
		fmt.Sprintf("March 2026) | %.0f |", s3),
		fmt.Sprintf("%v M RU at %v per million; %.0f GB for 37 days at %v a month", newUnits, cosmosUnit*million, recordsGB, cosmosGBMonth),
		fmt.Sprintf("March 2022) | %.0f |", cosmos),
		fmt.Sprintf("invocations %.2f, their duration %.2f; %.1f vCPU-hours of the worker at %v", million*lambdaRequest, triggers, workerHours, fargateCPUHour),
		"2026) | < 1 |",
		fmt.Sprintf("Vision is %.0f %% of the total", 100*vision/(vision+temporal+s3+cosmos+programs)),
		fmt.Sprintf("(by default %v and %v)", lookup(target.values, "min_capacity"), lookup(target.values, "max_capacity")),
	)
}

func dollars(amount float64) string {
	text := fmt.Sprintf("%.0f", amount)
	if n := len(text); n > 3 {
		text = text[:n-3] + "," + text[n-3:]
	}
	return "$" + text
}

// expectTexts ignores line breaks.
func expectTexts(t *testing.T, file string, texts ...string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	oneLine := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	for _, want := range texts {
		if !strings.Contains(oneLine(string(content)), oneLine(want)) {
			t.Errorf("%s does not contain\n%s", file, want)
		}
	}
}
