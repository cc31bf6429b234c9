// Package visitscheduling is the visit scheduling service: what it is made of,
// and which events it takes in. Its rules are in schedule, its work in desk.
package visitscheduling

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/policy"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/timers"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/household"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/rules"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// Settings are the service's own. Their zero values are not used: what is left
// out has the default.
type Settings struct {
	// Planner places visits: simple (one by one, at once) or optimise (a search
	// from there on).
	Planner string `yaml:"planner"`
	// PlannerBudget is how long optimise may search for one week.
	PlannerBudget app.Duration `yaml:"planner_budget"`
	// PlannerEffort is how often, for each visit to be placed, optimise takes
	// visits out and puts them back.
	PlannerEffort int `yaml:"planner_effort"`
	// HorizonWeeks is how many weeks are planned ahead, the present one included.
	HorizonWeeks int `yaml:"horizon_weeks"`
	// Notice is how far ahead a visit is placed at least.
	Notice app.Duration `yaml:"notice"`
	// UrgentLead is how soon an urgent visit may start.
	UrgentLead app.Duration `yaml:"urgent_lead"`
	// CheckInEarly is how long before its start a visit may be checked in to.
	CheckInEarly app.Duration `yaml:"check_in_early"`
	// CheckInLate is how long after its end a visit may still be checked in to.
	CheckInLate app.Duration `yaml:"check_in_late"`
	// CheckoutGrace is how long after the expected end a check-out is waited for
	// before the alarm.
	CheckoutGrace app.Duration `yaml:"checkout_grace"`
	// StopMinutes is added to every way, for parking and walking.
	StopMinutes int `yaml:"stop_minutes"`
	// UnknownTravelMinutes is allowed for a way of which an end is not known.
	UnknownTravelMinutes int `yaml:"unknown_travel_minutes"`
	// TravelProvider is who is asked how long ways take: empty (nobody; no place
	// leaves the system), osrm, valhalla, graphhopper, or csv (a file). Who is set
	// gets the middles of families' postal areas and workers' bases, rounded to some
	// hundred metres.
	TravelProvider string `yaml:"travel_provider"`
	// TravelURL is where the provider's API begins.
	TravelURL string `yaml:"travel_url"`
	// TravelKeyFile holds the key the provider wants; empty sends none.
	TravelKeyFile string `yaml:"travel_key_file"`
	// TravelFile holds the ways of csv: from_lat, from_lon, to_lat, to_lon, minutes, mode.
	TravelFile string `yaml:"travel_file"`
	// TravelTimeout is how long one answer of the provider may take.
	TravelTimeout app.Duration `yaml:"travel_timeout"`
	// TravelModes are what the provider is asked about: car, bicycle, foot. A server
	// prepared for cars alone answers for nothing else.
	TravelModes []string `yaml:"travel_modes"`
	// TravelPointAge is how long a household's point is used before intake is asked again.
	TravelPointAge app.Duration `yaml:"travel_point_age"`
	// IntakeTimeout is how long one answer of intake may take.
	IntakeTimeout app.Duration `yaml:"intake_timeout"`
}

// Defaults are the settings of a service that is told none.
func Defaults() Settings {
	return Settings{
		Planner: "optimise", PlannerBudget: app.Duration(10 * time.Second), PlannerEffort: 20, HorizonWeeks: 6, Notice: app.Duration(time.Hour), UrgentLead: app.Duration(15 * time.Minute),
		CheckInEarly: app.Duration(time.Hour), CheckInLate: app.Duration(12 * time.Hour), CheckoutGrace: app.Duration(30 * time.Minute),
		StopMinutes: 5, UnknownTravelMinutes: 20, TravelPointAge: app.Duration(time.Hour), IntakeTimeout: app.Duration(2 * time.Second),
		TravelTimeout: app.Duration(5 * time.Second), TravelModes: []string{"car"},
	}
}

// Validate says which setting makes no sense.
func (s Settings) Validate() error {
	switch {
	case s.HorizonWeeks < 1 || s.HorizonWeeks > 52:
		return fmt.Errorf("horizon_weeks: 1 to 52")
	case s.StopMinutes < 0 || s.UnknownTravelMinutes < 0 || s.StopMinutes > 240 || s.UnknownTravelMinutes > 240:
		return fmt.Errorf("stop_minutes, unknown_travel_minutes: 0 to 240")
	case s.Notice < 0 || s.UrgentLead < 0 || s.CheckInEarly < 0 || s.CheckInLate < 0 || s.CheckoutGrace < 0 || s.TravelPointAge < 0:
		return fmt.Errorf("notice, urgent_lead, check_in_early, check_in_late, checkout_grace, travel_point_age: not negative")
	case s.IntakeTimeout <= 0:
		return fmt.Errorf("intake_timeout: more than 0")
	}
	if err := s.checkRoads(); err != nil {
		return err
	}
	_, err := s.planner()
	return err
}

// planner makes the planner that was chosen.
func (s Settings) planner() (schedule.Planner, error) {
	switch s.Planner {
	case "simple":
		return schedule.Greedy{}, nil
	case "optimise":
		if s.PlannerBudget <= 0 || s.PlannerEffort < 1 {
			return nil, fmt.Errorf("planner_budget, planner_effort: more than 0")
		}
		return Optimiser{Budget: time.Duration(s.PlannerBudget), Effort: int64(s.PlannerEffort), Grid: startGrid}, nil
	}
	return nil, fmt.Errorf("planner: there is no %q: simple or optimise", s.Planner)
}

// startGrid is what starts are rounded up to, in minutes, where there is room.
const startGrid = 5

// Name is the service's name.
const Name = "visit-scheduling"

// Service is visit scheduling, to be run by app.
func Service() app.Service {
	spec, err := specs.OpenAPI.ReadFile("openapi/visit-scheduling.yaml")
	if err != nil {
		panic(err) // it is embedded
	}
	return app.Service{
		Name: Name, Port: 8084, Spec: spec, Migrations: postgres.Migrations, Peers: []string{"intake"}, Probe: app.ProbeList("/workers"),
		New: func(_ context.Context, d *app.Deps) (*app.Parts, error) {
			office, done, err := newDesk(d)
			if err != nil {
				return nil, err
			}
			return &app.Parts{
				Close:         done,
				Routes:        api.Server{Desk: office, Access: api.Access{Engine: d.Policy}, Feeds: api.NewFeedLimit(d.Clock), Followers: api.NewFollowers()}.Routes,
				Subscriptions: subscriptions(office),
				Timers:        map[string]timers.Handler{desk.CheckoutTimer: office.CheckoutMissed, desk.DailyTimer: office.Daily, desk.TravelTimer: office.FitTravel},
				Signals:       signals(),
				Censuses:      censuses(),
				Workers:       []app.Worker{{Name: "planner", Run: office.Run}, {Name: "boards", Run: office.KeepBoards}, {Name: "planning-jobs", Run: office.RunJobs}},
			}, nil
		},
	}
}

// newDesk makes the desk; done gives back what it took.
func newDesk(d *app.Deps) (office *desk.Desk, done func() error, err error) {
	s := Defaults()
	if err := d.Settings(&s); err != nil {
		return nil, nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, nil, fmt.Errorf("settings of %s: %w", Name, err)
	}
	plans, err := s.planner()
	if err != nil {
		return nil, nil, fmt.Errorf("settings of %s: %w", Name, err)
	}
	book, err := rules.Load(rules.Files())
	if err != nil {
		return nil, nil, err
	}
	intake, err := d.Peer("intake")
	if err != nil {
		return nil, nil, err
	}
	office = &desk.Desk{
		DB: d.DB, Planner: plans, Fallback: schedule.Greedy{}, Engine: Optimiser{Grid: startGrid, Log: d.Log}, Clock: d.Clock, Log: d.Log,
		Points:      household.Intake{Base: intake.URL, HTTP: intake.HTTP, Timeout: time.Duration(s.IntakeTimeout)},
		Publishing:  desk.Publishing{Limits: book.Automatic, Rule: book.PublishingRule},
		Coverage:    book.Coverage,
		Weighing:    func(id tenant.AgencyID) schedule.Weighing { return book.Weighing(id.String()) },
		WeightsRule: book.WeightsRule,
		Settings: desk.Settings{
			Attendance: schedule.Attendance{
				Early: time.Duration(s.CheckInEarly), Late: time.Duration(s.CheckInLate), Grace: time.Duration(s.CheckoutGrace),
			},
			Horizon: s.HorizonWeeks, Notice: time.Duration(s.Notice), UrgentLead: time.Duration(s.UrgentLead), PointAge: time.Duration(s.TravelPointAge), Lease: planningLease,
			Travel: schedule.Estimate(s.StopMinutes, s.UnknownTravelMinutes),
		},
		Calendar: func(id tenant.AgencyID) (*clock.Calendar, error) {
			agency, err := d.Rules.Agency(id)
			if err != nil {
				return nil, err
			}
			return agency.Calendar, nil
		},
		Agencies: func() []tenant.AgencyID {
			var ids []tenant.AgencyID
			for _, a := range d.Rules.Agencies() {
				ids = append(ids, a.ID)
			}
			return ids
		},
		NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	}
	if office.Roads.Count, err = countRoads(d.Metrics, office.Agencies()); err != nil {
		return nil, nil, err
	}
	if done, err = s.askRoads(office); err != nil {
		return nil, nil, fmt.Errorf("settings of %s: %w", Name, err)
	}
	return office, done, nil
}

// planningLease is how long after a planner's death another takes its week over.
const planningLease = 15 * time.Second

// subscriptions are the events that change the schedule. Access to cases follows
// the kit's own handlers of the same events.
func subscriptions(d *desk.Desk) []events.Subscription {
	return []events.Subscription{
		{Topics: []string{events.Topic("intake")}, Handlers: intakeHandlers(d)},
		{Topics: []string{events.Topic("planning")}, Handlers: policy.CaseAccessHandlers()},
		{Topics: []string{events.Topic("planning")}, Handlers: planningHandlers(d)},
	}
}
