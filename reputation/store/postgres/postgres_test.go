//go:build unix

package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation/store"
	"github.com/hourmeter/hourmeter/reputation/store/storetest"
	"github.com/hourmeter/hourmeter/vc"
)

// find returns the path of one of PostgreSQL's programs. Debian keeps them apart, by version.
func find(t testing.TB, program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(found) == 0 {
		t.Skipf("there is no %s on this computer: install PostgreSQL to run this test", program)
	}
	slices.Sort(found)
	return found[len(found)-1]
}

// server starts a server of the test's own, which listens on a socket in a folder only, and
// returns the DSN of it without a database.
func server(t testing.TB) string {
	// A socket's path has room for a hundred bytes, so not in t.TempDir.
	folder, err := os.MkdirTemp("", "hourmeter-pg")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	run := func(program string, args ...string) error {
		cmd := exec.Command(find(t, program), args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
		asNobody(t, cmd, folder)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", program, err, out)
		}
		return nil
	}
	data := filepath.Join(folder, "data")
	require.NoError(t, run("initdb", "--no-sync", "-D", data, "-U", "hourmeter", "-A", "trust", "-E", "UTF8", "--no-locale"))
	// The server keeps its files open, so its output must not be this test's.
	log := filepath.Join(folder, "log")
	t.Cleanup(func() {
		if err := run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"); err != nil {
			text, _ := os.ReadFile(log)
			t.Errorf("%v\n%s", err, text)
		}
	})
	require.NoError(t, run("pg_ctl", "-D", data, "-l", log, "-w", "-o", "-k "+folder+" -c listen_addresses=''", "start"))
	return "host=" + folder + " user=hourmeter"
}

// databases makes new, empty databases in one server, which starts when the first is asked for.
func databases(t testing.TB) func(t testing.TB) string {
	var once sync.Once
	dsn, n := "", 0
	return func(t2 testing.TB) string {
		once.Do(func() { dsn = server(t) })
		db, err := Open(t2.Context(), dsn+" dbname=postgres")
		require.NoError(t2, err)
		defer db.Close()
		n++
		name := "test" + strconv.Itoa(n)
		_, err = db.pool.Exec(t2.Context(), "CREATE DATABASE "+name)
		require.NoError(t2, err)
		return dsn + " dbname=" + name
	}
}

func opened(t testing.TB, dsn string) *DB {
	db, err := Open(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func TestStore(t *testing.T) {
	dsn := databases(t)
	storetest.Run(t, func(t testing.TB) store.Store { return opened(t, dsn(t)) })
}

func BenchmarkStore(b *testing.B) {
	dsn := databases(b)
	storetest.Bench(b, func(b testing.TB) store.Store { return opened(b, dsn(b)) })
}

func TestMigrationsAreWholeOrNotAtAll(t *testing.T) {
	dsn := databases(t)(t)
	ctx := t.Context()
	id := did.MustParse("did:example:machine")
	db := opened(t, dsn)
	require.NoError(t, db.Put(ctx, &store.Machine{ID: id}))

	_, err := open(ctx, dsn, append(migrations(), "ALTER TABLE hourmeter.machine ADD COLUMN note text", "NONSENSE"))
	require.ErrorContains(t, err, "to version 3")
	_, err = db.pool.Exec(ctx, "SELECT note FROM hourmeter.machine")
	require.ErrorContains(t, err, "does not exist", "the step that went well is undone")

	newer, err := open(ctx, dsn, append(migrations(), "ALTER TABLE hourmeter.machine ADD COLUMN note text"))
	require.NoError(t, err)
	defer newer.Close()
	_, err = newer.Machine(ctx, id)
	require.NoError(t, err)
	_, err = Open(ctx, dsn)
	var schema *store.SchemaError
	require.ErrorAs(t, err, &schema)
	require.Equal(t, 2, schema.Have)
	require.Equal(t, 1, schema.Know)

	// Many programs that start at once migrate once.
	fresh := databases(t)(t)
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			db, err := Open(ctx, fresh)
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	wait.Wait()
}

func TestDamageIsNoticed(t *testing.T) {
	ctx := t.Context()
	db := opened(t, databases(t)(t))
	id := did.MustParse("did:example:machine")
	m := &store.Machine{ID: id, State: []byte("counts")}
	e := store.Entry{Digest: vc.Digest{1}, Raw: []byte("credential")}
	require.NoError(t, db.Put(ctx, m, e))
	require.NoError(t, db.PutCheckpoint(ctx, "log", nil, []byte("checkpoint")))
	for _, sql := range []string{
		"UPDATE hourmeter.machine SET data = set_byte(data, 9, get_byte(data, 9) # 1)",
		"UPDATE hourmeter.entry SET raw = set_byte(raw, 0, get_byte(raw, 0) # 1)",
		"UPDATE hourmeter.checkpoint SET data = set_byte(data, 5, get_byte(data, 5) # 1)",
	} {
		read := func() error {
			if _, _, err := db.Record(ctx, id); err != nil {
				return err
			}
			_, err := db.Checkpoint(ctx, "log")
			return err
		}
		require.NoError(t, read())
		_, err := db.pool.Exec(ctx, sql)
		require.NoError(t, err)
		require.ErrorIs(t, read(), store.ErrDamaged, sql)
		_, err = db.pool.Exec(ctx, sql) // back again
		require.NoError(t, err)
	}
	_, err := db.pool.Exec(ctx, "UPDATE hourmeter.machine SET place = place")
	require.NoError(t, err)
}

func TestADatabaseThatIsReadOnly(t *testing.T) {
	dsn := databases(t)(t)
	opened(t, dsn).Close()
	db := opened(t, dsn+" default_transaction_read_only=on")
	id := did.MustParse("did:example:machine")
	require.ErrorIs(t, db.Put(t.Context(), &store.Machine{ID: id}), fs.ErrPermission)
	_, err := db.Machine(t.Context(), id)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestNoServer(t *testing.T) {
	_, err := Open(t.Context(), "host="+t.TempDir()+" user=hourmeter password=secret")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
	_, err = Open(t.Context(), "postgres://hourmeter:secret@[broken")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}
