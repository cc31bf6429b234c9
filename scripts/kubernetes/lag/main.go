// Command lag answers the external metrics API of Kubernetes with the lag of
// consumer groups, for a test cluster: it stands in for KEDA's metrics server, so
// that a HorizontalPodAutoscaler as KEDA makes them scales a consumer. It answers
// one metric, kafka-lag, selected by the labels group and topic.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/scripts/kubernetes/serve"
)

const (
	group  = "/apis/external.metrics.k8s.io/v1beta1"
	metric = "kafka-lag"
)

func main() { serve.Main("lag", lagServer) }

func lagServer(args []string) (*http.Server, error) {
	fs := flag.NewFlagSet("lag", flag.ContinueOnError)
	listen := fs.String("listen", ":6443", "the address to answer at, with TLS")
	broker := fs.String("kafka", "kafka:9092", "a broker to ask")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	certificate, err := selfSigned()
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Addr: *listen, Handler: &server{client: &kafka.Client{Addr: kafka.TCP(*broker), Timeout: 10 * time.Second}}, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}},
	}, nil
}

// selfSigned makes a certificate for this run; the API server is told not to look at it.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour), DNSNames: []string{"lag"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

type server struct{ client *kafka.Client }

// ServeHTTP answers discovery and the metric.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case path == group:
		answer(w, http.StatusOK, map[string]any{
			"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "external.metrics.k8s.io/v1beta1",
			"resources": []any{map[string]any{"name": metric, "singularName": "", "namespaced": true, "kind": "ExternalMetricValueList", "verbs": []string{"get"}}},
		})
	case strings.HasPrefix(path, group+"/namespaces/") && strings.HasSuffix(path, "/"+metric):
		labels := selected(r.URL.Query().Get("labelSelector"))
		lag, err := s.lag(r.Context(), labels["group"], labels["topic"])
		if err != nil {
			slog.Warn("no lag to tell", "group", labels["group"], "topic", labels["topic"], "error", err)
			answer(w, http.StatusServiceUnavailable, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503, "message": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{
			"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": map[string]any{},
			"items": []any{map[string]any{
				"metricName": metric, "metricLabels": labels, "timestamp": time.Now().UTC().Format(time.RFC3339), "value": strconv.FormatInt(lag, 10),
			}},
		})
	case path == "/healthz":
		w.WriteHeader(http.StatusOK)
	default:
		answer(w, http.StatusNotFound, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound"})
	}
}

// selected reads a selector of equalities, "a=b,c=d".
func selected(selector string) map[string]string {
	labels := map[string]string{}
	for part := range strings.SplitSeq(selector, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			labels[name] = value
		}
	}
	return labels
}

// lag is how many records of a topic a group has not committed yet.
func (s *server) lag(ctx context.Context, group, topic string) (int64, error) {
	if group == "" || topic == "" {
		return 0, errors.New("the selector must name group and topic")
	}
	meta, err := s.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, fmt.Errorf("ask for the partitions of %s: %w", topic, err)
	}
	wanted, partitions := []kafka.OffsetRequest{}, []int{}
	for _, t := range meta.Topics {
		if t.Error != nil {
			return 0, fmt.Errorf("topic %s: %w", topic, t.Error)
		}
		for _, p := range t.Partitions {
			partitions = append(partitions, p.ID)
			wanted = append(wanted, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
		}
	}
	ends, err := s.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: wanted}})
	if err != nil {
		return 0, fmt.Errorf("ask for the ends of %s: %w", topic, err)
	}
	read, err := s.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: partitions}})
	if err != nil {
		return 0, fmt.Errorf("ask for the offsets of %s: %w", group, err)
	}
	// A group that never committed is one the broker may not know.
	if read.Error != nil && !errors.Is(read.Error, kafka.GroupIdNotFound) {
		return 0, fmt.Errorf("ask for the offsets of %s: %w", group, read.Error)
	}
	at := map[int]int64{} // what is not there is nothing read
	for _, p := range read.Topics[topic] {
		at[p.Partition] = p.CommittedOffset
	}
	var lag int64
	for _, p := range ends.Topics[topic] {
		if p.Error != nil {
			return 0, p.Error
		}
		lag += p.LastOffset - max(at[p.Partition], p.FirstOffset)
	}
	return lag, nil
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an asker that has gone is no fault of ours
}
