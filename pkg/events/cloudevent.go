package events

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hearthfps/hearth/pkg/fault"
)

// CloudEvent is an event in the terms of CloudEvents 1.0
// (github.com/cloudevents/spec), from anyone.
type CloudEvent struct {
	// ID, Source and Type are never empty.
	ID, Source, Type string
	// Subject, DataSchema and DataContentType are "" when absent, and Time zero.
	Subject, DataSchema, DataContentType string
	Time                                 time.Time
	// Extensions are the other attributes, in their string form.
	Extensions map[string]string
	// Data is the payload: JSON text when the content type is JSON or absent.
	// nil when there is none.
	Data []byte
}

// isJSON says whether Data is to be read as JSON: the content type is absent,
// or has the subtype json or the suffix +json.
func (c CloudEvent) isJSON() bool { return isJSONType(c.DataContentType) }

func isJSONType(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}

// faults gathers what is wrong with one event.
type faults []fault.Field

func (f *faults) add(pointer, code, detail string) {
	*f = append(*f, fault.Field{Pointer: pointer, Code: code, Detail: detail})
}

// attribute sets one attribute from its string form; at is where it stood.
func (c *CloudEvent) attribute(name, value, at string, f *faults) {
	if !validText(value) {
		f.add(at, "characters", "An attribute holds no control characters and no broken Unicode.")
		return
	}
	switch name {
	case "specversion":
		if value != "1.0" {
			f.add(at, "unknown_version", "Only CloudEvents 1.0 is read here.")
		}
	case "id":
		c.ID = value
	case "source":
		if _, err := url.Parse(value); err != nil {
			f.add(at, "uri", "The source is a URI or URI reference.")
			return
		}
		c.Source = value
	case "type":
		c.Type = value
	case "subject":
		if value == "" {
			f.add(at, "empty", "A subject, when sent, is not empty.")
		}
		c.Subject = value
	case "time":
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			f.add(at, "date_time", "The time is written as in RFC 3339, for example 2026-03-31T09:30:00Z.")
			return
		}
		c.Time = t.UTC()
	case "datacontenttype":
		if _, _, err := mime.ParseMediaType(value); err != nil {
			f.add(at, "media_type", "The content type of the data is a media type, for example application/json.")
			return
		}
		c.DataContentType = value
	case "dataschema":
		if u, err := url.Parse(value); err != nil || !u.IsAbs() {
			f.add(at, "uri", "The schema of the data is named by an absolute URI.")
			return
		}
		c.DataSchema = value
	default:
		if !validName(name) {
			f.add(at, "attribute_name", "An attribute's name is made of lower-case letters and digits.")
			return
		}
		if c.Extensions == nil {
			c.Extensions = map[string]string{}
		}
		c.Extensions[name] = value
	}
}

// complete looks for required attributes; seen says whether specversion was there.
func (c *CloudEvent) complete(specversion bool, pointer func(string) string, f *faults) {
	if !specversion {
		f.add(pointer("specversion"), "required", "The CloudEvents version is missing: 1.0.")
	}
	for _, required := range []struct{ name, value string }{{"id", c.ID}, {"source", c.Source}, {"type", c.Type}} {
		if required.value != "" {
			continue
		}
		at := pointer(required.name)
		reported := false
		for _, field := range *f {
			reported = reported || field.Pointer == at
		}
		if !reported {
			f.add(at, "required", "The attribute "+required.name+" is missing or empty.")
		}
	}
}

// validName follows the naming rule for attributes.
func validName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// validText follows the rule for strings: Unicode without control characters
// and noncharacters.
func validText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r <= 0x9f) || (r >= 0xfdd0 && r <= 0xfdef) || r&0xfffe == 0xfffe {
			return false
		}
	}
	return true
}

// Decoded is one event of what was sent, and what is wrong with it. An event with
// faults is not to be used, but what of it could be read is there.
type Decoded struct {
	Event  CloudEvent
	Faults []fault.Field
}

// Err is Unprocessable (event_malformed) with the faults, nil without any.
func (d Decoded) Err() error {
	if len(d.Faults) == 0 {
		return nil
	}
	return fault.New(fault.Unprocessable, "event_malformed", "The event is not a CloudEvent that can be read here.", d.Faults...)
}

// DecodeStructured reads one event in the JSON format. Faults point into it.
func DecodeStructured(text []byte) Decoded { return decodeStructured(text, "") }

func decodeStructured(text []byte, base string) Decoded {
	var d Decoded
	f := (*faults)(&d.Faults)
	if !utf8.Valid(text) {
		f.add(base, "utf8", "The event is not in UTF-8.")
		return d
	}
	members, err := objectMembers(text)
	if err != nil {
		f.add(base, "json", "The event is not one JSON object with each name once.")
		return d
	}
	pointer := func(name string) string { return base + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

	var data, data64 json.RawMessage
	specversion := false
	for _, m := range members {
		if bytes.Equal(m.value, []byte("null")) && m.name != "data" {
			continue // the same as absent
		}
		switch m.name {
		case "data":
			data = m.value
			continue
		case "data_base64":
			data64 = m.value
			continue
		case "specversion":
			specversion = true
		}
		value, err := attributeText(m.value)
		if err != nil {
			f.add(pointer(m.name), "type", "An attribute is a string, a boolean or a whole number.")
			continue
		}
		if core[m.name] && m.value[0] != '"' {
			f.add(pointer(m.name), "type", "The attribute "+m.name+" is a string.")
			continue
		}
		d.Event.attribute(m.name, value, pointer(m.name), f)
	}
	d.Event.complete(specversion, pointer, f)

	switch {
	case data != nil && data64 != nil:
		f.add(pointer("data_base64"), "data_twice", "An event has data or data_base64, not both.")
	case data64 != nil:
		var encoded string
		if err := json.Unmarshal(data64, &encoded); err != nil {
			f.add(pointer("data_base64"), "type", "data_base64 is a string.")
			break
		}
		if d.Event.Data, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			f.add(pointer("data_base64"), "base64", "data_base64 is not Base64.")
			break
		}
		if d.Event.isJSON() && !validJSON(d.Event.Data) {
			f.add(pointer("data_base64"), "json", "The data is said to be JSON and is not.")
		}
	case data != nil && d.Event.isJSON():
		d.Event.Data = data
	case data != nil:
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			f.add(pointer("data"), "type", "Data that is not JSON is a string.")
			break
		}
		d.Event.Data = []byte(text)
	}
	return d
}

var core = map[string]bool{
	"specversion": true, "id": true, "source": true, "type": true, "subject": true, "time": true, "datacontenttype": true, "dataschema": true,
}

// validJSON is json.Valid that holds strings to UTF-8 too.
func validJSON(text []byte) bool { return utf8.Valid(text) && json.Valid(text) }

type member struct {
	name  string
	value json.RawMessage
}

// objectMembers reads one JSON object. A name that is there twice is an error:
// two readers could each take another one for the truth.
func objectMembers(text []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	var members []member
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok || seen[name] {
			return nil, fmt.Errorf("name %v", token)
		}
		seen[name] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more after the object")
	}
	return members, nil
}

// attributeText is the string form of an attribute's JSON value.
func attributeText(value json.RawMessage) (string, error) {
	switch c := value[0]; {
	case c == '"':
		var s string
		err := json.Unmarshal(value, &s)
		return s, err
	case c == 't', c == 'f':
		return string(value), nil
	case c == '-', c >= '0' && c <= '9':
		var n int32 // CloudEvents' Integer
		if err := json.Unmarshal(value, &n); err != nil {
			return "", err
		}
		return string(value), nil
	default:
		return "", errors.New("neither string, boolean nor number")
	}
}

// MarshalJSON is the JSON format (structured mode).
func (c CloudEvent) MarshalJSON() ([]byte, error) {
	out := map[string]any{"specversion": "1.0", "id": c.ID, "source": c.Source, "type": c.Type}
	for name, value := range c.Extensions {
		out[name] = value
	}
	if c.Subject != "" {
		out["subject"] = c.Subject
	}
	if !c.Time.IsZero() {
		out["time"] = c.Time.UTC().Format(time.RFC3339Nano)
	}
	if c.DataContentType != "" {
		out["datacontenttype"] = c.DataContentType
	}
	if c.DataSchema != "" {
		out["dataschema"] = c.DataSchema
	}
	switch {
	case c.Data == nil:
	case c.isJSON() && validJSON(c.Data):
		out["data"] = json.RawMessage(c.Data)
	default:
		out["data_base64"] = base64.StdEncoding.EncodeToString(c.Data)
	}
	return json.Marshal(out)
}
