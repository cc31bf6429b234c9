package resourcedirectory

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

// Languages are those the directory is searched in, by ISO 639-1 code.
var Languages = []string{"en", "fi", "sv"}

// needsFile is the needs file that ships with the service.
//
//go:embed rules/needs.yaml
var needsFile []byte

// Need is what a service must be about to meet a need of a family.
type Need struct {
	Code    string              `yaml:"code"`
	Label   map[string]string   `yaml:"label"`   // by language
	Phrases map[string][]string `yaml:"phrases"` // by language; word forms are seen through
	Stems   []string            `yaml:"stems"`   // parts of words, for compounds
	Terms   []string            `yaml:"terms"`   // ids or codes of taxonomy terms
}

// needs is the content of a needs file.
type needs struct {
	Needs []Need `yaml:"needs"`
}

var needCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// check says what is wrong with a needs file, every fault at once.
func (n needs) check() error {
	var faults []string
	seen := map[string]bool{}
	for i, need := range n.Needs {
		at := fmt.Sprintf("needs[%d] (%s)", i, need.Code)
		if !needCode.MatchString(need.Code) {
			faults = append(faults, at+": code must match "+needCode.String())
		}
		if seen[need.Code] {
			faults = append(faults, at+": the code is there twice")
		}
		seen[need.Code] = true
		for _, lang := range Languages {
			if strings.TrimSpace(need.Label[lang]) == "" {
				faults = append(faults, at+": no label in "+lang)
			}
			if len(need.Phrases[lang]) == 0 {
				faults = append(faults, at+": no phrases in "+lang)
			}
		}
		for lang := range need.Phrases {
			if lang != "en" && lang != "fi" && lang != "sv" {
				faults = append(faults, at+": phrases in a language that is not searched: "+lang)
			}
		}
		for _, stem := range need.Stems {
			if len([]rune(stem)) < 4 {
				faults = append(faults, at+": the stem "+stem+" is too short to mean anything; use at least 4 letters")
			}
		}
	}
	if len(n.Needs) == 0 {
		faults = append(faults, "needs: there are none")
	}
	if len(faults) > 0 {
		return fmt.Errorf("needs file: %s", strings.Join(faults, "; "))
	}
	return nil
}
