package onboarding_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

var french = onboarding.Reminders{From: "09:00", To: "17:00", Zone: "Europe/Paris", Holidays: "fr"}

func TestReminders_Due(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	at := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, paris)
		require.NoError(t, err)
		return at
	}
	for name, tt := range map[string]struct {
		after string
		days  int
		want  string
	}{
		"InWorkingHours":        {"2026-11-02 10:30", 10, "2026-11-12 10:30"},
		"Early":                 {"2026-11-02 06:00", 10, "2026-11-12 09:00"},
		"Late":                  {"2026-11-02 17:00", 10, "2026-11-13 09:00"},
		"FridayNight":           {"2026-11-10 20:00", 10, "2026-11-23 09:00"},
		"Saturday":              {"2026-11-11 10:00", 10, "2026-11-23 09:00"},
		"ArmisticeDay":          {"2026-11-01 10:00", 10, "2026-11-12 09:00"},
		"EasterMonday":          {"2026-03-27 10:00", 10, "2026-04-07 09:00"},
		"AscensionThursday":     {"2026-05-04 10:00", 10, "2026-05-15 09:00"},
		"WhitMonday":            {"2026-05-15 10:00", 10, "2026-05-26 09:00"},
		"AllSaintsOnASunday":    {"2026-10-22 10:00", 10, "2026-11-02 09:00"},
		"BastilleDay":           {"2026-07-04 10:00", 10, "2026-07-15 09:00"},
		"ChristmasOnAFriday":    {"2026-12-15 10:00", 10, "2026-12-28 09:00"},
		"NewYearOnAFriday":      {"2026-12-22 10:00", 10, "2027-01-04 09:00"},
		"SummerTimeBegins":      {"2026-03-19 10:00", 10, "2026-03-30 09:00"},
		"AcrossSummerTime":      {"2026-03-23 10:00", 10, "2026-04-02 10:00"},
		"AcrossTheEndOfIt":      {"2026-10-20 10:00", 10, "2026-10-30 10:00"},
		"TheHourThatDoesNotBe":  {"2026-03-19 02:30", 10, "2026-03-30 09:00"},
		"LabourDayAndVictory":   {"2026-04-28 10:00", 10, "2026-05-11 09:00"},
		"AYearLaterOnAHoliday":  {"2026-11-11 10:00", 365, "2027-11-12 09:00"},
		"TheLastMinuteOfTheDay": {"2026-11-02 16:59", 10, "2026-11-12 16:59"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			due := french.Due(at(tt.after).UTC(), tt.days)
			require.Equal(t, tt.want, due.Format("2006-01-02 15:04"))
			require.True(t, due.Equal(at(tt.want)))
		})
	}

	t.Run("AnotherJourney", func(t *testing.T) {
		t.Parallel()
		without := onboarding.Reminders{From: "08:00", To: "12:00", Zone: "America/Cayenne"}
		due := without.Due(time.Date(2026, time.December, 15, 13, 0, 0, 0, time.UTC), 10)
		require.Equal(t, "2026-12-25T10:00:00-03:00", due.Format(time.RFC3339))
	})

	t.Run("NothingSaid", func(t *testing.T) {
		t.Parallel()
		due := onboarding.Reminders{}.Due(time.Date(2026, time.November, 2, 3, 0, 0, 0, time.UTC), 1)
		require.Equal(t, "2026-11-03T03:00:00Z", due.Format(time.RFC3339))
	})
}

// It is in working hours, not before the days are over, and there is no earlier such time.
func TestReminders_DueIsTheFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]string{"Europe/Paris", "UTC", "America/Cayenne", "Pacific/Auckland", "Indian/Reunion"}).Draw(t, "zone")
		location, err := time.LoadLocation(zone)
		require.NoError(t, err)
		from := rapid.IntRange(0, 22).Draw(t, "from")
		to := rapid.IntRange(from+1, 23).Draw(t, "to")
		r := onboarding.Reminders{
			From: time.Date(0, 1, 1, from, 0, 0, 0, time.UTC).Format("15:04"), To: time.Date(0, 1, 1, to, 0, 0, 0, time.UTC).Format("15:04"),
			Zone: zone, Holidays: rapid.SampledFrom([]string{"", "fr"}).Draw(t, "holidays"),
		}
		after := time.Unix(rapid.Int64Range(1_600_000_000, 2_200_000_000).Draw(t, "after"), rapid.Int64Range(0, 1e9-1).Draw(t, "fraction"))
		days := rapid.IntRange(1, 365).Draw(t, "days")
		due := r.Due(after, days)

		works := func(at time.Time) bool {
			at = at.In(location)
			free := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || r.Holidays == "fr" && holiday(at)
			return !free && at.Hour() >= from && at.Hour() < to
		}
		least := after.In(location).AddDate(0, 0, days)
		require.False(t, due.Before(least))
		require.True(t, works(due), due)
		// Working time begins at whole hours: were there any before, it would show there.
		for at := least.Truncate(15 * time.Minute).Add(15 * time.Minute); at.Before(due); at = at.Add(15 * time.Minute) {
			require.False(t, works(at), "%s is earlier than %s", at, due)
		}
		require.Equal(t, works(least), due.Equal(least))
	})
}

// holiday knows the French holidays by another way than the code.
func holiday(at time.Time) bool {
	switch at.Format("01-02") {
	case "01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25":
		return true
	}
	// Easter, by Gauss and Butcher.
	y := at.Year()
	a, b, c := y%19, y/100, y%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	easter := time.Date(y, time.Month((h+l-7*m+114)/31), (h+l-7*m+114)%31+1, 0, 0, 0, 0, time.UTC)
	day := time.Date(y, at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	for _, after := range []int{1, 39, 50} {
		if day.Equal(easter.AddDate(0, 0, after)) {
			return true
		}
	}
	return false
}
