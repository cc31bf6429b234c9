package events

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/hearthfps/hearth/pkg/fault"
)

const (
	structuredType = "application/cloudevents+json"
	batchType      = "application/cloudevents-batch+json"
)

// DecodeHTTP reads the events of an HTTP request in binary, structured or batch
// mode, which its Content-Type tells apart. Faults of a binary event point at
// header/ce-<name>, those of a batch at /<index>/<name>.
//
// The request as a whole fails with UnsupportedMedia (not_cloudevents) when it is
// in none of the modes, and with Invalid (batch_malformed) when a batch is not a
// JSON array.
func DecodeHTTP(header http.Header, body []byte) ([]Decoded, error) {
	contentType := header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return nil, fault.New(fault.UnsupportedMedia, "not_cloudevents", "The Content-Type cannot be read.")
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") && strings.HasPrefix(media, "application/cloudevents") {
		return nil, fault.New(fault.UnsupportedMedia, "charset", "Events are read in UTF-8.")
	}
	switch {
	case media == structuredType:
		return []Decoded{DecodeStructured(body)}, nil
	case media == batchType:
		return decodeBatch(body)
	case strings.HasPrefix(media, "application/cloudevents"):
		return nil, fault.New(fault.UnsupportedMedia, "not_cloudevents", "Of the CloudEvents formats, only JSON is read here.")
	case len(header.Values("ce-specversion")) > 0 || len(header.Values("ce-id")) > 0:
		return []Decoded{decodeBinary(header, contentType, body)}, nil
	default:
		return nil, fault.New(fault.UnsupportedMedia, "not_cloudevents",
			"Send CloudEvents: "+structuredType+", "+batchType+", or the attributes in ce- headers.")
	}
}

func decodeBatch(body []byte) ([]Decoded, error) {
	if !utf8.Valid(body) {
		return nil, fault.New(fault.Invalid, "batch_malformed", "The batch is not in UTF-8.")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil || items == nil {
		return nil, fault.New(fault.Invalid, "batch_malformed", "A batch is a JSON array of events.")
	}
	decoded := make([]Decoded, len(items))
	for i, item := range items {
		decoded[i] = decodeStructured(item, fmt.Sprintf("/%d", i))
	}
	return decoded, nil
}

func decodeBinary(header http.Header, contentType string, body []byte) Decoded {
	var d Decoded
	f := (*faults)(&d.Faults)
	pointer := func(name string) string { return "header/ce-" + name }
	specversion := false
	for key, values := range header {
		name, isAttribute := strings.CutPrefix(strings.ToLower(key), "ce-")
		if !isAttribute {
			continue
		}
		if name == "specversion" {
			specversion = true
		}
		if len(values) != 1 {
			f.add(pointer(name), "repeated", "An attribute is sent once.")
			continue
		}
		if name == "datacontenttype" {
			f.add(pointer(name), "content_type", "In binary mode the content type of the data is the Content-Type header.")
			continue
		}
		value, err := unescapeHeader(values[0])
		if err != nil {
			f.add(pointer(name), "percent_encoding", "The percent-encoding of the attribute cannot be read.")
			continue
		}
		d.Event.attribute(name, value, pointer(name), f)
	}
	d.Event.complete(specversion, pointer, f)
	if contentType != "" {
		d.Event.DataContentType = contentType
	}
	d.setBody(body, f)
	sortFields(d.Faults)
	return d
}

// setBody takes the payload of binary mode.
func (d *Decoded) setBody(body []byte, f *faults) {
	if len(body) == 0 {
		return
	}
	d.Event.Data = body
	if d.Event.isJSON() && !validJSON(body) {
		f.add("", "json", "The data is said to be JSON and is not.")
	}
}

// unescapeHeader undoes the encoding of the HTTP binding, section 3.1.3.2: a
// value may be in double quotes, and is percent-encoded where it is not plain.
func unescapeHeader(value string) (string, error) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		var plain strings.Builder
		for i := 1; i < len(value)-1; i++ {
			if value[i] == '\\' && i+1 < len(value)-1 {
				i++
			}
			plain.WriteByte(value[i])
		}
		value = plain.String()
	}
	return url.PathUnescape(value)
}
