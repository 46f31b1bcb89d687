package server

// RouteForTest is a row of the route table as tests outside the package walk it.
type RouteForTest struct {
	Method, Path string
	Public       bool
	UserOnly     bool
	KeyOnly      bool // or signed
}

// RoutesForTest returns the route table.
func (s *Server) RoutesForTest() []RouteForTest {
	var rows []RouteForTest
	for _, r := range s.routes() {
		rows = append(rows, RouteForTest{
			Method: r.method, Path: r.path, Public: r.access == public || r.access == metricsToken || r.access == hookToken, UserOnly: r.access == userOnly || r.access == ownerOnly,
			KeyOnly: r.access == keyOnly || r.access == keyOrSigned,
		})
	}
	return rows
}
