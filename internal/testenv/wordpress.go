package testenv

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// WordPressServer is a real WordPress on loopback, with a database of its own, that this process has started by scripts/wordpress.sh.
type WordPressServer struct {
	URL         string           // of the site, without a slash at its end
	Admin       WordPressAccount // an administrator
	Author      WordPressAccount // may publish, and may make tags but no categories
	Contributor WordPressAccount // may write, but not publish
	Folder      string           // where all of it lives until it is stopped

	command *exec.Cmd
	leash   io.WriteCloser
	log     *lockedBuffer
	ended   chan struct{}
}

// WordPressAccount is a user with an application password.
type WordPressAccount struct {
	User, Password string
}

// wordPressPatience bounds the start, which takes about ten seconds where its packages are installed.
const wordPressPatience = 10 * time.Minute

// WordPressVariable names the environment variable that holds a running WordPress, as JSON of WordPressServer.
const WordPressVariable = "TEST_WORDPRESS"

// MainWordPress runs the tests of a package that needs a WordPress, with one for all of them. Call it from TestMain: os.Exit(testenv.MainWordPress(m)).
func MainWordPress(m *testing.M) int {
	if os.Getenv(WordPressVariable) != "" {
		return m.Run()
	}
	server, err := StartWordPress()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	told, err := json.Marshal(server)
	if err == nil {
		err = os.Setenv(WordPressVariable, string(told))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// WordPress returns the WordPress of MainWordPress, or else one that ends with the test.
func WordPress(t testing.TB) *WordPressServer {
	t.Helper()
	if told := os.Getenv(WordPressVariable); told != "" {
		server := &WordPressServer{}
		if err := json.Unmarshal([]byte(told), server); err != nil {
			t.Fatalf("%s must be JSON: %v", WordPressVariable, err)
		}
		return server
	}
	server, err := StartWordPress()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

// StartWordPress starts a WordPress and returns when it answers. Missing Debian packages are installed first, as root or with sudo. It ends with
// Stop, and also when this process dies in whatever way, because the script waits for the end of its standard input.
func StartWordPress() (*WordPressServer, error) {
	script, err := findScript("wordpress.sh")
	if err != nil {
		return nil, err
	}
	w := &WordPressServer{command: exec.Command(script), log: &lockedBuffer{}, ended: make(chan struct{})} //nolint:noctx,gosec // it outlives any context, and the script is ours
	// A group of its own, so that Ctrl-C reaches only us, and we stop it in order.
	w.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	w.command.Stderr = w.log
	if w.leash, err = w.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start WordPress: %w", err)
	}
	output, input, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start WordPress: %w", err)
	}
	w.command.Stdout = input
	if err = w.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start WordPress: %w", err), input.Close(), output.Close())
	}
	_ = input.Close() // the script has its own
	go func() {
		_ = w.command.Wait() // how it ended is in its log
		close(w.ended)
	}()
	if err := w.await(output); err != nil {
		w.Stop()
		return nil, fmt.Errorf("start WordPress: %w: %s", err, w.log.String())
	}
	return w, nil
}

// Stop ends the site and removes all that it kept.
func (w *WordPressServer) Stop() {
	_ = w.leash.Close()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	select {
	case <-w.ended:
	case <-deadline.C:
		_ = syscall.Kill(-w.command.Process.Pid, syscall.SIGKILL)
		<-w.ended
	}
}

// await reads what the script tells until it says that the site is ready.
func (w *WordPressServer) await(output *os.File) error {
	defer func() { _ = output.Close() }()
	if err := output.SetReadDeadline(time.Now().Add(wordPressPatience)); err != nil {
		return fmt.Errorf("bound the wait: %w", err)
	}
	fields := map[string]*string{
		"url": &w.URL, "folder": &w.Folder, "user": &w.Admin.User, "password": &w.Admin.Password,
		"author.user": &w.Author.User, "author.password": &w.Author.Password,
		"contributor.user": &w.Contributor.User, "contributor.password": &w.Contributor.Password,
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		if name == "ready" {
			return nil
		}
		if field, ok := fields[name]; ok {
			*field = value
		}
	}
	return errors.Join(errors.New("it ended, or was not ready in time"), lines.Err())
}

// findScript returns the path of one of the repository's scripts, from the folder of any package.
func findScript(name string) (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", name, err)
	}
	for {
		script := filepath.Join(folder, "scripts", name)
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("find %s: there is no folder scripts above the working directory", name)
		}
		folder = filepath.Dir(folder)
	}
}

// lockedBuffer keeps what a process says while it is also read.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write appends.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p) //nolint:wrapcheck // it never fails
}

// String returns the end of what was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.buffer.String()
	return text[max(0, len(text)-2000):]
}
