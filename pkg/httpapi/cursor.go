package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"hash/crc32"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Limits of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Limit is how many items a page holds when p was asked for.
func Limit(p *int) int {
	if p == nil || *p < 1 {
		return DefaultLimit
	}
	return min(*p, MaxLimit)
}

// EncodeCursor makes an opaque cursor of the keyset v: the sort key and id of the
// last item of a page. v is a JSON-encodable struct without personal data: a
// cursor can be read by whoever holds it, and lands in access logs.
// It panics when v cannot be encoded, which is a defect of the caller.
func EncodeCursor(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("encode cursor: " + err.Error())
	}
	sum := crc32.ChecksumIEEE(data)
	data = append(data, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	return base64.RawURLEncoding.EncodeToString(data)
}

// DecodeCursor reads a cursor into v, a pointer to the struct it was made from.
// An empty cursor leaves v as it is: the first page. It fails with Invalid
// (cursor_malformed) for what EncodeCursor did not make of such a struct. The
// checksum tells a cut or foreign cursor, not a forged one: a cursor gives no
// access, as every query has its tenant and filter beside it.
func DecodeCursor(s string, v any) error {
	if s == "" {
		return nil
	}
	malformed := fault.New(fault.Invalid, "cursor_malformed", "This cursor was not given out by this list. Begin again without one.",
		fault.Field{Pointer: "query/cursor", Code: "cursor_malformed", Detail: "This is the next_cursor of an earlier page, unchanged."})
	data, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(data) < 4 {
		return malformed
	}
	data, tail := data[:len(data)-4], data[len(data)-4:]
	sum := uint32(tail[0])<<24 | uint32(tail[1])<<16 | uint32(tail[2])<<8 | uint32(tail[3])
	if crc32.ChecksumIEEE(data) != sum {
		return malformed
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return malformed
	}
	return nil
}
