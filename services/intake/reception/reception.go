// Package reception takes inbound events in: one, a group, a stream, or a topic's,
// each with a verdict, each once.
//
// Guarantees:
//
//  1. A verdict that says accepted, waiting, duplicate or conflict is given after
//     the transaction that made it true has committed.
//  2. Events of one call are taken in in the order given, and their verdicts come
//     in that order. One that is refused, or that cannot be taken in with the
//     others, spoils no other.
//  3. Sending anything again changes nothing and is told so.
package reception

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// The ways an event comes.
const (
	ViaHTTP   = "http"
	ViaImport = "import"
	ViaKafka  = "kafka"
)

// Reception takes events in for every agency.
type Reception struct {
	DB   *postgres.DB
	Desk *referral.Desk
	// Indexes are what each agency finds its persons by.
	Indexes *store.Indexes
	// SampleShare is as in referral.Book; 0 is none.
	SampleShare float64
	Clock       clock.Clock
	// Agency gives what intake must know of an agency. It fails with a fault for
	// one that is not known.
	Agency func(tenant.AgencyID) (*referral.Agency, error)
	// Guard says whether whoever asks may send events. It runs in the transaction
	// that takes them in, and not for those of the topic, which nobody asks for.
	Guard func(ctx context.Context, tx *postgres.Tx) error

	gathering gathering
}

// Allow asks Guard before there is anything to take in.
func (r *Reception) Allow(ctx context.Context) error {
	return r.DB.InTenant(ctx, r.Guard)
}

// Reading is an event as read: sound, or with the faults it is refused for.
type Reading struct {
	Event  referral.Event
	Faults []fault.Field
}

// Read reads one event in structured mode, as the agency's and, if a referrer is
// bound to a source, as that source's.
func (r *Reception) Read(ctx context.Context, raw []byte) Reading {
	e, faults := referral.ParseEvent(raw, r.Clock.Now())
	return bind(ctx, Reading{e, faults}, "/")
}

// ReadBinary reads one event in binary mode from its attributes and body.
func (r *Reception) ReadBinary(ctx context.Context, d events.Decoded, prefix string) Reading {
	if slices.ContainsFunc(d.Faults, func(f fault.Field) bool { return f.Code == "repeated" || f.Code == "percent_encoding" }) {
		return Reading{Faults: d.Faults}
	}
	c := d.Event
	attribute := func(name string) string {
		switch name {
		case "specversion":
			return specversion(d, prefix)
		case "id":
			return c.ID
		case "source":
			return c.Source
		case "type":
			return c.Type
		case "subject":
			return c.Subject
		case "time":
			if c.Time.IsZero() {
				return malformed(d, prefix+"time")
			}
			return c.Time.Format(time.RFC3339Nano)
		}
		return c.Extensions[name]
	}
	e, faults := referral.ParseBinary(attribute, prefix, c.DataContentType, c.Data, r.Clock.Now())
	return bind(ctx, Reading{e, faults}, prefix)
}

// specversion is not kept by the decoder, which says what is wrong with it.
func specversion(d events.Decoded, prefix string) string {
	for _, f := range d.Faults {
		if f.Pointer == prefix+"specversion" {
			if f.Code == "required" {
				return ""
			}
			return "unsupported"
		}
	}
	return "1.0"
}

// malformed gives a value that no attribute has where the decoder found one it
// could not read, so that it is told as a fault of the attribute.
func malformed(d events.Decoded, pointer string) string {
	if slices.ContainsFunc(d.Faults, func(f fault.Field) bool { return f.Pointer == pointer }) {
		return "?"
	}
	return ""
}

// bind refuses what the asker may not say: an event of another agency, or of a
// source, or about one, that the referrer is not bound to.
func bind(ctx context.Context, rd Reading, prefix string) Reading {
	if rd.Faults != nil {
		return rd
	}
	if agency, ok := tenant.From(ctx); ok && rd.Event.Agency != "" && rd.Event.Agency != agency.String() {
		rd.Faults = append(rd.Faults, fault.Field{Pointer: prefix + "agencyid", Code: "other_agency", Detail: "the event is addressed to another agency than the token's"})
	}
	p, ok := auth.From(ctx)
	if !ok || p.Source == "" {
		return rd
	}
	if !Under(rd.Event.Ref.Source, p.Source) {
		rd.Faults = append(rd.Faults, fault.Field{Pointer: prefix + "source", Code: "source_not_yours", Detail: "the token is bound to another source"})
	}
	if rd.Event.Target.Source != "" && !Under(rd.Event.Target.Source, p.Source) {
		rd.Faults = append(rd.Faults, fault.Field{Pointer: prefix + "data", Code: "source_not_yours", Detail: "the event refers to one of a source the token is not bound to"})
	}
	return rd
}

// Under says whether source is bound or lies under it.
func Under(source, bound string) bool {
	return source == bound || strings.HasPrefix(source, strings.TrimSuffix(bound, "/")+"/")
}

// Receive takes events in, in order, in one transaction for all; when that fails
// for a reason of one of them, each in its own. The error, if any, means that
// none after the verdicts returned was taken in, and is worth retrying when it
// is fault.Transient.
//
// One event alone shares a transaction with those of the same agency that come at
// the same time (see gathering).
func (r *Reception) Receive(ctx context.Context, via string, readings []Reading) ([]referral.Verdict, error) {
	verdicts := make([]referral.Verdict, len(readings))
	var sound []int
	var items []*item
	for i, rd := range readings {
		if rd.Faults != nil {
			verdicts[i] = referral.Verdict{Status: referral.VerdictRefused, Problems: rd.Faults}
			continue
		}
		sound = append(sound, i)
	}
	for _, i := range sound {
		e := readings[i].Event
		items = append(items, &item{ctx: ctx, arrival: store.Arrival{Event: e, Via: via, Trace: traceOf(ctx, e, len(sound) > 1 || via == ViaImport)}})
	}
	var err error
	switch len(items) {
	case 0:
		return verdicts, nil
	case 1:
		err = r.gathered(ctx, items[0])
	default:
		err = r.group(ctx, items)
	}
	done := len(readings)
	for k, it := range items {
		verdicts[sound[k]] = it.verdict
		if err == nil && it.err != nil {
			err, done = it.err, sound[k]
		}
	}
	if err != nil && done == len(readings) {
		done = 0
	}
	return verdicts[:done], err
}

// item is an event on its way in, for whoever sent it, and what came of it.
type item struct {
	ctx     context.Context // of the sender: who asks, in which trace
	arrival store.Arrival

	verdict referral.Verdict
	err     error
}

// group takes items in together or, when that fails for a reason of one of them,
// each apart, up to the first that fails. An error of one item is in the item;
// the error returned is of all.
func (r *Reception) group(ctx context.Context, items []*item) error {
	err := r.together(ctx, items)
	if err == nil || len(items) == 1 || fault.Transient(err) || ctx.Err() != nil {
		return err
	}
	for _, it := range items {
		it.err = r.together(ctx, []*item{it})
	}
	return nil
}

func (r *Reception) together(ctx context.Context, items []*item) error {
	id, ok := tenant.From(ctx)
	if !ok {
		return fault.New(fault.Internal, "agency_missing", "An event needs an agency.")
	}
	agency, err := r.Agency(id)
	if err != nil {
		return err
	}
	take := func(ctx context.Context, tx *postgres.Tx) error {
		let, list, arrivals := r.let(tx, items)
		if len(let) == 0 {
			return nil
		}
		book, err := store.LoadBook(ctx, tx, list, r.Indexes)
		if err != nil {
			return err
		}
		book.SampleShare = r.SampleShare
		now := r.Clock.Now()
		for _, it := range let {
			if it.verdict, err = r.Desk.Receive(book, it.arrival.Event, it.arrival.Trace, agency, now); err != nil {
				return err
			}
		}
		return store.SaveBook(ctx, tx, book, arrivals, now, NewID)
	}
	// Persons are compared without being locked; one whom another changed since is
	// compared again.
	for attempt := 1; ; attempt++ {
		err := r.DB.InTenant(ctx, take)
		if err == nil || attempt == attempts || !store.ChangedMeanwhile(err) {
			return err
		}
	}
}

// attempts bounds how often a group is taken in anew because of others.
const attempts = 5

// let are the items whose senders may send: those of the topic, which nobody asks
// for, and those Guard allows.
func (r *Reception) let(tx *postgres.Tx, items []*item) (let []*item, list []referral.Event, arrivals []store.Arrival) {
	for _, it := range items {
		it.verdict, it.err = referral.Verdict{}, nil
		if it.arrival.Via != ViaKafka {
			if it.err = r.Guard(it.ctx, tx); it.err != nil {
				continue
			}
		}
		let, list, arrivals = append(let, it), append(list, it.arrival.Event), append(arrivals, it.arrival)
	}
	return let, list, arrivals
}

// traceOf is the trace a referral's story is told in: the sender's, if the event
// carries one; else that of the request, unless it brings many, each with a story
// of its own.
func traceOf(ctx context.Context, e referral.Event, many bool) string {
	if e.TraceParent != "" {
		if own := events.TraceParent(events.WithTraceParent(context.Background(), e.TraceParent)); own != "" {
			return own
		}
	}
	if !many || e.Kind != referral.Submission {
		return events.TraceParent(ctx)
	}
	ctx, span := otel.Tracer(scopeName).Start(ctx, "receive referral", trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)))
	span.End()
	return events.TraceParent(ctx)
}

const scopeName = "github.com/hearthfps/hearth/services/intake/reception"

// NewID is an identifier of version 7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// UUIDs makes identifiers of version 7, which sort by time.
type UUIDs struct{}

// Receipt implements referral.IDs.
func (UUIDs) Receipt() referral.ReceiptID { return referral.ReceiptID(NewID()) }

// Referral implements referral.IDs.
func (UUIDs) Referral() referral.ReferralID { return referral.ReferralID(NewID()) }

// Person implements referral.IDs.
func (UUIDs) Person() referral.PersonID { return referral.PersonID(NewID()) }

// Household implements referral.IDs.
func (UUIDs) Household() referral.HouseholdID { return referral.HouseholdID(NewID()) }

// Case implements referral.IDs.
func (UUIDs) Case() referral.CaseID { return referral.CaseID(NewID()) }

// Clock implements referral.IDs.
func (UUIDs) Clock() referral.ClockID { return referral.ClockID(NewID()) }

var errStopped = errors.New("the import was stopped")
