package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Bundle holds the rules every service shares: agencies, their calendars, and
// programs. It is read once at start and never changes.
type Bundle struct {
	agencies map[tenant.AgencyID]*Agency
	programs *Library[Program]
}

// LoadBundle reads agencies/, calendars/ and programs/ of files: the shipped
// rules (api-specs) or the folder an agency keeps instead.
func LoadBundle(files fs.FS) (*Bundle, error) {
	calendars, err := LoadLibrary(files, "calendars", (*CalendarRules).validate)
	if err != nil {
		return nil, err
	}
	programs, err := LoadLibrary(files, "programs", (*Program).validate)
	if err != nil {
		return nil, err
	}
	b := &Bundle{agencies: map[tenant.AgencyID]*Agency{}, programs: programs}
	entries, err := fs.ReadDir(files, "agencies")
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".yaml" {
			continue
		}
		name := path.Join("agencies", entry.Name())
		if err := b.addAgency(files, name, calendars); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(b.agencies) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("agencies: there is none; an agency file makes one"))
	}
	return b, errors.Join(append(errs, b.checkSources())...)
}

func (b *Bundle) addAgency(files fs.FS, name string, calendars *Library[CalendarRules]) error {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	file, ref, err := Parse[agencyFile](name, data)
	if err != nil {
		return err
	}
	agency, err := file.agency(ref, calendars, b.programs)
	if err != nil {
		return err
	}
	if b.agencies[agency.ID] != nil {
		return fmt.Errorf("agency %s has two files", agency.ID)
	}
	b.agencies[agency.ID] = agency
	return nil
}

// checkSources finds two agencies that claim the same senders.
func (b *Bundle) checkSources() error {
	owner := map[string]*Agency{}
	var errs []error
	for _, a := range b.Agencies() {
		for _, pattern := range a.InboundSources {
			if other := owner[pattern]; other != nil {
				errs = append(errs, fmt.Errorf("agencies %s and %s both take events from %s", other.ID, a.ID, pattern))
			}
			owner[pattern] = a
		}
	}
	return errors.Join(errs...)
}

// Agency is the agency with that id. It fails with Forbidden (unknown_agency):
// a token may name an agency that this installation does not serve.
func (b *Bundle) Agency(id tenant.AgencyID) (*Agency, error) {
	if a := b.agencies[id]; a != nil {
		return a, nil
	}
	return nil, fault.New(fault.Forbidden, "unknown_agency", "This installation does not serve that agency.")
}

// Agencies lists all of them, by id.
func (b *Bundle) Agencies() []*Agency {
	all := make([]*Agency, 0, len(b.agencies))
	for _, a := range b.agencies {
		all = append(all, a)
	}
	slices.SortFunc(all, func(x, y *Agency) int { return strings.Compare(x.ID.String(), y.ID.String()) })
	return all
}

// AgencyOfSource is the agency that takes events of a CloudEvents source; of
// several patterns that match, the longest decides. ok is false when none does.
func (b *Bundle) AgencyOfSource(source string) (agency *Agency, ok bool) {
	best := -1
	for _, a := range b.agencies {
		for _, pattern := range a.InboundSources {
			if matchSource(pattern, source) && len(pattern) > best {
				agency, best = a, len(pattern)
			}
		}
	}
	return agency, best >= 0
}

// Program is the version of a program that is in force in the agency on the day
// of t. It fails with NotFound (rules_not_in_force, program_not_offered).
func (b *Bundle) Program(a *Agency, code string, t time.Time) (File[Program], error) {
	if !a.Offers(code) {
		return File[Program]{}, fault.New(fault.NotFound, "program_not_offered", "The agency does not offer this program.")
	}
	return b.programs.InForce(code, a.Calendar.Today(t))
}

// ProgramVersion is one version of a program, in force or not: what a case that
// entered it goes on by.
func (b *Bundle) ProgramVersion(code, version string) (File[Program], error) {
	return b.programs.Version(code, version)
}

// Programs are those the agency offers that are in force on the day of t, by code.
func (b *Bundle) Programs(a *Agency, t time.Time) []File[Program] {
	var all []File[Program]
	for _, code := range a.Programs {
		if f, err := b.programs.InForce(code, a.Calendar.Today(t)); err == nil {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(x, y File[Program]) int { return strings.Compare(x.Ref.Name, y.Ref.Name) })
	return all
}

// CalendarRules is a calendar file.
type CalendarRules struct {
	Header     `yaml:",inline"`
	Title      string `yaml:"title"`
	Source     string `yaml:"source"` // the law it follows
	clock.Spec `yaml:",inline"`
}

func (c *CalendarRules) validate() error {
	_, err := clock.NewCalendar(c.Name, time.UTC, c.Spec)
	return err
}
