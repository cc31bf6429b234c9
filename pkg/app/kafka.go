package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// open reads the security settings: nil and nil when there is none.
func (k KafkaSecurity) open() (*tls.Config, sasl.Mechanism, error) {
	var secured *tls.Config
	if k.TLS {
		secured = &tls.Config{MinVersion: tls.VersionTLS12}
		if k.CAFile != "" {
			pem, err := os.ReadFile(k.CAFile)
			if err != nil {
				return nil, nil, fmt.Errorf("kafka_security.ca_file: %w", err)
			}
			secured.RootCAs = x509.NewCertPool()
			if !secured.RootCAs.AppendCertsFromPEM(pem) {
				return nil, nil, errors.New("kafka_security.ca_file: it holds no certificate")
			}
		}
	}
	mechanism, err := k.mechanism()
	return secured, mechanism, err
}

// KafkaClient asks the brokers of a configuration, as the named client. Close its
// transport's idle connections after use.
func (c Config) KafkaClient(name string) (*kafka.Client, *kafka.Transport, error) {
	secured, mechanism, err := c.KafkaSecurity.open()
	if err != nil {
		return nil, nil, err
	}
	transport := &kafka.Transport{ClientID: name, DialTimeout: 5 * time.Second, TLS: secured, SASL: mechanism}
	return &kafka.Client{Addr: kafka.TCP(c.Kafka...), Timeout: 10 * time.Second, Transport: transport}, transport, nil
}

func (k KafkaSecurity) mechanism() (sasl.Mechanism, error) {
	switch k.Mechanism {
	case "plain":
		return plain.Mechanism{Username: k.Username, Password: k.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, k.Username, k.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, k.Username, k.Password)
	}
	return nil, nil
}
