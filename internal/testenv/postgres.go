package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// PostgresServer is a PostgreSQL that this process has started. It keeps its data in a temporary folder, by default without
// fsync.
type PostgresServer struct {
	URL string // of the database "postgres", as a superuser; loopback only, with a password

	engine *engine
}

// StartPostgres starts a PostgreSQL on a free loopback port. As root it runs as the user postgres or nobody, because
// PostgreSQL refuses to run as root. The settings ("name=value") add to those that suit tests, and win over them. The
// error says what to install where its programs are missing.
func StartPostgres(settings ...string) (*PostgresServer, error) {
	programs, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := newFolder("postgres", as)
	if err != nil {
		return nil, err
	}
	server, err := startPostgres(programs, folder, as, settings)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", errors.Join(err, os.RemoveAll(folder)))
	}
	return server, nil
}

// PID returns the process id of the server's first process, the parent of the others.
func (p *PostgresServer) PID() int { return p.engine.pid }

// Stop stops the server at once and removes its data.
func (p *PostgresServer) Stop() {
	p.engine.stop()
	_ = os.RemoveAll(p.engine.folder)
}

func startPostgres(programs, folder string, as *syscall.Credential, settings []string) (*PostgresServer, error) {
	password, data := randomName(), filepath.Join(folder, "data")
	if err := initialise(programs, folder, password, as); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	arguments := []string{"-D", data, "-k", folder, "-p", strconv.Itoa(port)}
	for _, setting := range append([]string{
		"listen_addresses=127.0.0.1", "max_connections=400", "timezone=UTC",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
	}, settings...) {
		arguments = append(arguments, "-c", setting)
	}
	// QUIT is PostgreSQL's immediate shutdown: nothing here is worth a checkpoint.
	engine, err := startEngine(folder, "QUIT", as, filepath.Join(programs, "postgres"), arguments...)
	if err != nil {
		return nil, err
	}
	server := &PostgresServer{
		URL:    fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port),
		engine: engine,
	}
	if err := engine.awaitReady(func() error { return execute(server.URL, "SELECT 1") }); err != nil {
		engine.stop()
		return nil, err
	}
	return server, nil
}

// initialise makes the data folder with a superuser "postgres" of the given password.
func initialise(programs, folder, password string, as *syscall.Credential) error {
	passwordFile := filepath.Join(folder, "password")
	if err := os.WriteFile(passwordFile, []byte(password), 0o644); err != nil { //nolint:gosec // the folder is closed to others
		return fmt.Errorf("write password: %w", err)
	}
	command := exec.Command(filepath.Join(programs, "initdb"), //nolint:noctx,gosec // it ends by itself, and the program is PostgreSQL's
		"--pgdata", filepath.Join(folder, "data"), "--username", "postgres", "--pwfile", passwordFile,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync")
	command.Dir = folder
	command.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	return nil
}

// postgresPrograms returns the folder of initdb and postgres: Debian keeps them out of the PATH, a folder per version.
func postgresPrograms() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails only for a bad pattern
	best, bestVersion := "", 0
	for _, folder := range folders {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if _, missing := os.Stat(filepath.Join(folder, "initdb")); err == nil && missing == nil && version > bestVersion {
			best, bestVersion = folder, version
		}
	}
	if best != "" {
		return best, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	return "", fmt.Errorf("PostgreSQL is not installed: run 'apt-get install postgresql' (make test does), or set %s to the URL of a server", DatabaseVariable)
}

// unprivileged returns the user that engines run as: nil for our own, which must not be root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil //nolint:nilnil // nil is how SysProcAttr says "our own user"
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: make one of them")
}
