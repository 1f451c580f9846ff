// Package postgres keeps a [store.Store] in a PostgreSQL database, 13 or later: for services
// that run on several computers, or that keep their data where others do.
//
//   - [Open] connects to a database, and brings its tables up to this program's schema.
//
// It is a module of its own, so that nobody links a database driver who does not want one.
//
// The danger is that of every store: who can write to the tables can make up counts. Give the
// service a role of its own, and keep backups. Commits last as long as the server is told to
// let them: with synchronous_commit off, an entry that was taken in can be lost.
package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation/store"
	"github.com/hourmeter/hourmeter/vc"
)

// A DB is a store in a database. Any number of processes may have it open. Close it when done.
type DB struct {
	pool *pgxpool.Pool
	name string // of the database, for errors
}

// The tables lie in a schema of their own, hourmeter. Machines are found by their place
// ([store.Place]), since an index takes no names of 4 kB.
const schema = "hourmeter"

// migrations returns the steps from each version of the tables to the next, the first of them
// from none. They run in one transaction.
func migrations() []string {
	return []string{`
		CREATE TABLE hourmeter.machine (
			place    bytea  PRIMARY KEY CHECK (length(place) = 32), -- SHA-256 of did
			did      text   NOT NULL,
			revision bigint NOT NULL CHECK (revision > 0),
			data     bytea  NOT NULL -- store.Machine in binary form, with a checksum
		);
		CREATE TABLE hourmeter.entry (
			place    bytea  NOT NULL REFERENCES hourmeter.machine,
			sequence bigint NOT NULL CHECK (sequence >= 0),
			digest   bytea  NOT NULL CHECK (length(digest) = 32), -- of the content
			copy     bytea  NOT NULL CHECK (length(copy) = 8),    -- SHA-256 of raw, first 8 bytes
			raw      bytea  NOT NULL,
			PRIMARY KEY (place, sequence, digest, copy)
		);
		CREATE TABLE hourmeter.checkpoint (
			origin text  PRIMARY KEY,
			data   bytea NOT NULL -- CRC-32C, then the checkpoint
		);`,
	}
}

// Open connects to the database that dsn names, a URL or keywords and values as libpq takes
// them; it may also set the pool, such as pool_max_conns=8. Tables of an older version are
// brought up to this program's, whole or not at all; newer ones are left alone, with a
// [*store.SchemaError].
func Open(ctx context.Context, dsn string) (*DB, error) { return open(ctx, dsn, migrations()) }

func open(ctx context.Context, dsn string, steps []string) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("store: postgres: %w", err) // without the password: pgx leaves it out
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("store: postgres: %w", err)
	}
	db := &DB{pool: pool, name: "database " + config.ConnConfig.Database}
	if err := db.migrate(ctx, steps); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close closes all connections.
func (db *DB) Close() { db.pool.Close() }

// migrationLock keeps two programs from migrating at once; "hourmetr" in ASCII.
const migrationLock = 0x686f75726d657472

func (db *DB) migrate(ctx context.Context, steps []string) error {
	return db.transaction(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return err
		}
		// Only who finds none makes a schema: that takes a right which the service need not have.
		var there bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass('hourmeter.version') IS NOT NULL").Scan(&there); err != nil {
			return err
		}
		if !there {
			if _, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema+"; CREATE TABLE hourmeter.version (version int NOT NULL); INSERT INTO hourmeter.version VALUES (0)"); err != nil {
				return err
			}
		}
		var have int
		if err := tx.QueryRow(ctx, "SELECT version FROM hourmeter.version").Scan(&have); err != nil {
			return err
		}
		if have > len(steps) {
			return &store.SchemaError{Store: db.name, Have: have, Know: len(steps)}
		}
		for i, step := range steps[have:] {
			if _, err := tx.Exec(ctx, step); err != nil {
				return fmt.Errorf("to version %d: %w", have+i+1, err)
			}
		}
		if have == len(steps) {
			return nil
		}
		_, err := tx.Exec(ctx, "UPDATE hourmeter.version SET version = $1", len(steps))
		return err
	})
}

// transaction runs do, all or nothing.
func (db *DB) transaction(ctx context.Context, do func(tx pgx.Tx) error) error {
	return db.named(pgx.BeginFunc(ctx, db.pool, do))
}

// named adds to an error which store it was, but for those that say it better.
func (db *DB) named(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if conflict, ok := errors.AsType[*store.ConflictError](err); ok {
		return conflict
	}
	if newer, ok := errors.AsType[*store.SchemaError](err); ok {
		return newer
	}
	if failed, ok := errors.AsType[*pgconn.PgError](err); ok && failed.Code == readOnlyTransaction {
		return fmt.Errorf("store: %s: %w: %w", db.name, fs.ErrPermission, err)
	}
	return fmt.Errorf("store: %s: %w", db.name, err)
}

// readOnlyTransaction is the code of the error of a standby server, or of a database that was
// set to read only.
const readOnlyTransaction = "25006"

// decode reads a machine from its row.
func decode(data []byte, place []byte) (*store.Machine, error) {
	m := new(store.Machine)
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	if want := store.Place(m.ID); !bytes.Equal(want[:], place) {
		return nil, fmt.Errorf("machine %v %w: it is out of its place", m.ID, store.ErrDamaged)
	}
	return m, nil
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func machine(ctx context.Context, q querier, id did.DID) (*store.Machine, error) {
	place := store.Place(id)
	var data []byte
	err := q.QueryRow(ctx, "SELECT data FROM hourmeter.machine WHERE place = $1", place[:]).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, store.Unknown(id)
	}
	if err != nil {
		return nil, err
	}
	return decode(data, place[:])
}

// Machine implements [store.Store].
func (db *DB) Machine(ctx context.Context, id did.DID) (*store.Machine, error) {
	m, err := machine(ctx, db.pool, id)
	return m, db.named(err)
}

// Record implements [store.Store].
func (db *DB) Record(ctx context.Context, id did.DID) (*store.Machine, []store.Entry, error) {
	var m *store.Machine
	var entries []store.Entry
	place := store.Place(id)
	// One snapshot for both.
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) (err error) {
		if m, err = machine(ctx, tx, id); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT sequence, digest, copy, raw FROM hourmeter.entry WHERE place = $1 ORDER BY sequence, digest, copy", place[:])
		if err != nil {
			return err
		}
		entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e store.Entry, err error) {
			var digest, tag []byte
			if err := row.Scan(&e.Sequence, &digest, &tag, &e.Raw); err != nil {
				return e, err
			}
			check := e.Copy()
			if len(digest) != len(e.Digest) || !bytes.Equal(check[:], tag) {
				return e, fmt.Errorf("entry %d of %v %w", e.Sequence, id, store.ErrDamaged)
			}
			e.Digest = vc.Digest(digest)
			return e, nil
		})
		return err
	})
	if err != nil {
		return nil, nil, db.named(err)
	}
	return m, entries, nil
}

// Machines implements [store.Store].
func (db *DB) Machines(ctx context.Context, after did.DID, limit int) ([]*store.Machine, error) {
	from := []byte{}
	if !after.IsZero() {
		place := store.Place(after)
		from = place[:]
	}
	rows, err := db.pool.Query(ctx, "SELECT place, data FROM hourmeter.machine WHERE place > $1 ORDER BY place LIMIT $2", from, limit)
	if err != nil {
		return nil, db.named(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*store.Machine, error) {
		var place, data []byte
		if err := row.Scan(&place, &data); err != nil {
			return nil, err
		}
		return decode(data, place)
	})
	return list, db.named(err)
}

// Put implements [store.Store].
func (db *DB) Put(ctx context.Context, m *store.Machine, entries ...store.Entry) error {
	if err := m.Check(entries); err != nil {
		return err
	}
	next := *m
	next.Revision++
	data, err := next.AppendBinary(nil)
	if err != nil {
		return err
	}
	place := store.Place(m.ID)
	if err := db.transaction(ctx, func(tx pgx.Tx) error {
		// Whoever comes second waits here until the first has committed, and then finds no row.
		put := "UPDATE hourmeter.machine SET revision = $2 + 1, data = $3, did = $4 WHERE place = $1 AND revision = $2"
		if m.Revision == 0 {
			put = "INSERT INTO hourmeter.machine (place, revision, data, did) VALUES ($1, $2 + 1, $3, $4) ON CONFLICT DO NOTHING"
		}
		done, err := tx.Exec(ctx, put, place[:], m.Revision, data, m.ID.String())
		if err != nil {
			return err
		}
		if done.RowsAffected() == 0 {
			conflict := &store.ConflictError{Machine: m.ID, Revision: m.Revision}
			err := tx.QueryRow(ctx, "SELECT revision FROM hourmeter.machine WHERE place = $1", place[:]).Scan(&conflict.Stored)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			return conflict
		}
		if len(entries) == 0 {
			return nil
		}
		batch := new(pgx.Batch)
		for i := range entries {
			e := &entries[i]
			tag := e.Copy()
			batch.Queue("INSERT INTO hourmeter.entry (place, sequence, digest, copy, raw) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
				place[:], e.Sequence, e.Digest[:], tag[:], e.Raw)
		}
		return tx.SendBatch(ctx, batch).Close()
	}); err != nil {
		return err
	}
	m.Revision = next.Revision
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum adds the checksum of a checkpoint.
func sum(checkpoint []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, crc32.Checksum(checkpoint, castagnoli)), checkpoint...)
}

// Checkpoint implements [store.Store].
func (db *DB) Checkpoint(ctx context.Context, origin string) ([]byte, error) {
	var data []byte
	err := db.pool.QueryRow(ctx, "SELECT data FROM hourmeter.checkpoint WHERE origin = $1", origin).Scan(&data)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, store.UnknownLog(origin)
	case err != nil:
		return nil, db.named(err)
	case len(data) < 4 || !slices.Equal(sum(data[4:]), data):
		return nil, db.named(fmt.Errorf("checkpoint of %q %w", origin, store.ErrDamaged))
	}
	return data[4:], nil
}

// PutCheckpoint implements [store.Store].
func (db *DB) PutCheckpoint(ctx context.Context, origin string, was, now []byte) error {
	if err := store.CheckCheckpoint(origin, now); err != nil {
		return err
	}
	var done pgconn.CommandTag
	var err error
	if was == nil {
		done, err = db.pool.Exec(ctx, "INSERT INTO hourmeter.checkpoint (origin, data) VALUES ($1, $2) ON CONFLICT DO NOTHING", origin, sum(now))
	} else {
		done, err = db.pool.Exec(ctx, "UPDATE hourmeter.checkpoint SET data = $2 WHERE origin = $1 AND data = $3", origin, sum(now), sum(was))
	}
	if err == nil && done.RowsAffected() == 0 {
		err = &store.ConflictError{Origin: origin}
	}
	return db.named(err)
}
