package events

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// routes say which handlers an event or message goes to.
type routes struct {
	topics  []string // sorted, each once
	byTopic map[string][]Subscription
	raw     map[string]RawHandler
}

func newRoutes(subscriptions []Subscription, raw []RawSubscription) (routes, error) {
	r := routes{byTopic: map[string][]Subscription{}, raw: map[string]RawHandler{}}
	var errs []error
	for _, s := range subscriptions {
		errs = append(errs, s.check())
		for _, topic := range s.Topics {
			r.byTopic[topic] = append(r.byTopic[topic], s)
		}
	}
	for _, s := range raw {
		if s.Topic == "" || s.Handler == nil || r.byTopic[s.Topic] != nil || r.raw[s.Topic] != nil {
			errs = append(errs, fmt.Errorf("raw topic %q: it needs a handler, and no other subscription", s.Topic))
			continue
		}
		r.raw[s.Topic] = s.Handler
	}
	for topic := range r.byTopic {
		r.topics = append(r.topics, topic)
	}
	for topic := range r.raw {
		r.topics = append(r.topics, topic)
	}
	slices.Sort(r.topics)
	return r, errors.Join(errs...)
}

func (s Subscription) check() error {
	var errs []error
	if len(s.Topics) == 0 || (len(s.Handlers) == 0 && s.Fallback == nil) {
		errs = append(errs, errors.New("a subscription needs topics and handlers"))
	}
	for kind, handler := range s.Handlers {
		service, err := serviceOf(kind)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if handler == nil {
			errs = append(errs, fmt.Errorf("the handler of %s is nil", kind))
		}
		if !slices.Contains(s.Topics, Topic(service)) {
			errs = append(errs, fmt.Errorf("events of type %s are on topic %s, which their subscription does not name", kind, Topic(service)))
		}
	}
	return errors.Join(errs...)
}

// find gives the handlers of an event: of each subscription to its topic the one
// for its type, else the fallback. With none at all, otherMajor says that another
// major version of the type is handled; such an event is not to be skipped.
func (r routes) find(topic, eventType string) (handlers []Handler, otherMajor bool) {
	name, _ := splitMajor(eventType)
	for _, s := range r.byTopic[topic] {
		if handler, ok := s.Handlers[eventType]; ok {
			handlers = append(handlers, handler)
			continue
		}
		if s.Fallback != nil {
			handlers = append(handlers, s.Fallback)
			continue
		}
		for kind := range s.Handlers {
			if had, _ := splitMajor(kind); had == name {
				otherMajor = true
			}
		}
	}
	return handlers, otherMajor && len(handlers) == 0
}

// String lists the topics, for logs.
func (r routes) String() string { return strings.Join(r.topics, " ") }
