package referral

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// maxFaults bounds what an event built to be wrong can make us answer.
const maxFaults = 200

// reader walks a decoded event and collects every fault with its pointer.
type reader struct {
	now     time.Time
	faults  []fault.Field
	notices []fault.Field
	// patch is set while reading a correction's changes: members of data may be
	// missing, and refs are checked once the changes are applied. Inside an array
	// nothing may be missing: a merge patch replaces an array whole.
	patch bool
}

func (r *reader) fault(pointer, code, detail string) {
	switch {
	case len(r.faults) < maxFaults:
		r.faults = append(r.faults, fault.Field{Pointer: pointer, Code: code, Detail: detail})
	case len(r.faults) == maxFaults:
		r.faults = append(r.faults, fault.Field{Pointer: "", Code: "too_many_faults", Detail: "there are more faults than are listed"})
	}
}

func (r *reader) notice(pointer, code, detail string) {
	if len(r.notices) < maxFaults {
		r.notices = append(r.notices, fault.Field{Pointer: pointer, Code: code, Detail: detail})
	}
}

// attribute reads a required CloudEvents attribute.
func (r *reader) attribute(tree map[string]any, at, name string, longest int) string {
	v, there := tree[name]
	s, ok := v.(string)
	switch {
	case !there || v == nil:
		r.fault(at+name, "required", name+" is required")
	case !ok:
		r.fault(at+name, "type", name+" must be a string")
	case s == "":
		r.fault(at+name, "empty", name+" must not be empty")
	case len(s) > longest:
		r.fault(at+name, "too_long", fmt.Sprintf("%s too long: at most %d bytes", name, longest))
	case hasControl(s):
		r.fault(at+name, "control_character", name+" must not hold control characters")
	default:
		return s
	}
	return ""
}

// hasControl says whether s holds what CloudEvents allows in no attribute.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c >= 0x7f && c < 0xa0 })
}

// object checks that v is an object and names, as a notice, each member that is
// not one of known.
func (r *reader) object(v any, at string, known ...string) (map[string]any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		r.fault(at, "type", last(at)+" must be an object")
		return nil, false
	}
	for name := range m {
		if !slices.Contains(known, name) {
			r.notice(at+"/"+escape(name), "unknown_field", "this field is not known and has no effect")
		}
	}
	slices.SortFunc(r.notices, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return m, true
}

// each calls fn for each element of the array m[name]; missing is an empty one.
func (r *reader) each(m map[string]any, at, name string, most int, fn func(v any, at string)) int {
	v, there := m[name]
	if !there {
		return 0
	}
	list, ok := v.([]any)
	if !ok {
		r.fault(at+"/"+name, "type", name+" must be an array")
		return 0
	}
	if len(list) > most {
		r.fault(at+"/"+name, "too_many", fmt.Sprintf("%s too many: at most %d", name, most))
		return len(list)
	}
	for i, v := range list {
		fn(v, at+"/"+name+"/"+strconv.Itoa(i))
	}
	return len(list)
}

// text reads a string of at most longest bytes; null and missing are "".
func (r *reader) text(m map[string]any, at, name string, longest int) string {
	v := m[name]
	if v == nil {
		return ""
	}
	return r.str(v, at+"/"+name, longest)
}

func (r *reader) str(v any, at string, longest int) string {
	s, ok := v.(string)
	switch {
	case !ok:
		r.fault(at, "type", last(at)+" must be a string")
		return ""
	case len(s) > longest:
		r.fault(at, "too_long", fmt.Sprintf("%s too long: at most %d bytes", last(at), longest))
		return ""
	}
	return s
}

// required reads a string that must be there and not be empty.
func (r *reader) required(m map[string]any, at, name string, longest int) string {
	v := m[name]
	switch v {
	case nil:
		r.missing(at + "/" + name)
		return ""
	case "":
		r.fault(at+"/"+name, "empty", name+" must not be empty")
		return ""
	}
	return r.str(v, at+"/"+name, longest)
}

func (r *reader) missing(at string) {
	r.fault(at, "required", strings.ReplaceAll(strings.TrimPrefix(at, "/"), "/", ".")+" is required")
}

// code reads one of a list of codes. what is the noun faults use.
func (r *reader) code(v any, at, what string, codes []string) string {
	s, ok := v.(string)
	switch {
	case !ok:
		r.fault(at, "type", last(at)+" must be a string")
	case !slices.Contains(codes, s):
		r.fault(at, "unknown_code", "unknown "+what+" code: one of "+strings.Join(codes, ", "))
	default:
		return s
	}
	return ""
}

// requiredCode reads a code that must be there.
func (r *reader) requiredCode(m map[string]any, at, name, what string, codes []string) string {
	v := m[name]
	if v == nil {
		r.missing(at + "/" + name)
		return ""
	}
	return r.code(v, at+"/"+name, what, codes)
}

// pattern reads an optional string of a given form.
func (r *reader) pattern(m map[string]any, at, name string, form *regexp.Regexp, hint string) string {
	v := m[name]
	if v == nil {
		return ""
	}
	s, ok := v.(string)
	switch {
	case !ok:
		r.fault(at+"/"+name, "type", name+" must be a string")
	case !form.MatchString(s):
		r.fault(at+"/"+name, "pattern", name+" "+hint)
	default:
		return s
	}
	return ""
}

func (r *reader) flag(m map[string]any, at, name string) bool {
	v := m[name]
	if v == nil {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		r.fault(at+"/"+name, "type", name+" must be true or false")
	}
	return b
}

// hasNUL says whether text anywhere in v holds the character U+0000.
func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.IndexByte(v, 0) >= 0
	case []any:
		return slices.ContainsFunc(v, hasNUL)
	case map[string]any:
		for name, x := range v {
			if strings.IndexByte(name, 0) >= 0 || hasNUL(x) {
				return true
			}
		}
	}
	return false
}

// noNUL refuses the character U+0000, which no store of text keeps.
func (r *reader) noNUL(v any, at string) {
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			r.fault(at, "nul_character", "text must not hold the character U+0000")
		}
	case []any:
		for i, x := range v {
			r.noNUL(x, at+"/"+strconv.Itoa(i))
		}
	case map[string]any:
		for name, x := range v {
			if strings.ContainsRune(name, 0) {
				r.fault(at, "nul_character", "text must not hold the character U+0000")
				continue
			}
			r.noNUL(x, at+"/"+escape(name))
		}
	}
}

// escape writes a name as a reference token of RFC 6901, and cuts long ones: a
// name is the sender's text.
func escape(name string) string {
	if len(name) > 100 {
		name = strings.ToValidUTF8(name[:100], "")
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func last(pointer string) string {
	name := pointer[strings.LastIndexByte(pointer, '/')+1:]
	if _, err := strconv.Atoi(name); err == nil {
		return "this"
	}
	if name == "" {
		return "data"
	}
	return name
}
