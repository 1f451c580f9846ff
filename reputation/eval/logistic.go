package eval

import "math"

// A logistic is a map from features to a probability, fitted to examples: σ(b + Σ w·z),
// where z are the features less their mean, in units of their standard deviation.
//
// It is fitted by twelve Newton steps from zero, with a ridge penalty of 1 on each weight
// (but not on b): enough for a handful of features, and it cannot run away when examples
// are few or separable.
type logistic struct {
	mean, deviation, weights []float64 // weights[0] is b
}

const (
	newtonSteps = 12
	ridge       = 1
)

// fitLogistic fits the map. Each example has the same number of features.
func fitLogistic(examples [][]float64, happened []bool) *logistic {
	features := 0
	if len(examples) > 0 {
		features = len(examples[0])
	}
	l := &logistic{mean: make([]float64, features), deviation: make([]float64, features), weights: make([]float64, features+1)}
	count := float64(max(len(examples), 1))
	for j := range features {
		for _, x := range examples {
			l.mean[j] += x[j] / count
		}
		for _, x := range examples {
			d := x[j] - l.mean[j]
			l.deviation[j] += float64(d*d) / count
		}
		if l.deviation[j] = math.Sqrt(l.deviation[j]); l.deviation[j] < 1e-9 {
			l.deviation[j] = 1 // says nothing
		}
	}
	z := make([]float64, features+1)
	for range newtonSteps {
		gradient := make([]float64, features+1)
		curvature := make([][]float64, features+1)
		for i := range curvature {
			curvature[i] = make([]float64, features+1)
			curvature[i][i] = ridge
			gradient[i] = -float64(ridge * l.weights[i])
		}
		curvature[0][0], gradient[0] = 1e-9, 0
		for k, x := range examples {
			p := l.standardize(x, z)
			miss := number(happened[k]) - p
			for i := range z {
				gradient[i] += float64(miss * z[i])
				for j := range z {
					curvature[i][j] += float64(p * (1 - p) * z[i] * z[j])
				}
			}
		}
		for i, step := range solve(curvature, gradient) {
			l.weights[i] += step
		}
	}
	return l
}

// standardize writes the standardized features to z, after a 1, and returns the probability.
func (l *logistic) standardize(x, z []float64) float64 {
	z[0] = 1
	sum := l.weights[0]
	for j, v := range x {
		z[j+1] = (v - l.mean[j]) / l.deviation[j]
		sum += float64(l.weights[j+1] * z[j+1])
	}
	const far = 30 // beyond it a probability is 0 or 1 anyway, and its curvature nothing
	return 1 / (1 + math.Exp(-min(max(sum, -far), far)))
}

// predict returns the probability for features.
func (l *logistic) predict(x []float64) float64 {
	return l.standardize(x, make([]float64, len(l.weights)))
}

// solve solves a·x = b for a symmetric positive definite a, by Gaussian elimination. It
// overwrites both.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for k := i + 1; k < n; k++ {
			f := a[k][i] / a[i][i]
			for j := i; j < n; j++ {
				a[k][j] -= float64(f * a[i][j])
			}
			b[k] -= float64(f * b[i])
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			b[i] -= float64(a[i][j] * b[j])
		}
		b[i] /= a[i][i]
	}
	return b
}

// logit is the log-odds of a probability, which is taken within 1e-6 of 0 and 1.
func logit(p float64) float64 {
	p = min(max(p, surest), 1-surest)
	return math.Log(p / (1 - p))
}
