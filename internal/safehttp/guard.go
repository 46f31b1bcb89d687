package safehttp

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// guard decides which addresses may be dialled. It is asked with the final address of each connection attempt, after
// name resolution, so that neither a spelling nor a changing DNS answer gets past it.
type guard struct {
	rules *ssrf.Guardian
	allow []netip.Prefix
	never map[netip.Addr]struct{}
}

// metadataAddresses are where clouds serve credentials to whoever asks. No setting opens them.
func metadataAddresses() []string {
	return []string{
		"169.254.169.254", // AWS, Google Cloud, Azure, DigitalOcean, OpenStack and others
		"169.254.170.2",   // AWS ECS task credentials
		"169.254.170.23",  // AWS EKS Pod Identity
		"169.254.0.23",    // Tencent Cloud
		"100.100.100.200", // Alibaba Cloud
		"168.63.129.16",   // Azure's host: a public address that only leads to the machine's own platform
		"192.0.0.192",     // Oracle Cloud Classic
		"fd00:ec2::254",   // AWS over IPv6
		"fd00:ec2::23",    // AWS EKS Pod Identity over IPv6
		"fd20:ce::254",    // Google Cloud over IPv6
	}
}

// newGuard opens the ranges in allow. An invalid one is an error.
func newGuard(allow []netip.Prefix) (*guard, error) {
	g := &guard{never: make(map[netip.Addr]struct{})}
	for _, prefix := range allow {
		if !prefix.IsValid() {
			return nil, fmt.Errorf("read allowed networks: %v is not a network", prefix)
		}
		if prefix.Addr().Is4In6() {
			if prefix.Bits() < 96 {
				return nil, fmt.Errorf("read allowed networks: write %v as an IPv4 network", prefix)
			}
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		g.allow = append(g.allow, prefix.Masked())
	}
	for _, address := range metadataAddresses() {
		g.never[netip.MustParseAddr(address)] = struct{}{}
	}
	g.rules = ssrf.New(ssrf.WithAnyPort())
	return g, nil
}

// check returns nil where ip may be reached, else a private_address or https_required Error. Plain http may only
// reach the allowed ranges.
func (g *guard) check(ip netip.Addr, plain bool) error {
	ip = ip.Unmap()
	if !ip.IsValid() || ip.Zone() != "" || g.metadata(ip) {
		return privateAddress()
	}
	if g.allowed(ip) {
		return nil
	}
	if g.rules.SafeAddr(ip) != nil {
		return privateAddress()
	}
	if plain {
		return httpsRequired()
	}
	return nil
}

// allowed tells whether the operator has opened a range around ip.
func (g *guard) allowed(ip netip.Addr) bool {
	for _, prefix := range g.allow {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// metadata tells whether ip is a metadata address, or an IPv6 address from which a gateway would make one.
func (g *guard) metadata(ip netip.Addr) bool {
	if g.isNever(ip) || ip.Is4() {
		return g.isNever(ip)
	}
	b := ip.As16()
	embedded := [...][4]byte{
		{b[12], b[13], b[14], b[15]},                       // mapped, compatible, NAT64 with a /96 (RFC 6052)
		{b[2], b[3], b[4], b[5]},                           // 6to4 (RFC 3056)
		{b[6], b[7], b[9], b[10]},                          // NAT64 with a /48, as in 64:ff9b:1::/48 (RFC 8215)
		{^b[12], ^b[13], ^b[14], ^b[15]},                   // Teredo hides the client by inversion (RFC 4380)
		{b[4], b[5], b[6], b[7]}, {b[5], b[6], b[7], b[9]}, // NAT64 with a /32 or a /40
		{b[7], b[9], b[10], b[11]}, {b[9], b[10], b[11], b[12]}, // NAT64 with a /56 or a /64
	}
	for _, four := range embedded {
		if g.isNever(netip.AddrFrom4(four)) {
			return true
		}
	}
	return false
}

func (g *guard) isNever(ip netip.Addr) bool {
	_, found := g.never[ip]
	return found
}

// control returns the hook of a net.Dialer, which calls it before each connect with the address itself.
func (g *guard) control(plain bool) control {
	return func(_ context.Context, network, address string, _ syscall.RawConn) error {
		if network != "tcp4" && network != "tcp6" {
			return privateAddress()
		}
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return privateAddress()
		}
		return g.check(target.Addr(), plain)
	}
}
