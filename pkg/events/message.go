package events

import (
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Header is one header of a Message.
type Header struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Message is a record of a topic.
type Message struct {
	Topic     string
	Partition int
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   []Header
	// Time is when the producer or the broker stamped it.
	Time time.Time
}

// Header is the first header of a name, whatever its case; "" when there is none.
func (m Message) Header(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Key, name) {
			return string(h.Value)
		}
	}
	return ""
}

// place names a message without a key, and one that cannot be read.
func (m Message) place() string { return fmt.Sprintf("%s/%d/%d", m.Topic, m.Partition, m.Offset) }

// Decode reads the CloudEvent in the message: structured mode when its
// content-type says so, else binary mode. Faults of binary mode point at
// header/ce_<name>.
func (m Message) Decode() Decoded {
	contentType := m.Header("content-type")
	if media, _, err := mime.ParseMediaType(contentType); err == nil && strings.HasPrefix(media, "application/cloudevents") {
		if media != structuredType {
			return Decoded{Faults: []fault.Field{{Pointer: "header/content-type", Code: "not_cloudevents", Detail: "Of the CloudEvents formats, only JSON is read here, one event a message."}}}
		}
		return DecodeStructured(m.Value)
	}

	var d Decoded
	f := (*faults)(&d.Faults)
	pointer := func(name string) string { return "header/ce_" + name }
	seen := map[string]bool{}
	for _, h := range m.Headers {
		name, isAttribute := strings.CutPrefix(strings.ToLower(h.Key), "ce_")
		if !isAttribute {
			continue
		}
		if seen[name] {
			f.add(pointer(name), "repeated", "An attribute is sent once.")
			continue
		}
		seen[name] = true
		if name == "datacontenttype" {
			f.add(pointer(name), "content_type", "In binary mode the content type of the data is the content-type header.")
			continue
		}
		d.Event.attribute(name, string(h.Value), pointer(name), f)
	}
	d.Event.complete(seen["specversion"], pointer, f)
	d.Event.DataContentType = contentType
	d.setBody(m.Value, f)
	return d
}

// Message is the event in binary mode, as relays write it.
func (e Event) Message() Message {
	c := e.CloudEvent()
	headers := make([]Header, 0, 8+len(c.Extensions))
	add := func(name, value string) { headers = append(headers, Header{name, []byte(value)}) }
	add("content-type", "application/json; charset=utf-8")
	add("ce_specversion", "1.0")
	add("ce_id", c.ID)
	add("ce_source", c.Source)
	add("ce_type", c.Type)
	add("ce_subject", c.Subject)
	add("ce_time", c.Time.UTC().Format(time.RFC3339Nano))
	for _, name := range []string{extAgency, extCorrelation, extCause, extVersion, extTrace, extKey} {
		if value := c.Extensions[name]; value != "" {
			add("ce_"+name, value)
		}
	}
	service, err := serviceOf(e.Type)
	if err != nil {
		service = "" // Publish has refused such a type
	}
	return Message{Topic: Topic(service), Key: []byte(e.Key), Value: e.Data, Headers: headers}
}

func sortFields(fields []fault.Field) {
	slices.SortStableFunc(fields, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
}
