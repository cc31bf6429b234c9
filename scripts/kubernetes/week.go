package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthfps/hearth/scripts/chaos/check"
	"github.com/hearthfps/hearth/services/hearth/play"
)

// stream is a week of arrivals: kept beside a checkout, or generated where it is not.
func stream(root string) (events []byte, from string, err error) {
	events, err = os.ReadFile(filepath.Join(root, "..", "shared", "data", "referrals", "week", "events.ndjson"))
	if !errors.Is(err, os.ErrNotExist) {
		return events, "the week's stream", err
	}
	for n := range 600 {
		_, _, event := play.Generate("week", n, time.Now())
		events = append(append(events, event...), '\n')
		if n%10 == 9 { // and again, as senders do
			events = append(append(events, event...), '\n')
		}
	}
	return events, "600 generated families, the week's stream not being here", nil
}

// verdict is the answer to one line of an import.
type verdict struct {
	Line      int    `json:"line"`
	Status    string `json:"status"`
	ReceiptID string `json:"receipt_id"`
}

// importStream sends a stream in through intake's Service and writes a journal of
// the submissions among it, each once.
func importStream(ctx context.Context, suite *play.Suite, events []byte, journal string) (Figures, error) {
	began := time.Now()
	body, err := suite.As("referrer", "").Stream(ctx, "/intake/v1/events:import", "application/x-ndjson", bytes.NewReader(events))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	sent := bytes.Split(bytes.TrimSpace(events), []byte("\n"))
	statuses := map[string]int{}
	seen := map[string]bool{}
	var out bytes.Buffer
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return nil, fmt.Errorf("the answer %q: %w", lines.Bytes(), err)
		}
		statuses[v.Status]++
		if v.Line < 1 || v.Line > len(sent) {
			return nil, fmt.Errorf("there is a verdict on line %d of %d", v.Line, len(sent))
		}
		var e struct{ Source, ID, Type string }
		if err := json.Unmarshal(sent[v.Line-1], &e); err != nil {
			return nil, err
		}
		if e.Type != "org.hearth.referral.submitted.v1" || v.Status != "accepted" || seen[e.Source+" "+e.ID] {
			continue
		}
		seen[e.Source+" "+e.ID] = true
		line, err := json.Marshal(check.Sent{Source: e.Source, ID: e.ID, Via: "http", ReceiptID: v.ReceiptID, Began: began, Answered: time.Now()})
		if err != nil {
			return nil, err
		}
		out.Write(append(line, '\n'))
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	figures := Figures{"lines": len(sent), "referrals": len(seen)}
	answered := 0
	for status, n := range statuses {
		figures[status] = n
		answered += n
	}
	if answered != len(sent) || statuses["refused"] > 0 {
		return figures, fmt.Errorf("%d lines were sent and the verdicts are %v", len(sent), statuses)
	}
	return figures, os.WriteFile(journal, out.Bytes(), 0o644)
}
