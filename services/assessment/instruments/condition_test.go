package instruments

import "testing"

func TestCondition_FollowsThreeValuedLogic(t *testing.T) {
	standing := map[string]Standing{
		"yes":  {State: Answered, Option: "y"},
		"no":   {State: Answered, Option: "n"},
		"open": {State: Open},
		"off":  {State: Disabled},
		"gate": {State: Undetermined},
	}
	at := func(item string) Standing { return standing[item] }
	is := func(item string) Condition { return Condition{Item: item, In: []string{"y"}} }
	not := func(c Condition) Condition { return Condition{Not: &c} }
	all := func(cs ...Condition) Condition { return Condition{All: cs} }
	anyOf := func(cs ...Condition) Condition { return Condition{Any: cs} }
	count := func(n int, items ...string) Condition {
		return Condition{Count: &Count{Items: items, In: []string{"y"}, AtLeast: n}}
	}
	for _, tt := range []struct {
		name string
		c    Condition
		want Truth
	}{
		{"answered so", is("yes"), True},
		{"answered otherwise", is("no"), False},
		{"not answered", is("open"), Unknown},
		{"not asked", is("off"), False},
		{"not known whether asked", is("gate"), Unknown},
		{"not true", not(is("yes")), False},
		{"not false", not(is("no")), True},
		{"not unknown", not(is("open")), Unknown},
		{"all true", all(is("yes"), is("yes")), True},
		{"all, one unknown", all(is("yes"), is("open")), Unknown},
		{"all, one false beside an unknown", all(is("open"), is("no")), False},
		{"any, one true beside an unknown", anyOf(is("open"), is("yes")), True},
		{"any, unknown at best", anyOf(is("no"), is("gate")), Unknown},
		{"any, none", anyOf(is("no"), is("off")), False},
		{"count reached", count(1, "no", "yes", "open"), True},
		{"count that an answer could still reach", count(2, "no", "yes", "open"), Unknown},
		{"count out of reach", count(2, "no", "yes", "off"), False},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.Eval(at); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
