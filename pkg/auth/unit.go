package auth

import (
	"errors"
	"regexp"
	"strings"
)

// unitForm is the path of an organisational unit from the agency's top down:
// office, team, as deep as the agency is.
var unitForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$`)

const maxUnit = 100

// ValidUnit says whether a text is the path of a unit, such as north/team-2: at
// most 100 characters.
func ValidUnit(path string) bool { return len(path) <= maxUnit && unitForm.MatchString(path) }

// Covers says whether a principal may stand for a unit: it is one of theirs or
// below one. Whose token says nothing of units (nil) stands for the whole agency;
// whose token lists none, for no unit. What no unit has yet ("") is everybody's.
func (p Principal) Covers(unit string) bool {
	if p.Units == nil || unit == "" {
		return true
	}
	for _, mine := range p.Units {
		if unit == mine || strings.HasPrefix(unit, mine+"/") {
			return true
		}
	}
	return false
}

// unitsOf reads the units of a token: nil where it has no such claim. What cannot
// be read is refused, not left out: that would stand for the whole agency.
func unitsOf(claim any) ([]string, error) {
	if claim == nil {
		return nil, nil
	}
	units := append([]string{}, texts(claim)...)
	list, isList := claim.([]any)
	if _, isText := claim.(string); !isText && !isList || isList && len(list) != len(units) {
		return nil, errors.New("its units cannot be read")
	}
	for _, u := range units {
		if !ValidUnit(u) {
			return nil, errors.New("it names a unit that is no path such as north/team-2")
		}
	}
	return units, nil
}
