package hearth

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hearthfps/hearth/services/hearth/ops"
)

// replayCommand moves a stopped service's offsets back. Without --apply it only
// says what would be taken in again.
func replayCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	fs := flag.NewFlagSet("hearth replay", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		topic = fs.String("topic", "", "the topic to take in again")
		from  = fs.String("from", "", "begin with the first message at or after this time (RFC 3339); left out, with the oldest the topic holds")
		apply = fs.Bool("apply", false, "do it; left out, only say what would be done")
	)
	patients := &patientFlags{}
	patients.register(fs)
	if err := parse(fs, args); err != nil {
		return err
	}
	if *topic == "" || !slices.Contains(Topics(), *topic) {
		return &usageError{fmt.Errorf("--topic is one of %v", Topics())}
	}
	all, err := patients.read()
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return &usageError{errors.New("name one service: --config SERVICE=FILE")}
	}
	r := ops.Replay{Group: all[0].Service.Name, Topic: *topic}
	if *from != "" {
		if r.From, err = time.Parse(time.RFC3339, *from); err != nil {
			return &usageError{fmt.Errorf("--from: want a time such as 2026-03-02T08:00:00Z: %w", err)}
		}
	}
	client, transport, err := all[0].Config.KafkaClient("hearth-replay")
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	r.Kafka = client
	moves, err := r.Plan(ctx)
	if err != nil {
		return err
	}
	var again int64
	for _, m := range moves {
		again += m.Again
		if m.Again > 0 {
			fmt.Fprintf(out, "partition %2d: from %d back to %d, %d messages\n", m.Partition, m.Committed, m.To, m.Again)
		}
	}
	if again == 0 {
		_, err := fmt.Fprintf(out, "%s has nothing of %s to take in again: it stands at or before that already\n", r.Group, r.Topic)
		return err
	}
	if !*apply {
		_, err := fmt.Fprintf(out, "%s would take in %d messages of %s again. Events its inbox remembers (30 days) have no effect again. Add --apply to do it, then start %s.\n", r.Group, again, r.Topic, r.Group)
		return err
	}
	if err := r.Apply(ctx, moves); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s takes in %d messages of %s again when it is started\n", r.Group, again, r.Topic)
	return err
}
