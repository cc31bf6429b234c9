package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthfps/hearth/pkg/fault"
)

// maxFields bounds how many faults of one request are listed.
const maxFields = 100

// checkParameters checks path, query and header parameters.
func (op *Operation) checkParameters(r *http.Request, path map[string]string) []fault.Field {
	var fields []fault.Field
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return []fault.Field{{Pointer: "query", Code: "syntax", Detail: "The query string is not percent-encoded as it should be."}}
	}
	known := map[string]bool{}
	for _, p := range op.parameters {
		where := p.in + "/" + p.name
		var values []string
		switch p.in {
		case "path":
			values = []string{path[p.name]}
		case "query":
			known[p.name] = true
			values = query[p.name]
		case "header":
			values = r.Header.Values(p.name)
		}
		if len(values) == 0 {
			if p.required {
				fields = append(fields, fault.Field{Pointer: where, Code: "required", Detail: "This parameter is required."})
			}
			continue
		}
		if !p.list && len(values) > 1 {
			fields = append(fields, fault.Field{Pointer: where, Code: "repeated", Detail: "This parameter is given once."})
			continue
		}
		if err := p.schema.Validate(p.value(values)); err != nil {
			for _, f := range violations(err) {
				f.Pointer = where + f.Pointer
				fields = append(fields, f)
			}
		}
	}
	for _, name := range sortedNames(query) {
		if !known[name] {
			// The name came from outside: it is shown only when it looks like a name.
			fields = append(fields, fault.Field{Pointer: "query/" + safeName(name), Code: "unknown_parameter", Detail: "There is no such parameter here. See the OpenAPI file for those there are."})
		}
	}
	return fields
}

// value reads the text of a parameter as the JSON value its schema is about.
func (p *parameter) value(texts []string) any {
	if !p.list {
		return scalar(texts[0], p.types)
	}
	if !p.explode || p.in != "query" {
		var split []string
		for _, t := range texts {
			split = append(split, strings.Split(t, ",")...)
		}
		texts = split
	}
	values := make([]any, len(texts))
	for i, t := range texts {
		values[i] = scalar(t, p.types)
	}
	return values
}

// scalar reads text as the first of types that it can be, else as a string.
func scalar(s string, types []string) any {
	for _, t := range types {
		switch t {
		case "integer", "number":
			if json.Valid([]byte(s)) {
				if _, err := strconv.ParseFloat(s, 64); err == nil {
					return json.Number(s)
				}
			}
		case "boolean":
			if s == "true" || s == "false" {
				return s == "true"
			}
		}
	}
	return s
}

// readBody reads a body within its limit.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := fault.New(fault.TooLarge, "body_too_large", fmt.Sprintf("The body is larger than %d bytes, which is what is taken here.", limit))
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "body_unreadable", "The body ended before it was complete.").Because(err)
	}
	if int64(len(data)) > limit {
		return nil, tooLarge
	}
	return data, nil
}

// checkBody checks a body that has been read and returns the value it holds; nil
// for a body that is not JSON or is not there.
func (op *Operation) checkBody(contentType string, data []byte) (any, error) {
	if op.body == nil {
		if len(data) > 0 {
			return nil, fault.New(fault.Invalid, "body_not_expected", "This operation takes no body.")
		}
		return nil, nil
	}
	if len(data) == 0 {
		if op.body.required {
			return nil, invalid(fault.Field{Pointer: "", Code: "required", Detail: "This operation needs a body."})
		}
		return nil, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	schema, known := op.body.content[media]
	if err != nil || !known {
		return nil, fault.New(fault.UnsupportedMedia, "unsupported_content_type",
			"Content-Type must be "+strings.Join(op.mediaTypes(), " or ")+".")
	}
	if !isJSON(media) {
		return nil, nil
	}
	value, err := decodeJSON(data)
	if err != nil {
		return nil, invalid(jsonFault(err))
	}
	if schema == nil {
		return value, nil
	}
	if err := schema.Validate(value); err != nil {
		return nil, invalid(violations(err)...)
	}
	return value, nil
}

func (op *Operation) mediaTypes() []string {
	var types []string
	for t := range op.body.content {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// invalid is the fault of a request that its OpenAPI file does not allow.
func invalid(fields ...fault.Field) *fault.Error {
	detail := "The request is not as the OpenAPI file says; errors lists what to mend."
	if len(fields) > maxFields {
		fields = fields[:maxFields]
		detail = fmt.Sprintf("The request is not as the OpenAPI file says; errors lists the first %d faults.", maxFields)
	}
	return fault.New(fault.Invalid, "invalid_request", detail, fields...)
}

// decodeJSON reads exactly one JSON document, numbers kept as they are written.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return v, nil
}

var errTrailing = errors.New("more than one JSON document")

// jsonFault says what is wrong with a body that is no JSON, without repeating it.
func jsonFault(err error) fault.Field {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errTrailing):
		return fault.Field{Code: "syntax", Detail: "The body holds something after its JSON document."}
	case errors.As(err, &syntax):
		return fault.Field{Code: "syntax", Detail: fmt.Sprintf("The body is not JSON: look near byte %d.", syntax.Offset)}
	}
	return fault.Field{Code: "syntax", Detail: "The body is not complete JSON."}
}
