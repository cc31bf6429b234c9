package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Kafka is one real Apache Kafka broker that is its own KRaft controller.
type Kafka struct {
	*Process
	Addr string // host:port to bootstrap from
}

// NewKafka prepares a broker with its data in dir and the jars in libs (scripts/kafka fetches them); Start runs it.
func NewKafka(libs, dir string) (*Kafka, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java 17: %w", ErrMissing)
	}
	if jars, _ := filepath.Glob(filepath.Join(libs, "kafka-server-*.jar")); len(jars) == 0 {
		return nil, fmt.Errorf("the jars of Kafka in %s: %w", libs, ErrMissing)
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of Kafka: %w", err)
	}
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	controller, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	props := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(props, []byte(serverProperties(addr, controller, data)), 0o644); err != nil {
		return nil, fmt.Errorf("write %s: %w", props, err)
	}
	// The cluster id is 16 bytes in base64url; any value will do for a cluster of one.
	format := exec.Command(java, "-cp", filepath.Join(libs, "*"), "kafka.tools.StorageTool",
		"format", "--ignore-formatted", "-t", "aGVhcnRoLXRlc3RzLTAwMA", "-c", props)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the storage of Kafka: %w: %s", err, out)
	}
	return &Kafka{
		Addr: addr,
		Process: &Process{
			Name: "kafka", Dir: dir,
			Args: []string{
				java, "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
				"-cp", filepath.Join(libs, "*"), "kafka.Kafka", props,
			},
			Ready: kafkaAnswers(addr),
		},
	}, nil
}

func serverProperties(addr, controller, data string) string {
	return strings.Join([]string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + controller,
		"listeners=PLAINTEXT://" + addr + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + addr,
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAINTEXT",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + data,
		"auto.create.topics.enable=false",
		// One broker stands for a cluster here: what it acknowledges must survive its own death, so each write is flushed.
		"log.flush.interval.messages=1",
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=3",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"group.initial.rebalance.delay.ms=0",
		"broker.session.timeout.ms=3000",
		"broker.heartbeat.interval.ms=500",
		"",
	}, "\n")
}

func kafkaAnswers(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		c, err := (&kafka.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
			return err
		}
		brokers, err := c.Brokers()
		if err != nil {
			return err
		}
		if len(brokers) == 0 { // up, but fenced: not yet registered with the controller
			return errors.New("no broker is registered yet")
		}
		return nil
	}
}

// CreateTopics makes each topic with the given number of partitions, as a deployment would.
func (k *Kafka) CreateTopics(ctx context.Context, partitions int, topics ...string) error {
	client := &kafka.Client{Addr: kafka.TCP(k.Addr), Timeout: 10 * time.Second}
	req := &kafka.CreateTopicsRequest{}
	for _, t := range topics {
		req.Topics = append(req.Topics, kafka.TopicConfig{Topic: t, NumPartitions: partitions, ReplicationFactor: 1})
	}
	res, err := client.CreateTopics(ctx, req)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for t, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s with %s partitions: %w", t, strconv.Itoa(partitions), err)
		}
	}
	return nil
}
