package archive

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// record is one record of a topic, a line of its file.
type record struct {
	Partition int            `json:"partition"`
	Offset    int64          `json:"offset"`
	Time      time.Time      `json:"time"`
	Key       []byte         `json:"key,omitempty"`
	Value     []byte         `json:"value,omitempty"`
	Headers   []kafka.Header `json:"headers,omitempty"`
}

// brokers answers where topics and groups are. What takes time was asked before.
type brokers struct {
	client     *kafka.Client
	partitions map[string][]int
}

func openKafka(ctx context.Context, s Suite) (*brokers, error) {
	k := &brokers{client: s.client(), partitions: map[string][]int{}}
	meta, err := k.client.Metadata(ctx, &kafka.MetadataRequest{Topics: s.Topics})
	if err != nil {
		return nil, fmt.Errorf("ask Kafka for the topics: %w", err)
	}
	for _, t := range meta.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		for _, p := range t.Partitions {
			k.partitions[t.Name] = append(k.partitions[t.Name], p.ID)
		}
		slices.Sort(k.partitions[t.Name])
	}
	return k, nil
}

// ends is where each partition begins and ends now.
func (k *brokers) ends(ctx context.Context, topics []string) (map[string][]Partition, error) {
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for _, t := range topics {
		for _, p := range k.partitions[t] {
			req.Topics[t] = append(req.Topics[t], kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
		}
	}
	res, err := k.client.ListOffsets(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("ask Kafka where the topics end: %w", err)
	}
	ends := map[string][]Partition{}
	for topic, partitions := range res.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("ask where %s/%d ends: %w", topic, p.Partition, p.Error)
			}
			ends[topic] = append(ends[topic], Partition{ID: p.Partition, Begin: p.FirstOffset, End: p.LastOffset})
		}
		slices.SortFunc(ends[topic], func(a, b Partition) int { return a.ID - b.ID })
	}
	return ends, nil
}

// committed are the offsets of the groups, where they have any.
func (k *brokers) committed(ctx context.Context, groups, topics []string) (map[string]map[string]map[int]int64, error) {
	all := map[string]map[string]map[int]int64{}
	for _, g := range groups {
		req := &kafka.OffsetFetchRequest{GroupID: g, Topics: map[string][]int{}}
		for _, t := range topics {
			req.Topics[t] = k.partitions[t]
		}
		res, err := k.client.OffsetFetch(ctx, req)
		if err == nil && !errors.Is(res.Error, kafka.GroupIdNotFound) {
			err = res.Error
		}
		if err != nil {
			return nil, fmt.Errorf("ask Kafka for the offsets of group %s: %w", g, err)
		}
		of := map[string]map[int]int64{}
		for topic, partitions := range res.Topics {
			for _, p := range partitions {
				if p.Error != nil {
					return nil, fmt.Errorf("ask for the offset of group %s in %s/%d: %w", g, topic, p.Partition, p.Error)
				}
				if p.CommittedOffset < 0 {
					continue
				}
				if of[topic] == nil {
					of[topic] = map[int]int64{}
				}
				of[topic][p.Partition] = p.CommittedOffset
			}
		}
		all[g] = of
	}
	return all, nil
}

// copyTopic writes the records of a topic up to the ends to a file.
func copyTopic(ctx context.Context, dir string, s Suite, topic string, ends []Partition) (t Topic, err error) {
	t = Topic{Name: topic, File: topic + ".ndjson.gz"}
	f, err := os.OpenFile(filepath.Join(dir, t.File), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return t, err
	}
	packed := gzip.NewWriter(f)
	out := json.NewEncoder(packed)
	for _, p := range ends {
		if p.Records, err = copyPartition(ctx, s, topic, p, out); err != nil {
			return t, errors.Join(fmt.Errorf("partition %d: %w", p.ID, err), f.Close())
		}
		t.Partitions = append(t.Partitions, p)
	}
	if err := errors.Join(packed.Close(), f.Sync(), f.Close()); err != nil {
		return t, err
	}
	t.SHA256, err = sum(filepath.Join(dir, t.File))
	return t, err
}

func copyPartition(ctx context.Context, s Suite, topic string, p Partition, out *json.Encoder) (n int, err error) {
	if p.Begin >= p.End {
		return 0, nil
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{s.Kafka}, Dialer: s.dialer(), Topic: topic, Partition: p.ID, MaxWait: 100 * time.Millisecond, MaxBytes: 4 << 20})
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.SetOffset(p.Begin); err != nil {
		return 0, err
	}
	for at := p.Begin; at < p.End; {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return n, err
		}
		if m.Offset >= p.End {
			return n, nil
		}
		at = m.Offset + 1
		err = out.Encode(record{Partition: p.ID, Offset: m.Offset, Time: m.Time, Key: m.Key, Value: m.Value, Headers: m.Headers})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// pourTopic writes a copied topic into an empty one of the same name, each record
// to the partition it came from, in the same order.
func pourTopic(ctx context.Context, dir string, s Suite, t Topic) (err error) {
	f, err := os.Open(filepath.Join(dir, t.File))
	if err != nil {
		return err
	}
	defer f.Close() // read only
	packed, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return err
	}
	w := &kafka.Writer{
		Addr: kafka.TCP(s.Kafka), Transport: s.transport(), Topic: t.Name, RequiredAcks: kafka.RequireAll, BatchTimeout: 5 * time.Millisecond, BatchSize: 500,
		// One try: a batch sent again could stand twice.
		MaxAttempts: 1,
		Balancer:    kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.WriterData.(int) }),
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	lines := json.NewDecoder(packed)
	var batch []kafka.Message
	for {
		var r record
		err := lines.Decode(&r)
		if err == nil {
			batch = append(batch, kafka.Message{Key: r.Key, Value: r.Value, Headers: r.Headers, Time: r.Time, WriterData: r.Partition})
		}
		if ended := errors.Is(err, io.EOF); len(batch) == 1000 || ended && len(batch) > 0 {
			if err := w.WriteMessages(ctx, batch...); err != nil {
				return fmt.Errorf("write to topic %s: %w", t.Name, err)
			}
			batch = batch[:0]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", t.File, err)
		}
	}
}
