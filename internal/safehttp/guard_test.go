package safehttp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// closedAddresses must never be reached unless the operator opens their range.
func closedAddresses() []string {
	return strings.Fields(`127.0.0.1 127.8.8.8 0.0.0.0 0.1.2.3 10.1.2.3 172.31.0.1 192.168.1.1 169.254.169.254 100.64.0.1
		100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 192.88.99.1 168.63.129.16
		::1 :: ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
		64:ff9b:1::7f00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2001::1 2001:db8::1 3fff::1 5f00::1 100::1 fe80::1 fec0::1
		fc00::1 fd00:ec2::254 ff02::1`)
}

func TestGuardRefusesEveryClosedAddressAndPassesPublicOnes(t *testing.T) {
	t.Parallel()
	g, err := newGuard(nil)
	require.NoError(t, err)
	require.Len(t, closedAddresses(), 39)
	for _, address := range closedAddresses() {
		requireCode(t, CodePrivateAddress, g.check(netip.MustParseAddr(address), false))
		requireCode(t, CodePrivateAddress, g.check(netip.MustParseAddr(address), true))
	}
	for _, address := range []string{"8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"} {
		require.NoError(t, g.check(netip.MustParseAddr(address), false), address)
		requireCode(t, CodeHTTPSRequired, g.check(netip.MustParseAddr(address), true))
	}
	requireCode(t, CodePrivateAddress, g.check(netip.Addr{}, false))
	requireCode(t, CodePrivateAddress, g.check(netip.MustParseAddr("2001:4860:4860::8888%eth0"), false))
}

func TestGuardOpensAllowedNetworksButNeverMetadata(t *testing.T) {
	t.Parallel()
	g, err := newGuard([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
	require.NoError(t, err)
	for _, address := range []string{"127.0.0.1", "10.1.2.3", "::1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "8.8.8.8"} {
		require.NoError(t, g.check(netip.MustParseAddr(address), true), address)
	}
	for _, address := range append(metadataAddresses(),
		"::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::",
		"2002:a9fe:a9fe::", "2001:0:1:2:3:4:5601:5601", "64:ff9b::a83f:8110", "::ffff:100.100.100.200", "64:ff9b::c000:c0",
		"2a00:1:a9fe:a9fe::", "2a00:1:12a9:fea9:fe::", "2a00:1:1:a9:fe:a9fe::", "2a00:1:1:1:a9:fea9:fe00::",
	) {
		requireCode(t, CodePrivateAddress, g.check(netip.MustParseAddr(address), false))
	}
}

func TestGuardReadsMappedPrefixesAsIPv4(t *testing.T) {
	t.Parallel()
	g, err := newGuard([]netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")})
	require.NoError(t, err)
	require.NoError(t, g.check(netip.MustParseAddr("10.9.8.7"), true))
	requireCode(t, CodeHTTPSRequired, g.check(netip.MustParseAddr("11.0.0.1"), true))
	_, err = newGuard([]netip.Prefix{netip.MustParsePrefix("::ffff:0.0.0.0/90")})
	require.ErrorContains(t, err, "IPv4")
}

func TestLiteralClosedAddressesAreRefusedByEveryDoor(t *testing.T) {
	t.Parallel()
	client := newClient(t, closed)
	for _, address := range closedAddresses() {
		url := "https://" + bracket(address) + ":8443/hook"
		_, err := client.CheckURL(url)
		requireCode(t, CodePrivateAddress, err)
		_, err = client.Post(t.Context(), Request{URL: url})
		require.False(t, requireCode(t, CodePrivateAddress, err).Sent)
		_, err = get(t, client.HTTP(), url)
		requireCode(t, CodePrivateAddress, err)
		_, err = get(t, client.PublicHTTP(), url)
		requireCode(t, CodePrivateAddress, err)
	}
}

func TestNamesOfClosedAddressesAreRefusedWhenDialled(t *testing.T) {
	t.Parallel()
	addresses := closedAddresses()
	resolver := nameServer(t, func(name string, _ int) []netip.Addr {
		var i int
		if _, err := fmt.Sscanf(name, "n%d.test.", &i); err != nil {
			return nil
		}
		return []netip.Addr{netip.MustParseAddr(addresses[i])}
	})
	client := newClient(t, closed, func(o *Options) { o.Resolver = resolver })
	for i, address := range addresses {
		url := fmt.Sprintf("https://n%d.test/hook", i)
		_, err := client.CheckURL(url)
		require.NoError(t, err)
		_, err = client.Post(t.Context(), Request{URL: url})
		require.False(t, requireCode(t, CodePrivateAddress, err).Sent, address)
		_, err = get(t, client.HTTP(), url)
		requireCode(t, CodePrivateAddress, err)
	}
}

func bracket(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}
