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

// Switches is safe for concurrent use.
type Switches struct {
	switches []Switch
	cleared  func(ctx context.Context, cloud string)
	setting  sync.Mutex // held while a fault is set

	mu      sync.Mutex
	current map[string]string // fault by cloud
}

func NewSwitches(cleared func(ctx context.Context, cloud string), switches ...Switch) *Switches {
	s := &Switches{switches: switches, cleared: cleared, current: map[string]string{}}
	for _, each := range switches {
		s.current[each.Cloud] = each.Faults[0]
	}
	return s
}

func (s *Switches) Current() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.current)
}

func (s *Switches) reasonToRefuse(cloud, fault string) string {
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
