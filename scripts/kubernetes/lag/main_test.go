package main

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/testkit"
)

func TestServer_TellsTheLagOfAGroup(t *testing.T) {
	broker := testkit.Broker(t, "planning.events.v1")
	client := &kafka.Client{Addr: kafka.TCP(broker...), Timeout: 10 * time.Second}
	w := &kafka.Writer{Addr: kafka.TCP(broker...), Topic: "planning.events.v1", RequiredAcks: kafka.RequireAll, Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return 3 })}
	defer w.Close()
	if err := w.WriteMessages(t.Context(), make([]kafka.Message, 7)...); err != nil {
		t.Fatal(err)
	}
	s := &server{client: client}
	lag := func() string {
		t.Helper()
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest("GET", group+"/namespaces/hearth/kafka-lag?labelSelector=group%3Dplanning%2Ctopic%3Dplanning.events.v1", nil))
		var list struct {
			Items []struct {
				Value string `json:"value"`
			} `json:"items"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil || len(list.Items) != 1 {
			t.Fatalf("the answer is %d %s", rec.Code, rec.Body)
		}
		return list.Items[0].Value
	}
	if got := lag(); got != "7" {
		t.Errorf("before anything was committed the lag is %s, want 7", got)
	}
	_, err := client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: "planning", GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{"planning.events.v1": {{Partition: 3, Offset: 5}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := lag(); got != "2" {
		t.Errorf("after a commit of 5 the lag is %s, want 2", got)
	}
}
