package assessment

import (
	"errors"
	"fmt"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/rules"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/assessment/instruments"
)

// schedule says which instruments a program asks for, and by when.
type schedule struct {
	bundle  *rules.Bundle
	library *instruments.Library
}

// dueInstrument is an instrument a new case is to be assessed with.
type dueInstrument struct {
	instrument *instruments.Instrument
	due        time.Time
}

// opening is what the program asks for when a case opens, in the versions of the
// instruments in effect that moment, due by the agency's calendar.
func (s schedule) opening(agency tenant.AgencyID, program, version string, opened time.Time) ([]dueInstrument, error) {
	a, err := s.bundle.Agency(agency)
	if err != nil {
		return nil, err
	}
	p, err := s.bundle.ProgramVersion(program, version)
	if err != nil {
		return nil, err
	}
	var out []dueInstrument
	for _, asked := range p.Rules.Instruments {
		if asked.Occasion != "opening" {
			continue
		}
		ins, ok := s.library.Current(asked.Instrument, opened)
		if !ok {
			return nil, fault.New(fault.Unprocessable, "instrument_not_in_effect",
				fmt.Sprintf("The program asks for %s, of which no version is in effect.", asked.Instrument))
		}
		out = append(out, dueInstrument{ins, asked.DueWithin.From(opened, a.Calendar)})
	}
	return out, nil
}

// NextReview is when the case is to be reviewed by an instrument again, if its
// program says so. It counts from the last assessment by it.
func (s schedule) NextReview(agency tenant.AgencyID, program, version, instrument string, last time.Time) (due time.Time, ok bool, err error) {
	a, err := s.bundle.Agency(agency)
	if err != nil {
		return time.Time{}, false, err
	}
	p, err := s.bundle.ProgramVersion(program, version)
	if err != nil {
		return time.Time{}, false, err
	}
	for _, asked := range p.Rules.Instruments {
		if asked.Occasion == "review" && asked.Instrument == instrument {
			return asked.DueWithin.From(last, a.Calendar), true, nil
		}
	}
	return time.Time{}, false, nil
}

// check finds programs that ask for instruments nobody installed.
func (s schedule) check(now time.Time) error {
	var errs []error
	for _, a := range s.bundle.Agencies() {
		for _, p := range s.bundle.Programs(a, now) {
			for _, asked := range p.Rules.Instruments {
				if _, ok := s.library.Current(asked.Instrument, now); !ok {
					errs = append(errs, fmt.Errorf("program %s %s asks for instrument %s, of which no version is in effect", p.Ref.Name, p.Ref.Version, asked.Instrument))
				}
			}
		}
	}
	return errors.Join(errs...)
}
