package embedded

import (
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Partitions is how many partitions each topic has. It can never change: keys would move and lose their order.
const Partitions = 12

// Broker is a Kafka-compatible broker in this process.
type Broker struct {
	// Addr is the loopback address to bootstrap from, host:port.
	Addr    string
	cluster *kfake.Cluster
}

// StartBroker opens the broker whose data is in dir, making dir and any topic that is missing.
func StartBroker(dir string, topics ...string) (*Broker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("hearth-embedded"),
		kfake.DataDir(dir),
		kfake.SyncWrites(),
		kfake.SeedTopics(Partitions, topics...),
	)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker on %s: %w", dir, err)
	}
	return &Broker{Addr: cluster.ListenAddrs()[0], cluster: cluster}, nil
}

// Close flushes everything to disk and stops the broker.
func (b *Broker) Close() { b.cluster.Close() }
