package directory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/hearthfps/hearth/pkg/fault"
)

// ErrRecordTooLarge says a record passed MaxRecordBytes. From NDJSON the reader
// goes on with the next line; from JSON it cannot.
var ErrRecordTooLarge = errors.New("record too large")

// Source gives the records of an import one by one, holding one in memory.
type Source interface {
	// Next returns the next record as it came. io.EOF ends the import well; a
	// *fault.Error ends it badly; ErrRecordTooLarge is about this record alone.
	Next() (json.RawMessage, error)
}

// NewNDJSON reads a record a line. Empty lines are skipped.
func NewNDJSON(r io.Reader) Source {
	return &ndjson{r: bufio.NewReaderSize(r, 64<<10)}
}

type ndjson struct{ r *bufio.Reader }

func (s *ndjson) Next() (json.RawMessage, error) {
	for {
		line, err := s.line()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

// line reads one line of at most MaxRecordBytes, and skips the rest of a longer one.
func (s *ndjson) line() ([]byte, error) {
	var line []byte
	tooLarge := false
	for {
		part, err := s.r.ReadSlice('\n')
		if len(line)+len(part) > MaxRecordBytes+1 {
			tooLarge, line = true, nil
		} else if !tooLarge {
			line = append(line, part...)
		}
		switch {
		case err == nil, err == io.EOF && (len(line) > 0 || tooLarge):
			if tooLarge {
				return nil, ErrRecordTooLarge
			}
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF:
			return nil, io.EOF
		default:
			return nil, broken(err)
		}
	}
}

// NewJSON reads an HSDS page object (its `contents`), an array, or one object.
func NewJSON(r io.Reader) Source {
	b := &budget{r: r}
	return &jsonSource{budget: b, dec: json.NewDecoder(b)}
}

type jsonSource struct {
	budget *budget
	dec    *json.Decoder
	state  jsonState
	single json.RawMessage
}

type jsonState int

const (
	atStart jsonState = iota
	inArray           // between the elements of the records' array
	inPage            // the same, inside a page object
	done
)

func (s *jsonSource) Next() (json.RawMessage, error) {
	s.budget.left = MaxRecordBytes + 64<<10 // the decoder reads ahead of the record
	if s.state == atStart {
		if err := s.open(); err != nil {
			return nil, s.explain(err)
		}
		if s.single != nil {
			s.state = done
			if err := s.end(); err != nil {
				return nil, err
			}
			return s.single, nil
		}
	}
	if s.state == done {
		return nil, io.EOF
	}
	if s.dec.More() {
		var raw json.RawMessage
		if err := s.dec.Decode(&raw); err != nil {
			return nil, s.explain(err)
		}
		return raw, nil
	}
	if _, err := s.dec.Token(); err != nil { // the closing ]
		return nil, s.explain(err)
	}
	if s.state == inPage {
		if err := s.members(nil); err != nil {
			return nil, s.explain(err)
		}
	}
	s.state = done
	if err := s.end(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// open reads up to the first record, or the whole of a lone object.
func (s *jsonSource) open() error {
	tok, err := s.dec.Token()
	if err != nil {
		if err == io.EOF {
			return fault.New(fault.Invalid, "empty_body", "The body is empty; send HSDS records.")
		}
		return err
	}
	switch tok {
	case json.Delim('['):
		s.state = inArray
		return nil
	case json.Delim('{'):
		lone := object{}
		if err := s.members(lone); err != nil {
			return err
		}
		if s.state == inPage {
			return nil
		}
		s.single, err = json.Marshal(lone)
		return err
	}
	return fault.New(fault.Invalid, "not_records", "The body must be an HSDS page object, an array of records, or one record.")
}

// members reads object members up to the end of the object, or up to the
// opening of a page's `contents`, which it leaves open. into may be nil.
func (s *jsonSource) members(into object) error {
	for s.dec.More() {
		key, err := s.dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if name == "contents" {
			if into == nil {
				return fault.New(fault.Invalid, "contents_twice", "The page object has two members named contents.")
			}
			tok, err := s.dec.Token()
			if err != nil {
				return err
			}
			if tok != json.Delim('[') {
				return fault.New(fault.Invalid, "contents_not_array", "The page's contents must be an array of records.",
					fault.Field{Pointer: "/contents", Code: "type", Detail: "Must be an array."})
			}
			s.state = inPage
			return nil
		}
		var raw json.RawMessage
		if err := s.dec.Decode(&raw); err != nil {
			return err
		}
		if into != nil {
			into[name] = raw
		}
	}
	_, err := s.dec.Token()
	return err
}

// end refuses anything after the last bracket.
func (s *jsonSource) end() error {
	_, err := s.dec.Token()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return s.explain(err)
	}
	return fault.New(fault.Invalid, "trailing_data", "There is more after the end of the JSON value; send NDJSON as application/x-ndjson.")
}

func (s *jsonSource) explain(err error) error {
	var syntax *json.SyntaxError
	switch _, ok := fault.As(err); {
	case ok:
		return err
	case errors.Is(err, ErrRecordTooLarge):
		return fault.New(fault.TooLarge, "record_too_large", fmt.Sprintf("A record may take %d bytes; send larger sets as NDJSON to go past one.", MaxRecordBytes))
	case errors.As(err, &syntax):
		return fault.New(fault.Invalid, "invalid_json", fmt.Sprintf("The JSON is broken near byte %d.", s.dec.InputOffset()))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "cut_short", fmt.Sprintf("The JSON ends before it is complete, after byte %d.", s.dec.InputOffset()))
	}
	return broken(err)
}

func broken(err error) error {
	return fault.New(fault.Invalid, "body_broke_off", "The body could not be read to its end; send the import again.").Because(err)
}

// budget bounds what is read for one record.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrRecordTooLarge
	}
	if len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}
