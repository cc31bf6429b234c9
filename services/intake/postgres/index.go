package postgres

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/services/intake/index"
	"github.com/hearthfps/hearth/services/intake/match"
)

// Indexes keeps what each agency matches by, read once for each version of its row.
type Indexes struct {
	builtIn *index.Index
	earlier *match.Model
	recent  recent

	mu       sync.Mutex
	byAgency map[tenant.AgencyID]*index.Index
}

// NewIndexes reads the built-in model.
func NewIndexes() (*Indexes, error) {
	builtIn, err := index.BuiltIn()
	if err != nil {
		return nil, err
	}
	builtIn.Version = noRow
	earlier, err := match.EarlierModel()
	if err != nil {
		return nil, err
	}
	return &Indexes{builtIn: builtIn, earlier: earlier, byAgency: map[tenant.AgencyID]*index.Index{}}, nil
}

// BuiltIn is the model of an agency that never learnt. Where the agency's row names none,
// its persons are still to be found by the keys of the one before (see Renew).
func (x *Indexes) BuiltIn() *match.Model { return x.builtIn.Live }

// last is the agency's index as it was last seen.
func (x *Indexes) last(agency tenant.AgencyID) *index.Index {
	x.mu.Lock()
	defer x.mu.Unlock()
	if known := x.byAgency[agency]; known != nil {
		return known
	}
	return x.builtIn
}

// Of is what the transaction's agency matches by.
func (x *Indexes) Of(ctx context.Context, tx *postgres.Tx) (*index.Index, error) {
	var version int64
	err := tx.QueryRowxContext(ctx, indexVersionSQL).Scan(&version)
	if err != nil {
		return nil, fmt.Errorf("read the version of the index: %w", err)
	}
	return x.at(ctx, tx, version)
}

// An agency has no row until its index is first looked after.
const (
	noRow           = -1
	indexVersionSQL = `SELECT coalesce((SELECT version FROM match_index), -1)`
)

// at is the agency's index of a version.
func (x *Indexes) at(ctx context.Context, tx *postgres.Tx, version int64) (*index.Index, error) {
	known := x.last(tx.Agency())
	if known.Version == version {
		return known, nil
	}
	row, err := GetIndexRow(ctx, tx)
	if err != nil {
		return nil, err
	}
	fresh := &index.Index{Version: row.Version, Generation: row.Generation}
	if fresh.Live, err = x.model(ctx, tx, row.Model, known); err != nil {
		return nil, err
	}
	if row.OtherState != "" {
		fresh.OtherGeneration = row.OtherGeneration
		if fresh.Other, err = x.model(ctx, tx, row.OtherModel, known); err != nil {
			return nil, err
		}
	}
	agency := tx.Agency()
	tx.AfterCommit(func() { // the version may be of this very transaction
		x.mu.Lock()
		defer x.mu.Unlock()
		if now := x.byAgency[agency]; now == nil || now.Version < fresh.Version {
			x.byAgency[agency] = fresh
		}
	})
	return fresh, nil
}

// model is a model by id, "" for the built-in one of before; known may have it already.
func (x *Indexes) model(ctx context.Context, tx *postgres.Tx, id string, known *index.Index) (*match.Model, error) {
	for _, m := range []*match.Model{known.Live, known.Other} {
		if m != nil && m.ID() == id {
			return m, nil
		}
	}
	switch id {
	case "":
		return x.earlier, nil
	case x.builtIn.Live.ID():
		return x.builtIn.Live, nil
	}
	return GetModel(ctx, tx, id)
}

// IndexRow is an agency's row: which model it matches by, and which stands beside it.
type IndexRow struct {
	Version         int64
	Model           string // "" is the built-in one of before (see Renew)
	Generation      int16
	OtherModel      string
	OtherGeneration int16
	OtherState      string // building, ready, previous; "" when there is no other
	BuiltTo         string
	ChangedBy       string
}

// GetIndexRow reads the agency's row; where there is none yet, its version is the one
// it will begin with.
func GetIndexRow(ctx context.Context, tx *postgres.Tx) (IndexRow, error) {
	r := IndexRow{Version: 1, Generation: index.FirstGeneration}
	err := tx.QueryRowxContext(ctx, `SELECT version, model_id, generation, coalesce(other_model_id, ''), coalesce(other_generation, 0), coalesce(other_state, ''), built_to, changed_by FROM match_index`).
		Scan(&r.Version, &r.Model, &r.Generation, &r.OtherModel, &r.OtherGeneration, &r.OtherState, &r.BuiltTo, &r.ChangedBy)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("read what the agency matches by: %w", err)
	}
	return r, nil
}

// GetModel reads a learnt model. It fails with NotFound (model_not_found).
func GetModel(ctx context.Context, tx *postgres.Tx, id string) (*match.Model, error) {
	var packed []byte
	err := tx.QueryRowxContext(ctx, `SELECT artefact FROM match_model WHERE model_id = $1`, id).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "model_not_found", "There is no such model.")
	}
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack model: %w", err)
	}
	m, err := match.ReadModel(io.LimitReader(r, maxArtefact))
	if err != nil {
		return nil, err
	}
	if m.ID() != id {
		return nil, fault.New(fault.Internal, "model_differs", "A stored model is not what its name says.")
	}
	return m, nil
}

// maxArtefact bounds what is unpacked of a stored model.
const maxArtefact = 64 << 20
