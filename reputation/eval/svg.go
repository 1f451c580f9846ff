package eval

import (
	"fmt"
	"html"
	"strings"
)

// A chart is a line chart of things that lie in a box.
type chart struct {
	title, x, y      string
	left, right      float64 // ends of the x axis
	bottom, top      float64 // ends of the y axis
	xTicks, yTicks   []float64
	xDigits, yDigits int
	diagonal         bool // draw x = y
	lines            []line
}

// A line is a series of points, with a band around it if low and high are given.
type line struct {
	name      string
	dashed    bool
	x, y      []float64
	low, high []float64
	dots      bool
}

// The box in which lines are drawn, and the picture around it, in pixels.
const (
	svgWidth, svgHeight = 640, 400
	boxLeft, boxTop     = 64, 44
	boxWidth, boxHeight = 400, 296
)

// svgHead has colours that can be told apart by people who do not see all colours (Okabe and
// Ito 2008), and ink that follows what the reader's system asks for, light or dark.
const svgHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">
<title>%[3]s</title>
<style>
svg{color:#1f2328;background:#fff;font:13px system-ui,sans-serif}
@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}
text{fill:currentColor}.t{font-weight:600;font-size:15px}
.g{stroke:currentColor;stroke-opacity:.15}.a{stroke:currentColor;fill:none}
.l{fill:none;stroke-width:2;stroke-linejoin:round}.b{fill-opacity:.18}
.c0{stroke:#0072b2}.c1{stroke:#d55e00}.c2{stroke:#009e73}.c3{stroke:#cc79a7}
.f0{fill:#0072b2}.f1{fill:#d55e00}.f2{fill:#009e73}.f3{fill:#cc79a7}
</style>
`

// colours is how many the style knows. Lines beyond them begin again.
const colours = 4

// svg draws the chart. Numbers are written with one digit, so that the same chart is the
// same bytes everywhere.
func (c *chart) svg() []byte {
	var b strings.Builder
	px := func(x float64) float64 { return boxLeft + float64((x-c.left)/(c.right-c.left)*boxWidth) }
	py := func(y float64) float64 {
		y = min(max(y, c.bottom), c.top)
		return boxTop + boxHeight - float64((y-c.bottom)/(c.top-c.bottom)*boxHeight)
	}
	fmt.Fprintf(&b, svgHead, svgWidth, svgHeight, html.EscapeString(c.title))
	fmt.Fprintf(&b, "<text class=\"t\" x=\"%d\" y=\"24\">%s</text>\n", boxLeft, html.EscapeString(c.title))
	for _, x := range c.xTicks {
		fmt.Fprintf(&b, "<line class=\"g\" x1=\"%.1[1]f\" x2=\"%.1[1]f\" y1=\"%[2]d\" y2=\"%[3]d\"/><text x=\"%.1[1]f\" y=\"%[4]d\" text-anchor=\"middle\">%.[5]*[6]f</text>\n",
			px(x), boxTop, boxTop+boxHeight, boxTop+boxHeight+18, c.xDigits, x)
	}
	for _, y := range c.yTicks {
		fmt.Fprintf(&b, "<line class=\"g\" x1=\"%[1]d\" x2=\"%[2]d\" y1=\"%.1[3]f\" y2=\"%.1[3]f\"/><text x=\"%[4]d\" y=\"%.1[5]f\" text-anchor=\"end\">%.[6]*[7]f</text>\n",
			boxLeft, boxLeft+boxWidth, py(y), boxLeft-8, py(y)+4, c.yDigits, y)
	}
	fmt.Fprintf(&b, "<rect class=\"a\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", boxLeft, boxTop, boxWidth, boxHeight)
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", boxLeft+boxWidth/2, boxTop+boxHeight+42, html.EscapeString(c.x))
	fmt.Fprintf(&b, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n", boxTop+boxHeight/2, html.EscapeString(c.y))
	if c.diagonal {
		low, high := max(c.left, c.bottom), min(c.right, c.top)
		fmt.Fprintf(&b, "<path class=\"a\" stroke-dasharray=\"2 4\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", px(low), py(low), px(high), py(high))
	}
	points := func(xs, ys []float64) string {
		var p strings.Builder
		for i := range xs {
			fmt.Fprintf(&p, " %.1f %.1f", px(xs[i]), py(ys[i]))
		}
		return p.String()
	}
	for i, l := range c.lines {
		colour := i % colours
		if l.low != nil {
			var back strings.Builder
			for j := len(l.x) - 1; j >= 0; j-- {
				fmt.Fprintf(&back, " %.1f %.1f", px(l.x[j]), py(l.low[j]))
			}
			fmt.Fprintf(&b, "<polygon class=\"b f%d\" points=\"%s\"/>\n", colour, points(l.x, l.high)[1:]+back.String())
		}
		dash := ""
		if l.dashed {
			dash = ` stroke-dasharray="6 4"`
		}
		fmt.Fprintf(&b, "<polyline class=\"l c%d\"%s points=\"%s\"/>\n", colour, dash, strings.TrimPrefix(points(l.x, l.y), " "))
		if l.dots {
			for j := range l.x {
				fmt.Fprintf(&b, "<circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", colour, px(l.x[j]), py(l.y[j]))
			}
		}
		y := boxTop + 12 + 22*i
		fmt.Fprintf(&b, "<path class=\"l c%d\"%s d=\"M%d %dh24\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
			colour, dash, boxLeft+boxWidth+12, y-4, boxLeft+boxWidth+42, y, html.EscapeString(l.name))
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}
