package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Store keeps samples in memory. It is for one goroutine.
type Store struct {
	byName  map[string][]*series
	byHash  map[uint64]*series
	scraped map[*series]bool // those of the last scrape
}

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// NewStore is empty.
func NewStore() *Store {
	return &Store{byName: map[string][]*series{}, byHash: map[uint64]*series{}, scraped: map[*series]bool{}}
}

type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) F() float64                    { return s.v }
func (s sample) ST() int64                     { return 0 }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// Append adds a sample. Times of one series grow; an earlier one is left out.
func (s *Store) Append(l labels.Labels, at time.Time, v float64) *series {
	found, ok := s.byHash[l.Hash()]
	if !ok {
		found = &series{labels: l}
		s.byHash[l.Hash()] = found
		name := l.Get(labels.MetricName)
		s.byName[name] = append(s.byName[name], found)
	}
	t := at.UnixMilli()
	if n := len(found.samples); n > 0 && found.samples[n-1].T() >= t {
		return found
	}
	found.samples = append(found.samples, sample{t, v})
	return found
}

// End marks that a series is no longer there.
func (s *Store) End(l labels.Labels, at time.Time) {
	s.Append(l, at, math.Float64frombits(value.StaleNaN))
}

// Scrape takes in the answer of a /metrics endpoint. A series that was in the last
// answer and is not in this one ends, as Prometheus has it.
func (s *Store) Scrape(text []byte, at time.Time) error {
	p := textparse.NewPromParser(text, labels.NewSymbolTable(), false)
	now := map[*series]bool{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read metrics: %w", err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var l labels.Labels
		p.Labels(&l)
		now[s.Append(l, at, v)] = true
	}
	for old := range s.scraped {
		if !now[old] {
			s.End(old.labels, at)
		}
	}
	s.scraped = now
	return nil
}

// Names are the metrics there are, each with its label names.
func (s *Store) Names() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for name, of := range s.byName {
		all[name] = map[string]bool{}
		for _, one := range of {
			one.labels.Range(func(l labels.Label) { all[name][l.Name] = true })
		}
	}
	return all
}

// Querier implements storage.Queryable.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) {
	return querier{s, mint, maxt}, nil
}

type querier struct {
	*Store
	mint, maxt int64
}

func (q querier) Select(_ context.Context, sorted bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var candidates []*series
	for _, m := range matchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			candidates = q.byName[m.Value]
		}
	}
	var found []storage.Series
	for _, one := range candidates {
		if !matches(one.labels, matchers) {
			continue
		}
		from := sort.Search(len(one.samples), func(i int) bool { return one.samples[i].T() >= q.mint })
		to := sort.Search(len(one.samples), func(i int) bool { return one.samples[i].T() > q.maxt })
		if from < to {
			found = append(found, storage.NewListSeries(one.labels, one.samples[from:to]))
		}
	}
	if sorted {
		sort.Slice(found, func(i, j int) bool { return labels.Compare(found[i].Labels(), found[j].Labels()) < 0 })
	}
	return &seriesSet{list: found, at: -1}
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.New("label values are not kept")
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.New("label names are not kept")
}

func (querier) Close() error { return nil }

type seriesSet struct {
	list []storage.Series
	at   int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series              { return s.list[s.at] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }
