package instruments

import "slices"

// Condition is a question about answers. Exactly one of its forms is set.
type Condition struct {
	Item  string      // with In: the item's answer is one of In
	In    []string    //
	All   []Condition // every one holds
	Any   []Condition // at least one holds
	Not   *Condition  // it does not hold
	Count *Count      // enough of some items have one of some answers
}

// Count holds when at least AtLeast of Items are answered with one of In.
type Count struct {
	Items   []string
	In      []string
	AtLeast int
}

// Truth is what a condition comes to while some answers may be missing.
type Truth int8

const (
	False   Truth = -1
	Unknown Truth = 0
	True    Truth = 1
)

// State is where an item stands.
type State int8

const (
	// Undetermined: the answer that decides whether it is asked is missing.
	Undetermined State = iota
	// Disabled: not asked; an answer it may hold does not exist for any rule.
	Disabled
	// Open: asked and not answered.
	Open
	// Answered: asked and answered.
	Answered
)

// Standing is an item's state and, when Answered, the option chosen.
type Standing struct {
	State  State
	Option string
}

// Eval says whether c holds, by Kleene's three-valued logic: what depends on a
// missing answer is Unknown, and a missing answer is never taken for any option.
func (c *Condition) Eval(at func(item string) Standing) Truth {
	switch {
	case c.Item != "":
		return match(at(c.Item), c.In)
	case c.All != nil:
		t := True
		for i := range c.All {
			t = min(t, c.All[i].Eval(at))
		}
		return t
	case c.Any != nil:
		t := False
		for i := range c.Any {
			t = max(t, c.Any[i].Eval(at))
		}
		return t
	case c.Not != nil:
		return -c.Not.Eval(at)
	case c.Count != nil:
		return c.Count.eval(at)
	}
	return Unknown
}

func (c *Count) eval(at func(string) Standing) Truth {
	hold, open := 0, 0
	for _, it := range c.Items {
		switch match(at(it), c.In) {
		case True:
			hold++
		case Unknown:
			open++
		}
	}
	switch {
	case hold >= c.AtLeast:
		return True
	case hold+open >= c.AtLeast:
		return Unknown
	}
	return False
}

func match(s Standing, in []string) Truth {
	switch s.State {
	case Answered:
		if slices.Contains(in, s.Option) {
			return True
		}
		return False
	case Disabled:
		return False
	}
	return Unknown
}

// items calls f with every item and answer c names.
func (c *Condition) items(f func(item string, in []string)) {
	switch {
	case c.Item != "":
		f(c.Item, c.In)
	case c.Count != nil:
		for _, it := range c.Count.Items {
			f(it, c.Count.In)
		}
	case c.Not != nil:
		c.Not.items(f)
	}
	for i := range c.All {
		c.All[i].items(f)
	}
	for i := range c.Any {
		c.Any[i].items(f)
	}
}
