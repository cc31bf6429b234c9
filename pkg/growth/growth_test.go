package growth_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/growth"
)

func TestSVG_PutsPointsByPowersOfTen(t *testing.T) {
	svg := draw(t, growth.Plot{Sizes: "visits & more", Unit: " ms", Curves: []growth.Curve{
		{Name: "a", Colour: "#1b6ca8", Points: []growth.Point{{100, 1}, {10_000, 100}}},
		{Name: "nothing of it", Colour: "#b03a2e"},
	}})
	for _, want := range []string{
		`points="60.0,350.0 620.0,50.0 "`, // the corners of what is drawn on
		`>1,000</text>`, `>10 ms</text>`, `visits &amp; more`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "nothing of it") {
		t.Error("a curve without points is named")
	}
}

func TestSVG_WithoutAPointIsTheAxes(t *testing.T) {
	if svg := draw(t, growth.Plot{Sizes: "visits"}); strings.Contains(svg, "polyline") || !strings.Contains(svg, ">10</text>") {
		t.Errorf("got\n%s", svg)
	}
}

func draw(t *testing.T, p growth.Plot) string {
	t.Helper()
	svg := string(p.SVG())
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return svg
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
}
