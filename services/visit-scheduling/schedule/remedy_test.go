package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// longerBy is the remedy of a worker who works some minutes more.
func longerBy(minutes int) Remedy {
	return Remedy{Steps: []Step{{Rule: RuleHours, Workers: []WorkerID{WorkerID(fmt.Sprint("w", minutes))}, Minutes: minutes}}}
}

func TestLeftover_KeepsTheEasiestRemediesAndTheReasonsTheyStandFor(t *testing.T) {
	excluded := Remedy{Steps: []Step{{Rule: RuleExcluded}}}
	found := []Remedy{{Steps: []Step{{Rule: RuleWorkersNeeded, More: 1}}}, excluded}
	for i := range 6 {
		found = append(found, longerBy(5*(i+1)))
	}
	got := Leftover{Visit: "v", Reasons: []Reason{NoPlace}}.Explained(found)
	if diff := cmp.Diff([]Reason{OutsideHours, AllExcluded}, got.Reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(found[2:7], got.Remedies); diff != "" {
		t.Errorf("remedies (-want +got):\n%s", diff)
	}
}

func TestVisit_LeftAgainTellsOnlyWhatIsNew(t *testing.T) {
	v := Visit{ID: "v", Status: Unplaced, Version: 1}
	for _, test := range []struct {
		name    string
		why     Leftover
		told    bool
		version int64
	}{
		{"the first time", Leftover{Reasons: []Reason{NoPlace}}, true, 2},
		{"looked at, and nothing found", Leftover{Reasons: []Reason{NoPlace}, LookedAt: at(1, 9, 0)}, false, 2},
		{"reasons found", Leftover{Reasons: []Reason{OutsideHours, FullyBooked}, Remedies: []Remedy{longerBy(5)}, LookedAt: at(1, 10, 0)}, true, 3},
		{"the same later", Leftover{Reasons: []Reason{OutsideHours, FullyBooked}, Remedies: []Remedy{longerBy(5)}, LookedAt: at(1, 11, 0)}, false, 3},
		{"another is easiest", Leftover{Reasons: []Reason{FullyBooked, OutsideHours}, Remedies: []Remedy{longerBy(5)}, LookedAt: at(1, 11, 0)}, false, 4},
		{"another remedy", Leftover{Reasons: []Reason{FullyBooked, OutsideHours}, Remedies: []Remedy{longerBy(10)}, LookedAt: at(1, 11, 0)}, false, 5},
		{"one reason less", Leftover{Reasons: []Reason{OutsideHours}, Remedies: []Remedy{longerBy(10)}, LookedAt: at(1, 11, 0)}, true, 6},
	} {
		event, err := v.Leave(test.why)
		if err != nil {
			t.Fatal(err)
		}
		if (event != nil) != test.told || v.Version != test.version || !v.LookedAt.Equal(test.why.LookedAt) {
			t.Errorf("%s: told %v, version %d, looked at %s; want %v, %d, %s", test.name, event, v.Version, v.LookedAt, test.told, test.version, test.why.LookedAt)
		}
	}
}

// What was found earlier is kept as far as it still gives the visit its place.
func TestStanding_KeepsWhatWasFoundEarlierAsFarAsItHolds(t *testing.T) {
	day := Span{at(0, 8, 0), at(0, 16, 0)}
	d := Demand{Visit: "v", Series: "s", Windows: []Span{day}, Minutes: 60, Workers: 1, Language: "sv"}
	worker := Available{ID: "w", Shifts: []Span{day}}
	speaks := Remedy{
		Steps: []Step{{Rule: RuleLanguage, Language: "sv"}},
		Place: Slot{StartsAt: at(0, 10, 0), EndsAt: at(0, 11, 0), Workers: []WorkerID{"w"}},
	}
	missing := []Reason{LanguageMissing}
	none := Leftover{Visit: "v", Reasons: []Reason{NoPlace}}
	looked := none
	looked.LookedAt = at(0, 7, 0)
	busy := func(p *Problem) {
		p.Booked = []Booking{{Visit: "other", Series: "o", Workers: []WorkerID{"w"}, Span: Span{at(0, 10, 0), at(0, 11, 0)}}}
	}
	for _, test := range []struct {
		name   string
		change func(*Problem)
		had    Visit
		left   Leftover
		want   Leftover
	}{
		{"it holds", nil, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, none, Leftover{"v", missing, []Remedy{speaks}, at(-1, 7, 0)}},
		{"it holds, and a new look found nothing", nil, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, looked, Leftover{"v", missing, []Remedy{speaks}, at(0, 7, 0)}},
		{"somebody else is visited then", busy, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, none, Leftover{"v", missing, nil, at(-1, 7, 0)}},
		{"neither holds nor was found again", busy, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, looked, looked},
		{"the worker has left", func(p *Problem) { p.Roster = nil }, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, looked, looked},
		{"its time is over", func(p *Problem) { p.Now = at(0, 12, 0) }, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, looked, looked},
		{"nobody had looked", nil, Visit{Reasons: []Reason{NoPlace}}, none, none},
		{"the week is over", nil, Visit{Reasons: missing, Remedies: []Remedy{speaks}, LookedAt: at(-1, 7, 0)}, Leftover{Visit: "v", Reasons: []Reason{WeekOver}}, Leftover{Visit: "v", Reasons: []Reason{WeekOver}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Problem{Zone: time.UTC, Now: at(0, 6, 0), Travel: Estimate(5, 20), Roster: []Available{worker}, Demands: []Demand{d}}
			if test.change != nil {
				test.change(&p)
			}
			got := Standing{Problem: p}.Kept([]Leftover{test.left}, map[VisitID]Visit{"v": test.had})
			if len(got[0].Remedies) == 0 {
				got[0].Remedies = nil
			}
			if diff := cmp.Diff([]Leftover{test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
