package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
)

// Ref names the exact rules that decided something. It is stored with the decision.
type Ref struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Hash is the SHA-256 of the file, in hexadecimal.
	Hash string `json:"hash"`
}

// Header is how every rule file begins. Embed it, with `yaml:",inline"`.
type Header struct {
	// Name is the same for all versions of one set of rules: a code.
	Name string `yaml:"name"`
	// Version is the agency's own: letters, digits and .-_
	Version string `yaml:"version"`
	// EffectiveFrom is the first day it is in force, in the agency's calendar.
	EffectiveFrom clock.Date `yaml:"effective_from"`
}

// Heading returns the header; what embeds Header is Headed.
func (h Header) Heading() Header { return h }

// Headed is what a rule file decodes into.
type Headed interface{ Heading() Header }

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
)

func (h Header) validate() error {
	switch {
	case !namePattern.MatchString(h.Name):
		return errors.New("name: a code of small letters, digits and _ . -")
	case !versionPattern.MatchString(h.Version):
		return errors.New(`version: letters, digits and . _ -, in quotes: "2026.1"`)
	case h.EffectiveFrom.IsZero():
		return errors.New("effective_from: the first day it is in force, YYYY-MM-DD")
	}
	return nil
}

// maxFile bounds a rule file.
const maxFile = 4 << 20

// Decode reads one YAML document into v, strictly: see guarantee 1. name is for
// the error, which shows the lines around the fault.
func Decode(name string, data []byte, v any) error {
	if err := decodeWhole(data, v, true); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// DecodeSecret is Decode for a document that may hold secrets: the error says
// where the fault is, and shows nothing of the document.
func DecodeSecret(data []byte, v any) error { return decodeWhole(data, v, false) }

func decodeWhole(data []byte, v any, show bool) error {
	if len(data) > maxFile {
		return fmt.Errorf("larger than %d bytes", maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decode(decoder, v); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("empty")
		}
		return errors.New(yaml.FormatError(err, false, show))
	}
	var more any
	if err := decode(decoder, &more); !errors.Is(err, io.EOF) {
		return errors.New("holds more than one YAML document")
	}
	return nil
}

// decode turns a panic of the YAML library, which some broken files cause, into an error.
func decode(d *yaml.Decoder, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("not YAML that can be read")
		}
	}()
	return d.Decode(v)
}

// Parse reads one rule file into a new T and names it.
func Parse[T Headed](name string, data []byte) (T, Ref, error) {
	var v T
	if err := Decode(name, data, &v); err != nil {
		return v, Ref{}, err
	}
	h := v.Heading()
	if err := h.validate(); err != nil {
		return v, Ref{}, fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(data)
	return v, Ref{Name: h.Name, Version: h.Version, Hash: hex.EncodeToString(sum[:])}, nil
}

// File is one version of one set of rules.
type File[T Headed] struct {
	Ref   Ref
	Rules T
	// Path is where it was read.
	Path string
}

// Library holds all versions of rules of one kind.
type Library[T Headed] struct {
	byName map[string][]File[T] // by effective_from
}

// LoadLibrary reads every .yaml file of a folder. check, which may be nil, says
// what is wrong with rules that were read, and may prepare them: compile their
// conditions.
func LoadLibrary[T Headed](files fs.FS, dir string, check func(*T) error) (*Library[T], error) {
	l := &Library[T]{byName: map[string][]File[T]{}}
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".yaml" {
			continue
		}
		name := path.Join(dir, entry.Name())
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		v, ref, err := Parse[T](name, data)
		if err == nil && check != nil {
			if err = check(&v); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
		if err == nil {
			err = l.add(File[T]{ref, v, name})
		}
		errs = append(errs, err)
	}
	return l, errors.Join(errs...)
}

func (l *Library[T]) add(f File[T]) error {
	versions := l.byName[f.Ref.Name]
	for _, other := range versions {
		if other.Ref.Version == f.Ref.Version {
			return fmt.Errorf("%s and %s are both %s %s: a version is never changed, give the new one its own", other.Path, f.Path, f.Ref.Name, f.Ref.Version)
		}
		if other.Rules.Heading().EffectiveFrom == f.Rules.Heading().EffectiveFrom {
			return fmt.Errorf("%s and %s both take effect on %v: only one version of %s can", other.Path, f.Path, f.Rules.Heading().EffectiveFrom, f.Ref.Name)
		}
	}
	versions = append(versions, f)
	slices.SortFunc(versions, func(a, b File[T]) int {
		return a.Rules.Heading().EffectiveFrom.Compare(b.Rules.Heading().EffectiveFrom)
	})
	l.byName[f.Ref.Name] = versions
	return nil
}

// InForce is the version of name that holds on a day. It fails with NotFound
// (rules_not_in_force) when there is none.
func (l *Library[T]) InForce(name string, on clock.Date) (File[T], error) {
	versions := l.byName[name]
	for i := len(versions) - 1; i >= 0; i-- {
		if !versions[i].Rules.Heading().EffectiveFrom.After(on) {
			return versions[i], nil
		}
	}
	return File[T]{}, fault.New(fault.NotFound, "rules_not_in_force", "No version of these rules is in force on that day.")
}

// Version is one version of name, in force or not. It fails with NotFound
// (rules_version_unknown) when there is none.
func (l *Library[T]) Version(name, version string) (File[T], error) {
	for _, f := range l.byName[name] {
		if f.Ref.Version == version {
			return f, nil
		}
	}
	return File[T]{}, fault.New(fault.NotFound, "rules_version_unknown", "There is no such version of these rules.")
}

// Names lists the rules there are, in order.
func (l *Library[T]) Names() []string {
	names := make([]string, 0, len(l.byName))
	for name := range l.byName {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

// Versions lists the versions of name, the oldest first.
func (l *Library[T]) Versions(name string) []File[T] { return slices.Clone(l.byName[name]) }
