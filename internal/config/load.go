package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/switchhook/switchhook/internal/secret"
)

// Environment returns the process's environment for Load.
func Environment() map[string]string { return env.ToMap(os.Environ()) }

// Load reads the settings from an environment. Connectors name their own operator settings (such as "TWILIO_BASE_URL"),
// which Config.Setting then gives; a name that ends in _BASE_URL must hold a URL. A variable that is set but empty counts
// as not set. The secrets, and the connectors' settings, may instead be in a file that NAME_FILE names.
//
// The error joins one sentence for each problem; it never shows the value of a secret.
func Load(environment map[string]string, connectorSettings ...string) (*Config, error) {
	reader := reader{variables: withoutEmpty(environment)}
	for _, field := range fields() {
		if field.secret {
			reader.readFile(field.name)
		}
	}
	loaded := &Config{settings: map[string]string{}}
	reader.parse(loaded)
	reader.check(loaded)
	reader.checkBucket(loaded)
	for _, name := range connectorSettings {
		reader.readFile(name)
		loaded.settings[name] = reader.connectorSetting(name)
	}
	if len(reader.problems) > 0 {
		return nil, errors.Join(reader.problems...)
	}
	if loaded.BaseURL == "" {
		loaded.BaseURL = fmt.Sprintf("http://localhost:%d", loaded.Port)
	}
	return loaded, nil
}

// reader collects problems while it reads.
type reader struct {
	variables map[string]string
	problems  []error
	reported  map[string]bool
}

// check reports values that have the right type but not an accepted value.
func (r *reader) check(c *Config) {
	for _, rule := range rules(c) {
		if !rule.holds && !r.reported[rule.name] {
			r.refuse(rule.name)
		}
	}
	if r.variables["BASE_URL"] != "" && !r.reported["BASE_URL"] {
		c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	}
}

const defaultRegion = "us-east-1" // as the tag of Config.S3Region

// checkBucket reports a bucket that is set only in part. One setting alone is a mistake too: media would silently go elsewhere.
func (r *reader) checkBucket(c *Config) {
	var missing []string
	given := c.S3Region != defaultRegion || !c.S3PathStyle || c.S3Prefix != "" // .env.example sets what has a default
	for _, needed := range []struct{ name, value string }{
		{"S3_ENDPOINT", c.S3Endpoint}, {"S3_BUCKET", c.S3Bucket}, {"S3_ACCESS_KEY", c.S3AccessKey.Reveal()}, {"S3_SECRET_KEY", c.S3SecretKey.Reveal()},
	} {
		if needed.value == "" {
			missing = append(missing, needed.name)
			continue
		}
		given = true
	}
	if given && len(missing) > 0 {
		r.problems = append(r.problems, fmt.Errorf("%s must be set too for media to be kept in a bucket; set no S3_ variable to keep them in DATA_DIR",
			strings.Join(missing, ", ")))
	}
}

// connectorSetting returns a connector's setting; URLs come without a trailing slash.
func (r *reader) connectorSetting(name string) string {
	value := r.variables[name]
	if value == "" || !strings.HasSuffix(name, "_BASE_URL") {
		return value
	}
	if parsed, err := url.Parse(value); err != nil || !plainURL(parsed) {
		r.problems = append(r.problems, fmt.Errorf("%s must be an http or https URL without a query or user, such as https://api.example.com", name))
		return ""
	}
	return strings.TrimRight(value, "/")
}

func (r *reader) parse(c *Config) {
	err := env.ParseWithOptions(c, env.Options{Environment: r.variables, FuncMap: parsers()})
	var all env.AggregateError
	if err == nil || !errors.As(err, &all) {
		return
	}
	names := map[string]string{}
	for _, field := range fields() {
		names[field.goName] = field.name
	}
	for _, problem := range all.Errors {
		var parse env.ParseError
		if errors.As(problem, &parse) {
			r.refuse(names[parse.Name])
			continue
		}
		r.problems = append(r.problems, problem)
	}
}

// readFile replaces NAME by what is in the file that NAME_FILE names.
func (r *reader) readFile(name string) {
	path, given := r.variables[name+"_FILE"]
	if !given {
		return
	}
	if _, twice := r.variables[name]; twice {
		r.problems = append(r.problems, fmt.Errorf("%s and %s_FILE are both set; keep one of them", name, name))
		return
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("%s_FILE must name a file that can be read: %w", name, err))
		return
	}
	value := strings.TrimSpace(string(text))
	if value == "" {
		r.problems = append(r.problems, fmt.Errorf("%s_FILE names the file %s, which is empty", name, path))
		return
	}
	r.variables[name] = value
}

// refuse adds the sentence for a variable whose value is not accepted.
func (r *reader) refuse(name string) {
	if r.reported == nil {
		r.reported = map[string]bool{}
	}
	r.reported[name] = true
	for _, field := range fields() {
		switch {
		case field.name != name:
		case field.secret:
			r.problems = append(r.problems, fmt.Errorf("%s must be %s (its value is not shown here)", name, field.accepts))
		default:
			r.problems = append(r.problems, fmt.Errorf("%s must be %s; it is %q", name, field.accepts, r.variables[name]))
		}
	}
}

// field is one setting as the tags of Config describe it.
type field struct {
	goName, name, fallback, about, accepts string
	secret                                 bool
}

func fields() []field {
	var all []field
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if f.Tag.Get("env") == "" {
			continue
		}
		all = append(all, field{
			goName: f.Name, name: f.Tag.Get("env"), fallback: f.Tag.Get("envDefault"),
			about: f.Tag.Get("about"), accepts: f.Tag.Get("accepts"),
			secret: f.Type == reflect.TypeFor[secret.String]() || f.Type == reflect.TypeFor[[]secret.String](),
		})
	}
	return all
}

// rule is one bound that a parsed value must keep.
type rule struct {
	name  string
	holds bool
}

func rules(c *Config) []rule {
	const day = 24 * time.Hour
	return []rule{
		{"HOST", !strings.ContainsAny(c.Host, "/ []") && (strings.Count(c.Host, ":") != 1)},
		{"PORT", between(c.Port, 1, 65535)},
		{"BASE_URL", c.BaseURL == "" || validBaseURL(c.BaseURL)},
		{"DATABASE_URL", c.DatabaseURL == "" || validScheme(c.DatabaseURL, "postgres", "postgresql")},
		{"REDIS_URL", c.RedisURL == "" || validScheme(c.RedisURL, "redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster")},
		{"SECRET_KEY", validKeys(c.SecretKeys)},
		{"S3_ENDPOINT", c.S3Endpoint == "" || validBaseURL(c.S3Endpoint)},
		{"S3_BUCKET", c.S3Bucket == "" || (between(len(c.S3Bucket), 3, 63) && onlyOf(c.S3Bucket, lowerAndDigits+".-"))},
		{"S3_REGION", onlyOf(c.S3Region, lowerAndDigits+"-")},
		{"S3_PREFIX", onlyOf(c.S3Prefix, lowerAndDigits+"ABCDEFGHIJKLMNOPQRSTUVWXYZ/._-") && !strings.Contains(c.S3Prefix, "..") && !strings.Contains(c.S3Prefix, "//")},
		{"WEBHOOK_TIMEOUT", between(c.WebhookTimeout, time.Second, time.Minute)},
		{"WEBHOOK_SCHEDULE", validSchedule(c.WebhookSchedule)},
		{"RETENTION", between(c.Retention, time.Hour, 3650*day)},
		{"MAX_UPLOAD", between(c.MaxUpload, 1<<20, 4<<30)},
		{"API_RATE_LIMIT", between(c.APIRateLimit, 1, 1_000_000)},
		{"WORKER_CONCURRENCY", between(c.WorkerConcurrency, 1, 4096)},
		{"SHUTDOWN_TIMEOUT", between(c.ShutdownTimeout, time.Second, 10*time.Minute)},
		{"METRICS_TOKEN", c.MetricsToken == "" || len(c.MetricsToken) >= 16},
	}
}

// withoutEmpty never returns nil: for a nil map the env package would read the process's own environment.
func withoutEmpty(environment map[string]string) map[string]string {
	kept := make(map[string]string, len(environment))
	for name, value := range environment {
		if strings.TrimSpace(value) != "" {
			kept[name] = value
		}
	}
	return kept
}
