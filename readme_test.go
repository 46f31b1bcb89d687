package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheReadmesStoryIsTrue runs the shell blocks of the README's story as they stand there, but for the ports, against
// the built product, its example receiver and its stand-in for Twilio.
func TestTheReadmesStoryIsTrue(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "openssl", "jq"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "the README's commands need %s: apt-get install %s", tool, tool)
	}
	s := newStory(t)
	s.start("twilio", "-port", s.twilio)
	s.start("receiver", "-port", s.hook, "-answer", `{"replies": ["one", "two"]}`)
	s.serve()

	out := s.tell("1. Register", "2. A receiver", "3a. A message, without")
	require.Contains(t, out, "key sk_live_")
	require.Contains(t, out, `"secret": "whsec_`)
	require.Contains(t, out, `"direction": "inbound"`)
	sent := s.sh(`curl -s "$BASE/v1/messages?contact=447911123456" -H "X-Api-Key: $API_KEY"`) // once more, now that the replies are out
	require.Regexp(t, `"text":"two".*"text":"one".*"text":"Hello"`, sent, "replies go out in order; lists are newest first")
	out = s.tell("3b. A message from Twilio", "4. Send")
	require.Contains(t, out, "HTTP/1.1 200 OK")
	require.Contains(t, out, `<Response/>`)
	require.Contains(t, out, `"providerMessageId": "sbx_msg_`, "sent with the key")
	require.Contains(t, out, `"provider_message_id": "sbx_msg_`, "sent with a signature")
	s.await("twilio", "to +16311112222: one", "to +16311112222: two")
	s.await("receiver", "message.received", "X-Switchhook-Signature: sha256=", "Hello World!")
	out = s.tell("7. Post")
	require.Equal(t, 2, strings.Count(out, `"status": "queued"`), out)
	s.awaitPosts(2)

	s.stop("receiver")
	require.Contains(t, s.sh(block(t, s.readme, "3a. A message, without", 1)), `"direction": "inbound"`)
	s.awaitStatus("pending")
	out = s.sh(block(t, s.readme, "5. When the receiver", 0))
	require.Contains(t, out, "nextAttemptAt")
	s.start("receiver", "-port", s.hook)
	s.sh(block(t, s.readme, "5. When the receiver", 1))
	s.awaitStatus("delivered")
	s.await("receiver", "message.received")
}

// story is the README's text and the processes that it speaks of.
type story struct {
	t                    *testing.T
	readme, dir          string
	port, hook, twilio   string
	running              map[string]*exec.Cmd
	replace              *strings.Replacer
	baseURL, environment string
}

func newStory(t *testing.T) *story {
	raw, err := os.ReadFile("README.md")
	require.NoError(t, err)
	s := &story{t: t, readme: string(raw), dir: t.TempDir(), port: freePort(t), hook: freePort(t), twilio: freePort(t), running: map[string]*exec.Cmd{}}
	s.baseURL = "http://localhost:" + s.port
	s.environment = filepath.Join(s.dir, "environment")
	s.replace = strings.NewReplacer("http://localhost:8080", s.baseURL, "localhost:9999", "localhost:"+s.hook)
	for name, path := range map[string]string{"switchhook": ".", "receiver": "./examples/receiver", "twilio": "./examples/twilio"} {
		out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(s.dir, name), path).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	t.Cleanup(func() {
		for name := range s.running {
			s.stop(name)
		}
	})
	return s
}

func freePort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

func (s *story) serve() {
	s.start("switchhook", "serve")
	require.Eventually(s.t, func() bool {
		response, err := http.Get(s.baseURL + "/readyz")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
}

func (s *story) start(name string, args ...string) {
	command := exec.Command(filepath.Join(s.dir, name), args...)
	command.Env = append(os.Environ(), "PORT="+s.port, "DATA_DIR="+filepath.Join(s.dir, "data"), "BASE_URL="+s.baseURL,
		"ALLOW_PRIVATE_NETWORKS=127.0.0.0/8,::1/128", "TWILIO_BASE_URL=http://127.0.0.1:"+s.twilio)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := os.Create(s.log(name))
	require.NoError(s.t, err)
	command.Stdout, command.Stderr = output, output
	require.NoError(s.t, command.Start())
	s.running[name] = command
	if name != "switchhook" {
		s.await(name, "http://")
	}
}

func (s *story) stop(name string) {
	command := s.running[name]
	delete(s.running, name)
	_ = command.Process.Signal(syscall.SIGTERM)
	_ = command.Wait()
}

func (s *story) log(name string) string { return filepath.Join(s.dir, name+".log") }

// await waits until a process has printed all of the texts.
func (s *story) await(name string, texts ...string) {
	for _, text := range texts {
		require.Eventually(s.t, func() bool {
			raw, err := os.ReadFile(s.log(name))
			return err == nil && strings.Contains(string(raw), text)
		}, 30*time.Second, 20*time.Millisecond, "%s has not printed %q", name, text)
	}
}

// tell runs the blocks of sections, but for those that start servers: these run already.
func (s *story) tell(sections ...string) string {
	var out strings.Builder
	for _, section := range sections {
		for _, code := range blocks(s.t, s.readme, section) {
			if strings.Contains(code, "go run ./examples") || strings.Contains(code, "make run") {
				continue
			}
			out.WriteString(s.sh(code))
		}
		if strings.HasPrefix(section, "3") {
			s.settle()
		}
	}
	return out.String()
}

// sh runs one block in a shell that has the variables of the blocks before it.
func (s *story) sh(code string) string {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	script := fmt.Sprintf("set -eo pipefail; [ -f %[1]s ] && . %[1]s; %[2]s\ndeclare -p BASE TOKEN API_KEY USER_ID CHANNEL WEBHOOK URL ID 2>/dev/null >%[1]s || true\n",
		s.environment, s.replace.Replace(code))
	out, err := exec.CommandContext(ctx, "bash", "-c", script).CombinedOutput()
	require.NoError(s.t, err, "%s\n%s", code, out)
	return string(out)
}

// settle waits until replies have gone out, for which a reader's next command gives time.
func (s *story) settle() {
	require.Eventually(s.t, func() bool {
		out := s.sh(`curl -s "$BASE/v1/messages?status=queued" -H "X-Api-Key: $API_KEY"; curl -s "$BASE/v1/messages?status=sending" -H "X-Api-Key: $API_KEY"
			curl -s "$BASE/v1/deliveries?status=pending" -H "X-Api-Key: $API_KEY"`)
		return strings.Count(out, `"data":[]`) == 3 || s.running["receiver"] == nil
	}, 30*time.Second, 50*time.Millisecond, "messages or deliveries are still open")
}

// awaitStatus waits until the newest delivery of a message that came in has a status.
func (s *story) awaitStatus(status string) {
	require.Eventually(s.t, func() bool {
		var list struct {
			Data []struct {
				Status   string `json:"status"`
				Attempts int    `json:"attempts"`
			} `json:"data"`
		}
		raw := s.sh(`curl -s "$BASE/v1/deliveries?limit=1" -H "X-Api-Key: $API_KEY"`)
		return json.Unmarshal([]byte(raw), &list) == nil && len(list.Data) == 1 && list.Data[0].Status == status && list.Data[0].Attempts > 0
	}, 30*time.Second, 50*time.Millisecond)
}

// awaitPosts waits until n posts are published.
func (s *story) awaitPosts(n int) {
	require.Eventually(s.t, func() bool {
		return strings.Count(s.sh(`curl -s "$BASE/v1/posts?status=published" -H "X-Api-Key: $API_KEY"`), `"id":"post_`) == n
	}, 30*time.Second, 50*time.Millisecond, "the posts are not published")
}

// block returns the nth shell block of a section.
func block(t *testing.T, text, section string, n int) string {
	all := blocks(t, text, section)
	require.Greater(t, len(all), n, section)
	return all[n]
}

// blocks returns the shell blocks of a section of Markdown.
func blocks(t *testing.T, text, section string) []string {
	heading := regexp.MustCompile(`(?m)^### ` + regexp.QuoteMeta(section))
	at := heading.FindStringIndex(text)
	require.NotNil(t, at, "the README has no section %q", section)
	var all []string
	var code []string
	inside := false
	scanner := bufio.NewScanner(strings.NewReader(text[at[1]:]))
	for scanner.Scan() {
		line := scanner.Text()
		switch {
		case strings.HasPrefix(line, "```") && inside:
			all, code, inside = append(all, strings.Join(code, "\n")), nil, false
		case line == "```sh":
			inside = true
		case inside:
			code = append(code, line)
		case strings.HasPrefix(line, "##"):
			return all
		}
	}
	return all
}
