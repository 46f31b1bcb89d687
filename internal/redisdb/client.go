package redisdb

import (
	"errors"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// ioTimeout bounds dialling, one read, one write and the wait for a free connection: a dead server must cost a caller
	// little, and nothing we ask takes a healthy one longer than milliseconds.
	ioTimeout = time.Second
	// poolPerCPU is more than go-redis's 10, because the workers and the requests share the pool.
	poolPerCPU = 16
)

// errURL deliberately carries nothing of the URL: parsers quote what they cannot read, and that may be the password.
var errURL = errors.New("open redis: REDIS_URL cannot be read: it must look like redis://user:password@host:6379/0, " +
	"redis-sentinel://host1:26379,host2:26379/0?master=name or redis-cluster://host1:6379,host2:6379 (rediss for TLS); " +
	"special characters in the password must be percent-encoded (@ as %40, / as %2F)")

// newClient makes a client for any of the URL forms of Options.URL. It does not connect.
func newClient(rawURL string) (redis.UniversalClient, error) {
	kind, plain, err := plainURL(strings.TrimSpace(rawURL))
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindSentinel:
		o, err := redis.ParseFailoverURL(plain)
		if err != nil || o.MasterName == "" {
			return nil, errURL
		}
		return redis.NewFailoverClient(tuneFailover(o)), nil
	case kindCluster:
		o, err := redis.ParseClusterURL(plain)
		if err != nil {
			return nil, errURL
		}
		return redis.NewClusterClient(tuneCluster(o)), nil
	default:
		o, err := redis.ParseURL(plain)
		if err != nil {
			return nil, errURL
		}
		return redis.NewClient(tune(o)), nil
	}
}

type kind int

const (
	kindSingle kind = iota
	kindSentinel
	kindCluster
)

// plainURL turns our forms with several hosts into go-redis's form, which has one host and further ones as
// parameters. It splits by hand because net/url refuses "host1:1,host2:2".
func plainURL(raw string) (kind, string, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return 0, "", errURL
	}
	base, suffix, _ := strings.Cut(strings.ToLower(scheme), "-")
	if !slices.Contains([]string{"redis", "rediss"}, base) || !slices.Contains([]string{"", "sentinel", "cluster"}, suffix) {
		return 0, "", errURL
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	user, hosts := "", authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, hosts = authority[:i+1], authority[i+1:]
	}
	addrs := strings.Split(hosts, ",")
	if suffix == "" && len(addrs) > 1 {
		return 0, "", errURL // a Cluster or Sentinel: the scheme must say which
	}
	u, err := url.Parse(base + "://" + user + addrs[0] + tail)
	if err != nil || u.Hostname() == "" || u.Fragment != "" {
		return 0, "", errURL
	}
	q := u.Query()
	for _, a := range addrs[1:] {
		q.Add("addr", withPort(a, suffix))
	}
	found := kindOf(suffix, q)
	if suffix == "sentinel" {
		nameSentinel(u, q)
	}
	u.RawQuery = q.Encode()
	return found, u.String(), nil
}

func kindOf(suffix string, q url.Values) kind {
	switch {
	case suffix == "sentinel" || q.Has("master_name"):
		return kindSentinel
	case suffix == "cluster" || (suffix == "" && q.Has("addr")):
		return kindCluster
	default:
		return kindSingle
	}
}

// nameSentinel moves what our Sentinel form says to where go-redis's expects it: the user and password of the data
// servers into parameters, those of the Sentinels in front of the host.
func nameSentinel(u *url.URL, q url.Values) {
	if q.Has("master") {
		q.Set("master_name", q.Get("master"))
		q.Del("master")
	}
	if u.Port() == "" {
		u.Host = withPort(u.Host, "sentinel")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		q.Set("username", u.User.Username())
		q.Set("password", password)
		u.User = nil
	}
	if q.Has("sentinel_password") {
		u.User = url.UserPassword(q.Get("sentinel_username"), q.Get("sentinel_password"))
		q.Del("sentinel_username")
		q.Del("sentinel_password")
	}
}

// withPort adds the registered default port: 6379 for a server, 26379 for a Sentinel.
func withPort(addr, suffix string) string {
	if i := strings.LastIndexByte(addr, ':'); i > strings.LastIndexByte(addr, ']') {
		return addr
	}
	if suffix == "sentinel" {
		return addr + ":26379"
	}
	return addr + ":6379"
}

func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func tune(o *redis.Options) *redis.Options {
	setDefaults(&o.MaxRetries, &o.DialerRetries, &o.PoolSize, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
	o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, quiet()
	return o
}

func tuneFailover(o *redis.FailoverOptions) *redis.FailoverOptions {
	setDefaults(&o.MaxRetries, &o.DialerRetries, &o.PoolSize, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
	o.ContextTimeoutEnabled, o.DisableIdentity = true, true
	return o
}

func tuneCluster(o *redis.ClusterOptions) *redis.ClusterOptions {
	setDefaults(&o.MaxRetries, &o.DialerRetries, &o.PoolSize, &o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
	o.ContextTimeoutEnabled, o.DisableIdentity, o.MaintNotificationsConfig = true, true, quiet()
	return o
}

// setDefaults fills what the URL's parameters leave open. No retries: a command whose answer was lost may have
// run, and a counter would count twice.
func setDefaults(retries, dials, pool *int, timeouts ...*time.Duration) {
	if *retries == 0 {
		*retries = -1
	}
	if *dials == 0 {
		*dials = 1
	}
	if *pool == 0 {
		*pool = max(32, poolPerCPU*runtime.GOMAXPROCS(0))
	}
	for _, d := range timeouts {
		if *d == 0 {
			*d = ioTimeout
		}
	}
}
