package eval

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"sync"
)

// Evaluate runs the tasks, as many at a time as there are processors, and returns their
// rows in the order of the tasks. What comes out does not depend on how many run at a time.
// report, which may be nil, is called with how many parts are done; never twice at a time.
func Evaluate(ctx context.Context, tasks []Task, report func(done, total int)) (*Table, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows := make([][]Row, len(tasks))
	errs := make([]error, len(tasks))
	progress := tally{report: report, done: make([]int, len(tasks)), total: make([]int, len(tasks))}
	for i := range progress.total {
		progress.total[i] = 1
	}
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(tasks)) {
		workers.Go(func() {
			for i := range next {
				rows[i], errs[i] = tasks[i].Run(ctx, func(done, total int) { progress.set(i, done, total) })
				if errs[i] != nil && !errors.Is(errs[i], fs.ErrNotExist) {
					cancel() // the others need not finish
				}
			}
		})
	}
	for i := range tasks {
		next <- i
	}
	close(next)
	workers.Wait()

	t := &Table{Rows: []Row{}, Absent: []Absence{}}
	for i, err := range errs {
		switch {
		case err == nil:
			t.Rows = append(t.Rows, rows[i]...)
		case errors.Is(err, fs.ErrNotExist):
			t.Absent = append(t.Absent, Absence{tasks[i].Name(), err.Error()})
		case !errors.Is(err, context.Canceled):
			return nil, err
		}
	}
	return t, ctx.Err()
}

// A tally adds up the progress of tasks.
type tally struct {
	sync.Mutex
	report      func(done, total int)
	done, total []int
}

func (t *tally) set(i, done, total int) {
	t.Lock()
	defer t.Unlock()
	t.done[i], t.total[i] = done, total
	if t.report == nil {
		return
	}
	done, total = 0, 0
	for j := range t.done {
		done, total = done+t.done[j], total+t.total[j]
	}
	t.report(done, total)
}
