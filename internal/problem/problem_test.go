package problem_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
)

// constants returns the codes that catalogue.go declares.
func constants(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "catalogue.go", nil, 0)
	require.NoError(t, err)
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				codes = append(codes, strings.Trim(value.Value, `"`))
			}
		}
		return true
	})
	return codes
}

func TestTheCatalogueHasEachCodeOnceInTheOrderOfStatuses(t *testing.T) {
	t.Parallel()
	var listed []string
	last := 400
	for _, entry := range problem.Catalogue() {
		require.GreaterOrEqual(t, entry.Status, last, entry.Code)
		last = entry.Status
		require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, entry.Code)
		require.True(t, strings.HasSuffix(entry.Meaning, "."), entry.Code)
		listed = append(listed, entry.Code)
	}
	declared := constants(t)
	slices.Sort(listed)
	slices.Sort(declared)
	require.Equal(t, declared, listed)
	_, known := problem.Lookup("no_such_code")
	require.False(t, known)
}

func TestWrongFieldsAreOneError(t *testing.T) {
	t.Parallel()
	require.NoError(t, problem.Invalid())
	one := problem.Field{Field: "to", Code: problem.RequiredField, Message: "to is required."}
	var p *problem.Error
	require.ErrorAs(t, problem.Invalid(one), &p)
	require.Equal(t, &problem.Error{Code: problem.RequiredField, Message: "to is required.", Field: "to", Fields: []problem.Field{one}}, p)
	require.Equal(t, 400, p.Status())
	require.ErrorAs(t, problem.Invalid(one, problem.Field{Field: "x", Code: problem.UnknownField}), &p)
	require.Equal(t, problem.InvalidField, p.Code)
	require.Len(t, p.Fields, 2)
}

func TestACauseIsForTheLogOnly(t *testing.T) {
	t.Parallel()
	cause := errors.New("the database said something")
	for _, p := range []*problem.Error{problem.Internal(cause), problem.Unavailable(cause)} {
		require.ErrorIs(t, p, cause)
		require.Contains(t, p.Error(), cause.Error())
		require.NotContains(t, p.Message, cause.Error())
		require.GreaterOrEqual(t, p.Status(), 500)
	}
	require.Equal(t, 500, problem.New("no_such_code", "x").Status())
}
