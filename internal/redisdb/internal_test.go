package redisdb

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const fine = "maxmemory_policy:noeviction\r\n"
	for name, c := range map[string]struct {
		info, refused, warned string
	}{
		"a new server is fine":                {info: "redis_version:7.0.15\r\n" + fine},
		"the oldest supported is fine":        {info: "redis_version:6.2.0\r\n" + fine},
		"two-digit numbers are numbers":       {info: "redis_version:10.0.1\r\n" + fine},
		"6.0 is too old":                      {info: "redis_version:6.0.20\r\n" + fine, refused: "version is 6.0.20"},
		"5 is too old":                        {info: "redis_version:5.0.14\r\n" + fine, refused: "upgrade"},
		"4 with any policy is too old":        {info: "redis_version:4.0.9\r\nmaxmemory_policy:allkeys-lru\r\n", refused: "version"},
		"a server that evicts is refused":     {info: "redis_version:7.2.4\r\nmaxmemory_policy:allkeys-lru\r\n", refused: "CONFIG SET maxmemory-policy noeviction"},
		"evicting leases is refused":          {info: "redis_version:7.2.4\r\nmaxmemory_policy:volatile-ttl\r\n", refused: "volatile-ttl"},
		"a hidden policy is a warning":        {info: "redis_version:7.2.4\r\n", warned: "maxmemory-policy"},
		"a hidden version is a warning":       {info: fine, warned: "6.2 or newer"},
		"a version in words is a warning":     {info: "redis_version:latest\r\n" + fine, warned: "6.2 or newer"},
		"a name is not found inside another":  {info: "x_redis_version:1.0\r\nredis_version:7.0.0\r\n" + fine},
		"lines may end without carriage turn": {info: "redis_version:7.0.0\n" + strings.ReplaceAll(fine, "\r", "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			warnings, err := judge(c.info)
			if c.refused != "" {
				require.ErrorIs(t, err, ErrUnsuitable)
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			if c.warned == "" {
				require.Empty(t, warnings)
				return
			}
			require.Len(t, warnings, 1)
			require.Contains(t, warnings[0], c.warned)
		})
	}
}

func TestURLForms(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct {
		kind  kind
		plain string
	}{
		"redis://h":                                         {kindSingle, "redis://h"},
		" redis://u:p@h:1/2 ":                               {kindSingle, "redis://u:p@h:1/2"},
		"rediss://h:1?pool_size=9":                          {kindSingle, "rediss://h:1?pool_size=9"},
		"redis://h:1?addr=i:2":                              {kindCluster, "redis://h:1?addr=i%3A2"},
		"redis://h:1?addr=i:2&master_name=m":                {kindSentinel, "redis://h:1?addr=i%3A2&master_name=m"},
		"redis-cluster://h":                                 {kindCluster, "redis://h"},
		"rediss-cluster://u:p@h:1,i,[::1]":                  {kindCluster, "rediss://u:p@h:1?addr=i%3A6379&addr=%5B%3A%3A1%5D%3A6379"},
		"redis-sentinel://h,i:2/3?master=m":                 {kindSentinel, "redis://h:26379/3?addr=i%3A2&master_name=m"},
		"redis-sentinel://:p@h:1/3?master=m":                {kindSentinel, "redis://h:1/3?master_name=m&password=p&username="},
		"redis-sentinel://h:1?master=m&sentinel_password=s": {kindSentinel, "redis://:s@h:1?master_name=m"},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			kind, plain, err := plainURL(strings.TrimSpace(raw))
			require.NoError(t, err)
			require.Equal(t, want.kind, kind)
			require.Equal(t, want.plain, plain)
			client, err := newClient(raw)
			require.NoError(t, err)
			require.NoError(t, client.Close())
		})
	}
}

func TestUnreadableURLsAreRefusedWithoutQuotingThem(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"h:6379", "http://h", "redis+x://h", "redis-ring://h", "redis://", "redis://:s3cret@", "redis://a:s3/cret@h:1/0",
		"redis://:s3cret@h:port", "redis://:s3cret@h/database", "redis://:s3cret@h?s3cret=1", "redis://:s3%zzcret@h",
		"redis://:s3cret@h,i", "redis-sentinel://:s3cret@h", "redis-sentinel://h?master=m&nope=s3cret", "redis://h#s3cret",
		"redis-cluster://h/s3cret?s3cret=1", "redis://h?pool_size=s3cret",
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(raw)
			require.ErrorIs(t, err, errURL)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestParametersOfTheURLWinOverOurDefaults(t *testing.T) {
	t.Parallel()
	client, err := newClient("redis://h?read_timeout=3s&max_retries=2")
	require.NoError(t, err)
	o := client.(*redis.Client).Options()
	require.Equal(t, 3*time.Second, o.ReadTimeout)
	require.Equal(t, 2, o.MaxRetries)
	require.Equal(t, ioTimeout, o.DialTimeout)
	require.True(t, o.ContextTimeoutEnabled)
	require.NoError(t, client.Close())
}

func FuzzPlainURL(f *testing.F) {
	for _, seed := range []string{"", "redis://h", "redis-sentinel://:p@h,i:2/3?master=m", "rediss-cluster://u:p@h:1,[::1]:2", "redis://@,,?addr=", "redis://%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		client, err := newClient(raw)
		if err != nil {
			require.Equal(t, errURL, err)
			return
		}
		require.NoError(t, client.Close())
	})
}
