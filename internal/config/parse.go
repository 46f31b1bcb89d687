package config

import (
	"cmp"
	"errors"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/switchhook/switchhook/internal/secret"
)

// errNotAccepted is replaced by the sentence of the setting's tag.
var errNotAccepted = errors.New("not accepted")

func parsers() map[reflect.Type]env.ParserFunc {
	return map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[time.Duration]():   func(v string) (any, error) { return parseDuration(v) },
		reflect.TypeFor[[]time.Duration](): func(v string) (any, error) { return parseList(v, parseDuration) },
		reflect.TypeFor[[]netip.Prefix]():  func(v string) (any, error) { return parseList(v, parseNetwork) },
		reflect.TypeFor[[]secret.String](): func(v string) (any, error) {
			return parseList(v, func(item string) (secret.String, error) { return secret.String(item), nil })
		},
		reflect.TypeFor[Size](): func(v string) (any, error) { return parseSize(v) },
		reflect.TypeFor[Role](): func(v string) (any, error) { return parseWord(v, RoleAll, RoleAPI, RoleWorker) },
		reflect.TypeFor[Registration](): func(v string) (any, error) {
			return parseWord(v, RegistrationFirst, RegistrationOpen, RegistrationClosed)
		},
		reflect.TypeFor[LogLevel]():  func(v string) (any, error) { return parseWord(v, LogDebug, LogInfo, LogWarn, LogError) },
		reflect.TypeFor[LogFormat](): func(v string) (any, error) { return parseWord(v, LogText, LogJSON) },
	}
}

// parseDuration reads what time.ParseDuration reads, and whole days such as "30d".
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		count, err := strconv.ParseUint(days, 10, 16) // 65535 days still fit into a Duration
		if err != nil {
			return 0, errNotAccepted
		}
		return time.Duration(count) * 24 * time.Hour, nil
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration < 0 {
		return 0, errNotAccepted
	}
	return duration, nil
}

// parseSize reads whole KiB, MiB or GiB, such as "256MiB".
func parseSize(text string) (Size, error) {
	text = strings.TrimSpace(text)
	for unit, bytes := range map[string]Size{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, found := strings.CutSuffix(text, unit); found {
			count, err := strconv.ParseUint(strings.TrimSpace(number), 10, 24) // 2^24 GiB still fit into a Size
			if err != nil {
				return 0, errNotAccepted
			}
			return Size(count) * bytes, nil
		}
	}
	return 0, errNotAccepted
}

func parseList[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	for part := range strings.SplitSeq(text, ",") {
		item, err := parse(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// parseNetwork reads a network in CIDR form, or an address that stands for itself. An IPv4 network written as IPv6
// (::ffff:10.0.0.0/104) becomes the IPv4 network, because addresses are compared in that form.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, errNotAccepted
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, errNotAccepted
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

func parseWord[T ~string](text string, words ...T) (T, error) {
	word := T(strings.ToLower(strings.TrimSpace(text)))
	if !slices.Contains(words, word) {
		return "", errNotAccepted
	}
	return word, nil
}

func between[T cmp.Ordered](value, least, most T) bool { return value >= least && value <= most }

const lowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

// onlyOf reports whether a text has no other characters than those.
func onlyOf(text, characters string) bool { return strings.Trim(text, characters) == "" }

// plainURL reports whether a URL is http or https with a host, and without user, query or fragment.
func plainURL(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}

func validBaseURL(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && plainURL(parsed) && (parsed.Path == "" || parsed.Path == "/")
}

func validKeys(keys []secret.String) bool {
	if len(keys) == 2 && keys[0] == keys[1] {
		return false
	}
	return len(keys) <= 2 && !slices.ContainsFunc(keys, func(key secret.String) bool { return len(key) < secret.MinKeyLength })
}

func validSchedule(schedule []time.Duration) bool {
	return between(len(schedule), 1, 50) && !slices.ContainsFunc(schedule, func(wait time.Duration) bool {
		return !between(wait, time.Second, 30*24*time.Hour)
	})
}

func validScheme(text secret.String, schemes ...string) bool {
	parsed, err := url.Parse(text.Reveal())
	return err == nil && slices.Contains(schemes, parsed.Scheme) && parsed.Host != ""
}
