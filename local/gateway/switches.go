package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Switch injects faults into one cloud.
type Switch struct {
	Cloud    string
	Faults   []string // the accepted faults; the first means no fault
	Disabled string   // a sentence that says why the switch cannot be used; "" if it can
	Set      func(ctx context.Context, fault string) error
}

// Switches contains the fault switches of all clouds and the current fault of each cloud. Calls that set a fault run
// one after another.
type Switches struct {
	switches []Switch
	cleared  func(ctx context.Context, cloud string)
	setting  sync.Mutex // held while a fault is set

	mu      sync.Mutex
	current map[string]string // fault by cloud
}

// NewSwitches returns Switches in which no cloud has a fault. The function `cleared` is called each time a cloud's
// fault has been cleared.
func NewSwitches(cleared func(ctx context.Context, cloud string), switches ...Switch) *Switches {
	s := &Switches{switches: switches, cleared: cleared, current: map[string]string{}}
	for _, each := range switches {
		s.current[each.Cloud] = each.Faults[0]
	}
	return s
}

// Current returns the current fault of each cloud.
func (s *Switches) Current() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.current)
}

// reject returns a sentence that says why the fault cannot be set, or "" if the fault can be set.
func (s *Switches) reject(cloud, fault string) string {
	var clouds []string
	for _, each := range s.switches {
		clouds = append(clouds, each.Cloud)
		if each.Cloud != cloud {
			continue
		}
		if !slices.Contains(each.Faults, fault) {
			return fmt.Sprintf("There is no fault %q of %s: fault is one of %s.", fault, cloud, strings.Join(each.Faults, ", "))
		}
		return each.Disabled
	}
	return fmt.Sprintf("There is no cloud %q: cloud is one of %s.", cloud, strings.Join(clouds, ", "))
}

// set makes the parameter `fault` the current fault of the cloud. It returns when the new fault has taken effect.
func (s *Switches) set(ctx context.Context, cloud, fault string) error {
	s.setting.Lock()
	defer s.setting.Unlock()
	each := s.switches[slices.IndexFunc(s.switches, func(each Switch) bool { return each.Cloud == cloud })]
	if err := each.Set(ctx, fault); err != nil {
		return err
	}
	s.mu.Lock()
	before := s.current[cloud]
	s.current[cloud] = fault
	s.mu.Unlock()
	if none := each.Faults[0]; before != none && fault == none {
		s.cleared(ctx, cloud)
	}
	return nil
}
