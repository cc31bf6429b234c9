package referral

import (
	"bytes"
	"crypto/sha256"
	"mime"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hearthfps/hearth/pkg/fault"
)

// The inbound event types, in major version 1.
const (
	TypeSubmitted = "org.hearth.referral.submitted.v1"
	TypeCorrected = "org.hearth.referral.corrected.v1"
	TypeWithdrawn = "org.hearth.referral.withdrawn.v1"
)

// MaxEvent is the largest event taken in, in bytes of JSON.
const MaxEvent = 1 << 20

// Limits of the identity of an event.
const (
	maxID     = 200
	maxSource = 1000
)

// EventRef is what an event is known by.
type EventRef struct{ Source, ID string }

// Kind says what an inbound event does.
type Kind string

// The kinds of inbound events.
const (
	Submission Kind = "submission"
	Correction Kind = "correction"
	Withdrawal Kind = "withdrawal"
)

// Event is an inbound event that was read and found whole: it may still not fit
// the referral it refers to, which only its history tells.
type Event struct {
	Ref  EventRef
	Type string
	Kind Kind
	// Time is when the sender says it happened; zero when it does not say.
	Time time.Time
	// Target is the event a correction or withdrawal refers to.
	Target EventRef
	// Agency is the agencyid extension, as sent.
	Agency string
	// TraceParent is the W3C trace context the event carries, if any.
	TraceParent string
	// Document is data without its reporter, as canonical JSON.
	Document []byte
	// Reporter is data's reporter (or what a correction changes of it) as
	// canonical JSON; nil when there is none. Personal data with a grant of its own.
	Reporter []byte
	// Hash is equal for equal content, however the JSON is written.
	Hash [sha256.Size]byte
	// WantsFeedback is what the event says of it; nil when it says nothing.
	WantsFeedback *bool
	// Notices tell the sender what of the event has no effect.
	Notices []fault.Field

	// Content is a submission's content.
	Content *Content
}

// ParseEvent reads one CloudEvent in structured mode. When it is to be refused
// the faults say why, all of them, and the Event has at most its Ref.
func ParseEvent(raw []byte, now time.Time) (Event, []fault.Field) {
	tree, faults := decode(raw)
	if faults != nil {
		return Event{}, faults
	}
	switch v := tree.(type) {
	case map[string]any:
		return readEvent(v, "/", "/data", now)
	case []any:
		if len(v) == 0 {
			return Event{}, []fault.Field{{Pointer: "", Code: "empty_batch", Detail: "empty batch: there is no event in it"}}
		}
		return Event{}, []fault.Field{{Pointer: "", Code: "not_an_object", Detail: "not an object: this is a batch; send one event here"}}
	default:
		return Event{}, []fault.Field{{Pointer: "", Code: "not_an_object", Detail: "not an object: an event is a JSON object"}}
	}
}

// ParseBinary reads a CloudEvent in binary mode: attribute gives the value of a
// context attribute ("id", "source", …) and "" for one that is not there, where
// names are told to the sender as prefix+name ("header/ce-id"); data is the body.
func ParseBinary(attribute func(name string) string, prefix, contentType string, data []byte, now time.Time) (Event, []fault.Field) {
	attributes := map[string]any{}
	for _, name := range []string{"specversion", "id", "source", "type", "subject", "time", "agencyid", "traceparent"} {
		if v := attribute(name); v != "" {
			attributes[name] = v
		}
	}
	if contentType != "" {
		attributes["datacontenttype"] = contentType
	}
	tree, faults := decode(data)
	if faults != nil {
		_, more := readEvent(attributes, prefix, "", now)
		for _, f := range more {
			if strings.HasPrefix(f.Pointer, prefix) {
				faults = append(faults, f)
			}
		}
		return Event{}, faults
	}
	attributes["data"] = tree
	return readEvent(attributes, prefix, "", now)
}

// SplitBatch takes a batch apart into its events, each to be read by ParseEvent.
func SplitBatch(raw []byte) ([][]byte, []fault.Field) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, notJSON()
	}
	if tok.Kind() != '[' {
		return nil, []fault.Field{{Pointer: "", Code: "not_a_batch", Detail: "not a batch: a batch is a JSON array of events"}}
	}
	var events [][]byte
	for dec.PeekKind() != ']' {
		v, err := dec.ReadValue()
		if err != nil {
			return nil, notJSON()
		}
		events = append(events, bytes.Clone(v))
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, notJSON()
	}
	if rest := bytes.TrimSpace(raw[dec.InputOffset():]); len(rest) > 0 {
		return nil, notJSON()
	}
	if len(events) == 0 {
		return nil, []fault.Field{{Pointer: "", Code: "empty_batch", Detail: "empty batch: there is no event in it"}}
	}
	return events, nil
}

func notJSON() []fault.Field {
	return []fault.Field{{Pointer: "", Code: "not_json", Detail: "not JSON: names must be unique, text valid UTF-8, and nothing may follow"}}
}

// decode reads JSON strictly (RFC 8259 with unique names and valid UTF-8), so
// that two readers of one event cannot understand it differently.
func decode(raw []byte) (any, []fault.Field) {
	if len(raw) > MaxEvent {
		return nil, []fault.Field{{Pointer: "", Code: "too_large", Detail: "too large: an event is at most 1048576 bytes"}}
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return nil, notJSON()
	}
	return tree, nil
}

// readEvent checks the attributes and the data of an event. attrs and data are
// the pointers faults are told by.
func readEvent(tree map[string]any, attrs, data string, now time.Time) (Event, []fault.Field) {
	r := &reader{now: now}
	e := Event{}
	at := func(name string) string { return attrs + name }

	switch v, ok := tree["specversion"]; {
	case !ok:
		r.fault(at("specversion"), "required", "specversion is required")
	case v != "1.0":
		r.fault(at("specversion"), "unsupported", "specversion must be 1.0")
	}
	e.Ref.ID = r.attribute(tree, attrs, "id", maxID)
	e.Ref.Source = r.attribute(tree, attrs, "source", maxSource)
	e.Type = r.attribute(tree, attrs, "type", maxID)
	if v, ok := tree["time"]; ok {
		s, isText := v.(string)
		t, err := parseTime(s)
		if !isText || err != nil {
			r.fault(at("time"), "not_a_time", "time is not RFC 3339")
		}
		e.Time = t
	}
	subject := ""
	if v, ok := tree["subject"]; ok {
		if subject, ok = v.(string); !ok || hasControl(subject) {
			r.fault(at("subject"), "type", "subject must be a string without control characters")
		}
	}
	if v, ok := tree["datacontenttype"]; ok && !isJSON(v) {
		r.fault(at("datacontenttype"), "unsupported", "datacontenttype must be application/json")
	}
	if v, ok := tree["data_base64"]; ok && v != nil {
		r.fault(at("data_base64"), "unsupported", "data_base64 is not read: send data as JSON")
	}
	e.Agency, _ = tree["agencyid"].(string)
	e.TraceParent, _ = tree["traceparent"].(string)

	read := map[string]func(*reader, map[string]any, string, *Event){
		TypeSubmitted: (*reader).submitted, TypeCorrected: (*reader).corrected, TypeWithdrawn: (*reader).withdrawn,
	}[e.Type]
	if read == nil {
		if e.Type != "" {
			r.fault(at("type"), "unknown_type", "unknown type: intake takes "+TypeSubmitted+", "+TypeCorrected+" and "+TypeWithdrawn)
		}
		return Event{Ref: e.Ref}, r.faults
	}
	body, ok := tree["data"].(map[string]any)
	switch {
	case tree["data"] == nil:
		r.fault(data, "required", "data is required")
	case !ok:
		r.fault(data, "not_an_object", "data must be an object")
	default:
		if hasNUL(body) {
			r.noNUL(body, data)
		}
		read(r, body, data, &e)
	}
	if len(r.faults) > 0 {
		return Event{Ref: e.Ref}, r.faults
	}
	e.Notices = r.notices
	e.seal(subject, body)
	return e, nil
}

// seal splits the reporter off and hashes the content: type, subject, time as an
// instant, and data in canonical form. How an event travels (extensions, mode,
// formatting) is not its content.
func (e *Event) seal(subject string, data map[string]any) {
	e.Document, e.Reporter = e.split(data)
	h := sha256.New()
	stamp := ""
	if !e.Time.IsZero() {
		stamp = e.Time.UTC().Format(time.RFC3339Nano)
	}
	for _, part := range [][]byte{[]byte(e.Type), []byte(subject), []byte(stamp), e.Document, e.Reporter} {
		h.Write(part)
		h.Write([]byte{0})
	}
	h.Sum(e.Hash[:0])
}

// split takes the reporter out of data (of changes, in a correction).
func (e *Event) split(data map[string]any) (document, reporter []byte) {
	const key = "reporter"
	holder := data
	if e.Kind == Correction {
		holder, _ = data["changes"].(map[string]any)
	}
	if v, ok := holder[key]; ok && e.Kind != Withdrawal {
		reporter = canonical(v)
		e.WantsFeedback = wantsFeedback(v)
		delete(holder, key)
		defer func() { holder[key] = v }()
	}
	return canonical(data), reporter
}

// wantsFeedback reads the reporter's wish: an event with no reporter at all takes
// it back.
func wantsFeedback(reporter any) *bool {
	m, ok := reporter.(map[string]any)
	if !ok {
		return new(bool)
	}
	wants, ok := m["wants_feedback"].(bool)
	if !ok {
		return nil
	}
	return &wants
}

// canonical writes a decoded tree with its names in order and no space.
func canonical(v any) []byte {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("referral: a decoded JSON tree does not encode: " + err.Error())
	}
	return b
}

func isJSON(contentType any) bool {
	s, _ := contentType.(string)
	media, _, err := mime.ParseMediaType(s)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, err
	}
	return t.UTC().Truncate(time.Microsecond), nil
}
