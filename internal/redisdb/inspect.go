package redisdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrUnsuitable marks a Redis that answers and yet must not be used: too old, allowed to evict keys, or closed to
// our credentials. The error's text says what to change.
var ErrUnsuitable = errors.New("this redis cannot be used")

// asynq's archive script uses ZRANGE ... BYSCORE, which Redis has since 6.2.
const (
	minMajor = 6
	minMinor = 2
)

// inspect asks every master for its version and eviction policy. INFO tells both, and unlike CONFIG GET
// managed services allow it.
func inspect(ctx context.Context, client redis.UniversalClient) (warnings []string, err error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return inspectNode(ctx, client)
	}
	var mu sync.Mutex
	err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		w, err := inspectNode(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, w...)
		return err
	})
	if err != nil && !errors.Is(err, ErrUnsuitable) {
		err = fmt.Errorf("ask redis cluster: %w", err)
	}
	return warnings, err
}

func inspectNode(ctx context.Context, node redis.Cmdable) ([]string, error) {
	info, err := node.Info(ctx).Result()
	if err == nil {
		return judge(info)
	}
	if isRefusedLogin(err) {
		return nil, fmt.Errorf("%w: it refuses the user name or password: correct them in REDIS_URL", ErrUnsuitable)
	}
	if redis.HasErrorPrefix(err, "NOPERM") {
		return []string{"redis does not allow INFO: make sure that it is version 6.2 or newer and that maxmemory-policy is noeviction"}, nil
	}
	return nil, fmt.Errorf("ask redis: %w", err)
}

func isRefusedLogin(err error) bool {
	return redis.HasErrorPrefix(err, "WRONGPASS") || redis.HasErrorPrefix(err, "NOAUTH")
}

// judge reads the answer to INFO. What a server does not tell is a warning, because some managed services hide it.
func judge(info string) (warnings []string, err error) {
	version, policy := infoField(info, "redis_version"), infoField(info, "maxmemory_policy")
	major, minor, ok := parseVersion(version)
	switch {
	case !ok:
		warnings = append(warnings, "redis does not tell its version: make sure that it is 6.2 or newer")
	case major < minMajor || (major == minMajor && minor < minMinor):
		return nil, fmt.Errorf("%w: its version is %s and the queue needs 6.2 or newer: upgrade it or unset REDIS_URL", ErrUnsuitable, version)
	}
	switch policy {
	case "noeviction":
	case "":
		warnings = append(warnings, "redis does not tell its maxmemory-policy: make sure that it is noeviction")
	default:
		return nil, fmt.Errorf("%w: its maxmemory-policy is %s, which deletes queued work when memory is short: "+
			"set \"maxmemory-policy noeviction\" (redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf)", ErrUnsuitable, policy)
	}
	return warnings, nil
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func parseVersion(s string) (major, minor int, ok bool) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return major, minor, err1 == nil && err2 == nil
}
