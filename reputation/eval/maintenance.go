package eval

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/reputation"
)

// Limits on the files of a fleet.
const (
	// maxFleetFile bounds each file: a thousand times the published one.
	maxFleetFile = 128 << 20

	// maxFleet bounds the machines.
	maxFleet = 100_000

	// maxFleetName bounds the names of models and of what a record is about, in bytes.
	maxFleetName = 100

	// maxAge bounds the age of machines, in years.
	maxAge = 200
)

// A MachineHistory is what is known of one machine of a fleet.
type MachineHistory struct {
	ID    int64
	Model string
	Age   int // whole years

	// Sorted by time, then by name.
	Errors   []FleetEvent // the machine reported an error and ran on; the name is that of the error
	Failures []FleetEvent // a part failed; the name is that of the part
	Services []FleetEvent // a part was replaced, planned or because it had failed
}

// A FleetEvent is something that happened to a machine.
type FleetEvent struct {
	Time int64 // Unix seconds
	Name string
}

// day is the day that counts.
func (e FleetEvent) day() reputation.Day { return reputation.Day(e.Time / secondsOfDay) }

const secondsOfDay = 24 * 60 * 60

// Before is the history as it was known at a moment: what happened then or later is cut off.
func (h MachineHistory) Before(t int64) MachineHistory {
	for _, events := range [...]*[]FleetEvent{&h.Errors, &h.Failures, &h.Services} {
		n, _ := slices.BinarySearchFunc(*events, t, func(e FleetEvent, t int64) int { return cmp.Compare(e.Time, t) })
		*events = (*events)[:n:n]
	}
	return h
}

// ReadFleet reads a fleet in the form of Microsoft's sample for predictive maintenance:
// PdM_machines.csv (machineID,model,age), PdM_errors.csv (datetime,machineID,errorID),
// PdM_failures.csv (datetime,machineID,failure) and PdM_maint.csv (datetime,machineID,comp),
// each with that header. Times are "2006-01-02 15:04:05", taken as UTC.
//
// Machines come sorted by number. An error names the file, the line and what is wrong with
// it; if a file is missing it wraps [fs.ErrNotExist].
func ReadFleet(folder fs.FS) ([]MachineHistory, error) {
	var fleet []MachineHistory
	err := readTable(folder, "PdM_machines.csv", [3]string{"machineID", "model", "age"}, func(record []string) error {
		id, err := strconv.ParseUint(record[0], 10, 53)
		if err != nil {
			return fmt.Errorf("machineID %.40q is no whole number", record[0])
		}
		age, err := strconv.ParseUint(record[2], 10, 31)
		if err != nil || age > maxAge {
			return fmt.Errorf("age %.40q is no number of years from 0 to %d", record[2], maxAge)
		}
		if len(fleet) == maxFleet {
			return fmt.Errorf("more than %d machines", maxFleet)
		}
		fleet = append(fleet, MachineHistory{ID: int64(id), Model: record[1], Age: int(age)})
		return checkName("model", record[1])
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(fleet, func(a, b MachineHistory) int { return cmp.Compare(a.ID, b.ID) })
	for i := range fleet {
		if i > 0 && fleet[i-1].ID == fleet[i].ID {
			return nil, fmt.Errorf("PdM_machines.csv: machine %d is listed twice", fleet[i].ID)
		}
	}

	for _, file := range [...]struct {
		name, what string
		events     func(h *MachineHistory) *[]FleetEvent
	}{
		{"PdM_errors.csv", "errorID", func(h *MachineHistory) *[]FleetEvent { return &h.Errors }},
		{"PdM_failures.csv", "failure", func(h *MachineHistory) *[]FleetEvent { return &h.Failures }},
		{"PdM_maint.csv", "comp", func(h *MachineHistory) *[]FleetEvent { return &h.Services }},
	} {
		err := readTable(folder, file.name, [3]string{"datetime", "machineID", file.what}, func(record []string) error {
			at, err := time.Parse(time.DateTime, record[0])
			if err != nil {
				return fmt.Errorf("datetime %.40q is not written as %s", record[0], time.DateTime)
			}
			if day := reputation.DayOf(at); day < 0 || day > reputation.MaxDay {
				return fmt.Errorf("datetime %s lies outside 1970-01-01 to %v", record[0], reputation.MaxDay)
			}
			id, err := strconv.ParseUint(record[1], 10, 53)
			if err != nil {
				return fmt.Errorf("machineID %.40q is no whole number", record[1])
			}
			i, ok := slices.BinarySearchFunc(fleet, int64(id), func(h MachineHistory, id int64) int { return cmp.Compare(h.ID, id) })
			if !ok {
				return fmt.Errorf("machine %d is not in PdM_machines.csv", id)
			}
			events := file.events(&fleet[i])
			*events = append(*events, FleetEvent{at.Unix(), record[2]})
			return checkName(file.what, record[2])
		})
		if err != nil {
			return nil, err
		}
		for i := range fleet {
			slices.SortFunc(*file.events(&fleet[i]), func(a, b FleetEvent) int {
				return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Name, b.Name))
			})
		}
	}
	return fleet, nil
}

func checkName(what, name string) error {
	if name == "" || len(name) > maxFleetName {
		return fmt.Errorf("%s %.40q must have 1 to %d bytes", what, name, maxFleetName)
	}
	return nil
}

// record are valid until the next.
func readTable(folder fs.FS, name string, header [3]string, read func(record []string) error) error {
	file, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	limited := &io.LimitedReader{R: file, N: maxFleetFile + 1}
	table := csv.NewReader(limited)
	table.FieldsPerRecord = len(header)
	table.ReuseRecord = true
	for first := true; ; first = false {
		record, err := table.Read()
		switch {
		case limited.N == 0:
			return fmt.Errorf("%s: longer than %d bytes", name, int64(maxFleetFile))
		case errors.Is(err, io.EOF) && !first:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%s: empty: want the header %s", name, strings.Join(header[:], ","))
		case err != nil:
			return fmt.Errorf("%s: %w", name, err) // names the line
		}
		if first {
			if !slices.Equal(record, header[:]) {
				return fmt.Errorf("%s: line 1: header is %.100q: want %s", name, strings.Join(record, ","), strings.Join(header[:], ","))
			}
			continue
		}
		if err := read(record); err != nil {
			line, _ := table.FieldPos(0)
			return fmt.Errorf("%s: line %d: %w", name, line, err)
		}
	}
}
