package parts

import (
	"os"
	"path/filepath"
)

// KafkaLibs is the folder the jars of Kafka are in: $HEARTH_KAFKA_LIBS, or .cache/kafka/libs
// at the root of the checkout this process works in.
func KafkaLibs() string {
	if dir := os.Getenv("HEARTH_KAFKA_LIBS"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return filepath.Join(dir, ".cache", "kafka", "libs")
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
