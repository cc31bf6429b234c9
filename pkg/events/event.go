package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/tenant"
)

// Event is something that happened in a service of the suite, as its topic
// tells it: a CloudEvent with the suite's extensions.
type Event struct {
	// ID is a UUIDv7; with Source it identifies the event.
	ID string
	// Source is /hearth/<service>.
	Source string
	// Type is org.hearth.<service>.<thing>.<what happened>.v<major>.
	Type string
	// Subject is the id of the aggregate it happened to.
	Subject string
	// Key is what events are kept in order by: the case, or the referral before there is one.
	Key string
	// Time is when it happened, by the service's clock.
	Time time.Time
	// Agency is the tenant.
	Agency tenant.AgencyID
	// Version is the aggregate's version after the change.
	Version int64
	// Cause is the id of the event that led to this one, "" for a person's request.
	Cause string
	// Correlation is the id of the event that began the chain.
	Correlation string
	// TraceParent is the W3C trace context it was made in, "" for none.
	TraceParent string
	// Data is a JSON object; it holds ids, codes and times and no personal data.
	Data json.RawMessage
}

// Decode reads the data into v. Fields v does not know are left alone: a later
// minor version may add some. What does not fit is Unprocessable (event_data),
// which parks the event.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Data, v); err != nil {
		return fault.New(fault.Unprocessable, "event_data", "The data of a "+e.Type+" event cannot be read.").Because(err)
	}
	return nil
}

// Topic is the topic a service's events go to.
func Topic(service string) string { return service + ".events.v1" }

// Source is the CloudEvents source of a service's events.
func Source(service string) string { return "/hearth/" + service }

var typePattern = regexp.MustCompile(`^org\.hearth\.([a-z][a-z0-9-]*)\.([a-z][a-z0-9_]*\.)+v([1-9][0-9]*)$`)

// serviceOf is the service a type belongs to.
func serviceOf(eventType string) (string, error) {
	found := typePattern.FindStringSubmatch(eventType)
	if found == nil {
		return "", fmt.Errorf("event type %q: want org.hearth.<service>.<thing>.<what_happened>.v<major>", eventType)
	}
	return found[1], nil
}

// splitMajor parts a type into its name and its major version.
func splitMajor(eventType string) (name, major string) {
	at := strings.LastIndex(eventType, ".v")
	if at < 0 {
		return eventType, ""
	}
	return eventType[:at], eventType[at+2:]
}

// The suite's extension attributes.
const (
	extAgency      = "agencyid"
	extCorrelation = "correlationid"
	extCause       = "causationid"
	extVersion     = "aggregateversion"
	extTrace       = "traceparent"
	extKey         = "partitionkey"
)

// CloudEvent is the event in CloudEvents' own terms.
func (e Event) CloudEvent() CloudEvent {
	ext := map[string]string{
		extAgency: e.Agency.String(), extCorrelation: e.Correlation,
		extVersion: strconv.FormatInt(e.Version, 10), extKey: e.Key,
	}
	if e.Cause != "" {
		ext[extCause] = e.Cause
	}
	if e.TraceParent != "" {
		ext[extTrace] = e.TraceParent
	}
	return CloudEvent{
		ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Time: e.Time,
		DataContentType: "application/json", Extensions: ext, Data: e.Data,
	}
}

// Event reads a CloudEvent as one of the suite's. It fails when an attribute the
// suite demands is missing or malformed.
func (c CloudEvent) Event() (Event, error) {
	e := Event{
		ID: c.ID, Source: c.Source, Type: c.Type, Subject: c.Subject, Time: c.Time, Key: c.Extensions[extKey],
		Cause: c.Extensions[extCause], Correlation: c.Extensions[extCorrelation], TraceParent: c.Extensions[extTrace], Data: c.Data,
	}
	var errs []error
	if _, err := serviceOf(e.Type); err != nil {
		errs = append(errs, err)
	}
	var err error
	if e.Agency, err = tenant.Parse(c.Extensions[extAgency]); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", extAgency, err))
	}
	if e.Version, err = strconv.ParseInt(c.Extensions[extVersion], 10, 64); err != nil || e.Version < 0 {
		errs = append(errs, fmt.Errorf("%s is not a number", extVersion))
	}
	for name, value := range map[string]string{extKey: e.Key, extCorrelation: e.Correlation, "subject": e.Subject} {
		if value == "" {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	if e.Time.IsZero() {
		errs = append(errs, errors.New("time is missing"))
	}
	if !c.isJSON() || !json.Valid(e.Data) {
		errs = append(errs, errors.New("data is not JSON"))
	}
	return e, errors.Join(errs...)
}
