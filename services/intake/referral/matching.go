package referral

import (
	"cmp"
	"crypto/sha256"
	"log/slog"
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Matcher finds who is who. What it must keep is that the keys of a person saved
// and those of one looked for meet whenever Match might link them.
type Matcher interface {
	// Find are the keys a person is looked for by.
	Find(p *Person) []int64
	// Keep are the keys a person is saved under: what Find gives, and beside it
	// what another generation of keys would find them by while there is one.
	Keep(p *Person) []IndexKey
	// Match decides for the persons of one report together. Two persons of one
	// report are never one person.
	Match(r Report) []Link
}

// IndexKey is one thing a person is found by, in a generation of keys.
type IndexKey struct {
	Generation int16
	Hash       int64
}

// Report is the persons of one referral as it describes them, and for each the
// known persons their keys found.
type Report struct {
	Persons []*Person
	Found   [][]*Person
	// Together says of each person whether they are a member of the household
	// the referral states.
	Together []bool
}

// The bases of a link.
const (
	BasisNew    = "new"    // nobody known is like them
	BasisLinked = "linked" // to a known person, by score
	BasisAsked  = "asked"  // a new person for now; who they are is for a person to decide
)

// Link says which known person a reported one is, or that it is a new one.
type Link struct {
	// Person is nil for somebody not known before.
	Person *Person
	Basis  string
	// Score is why, of a link.
	Score *Score
	// Asks are the known persons the reported one may be, likeliest first, when
	// the basis is BasisAsked.
	Asks []Likeness
}

// Likeness is a known person and how likely the one in question is the same.
type Likeness struct {
	Person *Person
	Score
}

// Score is how likely two records are of one person, by which model, and why.
type Score struct {
	Model   string  // the hash that names the model
	LogOdds float64 // log2
	P       float64
	Zone    string // link, ask or new: what the pair by itself would come to
	// Reasons are codes of what keeps a likely pair from being linked unasked.
	Reasons  []string
	Evidence []Evidence
}

// Evidence is one comparison of two records, without the values compared.
type Evidence struct {
	Comparison string  `json:"comparison"`
	Level      string  `json:"level"`
	Weight     float64 `json:"weight"` // bits for (positive) or against one person
}

// LogValue keeps what is like between persons out of logs.
func (Score) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Question is a pair of persons that may be one, for a person to decide.
type Question struct {
	A, B   PersonID // A < B
	Facts  [32]byte
	Origin ReferralID // that gave rise to it; "" when none did
	Score
}

// Ask is the question whether two persons are one.
func Ask(p, q *Person, s Score, origin ReferralID) Question {
	if p.ID > q.ID {
		p, q = q, p
	}
	return Question{A: p.ID, B: q.ID, Facts: FactsHash(p, q), Origin: origin, Score: s}
}

// FactsHash is a hash of all that is compared of two persons, whichever comes
// first. While it stays the same, so does the answer to whether they are one.
func FactsHash(p, q *Person) [32]byte {
	if p.ID > q.ID {
		p, q = q, p
	}
	type facts struct {
		Name           Name
		Aliases        []Name
		BirthDate      PartialDate
		Sex            string
		Contacts       []string
		Addresses      []Address
		Identifiers    []Identifier
		Unborn, Twin   bool
		Seal, PersonID string
	}
	of := func(p *Person) facts {
		f := facts{
			Name: p.Name, Aliases: p.Aliases, BirthDate: p.BirthDate, Sex: p.Sex, Addresses: p.Addresses, Identifiers: p.Identifiers,
			Unborn: p.Unborn, Twin: p.MultipleBirth, Seal: p.Seal, PersonID: string(p.ID),
		}
		for _, c := range p.Contacts { // whether one is safe to use says nothing of who it is
			f.Contacts = append(f.Contacts, c.Kind+" "+c.Value)
		}
		return f
	}
	return sha256.Sum256(canonical([2]facts{of(p), of(q)}))
}

// Alike orders candidates: those first who share most with the one looked for,
// each thing shared counting by how rare it is.
type Alike[P cmp.Ordered] struct{ worth map[P]float64 }

// MostFound bounds the persons one is compared with; MostOfKey those read of one
// key, the newest first: a key that finds more of them says little of any.
const (
	MostFound = 50
	MostOfKey = 32
)

// oneFullKey is what a key of MostOfKey persons or more is worth, in bits.
const oneFullKey = 1

// Share notes that one key found these persons.
func (a *Alike[P]) Share(found []P) {
	if a.worth == nil {
		a.worth = map[P]float64{}
	}
	for _, p := range found {
		a.worth[p] += math.Log2(2 * MostOfKey / float64(min(len(found), MostOfKey)))
	}
}

// Best are the persons to compare with, most alike first, at most MostFound. Those whom
// nothing found but one key that has MostOfKey and more are left out where others share
// more: of that key they are a few of many, and as good as chosen by chance.
func (a *Alike[P]) Best() []P {
	best := make([]P, 0, len(a.worth))
	for p := range a.worth {
		best = append(best, p)
	}
	slices.SortFunc(best, func(p, q P) int { return cmp.Or(cmp.Compare(a.worth[q], a.worth[p]), cmp.Compare(q, p)) })
	if some := slices.IndexFunc(best, func(p P) bool { return a.worth[p] <= oneFullKey }); some > 0 {
		best = best[:some]
	}
	return best[:min(len(best), MostFound)]
}

// LockName names what two reports of one person have in common as a rule: their
// first names in any order, without case, marks and punctuation. Who is about to
// make a person known holds it, so that two who report the same person at once
// come one after the other. "" when there is too little to go by.
func LockName(n Name) string {
	given := ""
	if len(n.Given) > 0 {
		given = fold(n.Given[0])
	}
	family := fold(n.Family)
	if given == "" || family == "" {
		return ""
	}
	return min(given, family) + "|" + max(given, family)
}

// fold lowers s, takes marks off letters and leaves letters and digits alone.
func fold(s string) string {
	if plain, ok := foldASCII(s); ok {
		return plain
	}
	strip := transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	plain, _, err := transform.String(strip, strings.ToLower(s))
	if err != nil {
		plain = strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, plain)
}

// foldASCII is fold for what most names are made of; ok is false for the rest.
func foldASCII(s string) (plain string, ok bool) {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0x80:
			return "", false
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b = append(b, c)
		}
	}
	return string(b), true
}
