package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// tokens keeps one token for each role and worker: they outlive the run.
type tokens struct {
	mint func(role, worker string) (string, error)

	mu   sync.Mutex
	held map[string]string
}

func newTokens(mint func(role, worker string) (string, error)) *tokens {
	return &tokens{mint: mint, held: map[string]string{}}
}

func (t *tokens) get(_ context.Context, role, worker string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := role + " " + worker
	if held, ok := t.held[key]; ok {
		return held, nil
	}
	token, err := t.mint(role, worker)
	if err == nil {
		t.held[key] = token
	}
	return token, err
}

// sortVictims puts them in an order of their own: a map has none, and a seed must always mean the same.
func sortVictims(v []victim) {
	slices.SortFunc(v, func(a, b victim) int { return cmp.Compare(a.name, b.name) })
}
