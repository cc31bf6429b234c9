package play

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// Generate makes the n-th referral event of a stream: the same stream and n
// make the same event, and no two share a source and id. Each is about a family
// of its own, of two to five people, with names made of syllables, so that
// none is anybody's. The event is a structured CloudEvent of about 2 KB.
func Generate(stream string, n int, at time.Time) (source, id string, event []byte) {
	r := rand.New(rand.NewPCG(hash(stream), uint64(n)))
	source, id = "/systems/generated/"+stream, fmt.Sprintf("%s-%06d", stream, n)
	at = at.UTC()

	family := name(r, 3)
	address := map[string]any{
		"lines": []string{fmt.Sprintf("%skatu %d", name(r, 2), 1+r.IntN(180))}, "city": "Oulu",
		"postal_code": fmt.Sprintf("90%03d", r.IntN(1000)), "country": "FI", "confidential": r.IntN(20) == 0,
	}
	language := one(r, "fi", "fi", "fi", "en", "sv")
	var persons, relationships []map[string]any
	var members, caregivers, children []string
	add := func(role string, born time.Time, sex string) {
		ref := fmt.Sprintf("p%d", len(persons)+1)
		p := map[string]any{
			"ref": ref, "role": role, "sex": sex, "languages": []string{language}, "addresses": []any{address},
			"name": map[string]any{"given": []string{name(r, 2)}, "family": family}, "birth_date": born.Format(time.DateOnly),
		}
		if role == "caregiver" {
			caregivers = append(caregivers, ref)
			p["contacts"] = []map[string]any{{"kind": "phone", "value": fmt.Sprintf("+35840%07d", r.IntN(1e7)), "safe": one(r, "yes", "unknown", "no")}}
		} else {
			children = append(children, ref)
		}
		persons, members = append(persons, p), append(members, ref)
	}
	for range 1 + r.IntN(2) {
		add("caregiver", at.AddDate(-22-r.IntN(25), 0, -r.IntN(365)), one(r, "female", "male"))
	}
	for range 1 + r.IntN(3) {
		add("child", at.AddDate(-r.IntN(17), 0, -1-r.IntN(360)), one(r, "female", "male"))
	}
	for _, c := range caregivers {
		for _, k := range children {
			relationships = append(relationships, map[string]any{"from": c, "to": k, "type": "parent_of"})
		}
	}
	concern := one(r, "neglect", "financial", "housing", "mental_health", "substance_use", "parent_child_conflict", "child_behaviour", "domestic_violence")
	flags := []string{}
	if concern == "domestic_violence" {
		flags = append(flags, "domestic_violence")
	}
	data := map[string]any{
		"external_id": id, "received_at": at.Format(time.RFC3339), "channel": one(r, "school", "police", "hospital", "hotline", "web"),
		"kind": "notification", "narrative": "What was seen and heard: " + name(r, 40) + ".",
		"concerns":          []any{map[string]any{"code": concern, "subjects": children}},
		"requested_program": nil, "urgency": one(r, "standard", "standard", "standard", "low", "high"), "safety_flags": flags,
		"reporter": map[string]any{
			"anonymous": false, "name": map[string]any{"given": []string{name(r, 2)}, "family": name(r, 3)}, "role": "teacher",
			"mandated": true, "organisation": "school", "wants_feedback": false,
			"contacts": []any{map[string]any{"kind": "email", "value": fmt.Sprintf("reporter%d@example.org", r.IntN(1e6))}},
		},
		"persons": persons, "relationships": relationships, "household": map[string]any{"members": members},
	}
	event, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": id, "source": source, "type": "org.hearth.referral.submitted.v1",
		"time": at.Format(time.RFC3339), "datacontenttype": "application/json", "subject": id, "data": data,
	})
	if err != nil {
		panic(err) // maps of strings always encode
	}
	return source, id, event
}

func hash(s string) uint64 {
	var h uint64 = 14695981039346656037 // FNV-1a, 64 bits
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// name makes a capitalised word of n syllables.
func name(r *rand.Rand, n int) string {
	b := make([]byte, 0, 3*n)
	for range n {
		b = append(b, "bdfghjklmnprstv"[r.IntN(15)], "aeiouy"[r.IntN(6)])
		if r.IntN(3) == 0 {
			b = append(b, "nrsl"[r.IntN(4)])
		}
	}
	b[0] -= 'a' - 'A'
	return string(b)
}
