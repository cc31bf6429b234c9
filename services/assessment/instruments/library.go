package instruments

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed *.yaml
var shipped embed.FS

// Shipped reads the instruments that come with Hearth.
func Shipped() (*Library, error) { return Load(shipped) }

// Library holds every version of every instrument an agency may still have
// answers for.
type Library struct {
	byCode map[string][]*Instrument // ascending by version
	all    []*Instrument            // by code, then version
}

// Load reads every .yaml file at the root of fsys. A file name is
// <instrument>-<version>.yaml, so that two versions never share a file.
func Load(fsys fs.FS) (*Library, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing instruments: %w", err)
	}
	lib := &Library{byCode: map[string][]*Instrument{}}
	for _, name := range names {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("reading instrument %s: %w", name, err)
		}
		ins, err := Parse(src)
		if err != nil {
			return nil, fmt.Errorf("instrument %s:\n%w", name, err)
		}
		if want := ins.Code + "-" + ins.Version + ".yaml"; path.Base(name) != want {
			return nil, fmt.Errorf("instrument %s: the file must be called %s", name, want)
		}
		lib.byCode[ins.Code] = append(lib.byCode[ins.Code], ins)
		lib.all = append(lib.all, ins)
	}
	older := func(a, b *Instrument) int { return compareVersions(a.Version, b.Version) }
	for _, versions := range lib.byCode {
		slices.SortFunc(versions, older)
	}
	slices.SortFunc(lib.all, func(a, b *Instrument) int {
		if c := strings.Compare(a.Code, b.Code); c != 0 {
			return c
		}
		return older(a, b)
	})
	return lib, nil
}

// Get returns one version of an instrument.
func (l *Library) Get(code, version string) (*Instrument, bool) {
	for _, ins := range l.byCode[code] {
		if ins.Version == version {
			return ins, true
		}
	}
	return nil, false
}

// Current returns the newest version in effect at t.
func (l *Library) Current(code string, t time.Time) (*Instrument, bool) {
	versions := l.byCode[code]
	for i := len(versions) - 1; i >= 0; i-- {
		if !versions[i].Effective.After(t) {
			return versions[i], true
		}
	}
	return nil, false
}

// All returns every version, by code and then by version.
func (l *Library) All() []*Instrument { return slices.Clone(l.all) }

func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		// Both matched versionPattern, so the parts are short whole numbers.
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x - y
		}
	}
	return 0
}
