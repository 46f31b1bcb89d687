//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const hookPath = "/hook/"

// order is what the bench tells its receiver, one JSON object after another on standard input. Each gets one reply.
type order struct {
	Begin    int           // number of the load to count from now on, where it is not 0
	Await    int           // wait until so many have arrived
	Patience time.Duration // but not longer
	Show     bool          // reply with the whole sum
}

// reply answers an order; the first one comes unasked and has the address.
type reply struct {
	Address  string
	Complete bool // of Await
	Arrivals arrivals
}

// receive is the receiver's whole life: it takes webhooks on a free port until its orders end, which they also do when
// the bench dies. It is a process of its own so that its processor time can be told apart.
func receive(orders io.Reader, replies io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	counted := &tally{}
	server := &fasthttp.Server{
		NoDefaultServerHeader: true,
		Handler: func(c *fasthttp.RequestCtx) {
			hook, err := strconv.Atoi(string(c.Path()[min(len(hookPath), len(c.Path())):]))
			if err != nil {
				c.SetStatusCode(fasthttp.StatusNotFound)
				return
			}
			counted.add(hook, c.PostBody(), time.Now())
			c.SetContentType("application/json")
			c.SetBodyString("{}")
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	err = obey(counted, listener.Addr().String(), orders, replies)
	return errors.Join(err, listener.Close(), <-failed)
}

func obey(counted *tally, address string, orders io.Reader, replies io.Writer) error {
	decoder, encoder := json.NewDecoder(orders), json.NewEncoder(replies)
	answer := reply{Address: address}
	for {
		if err := encoder.Encode(answer); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
		var o order
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		answer = reply{}
		if o.Begin > 0 {
			counted.begin(o.Begin)
		}
		if o.Await > 0 {
			answer.Complete = counted.await(o.Await, o.Patience)
		}
		if o.Show {
			answer.Arrivals = counted.show()
		}
	}
}

// receiver is the bench's side of its receiver.
type receiver struct {
	url     string // "http://127.0.0.1:1234/hook/", the webhook's number follows
	pid     int
	runs    int // loads so far
	orders  io.WriteCloser
	encoder *json.Encoder
	decoder *json.Decoder
	wait    func() error
}

// startReceiver starts this program again, as the receiver. It is killed when ctx ends.
func startReceiver(ctx context.Context) (*receiver, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start receiver: %w", err)
	}
	command := exec.CommandContext(ctx, program, "-role", roleReceiver) //nolint:gosec // it is ourselves
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	orders, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start receiver: %w", err)
	}
	replies, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start receiver: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start receiver: %w", err)
	}
	r := &receiver{pid: command.Process.Pid, orders: orders, encoder: json.NewEncoder(orders), decoder: json.NewDecoder(replies), wait: command.Wait}
	var hello reply
	if err := r.decoder.Decode(&hello); err != nil {
		r.stop()
		return nil, fmt.Errorf("start receiver: %w", err)
	}
	r.url = "http://" + hello.Address + hookPath
	return r, nil
}

// stop ends the receiver and waits for its end.
func (r *receiver) stop() {
	_ = r.orders.Close()
	_ = r.wait() // how it ends does not matter any more
}

func (r *receiver) ask(o order) (reply, error) {
	if err := r.encoder.Encode(o); err != nil {
		return reply{}, fmt.Errorf("ask receiver: %w", err)
	}
	var answer reply
	if err := r.decoder.Decode(&answer); err != nil {
		return reply{}, fmt.Errorf("ask receiver: %w", err)
	}
	return answer, nil
}

// begin starts a new load and returns its number.
func (r *receiver) begin() (int, error) {
	r.runs++
	_, err := r.ask(order{Begin: r.runs})
	return r.runs, err
}

// await waits until so many have arrived, and reports whether they have.
func (r *receiver) await(count int, patience time.Duration) (bool, error) {
	answer, err := r.ask(order{Await: count, Patience: patience})
	return answer.Complete, err
}

// show returns what has arrived of the load.
func (r *receiver) show() (arrivals, error) {
	answer, err := r.ask(order{Show: true})
	return answer.Arrivals, err
}
