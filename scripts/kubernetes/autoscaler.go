package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml"
)

// scaledObject is what is read of a KEDA ScaledObject (keda.sh/v1alpha1).
type scaledObject struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		ScaleTargetRef struct {
			Name string `yaml:"name"`
		} `yaml:"scaleTargetRef"`
		MinReplicaCount int `yaml:"minReplicaCount"`
		MaxReplicaCount int `yaml:"maxReplicaCount"`
		Advanced        struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior map[string]any `yaml:"behavior"`
			} `yaml:"horizontalPodAutoscalerConfig"`
		} `yaml:"advanced"`
		Triggers []struct {
			Type     string `yaml:"type"`
			Metadata struct {
				ConsumerGroup string `yaml:"consumerGroup"`
				Topic         string `yaml:"topic"`
				LagThreshold  string `yaml:"lagThreshold"`
			} `yaml:"metadata"`
		} `yaml:"triggers"`
	} `yaml:"spec"`
}

// autoscaler makes of a ScaledObject the HorizontalPodAutoscaler that KEDA makes:
// the same bounds and behaviour, and for each Kafka trigger an external metric
// whose average over the pods is to be the lag threshold.
func autoscaler(manifest []byte, namespace string) (map[string]any, error) {
	var o scaledObject
	if err := yaml.Unmarshal(manifest, &o); err != nil {
		return nil, fmt.Errorf("read the ScaledObject: %w", err)
	}
	if o.Kind != "ScaledObject" {
		return nil, fmt.Errorf("the chart renders a %q, not a ScaledObject", o.Kind)
	}
	var metrics []any
	for _, t := range o.Spec.Triggers {
		if t.Type != "kafka" {
			continue
		}
		if _, err := strconv.Atoi(t.Metadata.LagThreshold); err != nil {
			return nil, fmt.Errorf("the lag threshold of %s: %w", t.Metadata.Topic, err)
		}
		metrics = append(metrics, map[string]any{"type": "External", "external": map[string]any{
			"metric": map[string]any{"name": "kafka-lag", "selector": map[string]any{"matchLabels": map[string]any{
				"group": t.Metadata.ConsumerGroup, "topic": t.Metadata.Topic,
			}}},
			"target": map[string]any{"type": "AverageValue", "averageValue": t.Metadata.LagThreshold},
		}})
	}
	if len(metrics) == 0 {
		return nil, errors.New("the ScaledObject has no Kafka trigger")
	}
	return map[string]any{
		"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
		"metadata": map[string]any{"name": "keda-hpa-" + o.Metadata.Name, "namespace": namespace},
		"spec": map[string]any{
			"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": o.Spec.ScaleTargetRef.Name},
			"minReplicas":    o.Spec.MinReplicaCount, "maxReplicas": o.Spec.MaxReplicaCount,
			"metrics": metrics, "behavior": o.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior,
		},
	}, nil
}
