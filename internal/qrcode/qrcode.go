// Package qrcode draws QR codes: as PNG, as SVG, and with the characters of a terminal.
package qrcode

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"rsc.io/qr"
)

const (
	// quietZone is how many light modules surround a code (ISO/IEC 18004: four), without which cameras do not find it.
	quietZone = 4
	// moduleSize is the side of a module in a PNG, in pixels: a code as of WhatsApp becomes about 600 pixels wide.
	moduleSize = 8
)

// Code is a QR code. It does not change and is safe for concurrent use.
type Code struct{ matrix *qr.Code }

// New makes the smallest code of a text with the lowest error correction: what is shown on a screen has no stains, and fewer
// modules are read from further away. An empty text, and one of more than 2953 bytes, is an error.
func New(text string) (*Code, error) {
	if text == "" {
		return nil, fmt.Errorf("make QR code: the text is empty")
	}
	matrix, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil, fmt.Errorf("make QR code: %w", err)
	}
	return &Code{matrix}, nil
}

// Size returns how many modules a side has, without the light border.
func (c *Code) Size() int { return c.matrix.Size }

// Dark reports whether a module is dark. Outside of the code none is.
func (c *Code) Dark(x, y int) bool { return c.matrix.Black(x, y) }

// side is a side with its border, in modules.
func (c *Code) side() int { return c.Size() + 2*quietZone }

// PNG draws the code in black on white.
func (c *Code) PNG() ([]byte, error) {
	side := c.side() * moduleSize
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		row := picture.Pix[y*picture.Stride : y*picture.Stride+side]
		for x := range row {
			if c.Dark(x/moduleSize-quietZone, y/moduleSize-quietZone) {
				row[x] = 1
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("encode QR code: %w", err)
	}
	return out.Bytes(), nil
}

// SVG draws the code in black on white, a unit for each module; it takes the size that its page gives it.
func (c *Code) SVG() []byte {
	var out bytes.Buffer
	side := c.side()
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, side, side)
	fmt.Fprintf(&out, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, side, side)
	for y := range c.Size() {
		for x := 0; x < c.Size(); x++ {
			start := x
			for c.Dark(x, y) {
				x++
			}
			if x > start {
				fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", start+quietZone, y+quietZone, x-start, x-start)
			}
		}
	}
	out.WriteString(`"/></svg>` + "\n")
	return out.Bytes()
}

const (
	paint   = "\x1b[38;5;16;48;5;231m" // black on white, whatever the terminal's own colours are
	unpaint = "\x1b[0m"
)

// Terminal draws the code with half blocks, two rows of modules in a line. It sets the colours itself, so that it is the same on a dark
// and on a light terminal. Each line ends with a line feed.
func (c *Code) Terminal() string {
	var out strings.Builder
	blocks := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	for y := -quietZone; y < c.Size()+quietZone; y += 2 {
		out.WriteString(paint)
		for x := -quietZone; x < c.Size()+quietZone; x++ {
			out.WriteString(blocks[[2]bool{c.Dark(x, y), c.Dark(x, y+1)}])
		}
		out.WriteString(unpaint + "\n")
	}
	return out.String()
}
