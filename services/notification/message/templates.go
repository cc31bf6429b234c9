package message

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
)

// Languages are those every template is written in, by ISO 639-1 code. The
// first is used when neither the recipient's nor the agency's is one of them.
var Languages = []string{"en", "fi", "sv"}

// TemplateFile is the content of templates.yaml: what each template is for.
type TemplateFile struct {
	Templates    map[string]TemplateSpec `yaml:"templates"`
	NeverOutside []string                `yaml:"never_outside"`
}

// TemplateSpec declares a template.
type TemplateSpec struct {
	Audiences []Audience        `yaml:"audiences"`
	Purpose   string            `yaml:"purpose"`   // what intake is asked for; outside the agency only
	Variables map[string]string `yaml:"variables"` // name → id, code, time or agency
}

// LanguageFile is the content of a language's file: the texts, and how that
// language writes times and codes.
type LanguageFile struct {
	Language string                  `yaml:"language"`
	Weekdays []string                `yaml:"weekdays"` // Sunday first
	Months   []string                `yaml:"months"`
	Time     string                  `yaml:"time"` // {weekday} {day} {month} {month_name} {year} {hour} {minute}
	Codes    map[string]string       `yaml:"codes"`
	Messages map[string]MessageTexts `yaml:"messages"`
}

// MessageTexts are a template's subject and body in one language (text/template).
type MessageTexts struct {
	Subject string `yaml:"subject"`
	Body    string `yaml:"body"`
}

// Templates are the message templates in force. Make them with NewTemplates.
type Templates struct {
	Name, Version, Hash string

	specs     map[string]TemplateSpec
	languages map[string]LanguageFile
	texts     map[string]map[string]texts // language → template
	never     []string                    // folded
}

type texts struct{ subject, body *template.Template }

// Text is a finished message.
type Text struct {
	Language string
	Subject  string
	Body     string
}

// ErrNotNeutral says a finished text for someone outside the agency would give
// away what the agency does.
var ErrNotNeutral = errors.New("the text is not neutral")

var kinds = []string{"id", "code", "time", "agency"}

// NewTemplates checks the files against each other, every fault at once: every
// template in every language, no variable that is not declared and none
// declared that a language leaves out, no word outside that must not go there.
func NewTemplates(file TemplateFile, languages []LanguageFile) (*Templates, error) {
	t := &Templates{specs: file.Templates, languages: map[string]LanguageFile{}, texts: map[string]map[string]texts{}}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, word := range file.NeverOutside {
		if strings.TrimSpace(word) == "" {
			fault("never_outside: an empty word")
			continue
		}
		t.never = append(t.never, strings.ToLower(word))
	}
	if len(t.never) == 0 {
		fault("never_outside: the list is empty; nothing would keep messages to families neutral")
	}
	for _, name := range slices.Sorted(maps.Keys(file.Templates)) {
		spec := file.Templates[name]
		if len(spec.Audiences) == 0 {
			fault("%s: audiences: for whom is it?", name)
		}
		for _, a := range spec.Audiences {
			if !slices.Contains([]Audience{DutyTeam, Worker, Supervisor, Family, Reporter}, a) {
				fault("%s: audiences: no audience %q", name, a)
			}
			if a.Outside() && spec.Purpose == "" {
				fault("%s: purpose: intake must be told what a message outside the agency is for", name)
			}
		}
		for v, kind := range spec.Variables {
			if !slices.Contains(kinds, kind) {
				fault("%s: variables: %s is %q; use one of %v", name, v, kind, kinds)
			}
		}
	}
	for _, file := range languages {
		t.languages[file.Language] = file
	}
	for _, lang := range Languages {
		file, ok := t.languages[lang]
		if !ok {
			fault("there is no file for language %q", lang)
			continue
		}
		if len(file.Weekdays) != 7 || len(file.Months) != 12 || file.Time == "" {
			fault("%s: needs 7 weekdays, 12 months and a time format", lang)
		}
		faults = append(faults, t.compile(file)...)
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("message templates: %w", errors.Join(faults...))
	}
	return t, nil
}

func (t *Templates) compile(file LanguageFile) (faults []error) {
	t.texts[file.Language] = map[string]texts{}
	for _, name := range slices.Sorted(maps.Keys(file.Messages)) {
		if _, ok := t.specs[name]; !ok {
			faults = append(faults, fmt.Errorf("%s: %s is not declared in templates.yaml", file.Language, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.specs)) {
		at := file.Language + ": " + name
		source, ok := file.Messages[name]
		if !ok {
			faults = append(faults, fmt.Errorf("%s: the template is missing", at))
			continue
		}
		subject, err := template.New("subject").Option("missingkey=error").Parse(source.Subject)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: subject: %w", at, err))
			continue
		}
		body, err := template.New("body").Option("missingkey=error").Parse(source.Body)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: body: %w", at, err))
			continue
		}
		if strings.TrimSpace(source.Subject) == "" || strings.ContainsAny(source.Subject, "\r\n") || strings.TrimSpace(source.Body) == "" {
			faults = append(faults, fmt.Errorf("%s: needs a subject of one line and a body", at))
		}
		used := map[string]bool{}
		variables(subject.Root, used)
		variables(body.Root, used)
		declared := t.specs[name].Variables
		for v := range used {
			if _, ok := declared[v]; !ok {
				faults = append(faults, fmt.Errorf("%s: uses %s, which templates.yaml does not declare", at, v))
			}
		}
		for v := range declared {
			if !used[v] && v != "case_id" {
				faults = append(faults, fmt.Errorf("%s: leaves out %s", at, v))
			}
		}
		if t.outside(name) {
			if word, found := t.forbidden(source.Subject + "\n" + source.Body); found {
				faults = append(faults, fmt.Errorf("%s: %q must not go outside the agency", at, word))
			}
		}
		t.texts[file.Language][name] = texts{subject, body}
	}
	return faults
}

// variables gathers the fields a template uses.
func variables(node parse.Node, into map[string]bool) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, c := range n.Nodes {
			variables(c, into)
		}
	case *parse.ActionNode:
		variables(n.Pipe, into)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, c := range n.Cmds {
			for _, a := range c.Args {
				variables(a, into)
			}
		}
	case *parse.FieldNode:
		into[strings.Join(n.Ident, ".")] = true
	case *parse.IfNode:
		variables(n.Pipe, into)
		variables(n.List, into)
		variables(n.ElseList, into)
	}
}

func (t *Templates) outside(name string) bool {
	return slices.ContainsFunc(t.specs[name].Audiences, Audience.Outside)
}

func (t *Templates) forbidden(text string) (string, bool) {
	folded := strings.ToLower(text)
	for _, word := range t.never {
		if strings.Contains(folded, word) {
			return word, true
		}
	}
	return "", false
}

// Names are the templates, sorted.
func (t *Templates) Names() []string { return slices.Sorted(maps.Keys(t.specs)) }

// Spec is a template's declaration; ok is false when there is none.
func (t *Templates) Spec(name string) (spec TemplateSpec, ok bool) {
	spec, ok = t.specs[name]
	return spec, ok
}

// Language picks the first of the wanted languages that templates are written
// in, and the first of Languages when none is.
func (t *Templates) Language(wanted ...string) string {
	for _, w := range wanted {
		base, _, _ := strings.Cut(strings.ToLower(w), "-")
		if _, ok := t.languages[base]; ok {
			return base
		}
	}
	return Languages[0]
}

// Render makes the finished text of a message. Times are given in the agency's
// zone. It returns ErrNotNeutral when the text must not go outside the agency.
func (t *Templates) Render(m Message, lang, agencyName string, zone *time.Location) (Text, error) {
	spec, ok := t.specs[m.Template]
	if !ok {
		return Text{}, fmt.Errorf("render message: no template %q", m.Template)
	}
	file := t.languages[lang]
	values := map[string]string{}
	for name, kind := range spec.Variables {
		value, err := file.value(kind, m.Variables[name], agencyName, zone)
		if err != nil {
			return Text{}, fmt.Errorf("render %s: %s: %w", m.Template, name, err)
		}
		values[name] = value
	}
	var subject, body bytes.Buffer
	source := t.texts[lang][m.Template]
	if source.subject == nil {
		return Text{}, fmt.Errorf("render %s: not in language %q", m.Template, lang)
	}
	if err := source.subject.Execute(&subject, values); err != nil {
		return Text{}, fmt.Errorf("render %s: subject: %w", m.Template, err)
	}
	if err := source.body.Execute(&body, values); err != nil {
		return Text{}, fmt.Errorf("render %s: body: %w", m.Template, err)
	}
	text := Text{Language: lang, Subject: subject.String(), Body: body.String()}
	if m.Audience.Outside() {
		if _, found := t.forbidden(text.Subject + "\n" + text.Body); found {
			return Text{}, ErrNotNeutral
		}
	}
	return text, nil
}

// value writes a variable as the language does. A code without a wording of its own is shown as it is.
func (f LanguageFile) value(kind, value, agencyName string, zone *time.Location) (string, error) {
	switch kind {
	case "agency":
		return agencyName, nil
	case "code":
		if words, ok := f.Codes[value]; ok {
			return words, nil
		}
		return strings.ReplaceAll(value, "_", " "), nil
	case "time":
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return "", errors.New("not a time")
		}
		return f.time(at.In(zone)), nil
	}
	return value, nil
}

func (f LanguageFile) time(t time.Time) string {
	return strings.NewReplacer(
		"{weekday}", f.Weekdays[t.Weekday()], "{day}", strconv.Itoa(t.Day()),
		"{month}", strconv.Itoa(int(t.Month())), "{month_name}", f.Months[t.Month()-1],
		"{year}", strconv.Itoa(t.Year()), "{hour}", fmt.Sprintf("%02d", t.Hour()), "{minute}", fmt.Sprintf("%02d", t.Minute()),
	).Replace(f.Time)
}
