package reception

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"strings"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	store "github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// Topic is where external systems write referrals to.
const Topic = "referrals.inbound.v1"

// FromTopic takes in one message of Topic, binary or structured. The agency is the
// agencyid extension's, or else that of the agency whose file names the source;
// bySource finds it. What is refused is kept in the agency's quarantine, with the
// reason, and the next message goes on; what belongs to no agency fails for good,
// so that the backbone keeps it.
func (r *Reception) FromTopic(bySource func(source string) (tenant.AgencyID, bool)) events.RawHandler {
	return func(ctx context.Context, m events.Message) error {
		rd, named := r.readMessage(ctx, m)
		agency, err := agencyOf(named, rd.Event.Ref.Source, bySource)
		if err != nil {
			return err
		}
		ctx = tenant.With(ctx, agency)
		verdicts, err := r.Receive(ctx, ViaKafka, []Reading{rd})
		if err != nil {
			return err
		}
		if v := verdicts[0]; v.Status == referral.VerdictRefused && v.ReceiptID == "" {
			return r.keepRefused(ctx, m, rd.Event.Ref, v.Problems)
		}
		return nil
	}
}

// readMessage reads the event and the agency it names. A message that has neither
// CloudEvents headers nor a content type is read as structured.
func (r *Reception) readMessage(ctx context.Context, m events.Message) (Reading, string) {
	media, _, err := mime.ParseMediaType(m.Header("content-type"))
	structured := err == nil && strings.HasPrefix(media, "application/cloudevents")
	if m.Header("ce_specversion") == "" && (structured || bytes.HasPrefix(bytes.TrimSpace(m.Value), []byte("{"))) {
		e, faults := referral.ParseEvent(m.Value, r.Clock.Now())
		agency := e.Agency
		if faults != nil { // an event refused still says whose it is
			d := events.DecodeStructured(m.Value)
			agency, e.Ref = d.Event.Extensions["agencyid"], referral.EventRef{Source: d.Event.Source, ID: d.Event.ID}
		}
		if agency == "" {
			agency = m.Header("agencyid")
		}
		return Reading{e, faults}, agency
	}
	d := m.Decode()
	rd := r.ReadBinary(ctx, d, "header/ce_")
	if rd.Faults != nil {
		rd.Event.Ref = referral.EventRef{Source: d.Event.Source, ID: d.Event.ID}
	}
	agency := d.Event.Extensions["agencyid"]
	if agency == "" {
		agency = m.Header("agencyid")
	}
	return rd, agency
}

// agencyOf is the agency a message is for. What a message names does not stand
// against the agencies' files: a source that one agency's file names is not heard in another.
func agencyOf(named, source string, bySource func(string) (tenant.AgencyID, bool)) (tenant.AgencyID, error) {
	own, known := bySource(source)
	known = known && source != ""
	if named != "" {
		agency, err := tenant.Parse(named)
		if err == nil && known && agency != own {
			return tenant.AgencyID{}, fault.New(fault.Invalid, "agency_not_of_source",
				"The message names an agency (agencyid) and comes from a source that belongs to another agency's file.")
		}
		return agency, err
	}
	if known {
		return own, nil
	}
	return tenant.AgencyID{}, fault.New(fault.Invalid, "agency_unknown",
		"The message names no agency (agencyid), and no agency's file names its source.")
}

func (r *Reception) keepRefused(ctx context.Context, m events.Message, ref referral.EventRef, problems []fault.Field) error {
	origin := fmt.Sprintf("%s/%d/%d", m.Topic, m.Partition, m.Offset)
	return r.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return store.SaveRefused(ctx, tx, NewID(), origin, ref, m.Value, problems, r.Clock.Now())
	})
}
