// Package testenv gives tests the real engines: a PostgreSQL database and a redis-server, each fresh and of their own.
//
// It never skips a test. Where TEST_DATABASE_URL names a server, databases are made there; `make test` sets it, so that
// one PostgreSQL serves all packages. Else a test starts its own server from the installed programs. What is started
// stops with its test, and also when the test's process is killed.
package testenv

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// DatabaseVariable names the environment variable that holds the URL of a PostgreSQL server on which databases may be
// made and dropped.
const DatabaseVariable = "TEST_DATABASE_URL"

// patience bounds every wait for an engine; it is far more than any needs.
const patience = 60 * time.Second

// Main runs the tests of a package that needs several databases, with one PostgreSQL for all of them. Call it from
// TestMain: os.Exit(testenv.Main(m)). Where TEST_DATABASE_URL is set it starts nothing.
func Main(m *testing.M) int {
	if os.Getenv(DatabaseVariable) != "" {
		return m.Run()
	}
	server, err := StartPostgres()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	if err := os.Setenv(DatabaseVariable, server.URL); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Postgres returns the URL of a new empty database, which is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(DatabaseVariable)
	if server == "" {
		started, err := StartPostgres()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(started.Stop)
		server = started.URL
	}
	name := "test_" + randomName()
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("make a database on the server of %s: %v", DatabaseVariable, err)
	}
	t.Cleanup(func() {
		if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	database, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s must be a URL", DatabaseVariable)
	}
	database.Path = "/" + name
	return database.String()
}

func execute(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = connection.Close(ctx) }()
	if _, err := connection.Exec(ctx, statement); err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	return nil
}

func randomName() string {
	var bytes [8]byte
	_, _ = rand.Read(bytes[:]) // never fails, see crypto/rand
	return hex.EncodeToString(bytes[:])
}
