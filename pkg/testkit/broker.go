package testkit

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Partitions is how many partitions a topic of the suite has.
const Partitions = 12

var suiteTopics = []string{
	"referrals.inbound.v1",
	"intake.events.v1", "assessment.events.v1", "planning.events.v1",
	"visit-scheduling.events.v1", "resource-directory.events.v1", "notification.events.v1",
}

// Broker gives the test a broker with the suite's topics and any others named,
// and returns its bootstrap addresses. For faults, use BrokerCluster.
func Broker(t testing.TB, topics ...string) []string {
	t.Helper()
	return BrokerCluster(t, topics...).ListenAddrs()
}

// BrokerCluster is Broker for a test that bends the broker: kfake's control
// functions see, delay, fail or drop requests.
func BrokerCluster(t testing.TB, topics ...string) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("hearth-test"),
		kfake.SeedTopics(Partitions, append(topics, suiteTopics...)...),
		kfake.GroupMinSessionTimeout(100*time.Millisecond),
	)
	if err != nil {
		t.Fatalf("start test broker: %v", err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}
