package importer

import (
	"encoding/binary"
	"slices"
	"time"
)

// match finds for each row the rows that it is to be looked up with.
func (r *run) match() {
	for _, s := range r.sources {
		for _, join := range []struct {
			match *match
			found func(row, other *row)
		}{
			{s.spec.Match, func(row, other *row) { row.matched = other }},
			{s.spec.Closes, func(row, other *row) { row.opened = other }},
		} {
			if join.match == nil {
				continue
			}
			var other *source
			for _, o := range r.sources {
				if o.spec.Name == join.match.Source {
					other = o
				}
			}
			theirs := make([]string, len(join.match.ours))
			for i, ours := range join.match.ours {
				theirs[i] = join.match.On[ours]
			}
			rows := map[string][]*row{}
			for _, o := range other.rows {
				if o.fate == pending {
					key := keyOf(o, theirs)
					rows[key] = append(rows[key], o)
				}
			}
			for _, candidates := range rows {
				slices.SortStableFunc(candidates, func(a, b *row) int { return a.time.Compare(b.time) })
			}
			for _, row := range s.rows {
				if row.fate != pending {
					continue
				}
				if found := latest(rows[keyOf(row, join.match.ours)], row.time, time.Duration(join.match.Within)); found != nil {
					join.found(row, found)
				}
			}
		}
	}
}

func keyOf(r *row, columns []string) string {
	var b []byte
	for _, text := range append([]string{r.machine}, valuesOf(r, columns)...) {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return string(b)
}

func valuesOf(r *row, columns []string) []string {
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = r.get(column)
	}
	return values
}

// latest returns the last of rows, which are in order, that is not newer than at,
// nor older than within before it.
func latest(rows []*row, at time.Time, within time.Duration) *row {
	end, _ := slices.BinarySearchFunc(rows, at, func(r *row, at time.Time) int {
		if at.IsZero() || !r.time.After(at) {
			return -1
		}
		return 1
	})
	if end == 0 {
		return nil
	}
	found := rows[end-1]
	if within > 0 && found.time.Before(at.Add(-within)) {
		return nil
	}
	return found
}
