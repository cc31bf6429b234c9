package httpapi

import (
	"context"
	"strconv"
	"strings"

	"github.com/hearthfps/hearth/pkg/fault"
)

// ETag is the strong entity tag of a version.
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// IfMatch checks the request's If-Match header against the version that is
// stored. It fails with PreconditionRequired (if_match_missing) without the
// header and PreconditionFailed (version_changed) when no tag of it is the
// version's; a weak tag never is (RFC 9110, 13.1.1). Outside a request it fails
// as without the header.
func IfMatch(ctx context.Context, version int64) error {
	r, ok := requestOf(ctx)
	if !ok || len(r.ifMatch) == 0 {
		return fault.New(fault.PreconditionRequired, "if_match_missing",
			"Send If-Match with the ETag of the version you changed. Read the resource to get it.",
			fault.Field{Pointer: "header/If-Match", Code: "required", Detail: "This header is required."})
	}
	want := ETag(version)
	for _, header := range r.ifMatch {
		for tag := range strings.SplitSeq(header, ",") {
			tag = strings.TrimSpace(tag)
			if tag == want || tag == "*" {
				return nil
			}
		}
	}
	return fault.New(fault.PreconditionFailed, "version_changed",
		"This changed since you read it. Read it again, and make your change to the version it has now.",
		fault.Field{Pointer: "header/If-Match", Code: "version_changed", Detail: "This is not the current version."})
}
