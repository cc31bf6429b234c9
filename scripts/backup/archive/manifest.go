package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// manifestFile is written last: a folder without it is no backup.
const manifestFile = "manifest.json"

// Manifest says what a backup holds.
type Manifest struct {
	// Version is that of this format: 1.
	Version int `json:"version"`
	// Began and Ended bound the moment: what was answered before the one is in the
	// backup, what was begun after the other is not.
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Point is the name of the restore point in the WAL, or empty.
	Point     string     `json:"point,omitempty"`
	Databases []Database `json:"databases"`
	Topics    []Topic    `json:"topics"`
	// Groups are the committed offsets, by consumer group, topic and partition.
	Groups map[string]map[string]map[int]int64 `json:"groups"`
}

// Database is the dump of one service's database, in pg_dump's custom format.
type Database struct {
	Service string `json:"service"`
	// File is empty when only a restore point was made.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// LSN is where the WAL was at the moment.
	LSN string `json:"lsn"`
}

// Topic is the copy of one topic.
type Topic struct {
	Name       string      `json:"name"`
	File       string      `json:"file"`
	SHA256     string      `json:"sha256"`
	Partitions []Partition `json:"partitions"`
}

// Partition is what was copied of one partition: the records from Begin up to, and
// without, End. Records may be fewer: the broker numbers its own marks too.
type Partition struct {
	ID      int   `json:"id"`
	Begin   int64 `json:"begin"`
	End     int64 `json:"end"`
	Records int   `json:"records"`
}

// Records is how many records of all topics were copied.
func (m Manifest) Records() int {
	n := 0
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			n += p.Records
		}
	}
	return n
}

// Read reads the manifest of the backup in dir and checks that its files are whole.
func Read(dir string) (Manifest, error) {
	var m Manifest
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		return m, fmt.Errorf("%s holds no backup that was finished: there is no %s", dir, manifestFile)
	}
	if err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	if m.Version != 1 {
		return m, fmt.Errorf("the backup is of format %d, and this program knows 1", m.Version)
	}
	var errs []error
	for _, d := range m.Databases {
		if d.File != "" {
			errs = append(errs, whole(filepath.Join(dir, d.File), d.SHA256))
		}
	}
	for _, t := range m.Topics {
		errs = append(errs, whole(filepath.Join(dir, t.File), t.SHA256))
	}
	return m, errors.Join(errs...)
}

func (m Manifest) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifestFile), append(data, '\n'), 0o600)
}

// whole fails unless the file is what it was when it was written.
func whole(file, want string) error {
	got, err := sum(file)
	if err == nil && got != want {
		err = fmt.Errorf("%s is damaged: its SHA-256 is %s, not %s", file, got, want)
	}
	return err
}

func sum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close() // read only
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
