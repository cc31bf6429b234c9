package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// partitions is how many each topic has, for ever.
	partitions = 12
	// shortestRetention is how long topics must keep messages: an outage over a
	// holiday must lose nothing.
	shortestRetention = 7 * 24 * time.Hour
	// longestRetention is how long the inbox remembers: a message taken in again
	// after that has its effect again.
	longestRetention = 30 * 24 * time.Hour
)

// brokers looks at topics, and at the service's consumer group.
func (d Doctor) brokers(ctx context.Context, r *report, p Patient) {
	client, transport, err := p.Config.KafkaClient("hearth-doctor")
	if err != nil {
		r.fault("broker", err.Error(), "Mend kafka_security.")
		return
	}
	defer transport.CloseIdleConnections()
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: d.Topics})
	if err != nil {
		r.fault("broker", "none of "+list(p.Config.Kafka)+" answers: "+err.Error(), "Is kafka right, do TLS and login fit, and may this machine reach them?")
		return
	}
	r.good("broker", plural(int64(len(answer.Brokers)), "broker answers", "brokers answer"))
	there := d.topics(r, answer)
	d.retention(ctx, r, client, there)
	d.group(ctx, r, client, p.Service.Name)
}

// topics checks what each topic is like, and returns those there are.
func (d Doctor) topics(r *report, answer *kafka.MetadataResponse) []string {
	var there, missing, wrong, headless, single []string
	for _, t := range answer.Topics {
		if errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			missing = append(missing, t.Name)
			continue
		}
		there = append(there, t.Name)
		if len(t.Partitions) != partitions {
			wrong = append(wrong, fmt.Sprintf("%s has %d", t.Name, len(t.Partitions)))
		}
		for _, p := range t.Partitions {
			if p.Error != nil || p.Leader.Host == "" {
				headless = append(headless, fmt.Sprintf("%s/%d", t.Name, p.ID))
			}
			if len(answer.Brokers) > 1 && len(p.Replicas) == 1 && p.ID == 0 {
				single = append(single, t.Name)
			}
		}
	}
	if len(missing) > 0 {
		r.fault("topics", "there is no "+list(missing), "Make them with 12 partitions: deploy/kubernetes/kafka. Services make none.")
	}
	if len(wrong) > 0 {
		r.fault("topics", "each has 12 partitions; "+list(wrong), "It cannot be changed without moving families' events out of order: make the topic anew before anything is in it.")
	}
	if len(headless) > 0 {
		r.fault("topics", "no broker leads "+list(headless), "Bring the broker back that has them.")
	}
	if len(single) > 0 {
		r.warn("topics", "one broker alone has "+list(single), "Three replicas, two of them in sync: min.insync.replicas=2.")
	}
	if len(missing)+len(wrong)+len(headless) == 0 {
		r.good("topics", fmt.Sprintf("all %d are there, with 12 partitions", len(there)))
	}
	slices.Sort(there)
	return there
}

func (d Doctor) retention(ctx context.Context, r *report, client *kafka.Client, topics []string) {
	request := &kafka.DescribeConfigsRequest{}
	for _, t := range topics {
		request.Resources = append(request.Resources, kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: t, ConfigNames: []string{"retention.ms", "cleanup.policy"}})
	}
	if len(topics) == 0 {
		return
	}
	answer, err := client.DescribeConfigs(ctx, request)
	if err != nil {
		r.warn("retention", "the brokers do not say: "+err.Error(), "Let the doctor's user describe topic configurations.")
		return
	}
	bad := 0
	for _, t := range answer.Resources {
		for _, entry := range t.ConfigEntries {
			switch entry.ConfigName {
			case "cleanup.policy":
				if entry.ConfigValue != "" && entry.ConfigValue != "delete" {
					bad++
					r.fault("retention", t.ResourceName+" is compacted: earlier events of a family are thrown away", "Set cleanup.policy=delete.")
				}
			case "retention.ms":
				bad += d.kept(r, t.ResourceName, entry.ConfigValue)
			}
		}
	}
	if bad == 0 {
		r.good("retention", "between 7 and 30 days")
	}
}

func (d Doctor) kept(r *report, topic, ms string) int {
	n, err := strconv.ParseInt(ms, 10, 64)
	kept := time.Duration(n) * time.Millisecond
	switch {
	case err != nil:
		return 0 // not said
	case n < 0 || kept > longestRetention:
		r.warn("retention", topic+" keeps messages longer than the inbox remembers them (30 days)", "Set retention.ms to at most 2592000000; a replay from further back would have effects again.")
	case kept < shortestRetention:
		r.fault("retention", fmt.Sprintf("%s keeps messages %s: an outage longer than that loses events", topic, kept), "Set retention.ms to at least 604800000 (7 days).")
	default:
		return 0
	}
	return 1
}

// group says whether the service takes events in, and keeps up.
func (d Doctor) group(ctx context.Context, r *report, client *kafka.Client, name string) {
	answer, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{name}})
	if err != nil || len(answer.Groups) == 0 {
		r.fault("consumer group", fmt.Sprintf("the brokers do not tell of it: %v", err), "Let the doctor's user describe groups.")
		return
	}
	g := answer.Groups[0]
	topics := map[string]bool{}
	for _, m := range g.Members {
		for _, t := range m.MemberMetadata.Topics {
			topics[t] = true
		}
	}
	if len(g.Members) == 0 {
		r.fault("consumer group", "nobody is in it: "+name+" takes no events in", "Is the service running? A replay leaves it stopped: start it again.")
		return
	}
	if g.GroupState != "Stable" {
		r.warn("consumer group", "it is being shared out anew ("+g.GroupState+")", "Look again in a minute; when it lasts, runbook HearthEventsUnassigned.")
		return
	}
	before, behind, err := lag(ctx, client, name, sortedKeys(topics))
	if err != nil {
		r.fault("consumer group", err.Error(), "")
		return
	}
	if behind == 0 {
		r.good("consumer group", fmt.Sprintf("%s, nothing waits in %s", plural(int64(len(g.Members)), "member", "members"), list(sortedKeys(topics))))
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d.Stuck):
	}
	after, still, err := lag(ctx, client, name, sortedKeys(topics))
	switch {
	case err != nil:
		r.fault("consumer group", err.Error(), "")
	case still > 0 && after == before:
		r.fault("consumer group", fmt.Sprintf("%s and it does not move", plural(still, "message waits", "messages wait")), "Runbook HearthEventsLate.")
	default:
		r.good("consumer group", fmt.Sprintf("it moves; %s", plural(still, "message waits", "messages wait")))
	}
}

// lag is the sum of a group's offsets, which tells progress, and how many messages wait.
func lag(ctx context.Context, client *kafka.Client, group string, topics []string) (sum, behind int64, err error) {
	for _, topic := range topics {
		ids := make([]int, partitions)
		requests := make([]kafka.OffsetRequest, 0, 2*partitions)
		for i := range ids {
			ids[i] = i
			requests = append(requests, kafka.LastOffsetOf(i), kafka.FirstOffsetOf(i))
		}
		done, err := committed(ctx, client, group, topic, ids)
		if err != nil {
			return 0, 0, err
		}
		ends, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
		if err != nil {
			return 0, 0, fmt.Errorf("ask where %s ends: %w", topic, err)
		}
		for _, p := range ends.Topics[topic] {
			if p.Error != nil {
				return 0, 0, fmt.Errorf("ask where partition %d of %s ends: %w", p.Partition, topic, p.Error)
			}
			at := max(done[p.Partition], p.FirstOffset, 0)
			sum += at
			behind += max(p.LastOffset-at, 0)
		}
	}
	return sum, behind, nil
}
