package rules

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Agency is what every service must know of a tenant.
type Agency struct {
	ID  tenant.AgencyID
	Ref Ref
	// Title is its name for people.
	Title string
	// NeutralName is the name families and reporters see on a message that others
	// may read too: it does not say what the agency does. Title when not given.
	NeutralName string
	// Country is ISO 3166-1 alpha-2.
	Country string
	// Calendar decides its days, in its zone.
	Calendar *clock.Calendar
	// CalendarRef is the calendar file that does.
	CalendarRef Ref
	// Languages it writes to people in, BCP 47; the first is used when a person's
	// own is not among them.
	Languages []string
	// InboundSources are the CloudEvents sources it takes referrals from; a * at
	// the end stands for anything.
	InboundSources []string
	// DutyTeam is told of urgent referrals.
	DutyTeam Contact
	// Programs are the codes of those it offers.
	Programs []string
	// Areas are the middles of postal areas.
	Areas []Area
}

// Contact is how a part of the agency is reached. Empty fields are not used.
type Contact struct {
	Email   string `yaml:"email"`
	SMS     string `yaml:"sms"`
	Webhook string `yaml:"webhook"`
}

// Area is the middle of a postal area: as near as a travel estimate needs, and
// too coarse to find a home by.
type Area struct {
	Country string `yaml:"country"`
	// Prefix is a postal code or its beginning, without spaces.
	Prefix string  `yaml:"prefix"`
	Lat    float64 `yaml:"lat"`
	Lon    float64 `yaml:"lon"`
	// PrecisionM is how far from the middle a home of the area may lie, in metres.
	PrecisionM int `yaml:"precision_m"`
}

// Offers says whether the agency offers a program.
func (a *Agency) Offers(program string) bool { return slices.Contains(a.Programs, program) }

// Takes says whether the agency takes events of a CloudEvents source.
func (a *Agency) Takes(source string) bool {
	return slices.ContainsFunc(a.InboundSources, func(p string) bool { return matchSource(p, source) })
}

// Language is the first of wanted that the agency writes in, by its primary
// subtag, or else the agency's first.
func (a *Agency) Language(wanted ...string) string {
	for _, w := range wanted {
		primary, _, _ := strings.Cut(strings.ToLower(w), "-")
		if slices.Contains(a.Languages, primary) {
			return primary
		}
	}
	return a.Languages[0]
}

// Area finds the area of a postal code: the longest prefix of it in that
// country. ok is false when none is known.
func (a *Agency) Area(country, postalCode string) (area Area, ok bool) {
	code := strings.ToUpper(strings.ReplaceAll(postalCode, " ", ""))
	for _, candidate := range a.Areas {
		if candidate.Country == country && strings.HasPrefix(code, candidate.Prefix) && len(candidate.Prefix) > len(area.Prefix) {
			area, ok = candidate, true
		}
	}
	return area, ok
}

func matchSource(pattern, source string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(source, prefix) && len(source) > len(prefix)
	}
	return pattern == source
}

// agencyFile is an agency as its file states it.
type agencyFile struct {
	Header         `yaml:",inline"`
	Title          string   `yaml:"title"`
	NeutralName    string   `yaml:"neutral_name"`
	Country        string   `yaml:"country"`
	Zone           string   `yaml:"zone"`
	Calendar       string   `yaml:"calendar"`
	Languages      []string `yaml:"languages"`
	InboundSources []string `yaml:"inbound_sources"`
	DutyTeam       Contact  `yaml:"duty_team"`
	Programs       []string `yaml:"programs"`
	Areas          []Area   `yaml:"areas"`
}

var (
	countryPattern  = regexp.MustCompile(`^[A-Z]{2}$`)
	languagePattern = regexp.MustCompile(`^[a-z]{2,3}$`)
	prefixPattern   = regexp.MustCompile(`^[A-Z0-9-]{1,10}$`)
	numberPattern   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

func (f agencyFile) agency(ref Ref, calendars *Library[CalendarRules], programs *Library[Program]) (*Agency, error) {
	id, err := tenant.Parse(f.Name)
	if err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	zone, err := time.LoadLocation(f.Zone)
	if err != nil || f.Zone == "" {
		return nil, fmt.Errorf("zone: %q is no zone of the IANA database, such as Europe/Helsinki", f.Zone)
	}
	versions := calendars.Versions(f.Calendar)
	if len(versions) == 0 {
		return nil, fmt.Errorf("calendar: there is no calendars/%s.yaml; there are %s", f.Calendar, strings.Join(calendars.Names(), ", "))
	}
	latest := versions[len(versions)-1]
	calendar, err := clock.NewCalendar(f.Calendar, zone, latest.Rules.Spec)
	if err != nil {
		return nil, err
	}
	a := &Agency{
		ID: id, Ref: ref, Title: f.Title, NeutralName: cmp.Or(f.NeutralName, f.Title), Country: f.Country, Calendar: calendar, CalendarRef: latest.Ref, Languages: f.Languages,
		InboundSources: f.InboundSources, DutyTeam: f.DutyTeam, Programs: f.Programs, Areas: f.Areas,
	}
	return a, errors.Join(f.checkWords(), f.checkDutyTeam(), f.checkAreas(), f.checkPrograms(programs))
}

func (f agencyFile) checkWords() error {
	switch {
	case f.Title == "":
		return errors.New("title: the agency's name for people")
	case !countryPattern.MatchString(f.Country):
		return errors.New("country: two capitals, ISO 3166-1, such as FI")
	case len(f.Languages) == 0:
		return errors.New("languages: at least one, such as [en]")
	}
	for _, l := range f.Languages {
		if !languagePattern.MatchString(l) {
			return fmt.Errorf("languages: %q is no language code, such as en", l)
		}
	}
	for _, s := range f.InboundSources {
		if s == "" || s == "*" || strings.Contains(strings.TrimSuffix(s, "*"), "*") {
			return fmt.Errorf("inbound_sources: %q: a CloudEvents source, with a * at its end for all that begin so", s)
		}
	}
	return nil
}

func (f agencyFile) checkDutyTeam() error {
	if f.DutyTeam == (Contact{}) {
		return errors.New("duty_team: an email, sms or webhook, or nobody hears of an urgent referral")
	}
	if f.DutyTeam.Email != "" {
		if address, err := mail.ParseAddress(f.DutyTeam.Email); err != nil || address.Address != f.DutyTeam.Email {
			return errors.New("duty_team.email: a plain e-mail address")
		}
	}
	if f.DutyTeam.SMS != "" && !numberPattern.MatchString(f.DutyTeam.SMS) {
		return errors.New("duty_team.sms: a number in international form, +358401234567")
	}
	if f.DutyTeam.Webhook != "" && !strings.HasPrefix(f.DutyTeam.Webhook, "https://") && !strings.HasPrefix(f.DutyTeam.Webhook, "http://") {
		return errors.New("duty_team.webhook: a URL")
	}
	return nil
}

func (f agencyFile) checkAreas() error {
	seen := map[string]bool{}
	for _, area := range f.Areas {
		key := area.Country + " " + area.Prefix
		switch {
		case !countryPattern.MatchString(area.Country) || !prefixPattern.MatchString(area.Prefix):
			return fmt.Errorf("areas: %q: a country and the beginning of a postal code, without spaces", key)
		case seen[key]:
			return fmt.Errorf("areas: %s is there twice", key)
		case area.Lat < -90 || area.Lat > 90 || area.Lon < -180 || area.Lon > 180 || area.PrecisionM < 500:
			return fmt.Errorf("areas: %s: lat, lon in degrees, and precision_m of at least 500: an area, not a house", key)
		}
		seen[key] = true
	}
	return nil
}

func (f agencyFile) checkPrograms(programs *Library[Program]) error {
	if len(f.Programs) == 0 {
		return errors.New("programs: an agency offers at least one")
	}
	for _, code := range f.Programs {
		if len(programs.Versions(code)) == 0 {
			return fmt.Errorf("programs: there is no program %s; there are %s", code, strings.Join(programs.Names(), ", "))
		}
	}
	return nil
}
