package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// show is a referral as answered, with the ETag of its version. No address, no
// contact and no reporter is in it.
func (a *API) show(ctx context.Context, tx *postgres.Tx, rf *referral.Referral) (ReferralJSONResponse, error) {
	family, earlier, err := a.familyHistory(ctx, tx, rf)
	if err != nil {
		return ReferralJSONResponse{}, err
	}
	c := &rf.Content
	out := Referral{
		ReferralId: string(rf.ID), Status: ReferralStatus(rf.Status), Version: rf.Version, ReceiptId: string(rf.Receipt), Source: rf.Ref.Source,
		ExternalId: optional(c.ExternalID), ReceivedAt: c.ReceivedAt, ArrivedAt: rf.ArrivedAt, Channel: c.Channel, Kind: c.Kind, Narrative: c.Narrative,
		Urgency: Urgency(c.Urgency), RequestedProgram: optional(c.RequestedProgram), SafetyFlags: c.SafetyFlags, HouseholdId: string(rf.Household),
		EarlierReferrals: &earlier, FamilyHistory: family, TakenBy: optional(rf.TakenBy), TakenAt: optional(rf.TakenAt), WithdrawnAt: optional(rf.WithdrawnAt),
		CaseId: optional(string(rf.Case)), Priority: showPriority(rf.Priority),
	}
	out.Concerns = make([]struct {
		Code     Code     `json:"code"`
		Subjects []string `json:"subjects"`
	}, len(c.Concerns))
	for i, concern := range c.Concerns {
		out.Concerns[i].Code, out.Concerns[i].Subjects = concern.Code, concern.Subjects
	}
	out.Relationships = make([]Relationship, len(c.Relationships))
	for i, rel := range c.Relationships {
		out.Relationships[i] = Relationship{From: rel.From, To: rel.To, Type: rel.Type}
	}
	out.Persons = showPersons(rf)
	out.Clocks = make([]Clock, len(rf.Clocks))
	for i, k := range rf.Clocks {
		out.Clocks[i] = Clock{
			ClockId: string(k.ID), Clock: k.Code, ReferralId: string(rf.ID), CaseId: optional(string(rf.Case)), State: ClockState(k.State),
			StartedAt: k.StartedAt, DueAt: k.DueAt, MetAt: optional(k.MetAt), ExpiredAt: optional(k.ExpiredAt), RuleVersion: optional(k.RuleVersion),
		}
	}
	if s := rf.Screening; s != nil {
		out.Screening = &Screening{
			Decision: ScreeningDecision(s.Decision), ReasonCode: s.ReasonCode, Program: optional(s.Program), ProgramVersion: optional(s.ProgramVersion),
			RedirectedTo: optional(s.RedirectedTo), Note: optional(s.Note), DecidedBy: s.DecidedBy, DecidedAt: s.DecidedAt, RulesVersion: optional(s.RulesVersion),
		}
	}
	if q := rf.Asked; q != nil {
		out.PriorityAsked = &PriorityAsked{Priority: Priority(q.Priority), ReasonCode: q.ReasonCode, Note: optional(q.Note), AskedBy: q.AskedBy, AskedAt: q.AskedAt}
	}
	tag := httpapi.ETag(rf.Version)
	return ReferralJSONResponse{Body: out, Headers: ReferralResponseHeaders{ETag: &tag}}, nil
}

func showPriority(p referral.PriorityDecision) PriorityDecision {
	return PriorityDecision{
		Priority: Priority(p.Priority), Urgent: p.Urgent, DueAt: p.DueAt, RuleName: p.RuleName, RuleVersion: p.RuleVersion, RuleHash: p.RuleHash,
		Proposed: optional(Priority(p.Proposed)), Overridden: p.Overridden, ReasonCode: optional(p.ReasonCode), Note: optional(p.Note),
		DecidedBy: optional(p.DecidedBy), ConfirmedBy: optional(p.ConfirmedBy), DecidedAt: p.DecidedAt,
	}
}

// showPersons are the persons as this referral describes them: what other
// referrals say of them is in the person, under its own access.
func showPersons(rf *referral.Referral) []ReferralPerson {
	out := []ReferralPerson{}
	for _, said := range rf.Content.Persons {
		for _, link := range rf.Persons {
			if link.Ref == said.Ref {
				out = append(out, ReferralPerson{
					Ref: link.Ref, PersonId: string(link.Person), Role: ReferralPersonRole(link.Role), Name: name(said.Name),
					BirthDate: optional(string(said.BirthDate)), Match: optional(link.Basis),
				})
			}
		}
	}
	return out
}

func name(n referral.Name) *PersonName {
	if len(n.Given) == 0 && n.Family == "" {
		return nil
	}
	given := n.Given
	if given == nil {
		given = []string{}
	}
	return &PersonName{Given: given, Family: optional(n.Family)}
}

func codesOf(text string, into **map[string]string) error {
	all := map[string]string{}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return fmt.Errorf("read stored codes: %w", err)
	}
	if len(all) > 0 {
		*into = &all
	}
	return nil
}
