package qrcode_test

import (
	"bytes"
	"encoding/xml"
	"image/color"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/qrcode"
)

// longText has the form and the length of a code that links a phone.
func longText() string {
	return "2@" + strings.Repeat("AbCdEf0123456789+/", 8) + "," + strings.Repeat("k", 44) + "," + strings.Repeat("i", 44) + "," + strings.Repeat("s", 44)
}

// each runs a test for codes of several sizes.
func each(t *testing.T, check func(t *testing.T, c *qrcode.Code)) {
	t.Helper()
	for name, text := range map[string]string{"short": "1", "text": "https://example.com/ä", "long": longText(), "longest": strings.Repeat("x", 2953)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := qrcode.New(text)
			require.NoError(t, err)
			check(t, c)
		})
	}
}

// requireSame holds a picture of modules, with a border of four, against the code.
func requireSame(t *testing.T, c *qrcode.Code, side int, dark func(x, y int) bool) {
	t.Helper()
	require.Equal(t, c.Size()+8, side)
	for y := range side {
		for x := range side {
			if dark(x, y) != c.Dark(x-4, y-4) {
				require.Failf(t, "a module differs", "at %d, %d", x, y)
			}
		}
	}
}

func TestACodeHasTheThreeMarksByWhichCamerasFindIt(t *testing.T) {
	t.Parallel()
	mark := []string{"#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"}
	each(t, func(t *testing.T, c *qrcode.Code) {
		require.Equal(t, 1, c.Size()%4, "17 and four for each version")
		for _, corner := range [][2]int{{0, 0}, {c.Size() - 7, 0}, {0, c.Size() - 7}} {
			for y, row := range mark {
				for x, module := range row {
					require.Equal(t, module == '#', c.Dark(corner[0]+x, corner[1]+y))
				}
			}
		}
	})
}

func TestAPNGShowsEachModule(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *qrcode.Code) {
		raw, err := c.PNG()
		require.NoError(t, err)
		picture, err := png.Decode(bytes.NewReader(raw))
		require.NoError(t, err)
		size := picture.Bounds().Dx()
		require.Equal(t, size, picture.Bounds().Dy())
		require.Zero(t, size%8)
		at := func(x, y int) bool {
			shade, ok := color.GrayModel.Convert(picture.At(x, y)).(color.Gray)
			require.True(t, ok)
			require.Contains(t, []uint8{0, 255}, shade.Y)
			return shade.Y == 0
		}
		requireSame(t, c, size/8, func(x, y int) bool {
			middle := at(x*8+4, y*8+4)
			require.Equal(t, middle, at(x*8, y*8))
			require.Equal(t, middle, at(x*8+7, y*8+7))
			return middle
		})
	})
}

func TestAnSVGShowsEachModule(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *qrcode.Code) {
		raw := c.SVG()
		var svg struct {
			ViewBox string `xml:"viewBox,attr"`
			Paths   []struct {
				Fill string `xml:"fill,attr"`
				D    string `xml:"d,attr"`
			} `xml:"path"`
		}
		require.NoError(t, xml.Unmarshal(raw, &svg))
		side := c.Size() + 8
		require.Equal(t, "0 0 "+strconv.Itoa(side)+" "+strconv.Itoa(side), svg.ViewBox)
		require.Len(t, svg.Paths, 2)
		require.Equal(t, "#fff", svg.Paths[0].Fill)
		require.Equal(t, "#000", svg.Paths[1].Fill)
		drawn := map[[2]int]bool{}
		runs := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
		require.Empty(t, runs.ReplaceAllString(svg.Paths[1].D, ""))
		for _, run := range runs.FindAllStringSubmatch(svg.Paths[1].D, -1) {
			var n [4]int
			for i := range n {
				n[i], _ = strconv.Atoi(run[i+1])
			}
			require.Equal(t, n[2], n[3])
			for x := range n[2] {
				drawn[[2]int{n[0] + x, n[1]}] = true
			}
		}
		requireSame(t, c, side, func(x, y int) bool { return drawn[[2]int{x, y}] })
	})
}

func TestATerminalShowsEachModuleInColoursOfItsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *qrcode.Code) {
		lines := strings.Split(strings.TrimSuffix(c.Terminal(), "\n"), "\n")
		side := c.Size() + 8
		require.Len(t, lines, (side+1)/2)
		rows := make([][]rune, len(lines))
		for i, line := range lines {
			inner, painted := strings.CutPrefix(line, "\x1b[38;5;16;48;5;231m")
			require.True(t, painted)
			inner, unpainted := strings.CutSuffix(inner, "\x1b[0m")
			require.True(t, unpainted)
			rows[i] = []rune(inner)
			require.Len(t, rows[i], side)
		}
		requireSame(t, c, side, func(x, y int) bool {
			upper := y%2 == 0
			switch rows[y/2][x] {
			case '█':
				return true
			case '▀':
				return upper
			case '▄':
				return !upper
			}
			return false
		})
	})
}

func TestWhatFitsIntoNoCodeIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", strings.Repeat("x", 2954)} {
		_, err := qrcode.New(text)
		require.Error(t, err)
	}
}
