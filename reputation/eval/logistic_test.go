package eval

import (
	"math"
	"testing"
)

func TestALogisticMapFindsProbabilitiesBack(t *testing.T) {
	d := newDraws(5, 0)
	var examples [][]float64
	var happened []bool
	for range 20_000 {
		x, y := float64(d.below(1000))/250-2, float64(d.below(1000))/100
		p := 1 / (1 + math.Exp(-(0.5 + x - y/10)))
		examples = append(examples, []float64{x, y, 7})
		happened = append(happened, d.chance(int(p*million)))
	}
	l := fitLogistic(examples, happened)
	for _, x := range [][]float64{{-2, 0, 7}, {0, 5, 7}, {2, 10, 7}} {
		want := 1 / (1 + math.Exp(-(0.5 + x[0] - x[1]/10)))
		if got := l.predict(x); math.Abs(got-want) > .02 {
			t.Errorf("at %v: %.3f, want %.3f", x, got, want)
		}
	}
}

func TestALogisticMapOfLittle(t *testing.T) {
	yes, no := fitLogistic([][]float64{{1}, {2}}, []bool{true, true}), fitLogistic([][]float64{{1}, {2}, {3}, {4}}, []bool{false, false, true, true})
	if p := yes.predict([]float64{1}); !(p > .9 && p <= 1) {
		t.Errorf("what always happened has %v", p)
	}
	// Separable: without the penalty the weight would grow for ever.
	if p := no.predict([]float64{4}); !(p > .6 && p < .99) {
		t.Errorf("at the end of four separable examples: %v", p)
	}
	if p := fitLogistic([][]float64{{}, {}, {}, {}}, []bool{true, false, false, false}).predict(nil); math.Abs(p-.25) > 1e-6 {
		t.Errorf("without features: %v, want the share", p)
	}
	if p := fitLogistic(nil, nil).predict(nil); p != .5 {
		t.Errorf("of nothing: %v", p)
	}
}
