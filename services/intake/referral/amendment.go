package referral

import "maps"

// corrected reads the data of a correction. Whether the changes fit the referral
// they are for is seen when they are applied.
func (r *reader) corrected(data map[string]any, at string, e *Event) {
	e.Kind = Correction
	r.object(data, at, "corrects", "changes")
	e.Target = r.target(data, at, "corrects", e.Ref)
	v, there := data["changes"]
	if !there || v == nil {
		r.missing(at + "/changes")
		return
	}
	r.patch = true
	defer func() { r.patch = false }()
	r.content(v, at+"/changes")
	if m, ok := v.(map[string]any); ok && len(m) == 0 {
		r.fault(at+"/changes", "empty", "changes must not be empty")
	}
}

// withdrawn reads the data of a withdrawal.
func (r *reader) withdrawn(data map[string]any, at string, e *Event) {
	e.Kind = Withdrawal
	r.object(data, at, "withdraws", "reason")
	e.Target = r.target(data, at, "withdraws", e.Ref)
	r.text(data, at, "reason", 2000)
}

func (r *reader) target(data map[string]any, at, name string, own EventRef) EventRef {
	v, there := data[name]
	at += "/" + name
	if !there || v == nil {
		r.missing(at)
		return EventRef{}
	}
	m, ok := r.object(v, at, "source", "id")
	if !ok {
		return EventRef{}
	}
	t := EventRef{Source: r.required(m, at, "source", maxSource), ID: r.required(m, at, "id", maxID)}
	if t == own && t.ID != "" {
		r.fault(at, "self_reference", "an event cannot refer to itself")
	}
	return t
}

// mergePatch applies a JSON merge patch (RFC 7396) to a decoded tree and leaves
// both as they were.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	old, _ := target.(map[string]any)
	merged := make(map[string]any, len(old)+len(changes))
	maps.Copy(merged, old)
	for name, v := range changes {
		if v == nil {
			delete(merged, name)
			continue
		}
		merged[name] = mergePatch(merged[name], v)
	}
	return merged
}
