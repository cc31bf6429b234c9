package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Rebase moves the demo's own events to end at now: every time in them is
// shifted by the same span, and every id gets now's date, so that the demo sent
// again on the same day sends the same events.
func Rebase(events []byte, now time.Time) ([]byte, error) {
	var (
		lines = bytes.Split(bytes.TrimSpace(events), []byte("\n"))
		last  time.Time
		all   = make([]map[string]any, 0, len(lines))
	)
	for i, line := range lines {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(e["time"]))
		if err != nil {
			return nil, fmt.Errorf("line %d: time: %w", i+1, err)
		}
		if at.After(last) {
			last = at
		}
		all = append(all, e)
	}
	// From the start of the day, so that the shift is the same for all of it.
	day := now.UTC().Truncate(24 * time.Hour)
	shift := day.Sub(last)
	suffix := "-" + day.Format("20060102")
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for i, e := range all {
		if err := rebaseEvent(e, shift, suffix); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if err := enc.Encode(e); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return out.Bytes(), nil
}

func rebaseEvent(e map[string]any, shift time.Duration, suffix string) error {
	e["id"] = fmt.Sprint(e["id"]) + suffix
	data, _ := e["data"].(map[string]any)
	for _, link := range []string{"corrects", "withdraws"} {
		if to, ok := data[link].(map[string]any); ok {
			to["id"] = fmt.Sprint(to["id"]) + suffix
		}
	}
	for _, field := range []struct {
		of   map[string]any
		name string
	}{{e, "time"}, {data, "received_at"}} {
		text, ok := field.of[field.name].(string)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
		field.of[field.name] = at.Add(shift).Format(time.RFC3339)
	}
	return nil
}
