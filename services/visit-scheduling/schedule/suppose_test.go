package schedule

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// supposable is a week of anna and bea with a visit each and one without a place, and
// what is booked of anna and carl.
func supposable() Standing {
	s := Standing{Problem: problem([]Available{worker("anna"), worker("bea"), worker("carl")}, demand("v1"), demand("v2"), demand("open"))}
	s.Problem.Booked = []Booking{
		{Visit: "fixed", Workers: []WorkerID{"anna"}, Span: Span{at(0, 14, 0), at(0, 15, 0)}, At: Location{Remote: true}},
		{Visit: "carl's", Workers: []WorkerID{"carl"}, Span: Span{at(0, 12, 0), at(0, 13, 0)}, At: Location{Point: suburb}},
	}
	s.Plan.Placed = []Placement{{"v1", slotAt(0, 10, "anna")}, {"v2", slotAt(0, 10, "bea")}}
	return s
}

func TestSupposed_EachIsTheWeekAsItWouldBe(t *testing.T) {
	day := Span{at(0, 0, 0), at(1, 0, 0)}
	evening := Span{at(0, 18, 0), at(0, 20, 0)}
	for _, test := range []struct {
		name    string
		suppose []Supposition
		change  func(p *Problem) // what it changes of the week
		placed  []VisitID        // what stands where it stood
		like    map[VisitID]VisitID
	}{
		{"nothing", nil, func(*Problem) {}, []VisitID{"v1", "v2"}, nil},
		{"somebody away", []Supposition{{Kind: SupposeAway, Worker: "anna", Span: &day}}, func(p *Problem) {
			p.Roster[0].Away = []Span{{day.From, at(0, 14, 0)}, {at(0, 15, 0), day.To}} // but for what is booked
		}, []VisitID{"v2"}, nil},
		{"away before they are home", []Supposition{{Kind: SupposeAway, Worker: "bea", Span: &Span{at(0, 11, 0), day.To}}}, func(p *Problem) {
			p.Roster[1].Away = []Span{{at(0, 11, 0), day.To}}
		}, []VisitID{"v1"}, nil},
		{"away at another time", []Supposition{{Kind: SupposeAway, Worker: "anna", Span: &evening}}, func(p *Problem) {
			p.Roster[0].Away = []Span{evening}
		}, []VisitID{"v1", "v2"}, nil},
		{"longer hours", []Supposition{{Kind: SupposeThere, Worker: "bea", Span: &Span{at(0, 15, 0), at(0, 18, 0)}}}, func(p *Problem) {
			p.Roster[1].Shifts[0].To = at(0, 18, 0)
		}, []VisitID{"v1", "v2"}, nil},
		{"away, and there in the morning", []Supposition{{Kind: SupposeAway, Worker: "bea", Span: &day}, {Kind: SupposeThere, Worker: "bea", Span: &Span{at(0, 8, 0), at(0, 9, 0)}}}, func(p *Problem) {
			p.Roster[1].Away = []Span{{day.From, at(0, 8, 0)}, {at(0, 9, 0), day.To}}
		}, []VisitID{"v1"}, nil},
		{"abler", []Supposition{{Kind: SupposeAbler, Worker: "bea", Skills: []string{"trauma"}, Languages: []string{"so"}}}, func(p *Problem) {
			p.Roster[1].Skills, p.Roster[1].Languages = []string{"parenting", "trauma"}, []string{"fi", "so"}
		}, []VisitID{"v1", "v2"}, nil},
		{"one more", []Supposition{{Kind: SupposeAway, Worker: "bea", Span: &day}, {Kind: SupposeWorker, Worker: "bea"}}, func(p *Problem) {
			p.Roster[1].Away = []Span{day}
			p.Roster = append(p.Roster, worker("bea:what-if:2"))
		}, []VisitID{"v1"}, nil},
		{"a visit more", []Supposition{{Kind: SupposeVisit, Visit: "v1"}}, func(p *Problem) {
			d := demand("v1")
			d.Visit = "v1:what-if:1"
			p.Demands = append(p.Demands, d)
		}, []VisitID{"v1", "v2"}, map[VisitID]VisitID{"v1:what-if:1": "v1"}},
		{"a visit less", []Supposition{{Kind: SupposeLess, Visit: "v2"}}, func(p *Problem) {
			p.Demands = []Demand{p.Demands[0], p.Demands[2]}
		}, []VisitID{"v1"}, nil},
		{"evenings too", []Supposition{{Kind: SupposeAlso, Visit: "open", Span: &Span{at(0, 18, 0), at(2, 0, 30)}}}, func(p *Problem) {
			d := &p.Demands[2] // each in a day, and the half hour after midnight is too short
			d.Windows = append(d.Windows, Span{at(0, 18, 0), at(1, 0, 0)}, Span{at(1, 0, 0), at(2, 0, 0)})
		}, []VisitID{"v1", "v2"}, nil},
		{"by anyone", []Supposition{{Kind: SupposeAnyone, Visit: "open"}}, func(p *Problem) {
			d := &p.Demands[2]
			d.Skills, d.Language = nil, ""
		}, []VisitID{"v1", "v2"}, nil},
		{"away from a family that is booked", []Supposition{{Kind: SupposeAway, Worker: "carl", Span: &day}}, func(p *Problem) {
			way := time.Duration(p.Travel.Minutes(PlaceOf(centre), PlaceOf(suburb))) * time.Minute
			p.Roster[2].Away = []Span{{day.From, at(0, 12, 0).Add(-way)}, {at(0, 13, 0).Add(way), day.To}}
		}, []VisitID{"v1", "v2"}, nil},
		{"of others", []Supposition{{Kind: SupposeAway, Worker: "x", Span: &day}, {Kind: SupposeLess, Visit: "x"}, {Kind: SupposeLess, Visit: "fixed"}, {Kind: SupposeAnyone, Visit: "x"}}, func(*Problem) {}, []VisitID{"v1", "v2"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, want := supposable(), supposable().Problem
			before, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			test.change(&want)
			would, was, like := s.Supposed(test.suppose)
			for name, diff := range map[string]string{
				"workers": cmp.Diff(want.Roster, would.Problem.Roster),
				"visits":  cmp.Diff(want.Demands, would.Problem.Demands),
				"booked":  cmp.Diff(want.Booked, would.Problem.Booked),
			} {
				if diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			var placed []VisitID
			for _, x := range would.Plan.Placed {
				placed = append(placed, x.Visit)
			}
			if diff := cmp.Diff(test.placed, placed); diff != "" {
				t.Errorf("stand (-want +got):\n%s", diff)
			}
			if found := would.Problem.Check(would.Plan); found != nil {
				t.Errorf("the week as it would be breaks %v", found)
			}
			if diff := cmp.Diff(want.Booked, would.Settle().Problem.Booked); diff != "" {
				t.Errorf("nobody gets to what is booked (-want +got):\n%s", diff)
			}
			if len(like) != len(test.like) || cmp.Diff(s.Plan, was.Plan) != "" {
				t.Errorf("made up like %v, known %v", like, was.Plan)
			}
			for made, of := range test.like {
				if like[made] != of || !slices.ContainsFunc(was.Problem.Demands, func(d Demand) bool { return d.Visit == made }) {
					t.Errorf("%s is like %q, and to be placed beside what is known", made, like[made])
				}
			}
			if after, err := json.Marshal(s); err != nil || string(after) != string(before) {
				t.Errorf("what was given is changed (%v)", err)
			}
		})
	}
}

func TestSupposition_SaysWhatIsMissing(t *testing.T) {
	turned, long := Span{at(1, 0, 0), at(0, 0, 0)}, Span{at(0, 0, 0), at(8, 0, 0)}
	for _, test := range []struct {
		of   Supposition
		want []string
	}{
		{Supposition{Kind: SupposeAway}, []string{"/worker_id", "/from"}},
		{Supposition{Kind: SupposeThere, Worker: "w", Span: &turned}, []string{"/from"}},
		{Supposition{Kind: SupposeAbler, Worker: "w"}, []string{"/skills"}},
		{Supposition{Kind: SupposeWorker}, []string{"/worker_id"}},
		{Supposition{Kind: SupposeVisit}, []string{"/visit_id"}},
		{Supposition{Kind: SupposeLess, Worker: "w"}, []string{"/visit_id"}},
		{Supposition{Kind: SupposeAlso, Visit: "v"}, []string{"/from"}},
		{Supposition{Kind: SupposeAlso, Visit: "v", Span: &long}, []string{"/to"}},
		{Supposition{Kind: SupposeAlso, Visit: "v", Span: &Span{long.From, long.From.Add(7 * 24 * time.Hour)}}, nil},
		{Supposition{Kind: SupposeAnyone, Worker: "w"}, []string{"/visit_id"}},
	} {
		var got []string
		for _, f := range test.of.validate("") {
			got = append(got, f.Pointer)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.of, diff)
		}
	}
}
