package httpapi

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
)

// CheckAnswer says how an answer breaks the contract; nil when it does not. It is
// for tests: a service does not check its own answers at run time. An answer to a
// path or method that is not in the contract must be a problem.
func (c *Contract) CheckAnswer(method, path string, status int, header http.Header, body []byte) error {
	op, _, _ := c.match(method, path)
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil && len(body) > 0 {
		return fmt.Errorf("answer %d has a body and no Content-Type", status)
	}
	if op == nil {
		if (status != http.StatusNotFound && status != http.StatusMethodNotAllowed) || media != "application/problem+json" {
			return fmt.Errorf("answer %d %s to an operation that is not in the OpenAPI file", status, media)
		}
		return nil
	}
	content, declared := op.responses[strconv.Itoa(status)]
	if !declared {
		if content, declared = op.responses["default"]; !declared || status < 400 {
			return fmt.Errorf("operation %s: status %d is not in the OpenAPI file", op.ID, status)
		}
	}
	if len(content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("operation %s: status %d has no body in the OpenAPI file, and %d bytes came", op.ID, status, len(body))
		}
		return nil
	}
	lazy, declared := content[media]
	if !declared {
		return fmt.Errorf("operation %s: status %d has no content type %q in the OpenAPI file", op.ID, status, media)
	}
	if !isJSON(media) {
		return nil
	}
	value, err := decodeJSON(body)
	if err != nil {
		return fmt.Errorf("operation %s: answer %d: %w", op.ID, status, err)
	}
	schema, err := lazy.get()
	if err != nil || schema == nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("operation %s: answer %d: %w", op.ID, status, err)
	}
	return nil
}

// OperationOf is the operation a request goes to; nil when there is none.
func (c *Contract) OperationOf(method, path string) *Operation {
	op, _, _ := c.match(method, path)
	return op
}
