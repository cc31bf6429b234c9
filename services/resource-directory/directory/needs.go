package directory

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hearthfps/hearth/pkg/rules"
)

// Languages are those the directory is searched in, by ISO 639-1 code.
var Languages = []string{"en", "fi", "sv"}

//go:embed rules/needs.yaml
var needsYAML []byte

// Need is what a service must be about to meet a need of a family.
type Need struct {
	Code    string              `yaml:"code"`
	Also    []string            `yaml:"also"`    // other codes for it, of plans and assessments
	Label   map[string]string   `yaml:"label"`   // by language
	Phrases map[string][]string `yaml:"phrases"` // by language; word forms are seen through
	Stems   []string            `yaml:"stems"`   // parts of words, for compounds
	Terms   []string            `yaml:"terms"`   // ids or codes of taxonomy terms
}

// Needs are the needs a search knows, and the file that says so.
type Needs struct {
	Ref    rules.Ref
	InFile []Need // in the file's order
}

// LoadNeeds reads the needs file that ships with the service.
func LoadNeeds() (Needs, error) { return ParseNeeds("needs.yaml", needsYAML) }

// ParseNeeds reads a needs file; name is for the error.
func ParseNeeds(name string, data []byte) (Needs, error) {
	file, ref, err := rules.Parse[needsFile](name, data)
	if err != nil {
		return Needs{}, err
	}
	if err := file.check(); err != nil {
		return Needs{}, fmt.Errorf("%s: %w", name, err)
	}
	return Needs{Ref: ref, InFile: file.Needs}, nil
}

// Find returns the need of a code, its own or another for it; ok is false when there is none.
func (n Needs) Find(code string) (need Need, ok bool) {
	for _, need := range n.InFile {
		if need.Code == code || slices.Contains(need.Also, code) {
			return need, true
		}
	}
	return Need{}, false
}

// Codes lists the codes of all needs.
func (n Needs) Codes() []string {
	codes := make([]string, len(n.InFile))
	for i, need := range n.InFile {
		codes[i] = need.Code
	}
	return codes
}

// needsFile is the content of a needs file.
type needsFile struct {
	rules.Header `yaml:",inline"`
	Needs        []Need `yaml:"needs"`
}

var needCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// check says what is wrong with a needs file, every fault at once.
func (n needsFile) check() error {
	var faults []string
	seen := map[string]bool{}
	for i, need := range n.Needs {
		at := fmt.Sprintf("needs[%d] (%s)", i, need.Code)
		for _, code := range append([]string{need.Code}, need.Also...) {
			if !needCode.MatchString(code) {
				faults = append(faults, at+": a code must match "+needCode.String())
			}
			if seen[code] {
				faults = append(faults, at+": the code "+code+" is there twice")
			}
			seen[code] = true
		}
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
		return fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return nil
}
