// Package uploads tests the page's uploads, progress, history and erasure in Chromium.
package uploads

import (
	"testing"

	"triptych/e2e/pagetest"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

func TestUploads(t *testing.T) {
	t.Parallel()
	pagetest.Run(t, map[string][]func(*testing.T, pagetest.Env){
		"without_faults": {
			testUpload, testUnsent, testTakenOverUpload, testStoredGrant, testOtherTabs, testProgress, testWaiting, testWaitingFor,
			testHistory, testHistoryStorage, testErasureAfterCancel, testHistoryNavigation, testNoSwitches, testStorage,
		},
		"with_Vision_faults": {testReload},
		"with_switches":      {testFaults, testSwitches, testSharedSwitches},
	})
}
