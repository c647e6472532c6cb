package onboarding

import (
	"time"
	_ "time/tzdata" // a static binary may run where there are no zone files

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/fr"
)

// Due returns when somebody is reminded so many days after a time: within working hours,
// on a working day, as early as that allows.
func (r Reminders) Due(after time.Time, days int) time.Time {
	hours := r.hours()
	due := after.In(hours.zone).AddDate(0, 0, days)
	for range 30 { // no holidays of a country last as long
		switch now := clock(due); {
		case !hours.works(due) || now >= hours.to:
			due = hours.opening(due, 1)
		case now < hours.from:
			due = hours.opening(due, 0)
		default:
			return due
		}
	}
	return due
}

// workingHours are those of the journey, as times of day.
type workingHours struct {
	zone     *time.Location
	from, to time.Duration
	holidays *cal.Calendar
}

// hours reads what Validate has checked; where nothing is said, every hour is worked.
func (r Reminders) hours() workingHours {
	hours := workingHours{zone: time.UTC, to: 24 * time.Hour, holidays: holidays[r.Holidays]}
	if zone, err := time.LoadLocation(r.Zone); err == nil {
		hours.zone = zone
	}
	if from, ok := timeOfDay(r.From); ok {
		hours.from = from
	}
	if to, ok := timeOfDay(r.To); ok {
		hours.to = to
	}
	return hours
}

// works reports whether the day is one on which people work.
func (h workingHours) works(day time.Time) bool {
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return false
	}
	if h.holidays == nil {
		return true
	}
	actual, _, _ := h.holidays.IsHoliday(day)
	return !actual
}

// opening is when work begins so many days after the day.
func (h workingHours) opening(day time.Time, days int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+days,
		int(h.from/time.Hour), int(h.from%time.Hour/time.Minute), 0, 0, h.zone)
}

// holidays are the holidays that a journey can keep, by country.
var holidays = map[string]*cal.Calendar{
	"fr": {Holidays: fr.Holidays},
}

// clock is the time of day.
func clock(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}

// timeOfDay reads 09:00.
func timeOfDay(text string) (time.Duration, bool) {
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, false
	}
	return clock(t), true
}
