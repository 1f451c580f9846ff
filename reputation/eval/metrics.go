package eval

import (
	"cmp"
	"math"
	"slices"
)

// AUC is the probability that a positive has a higher score than a negative, ties counting
// half: the area under the receiver operating characteristic (Mann–Whitney U over the number
// of pairs). It is NaN without both kinds. The slices are of one length.
func AUC(scores []float64, positive []bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	var won, negatives, positives float64 // negatives and positives below the run at hand
	for i := 0; i < len(order); {
		var p, n float64
		run := scores[order[i]]
		for ; i < len(order) && scores[order[i]] == run; i++ {
			if positive[order[i]] {
				p++
			} else {
				n++
			}
		}
		won += float64(p * (negatives + n/2))
		negatives += n
		positives += p
	}
	return won / (positives * negatives)
}

// Brier is the mean squared difference between probabilities and what happened: 0 at best,
// 0.25 for always saying one half. It is NaN of nothing.
func Brier(probabilities []float64, happened []bool) float64 {
	sum := 0.0
	for i, p := range probabilities {
		d := p - number(happened[i])
		sum += float64(d * d)
	}
	return sum / float64(len(probabilities))
}

// surest bounds the probabilities that LogLoss sees, so that one certain error does not
// make the mean infinite.
const surest = 1e-6

// LogLoss is the mean of -ln of the probability that was given to what happened, in nats.
// Probabilities are taken within 1e-6 of 0 and 1. It is NaN of nothing.
func LogLoss(probabilities []float64, happened []bool) float64 {
	sum := 0.0
	for i, p := range probabilities {
		p = min(max(p, surest), 1-surest)
		if !happened[i] {
			p = 1 - p
		}
		sum -= math.Log(p)
	}
	return sum / float64(len(probabilities))
}

// Bins is how many bins [ECE] and [Calibration] use.
const Bins = 10

// A Bin is what became of those whose probability lies in one bin.
type Bin struct {
	Count    int     `json:"count"`
	Mean     float64 `json:"mean"`     // of the probabilities
	Happened float64 `json:"happened"` // share
}

// Calibration sorts the probabilities and cuts them into [Bins] bins of equal count, as
// near as can be; equal probabilities stay in one bin, so there may be fewer. Bins of equal
// count, because most machines are good, and bins of equal width would hold them in one.
func Calibration(probabilities []float64, happened []bool) []Bin {
	order := make([]int, len(probabilities))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probabilities[a], probabilities[b]) })
	var bins []Bin
	for i, k := 0, 1; i < len(order); k++ {
		end := max(len(order)*k/Bins, i)
		for end > i && end < len(order) && probabilities[order[end]] == probabilities[order[end-1]] {
			end++
		}
		if end == i {
			continue
		}
		b := Bin{Count: end - i}
		for ; i < end; i++ {
			b.Mean += probabilities[order[i]]
			b.Happened += number(happened[order[i]])
		}
		b.Mean /= float64(b.Count)
		b.Happened /= float64(b.Count)
		bins = append(bins, b)
	}
	return bins
}

// ECE is the expected calibration error: the difference between probability and share over
// the bins of [Calibration], weighted by their counts. Of n well calibrated probabilities
// near p it is about 0.8·√(p(1-p)·Bins/n), not 0. It is NaN of nothing.
func ECE(probabilities []float64, happened []bool) float64 {
	sum := 0.0
	for _, b := range Calibration(probabilities, happened) {
		sum += float64(float64(b.Count) * math.Abs(b.Mean-b.Happened))
	}
	return sum / float64(len(probabilities))
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// An Estimate is a mean with its 95 % confidence interval.
type Estimate struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	N    int     `json:"n"` // values it is the mean of
}

// students are the 97.5 % points of Student's t distribution for 1 to 10 degrees of freedom.
var students = [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}

// Summary is the mean of values with the 95 % confidence interval of Student's t (the normal
// one beyond ten degrees of freedom). Of one value the interval is that value.
func Summary(values []float64) Estimate {
	n := float64(len(values))
	e := Estimate{N: len(values)}
	for _, v := range values {
		e.Mean += v
	}
	e.Mean /= n
	squares := 0.0
	for _, v := range values {
		squares += float64((v - e.Mean) * (v - e.Mean))
	}
	e.Low, e.High = e.Mean, e.Mean
	if len(values) > 1 {
		t := 1.96 + 2.4/(n-1) // beyond the table, right to a hundredth
		if len(values)-2 < len(students) {
			t = students[len(values)-2]
		}
		half := t * math.Sqrt(squares/(n-1)/n)
		e.Low, e.High = e.Mean-half, e.Mean+half
	}
	return e
}

// resamples is how many samples Bootstrap draws: enough for two digits of a 95 % interval.
const resamples = 1000

// Bootstrap is a measure of n things with its 95 % percentile interval over resamples of
// them. measure gets the indices of a sample; Bootstrap(n, seed, measure).Mean is that of
// the things themselves, each once. Samples for which measure is NaN are left out.
func Bootstrap(n int, seed uint64, measure func(sample []int) float64) Estimate {
	sample := make([]int, n)
	for i := range sample {
		sample[i] = i
	}
	e := Estimate{Mean: measure(sample), N: n}
	e.Low, e.High = e.Mean, e.Mean
	d := newDraws(seed, 0)
	values := make([]float64, 0, resamples)
	for range resamples {
		for i := range sample {
			sample[i] = d.below(n)
		}
		if v := measure(sample); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	if len(values) > 0 {
		e.Low, e.High = values[len(values)*25/1000], values[len(values)*975/1000]
	}
	return e
}
