// Package config reads the settings from the environment, once, and reports everything that is wrong with them at once.
//
// The struct Config is the list of all settings: its tags hold each one's name, default, meaning and what is accepted.
// The error sentences and .env.example are made from them.
package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/internal/secret"
)

// Role is what a process does: all of it, or one half.
type Role string

// The roles.
const (
	RoleAll    Role = "all"    // serves HTTP and works
	RoleAPI    Role = "api"    // serves HTTP
	RoleWorker Role = "worker" // delivers, sends and publishes
)

// Serves reports whether a process of this role answers HTTP requests of users and providers.
func (r Role) Serves() bool { return r != RoleWorker }

// Works reports whether a process of this role runs tasks.
func (r Role) Works() bool { return r != RoleAPI }

// Registration says who may make an account.
type Registration string

// The kinds of registration.
const (
	RegistrationFirst  Registration = "first"  // nobody after the first account
	RegistrationOpen   Registration = "open"   // anybody
	RegistrationClosed Registration = "closed" // the same, as a word for operators who set it afterwards
)

// Size is a number of bytes.
type Size int64

// Config holds all settings. It is made by Load and not changed afterwards.
type Config struct {
	Host    string `env:"HOST" envDefault:"127.0.0.1" about:"The address to listen on. The container image sets 0.0.0.0." accepts:"an IP address or a host name without a port"`
	Port    int    `env:"PORT" envDefault:"8080" about:"The port to listen on." accepts:"a number from 1 to 65535"`
	BaseURL string `env:"BASE_URL" about:"Where providers and users reach this server: callbacks, media and incoming webhooks begin with it. Default: http://localhost:$PORT." accepts:"an http or https URL without a path, query or user, such as https://hooks.example.com"`
	DataDir string `env:"DATA_DIR" envDefault:"./data" about:"The folder of the SQLite file, the media and the generated secret key." accepts:"a path"`

	DatabaseURL secret.String   `env:"DATABASE_URL" about:"PostgreSQL. Default: SQLite in DATA_DIR." accepts:"postgres://user:password@host:5432/database"`
	RedisURL    secret.String   `env:"REDIS_URL" about:"Redis, alone or as Sentinel or Cluster. Default: one inside the process." accepts:"a URL that begins with redis:// or rediss://, or one of the Sentinel or Cluster forms"`
	SecretKeys  []secret.String `env:"SECRET_KEY" about:"Seals credentials in the database; two keys separated by a comma while rotating, the new one first. Default: made at the first start in DATA_DIR." accepts:"one key of at least 32 characters, or two different ones separated by a comma; 'openssl rand -hex 32' makes one"`

	S3Endpoint  string        `env:"S3_ENDPOINT" about:"Where media are kept, in place of DATA_DIR: Amazon S3 or a service that speaks its protocol. Set it together with S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY." accepts:"an http or https URL without a path, query or user, such as https://s3.eu-central-1.amazonaws.com"`
	S3Bucket    string        `env:"S3_BUCKET" about:"The bucket for media. It must be there already, and should not be public." accepts:"3 to 63 lower-case letters, digits, dots and hyphens"`
	S3Region    string        `env:"S3_REGION" envDefault:"us-east-1" about:"The bucket's region. Services without regions take any." accepts:"lower-case letters, digits and hyphens"`
	S3AccessKey secret.String `env:"S3_ACCESS_KEY" about:"The key that may put, get and delete objects in the bucket." accepts:"the id of an access key"`
	S3SecretKey secret.String `env:"S3_SECRET_KEY" about:"The secret of that key." accepts:"the secret of an access key"`
	S3PathStyle bool          `env:"S3_PATH_STYLE" envDefault:"true" about:"Whether the bucket's name stands in the path of an address (true) or before the host's name (false)." accepts:"true or false"`
	S3Prefix    string        `env:"S3_PREFIX" about:"Stands before the names of all objects, so that a bucket can be shared. Default: nothing." accepts:"letters, digits, and / . _ - as in switchhook/media"`

	Role         Role         `env:"ROLE" envDefault:"all" about:"What this process does. With PostgreSQL and Redis, many processes can share the work." accepts:"all, api or worker"`
	Registration Registration `env:"REGISTRATION" envDefault:"first" about:"Who may make an account: anybody (open), or nobody after the first (first, closed). The first account may always be made." accepts:"first, open or closed"`

	AllowPrivateNetworks []netip.Prefix `env:"ALLOW_PRIVATE_NETWORKS" about:"Private networks that webhooks and media may reach; only there may a webhook be plain http. Metadata addresses stay closed." accepts:"networks separated by commas, such as 127.0.0.0/8,::1/128,10.1.0.0/16"`
	TrustedProxies       []netip.Prefix `env:"TRUSTED_PROXIES" about:"Proxies whose X-Forwarded-For is believed." accepts:"networks or addresses separated by commas, such as 10.0.0.1,172.16.0.0/12"`

	WebhookTimeout  time.Duration   `env:"WEBHOOK_TIMEOUT" envDefault:"10s" about:"How long a receiver may take for its whole answer." accepts:"a duration from 1s to 60s"`
	WebhookSchedule []time.Duration `env:"WEBHOOK_SCHEDULE" envDefault:"5s,5m,30m,2h,5h,10h,14h,20h,24h" about:"How long to wait before each further try of a delivery. The first try is at once." accepts:"1 to 50 durations from 1s to 30d, separated by commas, such as 5s,5m,30m,2h"`
	Retention       time.Duration   `env:"RETENTION" envDefault:"30d" about:"How long events, deliveries and media are kept." accepts:"a duration from 1h to 3650d, such as 30d or 72h"`
	APIRateLimit    int             `env:"API_RATE_LIMIT" envDefault:"600" about:"Requests a minute for each API key." accepts:"a number from 1 to 1000000"`

	MaxUpload Size `env:"MAX_UPLOAD" envDefault:"256MiB" about:"The largest request with files: a post with its pictures and films." accepts:"a size from 1MiB to 4GiB, such as 512MiB"`

	AutoContacts bool `env:"AUTO_CREATE_CONTACTS" envDefault:"false" about:"Whether people who write for the first time become contacts." accepts:"true or false"`

	WorkerConcurrency int           `env:"WORKER_CONCURRENCY" envDefault:"32" about:"Tasks that one process runs at a time." accepts:"a number from 1 to 4096"`
	ShutdownTimeout   time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"25s" about:"How long a stop waits for what is in flight." accepts:"a duration from 1s to 10m"`

	LogLevel     LogLevel      `env:"LOG_LEVEL" envDefault:"info" about:"The least level that is logged." accepts:"debug, info, warn or error"`
	LogFormat    LogFormat     `env:"LOG_FORMAT" about:"How a line is written. Default: text on a terminal, else json." accepts:"text or json"`
	MetricsToken secret.String `env:"METRICS_TOKEN" about:"The bearer token of /metrics. Default: none, and /metrics answers private networks only." accepts:"a text of at least 16 characters"`

	PprofAddr string `env:"PPROF_ADDR" about:"Where Go's profiler listens, for benchmarks; anybody who reaches it sees memory. Default: nowhere." accepts:"an address of this machine such as 127.0.0.1:6060"`

	settings map[string]string
}

// Address returns what to listen on, as "host:port".
func (c *Config) Address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// SealingKeys returns the keys that seal credentials, the one in use first: those of SECRET_KEY, else the one in
// DATA_DIR/secret.key, which is made when it is not there.
func (c *Config) SealingKeys() ([]secret.String, error) {
	if len(c.SecretKeys) > 0 {
		return c.SecretKeys, nil
	}
	key, err := secret.LoadOrCreateKey(filepath.Join(c.DataDir, "secret.key"))
	if err != nil {
		return nil, err
	}
	return []secret.String{key}, nil
}

// Setting returns a connector's own operator setting, such as "TWILIO_BASE_URL", or "" where it is not set. Only names
// that were given to Load are known.
func (c *Config) Setting(name string) string { return c.settings[name] }
