package records

import (
	"strconv"
	"testing"
)

func BenchmarkDailyLimit(b *testing.B) {
	for _, perDay := range []int{1000, 1_000_000} {
		b.Run(strconv.Itoa(perDay)+"_per_day", func(b *testing.B) {
			container := startEmulator(b).provision(b)
			day := evening
			limit := &DailyLimit{Records: container, PerDay: perDay}
			for i := 0; b.Loop(); i++ {
				if i%perDay == 0 {
					day = day.AddDate(0, 0, 1)
				}
				if _, err := limit.Take(b.Context(), at(day)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
