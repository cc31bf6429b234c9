package policy

import cedar "github.com/cedar-policy/cedar-go"

// Actions. What a group means is said where policies.cedar uses it.
const (
	Read    = "read"    // one thing
	List    = "list"    // several; rows are cut by Filter
	Write   = "write"   // make or change
	Submit  = "submit"  // hand in for judgement
	Approve = "approve" // judge another's work
	Return  = "return"
	Confirm = "confirm"

	Override = "override" // decide against a rule, with a reason
	Screen   = "screen"   // take, screen or redirect a referral
	Assign   = "assign"   // give a worker a case, or take it away
	Exclude  = "exclude"  // keep a worker from knowing of a case, and lift that
	Grant    = "grant"    // name who may read a protected record, or take it back
	Close    = "close"
	Schedule = "schedule" // plan, move and cancel visits
	CheckIn  = "check_in" // and out, and record an attempt
	Receive  = "receive"  // hand in an inbound event
	Import   = "import"   // load many records
	Operate  = "operate"  // parked events, tasks of the system
	// DecideContact asks whether a person may be contacted, and how.
	DecideContact = "decide_contact"
	// Match asks who a person described may be, among those the agency knows.
	Match = "match"
	// ReadAudit reads who read.
	ReadAudit = "read_audit"
	// Identify decides who is one person and who is not, and takes it back.
	Identify = "identify"
	// Seal keeps who somebody is from all others, or ends that.
	Seal = "seal"
)

// actionGroups says which groups each action stands in.
var actionGroups = map[string][]string{
	Read:          {"see", "see_or_change", "case_work", "supervise", "intake_work", "schedule_work", "keep_records"},
	List:          {"see", "see_or_change", "supervise", "intake_work", "schedule_work", "keep_records"},
	Write:         {"see_or_change", "case_work", "supervise", "intake_work", "schedule_work"},
	Submit:        {"see_or_change", "case_work", "supervise"},
	Approve:       {"see_or_change", "supervise", "judge"},
	Return:        {"see_or_change", "supervise", "judge"},
	Confirm:       {"see_or_change", "supervise", "intake_work", "judge"},
	Override:      {"see_or_change", "supervise", "intake_work"},
	Screen:        {"see_or_change", "intake_work"},
	Assign:        {},
	Exclude:       {"guard_privacy"},
	Grant:         {"guard_privacy"},
	Close:         {"see_or_change", "case_work", "supervise"},
	Schedule:      {"see_or_change", "supervise", "schedule_work"},
	CheckIn:       {"see_or_change", "case_work", "supervise"},
	Receive:       {},
	Import:        {},
	Operate:       {},
	DecideContact: {},
	Match:         {"intake_work", "keep_records"},
	ReadAudit:     {"guard_privacy"},
	Identify:      {"keep_records"},
	Seal:          {"guard_privacy"},
}

// resourceKinds says which kinds each type of resource is of.
//
//	family     belongs to a case, and follows its assignments and exclusions
//	intake     what intake workers work on, before and beside a case
//	records    who is one person: pairs to decide, merges, how well it goes
//	index      what the agency finds its persons by
//	inbound    what external systems send, and their receipts
//	visits     what schedulers work on
//	worker     a worker's calendar, skills and contact
//	knowledge  of the agency, about no family
//	system     the running of the suite
var resourceKinds = map[string][]string{
	"case": {"family"}, "assignment": {"family"}, "exclusion": {"family"}, "consent": {"family"}, "timeline": {"family"},
	"assessment": {"family"}, "safety_decision": {"family"}, "plan": {"family"}, "goal": {"family"}, "safety_plan": {"family"},
	"review": {"family"}, "report": {"family"}, "closure": {"family"}, "resource_referral": {"family"},
	"message": {"family"}, "task": {"family"},
	"visit": {"family", "visits"}, "series": {"family", "visits"}, "unplaced": {"family", "visits"},
	"referral": {"family", "intake"}, "person": {"family", "intake"}, "household": {"family", "intake"}, "clock": {"family", "intake"},
	"reporter": {"family", "intake"}, "address": {"family", "intake"}, "contact_rules": {"family", "intake"},
	"match_review": {"records"}, "identity": {"records"}, "match_quality": {"records"},
	"receipt": {"intake", "inbound"}, "quarantine": {"intake"}, "inbound_event": {"inbound"},
	"person_index": {"intake", "records"}, "match_model": {"index"},
	"worker":    {"worker"},
	"directory": {"knowledge"}, "instrument": {"knowledge"}, "template": {"knowledge"}, "program": {"knowledge"}, "rules": {"knowledge"},
	"parked_event": {"system"}, "system": {"system"}, "audit": {"system"},
}

// entities are the groups as Cedar sees them, made once.
func groupEntities() cedar.EntityMap {
	entities := cedar.EntityMap{}
	for action, groups := range actionGroups {
		uid := cedar.NewEntityUID("Action", cedar.String(action))
		var parents []cedar.EntityUID
		for _, g := range groups {
			parents = append(parents, cedar.NewEntityUID("Action", cedar.String(g)))
		}
		entities[uid] = cedar.Entity{UID: uid, Parents: cedar.NewEntityUIDSet(parents...)}
	}
	return entities
}
