package config_test

import (
	"bytes"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/config"
	"github.com/switchhook/switchhook/internal/secret"
)

func TestWithoutAnySettingTheDocumentedDefaultsHold(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.Address())
	require.Equal(t, "http://localhost:8080", c.BaseURL)
	require.Equal(t, "./data", c.DataDir)
	require.Equal(t, config.RoleAll, c.Role)
	require.True(t, c.Role.Serves() && c.Role.Works())
	require.Equal(t, config.RegistrationFirst, c.Registration)
	require.Empty(t, c.DatabaseURL.Reveal()+c.RedisURL.Reveal()+c.MetricsToken.Reveal())
	require.Empty(t, c.SecretKeys)
	require.Empty(t, c.AllowPrivateNetworks)
	require.Empty(t, c.TrustedProxies)
	require.Equal(t, 10*time.Second, c.WebhookTimeout)
	require.Equal(t, []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}, c.WebhookSchedule)
	require.Equal(t, 30*24*time.Hour, c.Retention)
	require.Equal(t, 600, c.APIRateLimit)
	require.Equal(t, 32, c.WorkerConcurrency)
	require.Equal(t, 25*time.Second, c.ShutdownTimeout)
}

func TestEverySettingIsReadFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := config.Load(map[string]string{
		"HOST": "::1", "PORT": "9000", "BASE_URL": "https://hooks.example.com/", "DATA_DIR": "/var/lib/switchhook",
		"DATABASE_URL": "postgres://u:p@db/x", "REDIS_URL": "rediss://:pw@cache:6380/1",
		"SECRET_KEY": strings.Repeat("n", 32) + ", " + strings.Repeat("o", 32),
		"ROLE":       "worker", "REGISTRATION": " OPEN ", "ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8, ::1/128,10.1.2.3/16",
		"TRUSTED_PROXIES": "10.0.0.1,::ffff:192.168.0.0/112", "WEBHOOK_TIMEOUT": "5s", "WEBHOOK_SCHEDULE": "1s, 1d",
		"RETENTION": "72h", "API_RATE_LIMIT": "10", "MAX_UPLOAD": "2 GiB", "WORKER_CONCURRENCY": "7", "SHUTDOWN_TIMEOUT": "1m",
		"LOG_LEVEL": "warn", "LOG_FORMAT": "json", "METRICS_TOKEN": "0123456789abcdef", "UNRELATED": "x",
		"TWILIO_BASE_URL": "http://127.0.0.1:1234/base/",
	}, "TWILIO_BASE_URL", "META_BASE_URL")
	require.NoError(t, err)
	require.Equal(t, "[::1]:9000", c.Address())
	require.Equal(t, "https://hooks.example.com", c.BaseURL)
	require.Equal(t, "postgres://u:p@db/x", c.DatabaseURL.Reveal())
	require.Equal(t, "rediss://:pw@cache:6380/1", c.RedisURL.Reveal())
	require.Len(t, c.SecretKeys, 2)
	require.Equal(t, strings.Repeat("o", 32), c.SecretKeys[1].Reveal())
	require.False(t, c.Role.Serves())
	require.Equal(t, config.RegistrationOpen, c.Registration)
	require.Equal(t, prefixes("127.0.0.0/8", "::1/128", "10.1.0.0/16"), c.AllowPrivateNetworks)
	require.Equal(t, prefixes("10.0.0.1/32", "192.168.0.0/16"), c.TrustedProxies)
	require.Equal(t, []time.Duration{time.Second, 24 * time.Hour}, c.WebhookSchedule)
	require.Equal(t, 72*time.Hour, c.Retention)
	require.Equal(t, config.Size(2<<30), c.MaxUpload)
	require.Equal(t, "http://127.0.0.1:1234/base", c.Setting("TWILIO_BASE_URL"))
	require.Empty(t, c.Setting("META_BASE_URL"))
	require.Empty(t, c.Setting("UNRELATED"))
}

func TestTheBaseURLFollowsThePortAndEmptyCountsAsNotSet(t *testing.T) {
	t.Parallel()
	c, err := config.Load(map[string]string{"PORT": "9001", "BASE_URL": "", "ROLE": " ", "SECRET_KEY_FILE": ""})
	require.NoError(t, err)
	require.Equal(t, "http://localhost:9001", c.BaseURL)
	require.Equal(t, config.RoleAll, c.Role)
}

func TestAValueThatIsNotAcceptedIsRefusedWithWhatIs(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"HOST":                   {"http://x", "127.0.0.1:80", "a b", "[::1]"},
		"PORT":                   {"0", "65536", "-1", "http", "80.5"},
		"BASE_URL":               {"hooks.example.com", "ftp://x", "https://x/path", "https://u:p@x", "https://x?q", "https://x#f", "https://", "https://x\x7f"},
		"DATABASE_URL":           {"mysql://x/y", "/var/db", "postgres:", "postgres://[::1"},
		"REDIS_URL":              {"localhost:6379", "http://x", "redis://"},
		"SECRET_KEY":             {"short", strings.Repeat("k", 32) + ",short", strings.Repeat("k", 32) + "," + strings.Repeat("k", 32), strings.Repeat("k", 32) + ","},
		"ROLE":                   {"apis", "all,api"},
		"REGISTRATION":           {"true", "invite"},
		"ALLOW_PRIVATE_NETWORKS": {"true", "10.0.0.0/33", "10.0.0.0/8,", "localhost", "fe80::1%eth0", "::ffff:10.0.0.0/64"},
		"TRUSTED_PROXIES":        {"*", "10.0.0.0-10.0.0.9"},
		"WEBHOOK_TIMEOUT":        {"10", "0s", "-1s", "2m", "ten"},
		"WEBHOOK_SCHEDULE":       {"5s,,5m", "5s;5m", "0s", "31d", "1.5d", strings.Repeat("1s,", 50) + "1s"},
		"RETENTION":              {"30", "1m", "4000d", "99999999d", "-30d", "d"},
		"API_RATE_LIMIT":         {"0", "off", "1000001"},
		"MAX_UPLOAD":             {"0", "100", "5GiB", "1.5GiB", "-1MiB", "1023KiB", "99999999999GiB", "1TiB"},
		"WORKER_CONCURRENCY":     {"0", "5000"},
		"SHUTDOWN_TIMEOUT":       {"500ms", "1h"},
		"LOG_LEVEL":              {"trace", "5"},
		"LOG_FORMAT":             {"xml"},
		"METRICS_TOKEN":          {"short"},
		"TWILIO_BASE_URL":        {"api.twilio.com", "https://x?q=1"},
	} {
		for _, value := range values {
			_, err := config.Load(map[string]string{name: value}, "TWILIO_BASE_URL")
			require.ErrorContains(t, err, name+" must be ", value)
			require.NotContains(t, err.Error(), "\n", "one problem, one sentence")
		}
	}
}

func TestAllProblemsAreReportedAtOnceAndNoSecretIsShown(t *testing.T) {
	t.Parallel()
	_, err := config.Load(map[string]string{
		"PORT": "http", "ROLE": "boss", "RETENTION": "1s", "SECRET_KEY": "hunter2", "DATABASE_URL": "mysql://u:hunter2@x/y",
		"REDIS_URL": "redis://[hunter2", "METRICS_TOKEN": "hunter2", "METRICS_TOKEN_FILE": "/x", "X_BASE_URL": "https://u:hunter2@x",
	}, "X_BASE_URL")
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 9, err.Error())
	require.Contains(t, err.Error(), `ROLE must be all, api or worker; it is "boss"`)
	require.Contains(t, err.Error(), "METRICS_TOKEN and METRICS_TOKEN_FILE are both set")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestABucketIsSetWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"S3_ENDPOINT": "http://127.0.0.1:9000", "S3_BUCKET": "my-files", "S3_ACCESS_KEY": "hunter1", "S3_SECRET_KEY": "hunter2",
	}
	c, err := config.Load(whole)
	require.NoError(t, err)
	require.Equal(t, []string{"http://127.0.0.1:9000", "my-files", "us-east-1", "hunter1", "hunter2", ""},
		[]string{c.S3Endpoint, c.S3Bucket, c.S3Region, c.S3AccessKey.Reveal(), c.S3SecretKey.Reveal(), c.S3Prefix})
	require.True(t, c.S3PathStyle)
	for name := range whole {
		part := maps.Clone(whole)
		delete(part, name)
		_, err := config.Load(part)
		require.ErrorContains(t, err, name+" must be set too")
		require.NotContains(t, err.Error(), "hunter")
	}
	for _, alone := range []string{"S3_REGION", "S3_PREFIX"} {
		_, err := config.Load(map[string]string{alone: "eu-1"})
		require.ErrorContains(t, err, "S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY must be set too")
	}
	whole["S3_REGION"], whole["S3_PATH_STYLE"], whole["S3_PREFIX"] = "eu-1", "false", "a/b"
	c, err = config.Load(whole)
	require.NoError(t, err)
	require.Equal(t, "eu-1", c.S3Region)
	require.False(t, c.S3PathStyle)
	require.Equal(t, "a/b", c.S3Prefix)
	for name, value := range map[string]string{
		"S3_ENDPOINT": "s3.example.com", "S3_BUCKET": "My_Files", "S3_REGION": "eu 1", "S3_PATH_STYLE": "maybe", "S3_PREFIX": "../other",
	} {
		wrong := maps.Clone(whole)
		wrong[name] = value
		_, err := config.Load(wrong)
		require.ErrorContains(t, err, name+" must be ")
	}
}

func TestASecretMayComeFromAFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	c, err := config.Load(map[string]string{
		"DATABASE_URL_FILE":    write("db", "postgres://u:p@db/x\n"),
		"SECRET_KEY_FILE":      write("key", strings.Repeat("k", 64)+"\r\n"),
		"META_APP_SECRET_FILE": write("meta", "app secret\n"),
	}, "META_APP_SECRET")
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@db/x", c.DatabaseURL.Reveal())
	require.Equal(t, strings.Repeat("k", 64), c.SecretKeys[0].Reveal())
	require.Equal(t, "app secret", c.Setting("META_APP_SECRET"))

	_, err = config.Load(map[string]string{"SECRET_KEY_FILE": filepath.Join(folder, "none"), "METRICS_TOKEN_FILE": write("empty", "\n")})
	require.ErrorContains(t, err, "SECRET_KEY_FILE must name a file that can be read")
	require.ErrorContains(t, err, "METRICS_TOKEN_FILE names the file "+filepath.Join(folder, "empty")+", which is empty")
}

func TestTheSealingKeyIsMadeInTheDataFolderUnlessItIsGiven(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c, err := config.Load(map[string]string{"DATA_DIR": folder})
	require.NoError(t, err)
	made, err := c.SealingKeys()
	require.NoError(t, err)
	again, err := c.SealingKeys()
	require.NoError(t, err)
	require.Len(t, made, 1)
	require.Equal(t, made[0].Reveal(), again[0].Reveal())

	given := strings.Repeat("k", 32)
	c, err = config.Load(map[string]string{"DATA_DIR": folder, "SECRET_KEY": given})
	require.NoError(t, err)
	keys, err := c.SealingKeys()
	require.NoError(t, err)
	require.Equal(t, []secret.String{secret.String(given)}, keys)
}

func TestTheLoggerKeepsLevelAndFormatAndWritesUTC(t *testing.T) {
	t.Parallel()
	c, err := config.Load(map[string]string{"LOG_LEVEL": "warn"})
	require.NoError(t, err)
	var out bytes.Buffer
	logger := c.Logger(&out)
	logger.Info("hidden")
	logger.Warn("shown", "key", secret.String("hunter2"))
	require.Regexp(t, `^\{"time":"[0-9T:.-]+Z","level":"WARN","msg":"shown","key":"\*\*\*"\}\n$`, out.String())

	c, err = config.Load(map[string]string{"LOG_FORMAT": "text", "LOG_LEVEL": "debug"})
	require.NoError(t, err)
	out.Reset()
	c.Logger(&out).Debug("shown")
	require.Contains(t, out.String(), "level=DEBUG msg=shown")
}

func FuzzLoadNeverPanics(f *testing.F) {
	f.Add("RETENTION", "30d")
	f.Add("ALLOW_PRIVATE_NETWORKS", "::ffff:10.0.0.0/104")
	f.Add("BASE_URL", "https://[::1]:8080/")
	f.Fuzz(func(t *testing.T, name, value string) {
		c, err := config.Load(map[string]string{name: value}, "X_BASE_URL")
		require.Equal(t, c == nil, err != nil)
	})
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}
