package eval

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hourmeter/hourmeter/internal/shared"
)

// files is the smallest fleet: two machines, and one thing of each kind.
func files(change ...string) fstest.MapFS {
	text := map[string]string{
		"PdM_machines.csv": "\"machineID\",\"model\",\"age\"\n7,\"model3\",18\n2,model4,0\n",
		"PdM_errors.csv":   "datetime,machineID,errorID\n2020-01-03 07:00:00,7,error1\n",
		"PdM_failures.csv": "datetime,machineID,failure\n2020-03-06 06:00:00,7,comp1\n2020-01-05 06:00:00,7,comp4\n",
		"PdM_maint.csv":    "datetime,machineID,comp\n2019-06-01 06:00:00,7,comp2\n2020-01-05 06:00:00,7,comp4\n",
	}
	if len(change) > 0 {
		text[change[0]] = change[1]
	}
	folder := fstest.MapFS{}
	for name, data := range text {
		folder[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return folder
}

func ExampleReadFleet() {
	fleet, err := ReadFleet(files())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range fleet {
		fmt.Println(h.ID, h.Model, h.Age, len(h.Errors), len(h.Failures), len(h.Services))
	}
	may := time.Date(2020, time.February, 1, 0, 0, 0, 0, time.UTC)
	fmt.Println(fleet[1].Before(may.Unix()).Failures[0].Name)
	// Output:
	// 2 model4 0 0 0 0
	// 7 model3 18 1 2 2
	// comp4
}

func TestFleetsRefused(t *testing.T) {
	for _, test := range []struct{ name, file, text, want string }{
		{"an empty file", "PdM_maint.csv", "", "PdM_maint.csv: empty: want the header datetime,machineID,comp"},
		{"another header", "PdM_errors.csv", "datetime,machineID,comp\n", `PdM_errors.csv: line 1: header is "datetime,machineID,comp": want datetime,machineID,errorID`},
		{"a field too many", "PdM_maint.csv", "datetime,machineID,comp\n2020-01-05 06:00:00,7,comp4,x\n", "PdM_maint.csv: record on line 2: wrong number of fields"},
		{"an open quote", "PdM_maint.csv", "datetime,machineID,comp\n2020-01-05 06:00:00,7,\"comp4\n", "PdM_maint.csv: "},
		{"a day that is none", "PdM_maint.csv", "datetime,machineID,comp\n2020-02-30 06:00:00,7,comp4\n", `PdM_maint.csv: line 2: datetime "2020-02-30 06:00:00" is not written as`},
		{"before 1970", "PdM_maint.csv", "datetime,machineID,comp\n1969-12-31 06:00:00,7,comp4\n", "line 2: datetime 1969-12-31 06:00:00 lies outside"},
		{"a machine that is not listed", "PdM_failures.csv", "datetime,machineID,failure\n2020-01-05 06:00:00,8,comp4\n", "PdM_failures.csv: line 2: machine 8 is not in PdM_machines.csv"},
		{"no machine", "PdM_failures.csv", "datetime,machineID,failure\n2020-01-05 06:00:00,seven,comp4\n", `line 2: machineID "seven" is no whole number`},
		{"no part", "PdM_failures.csv", "datetime,machineID,failure\n2020-01-05 06:00:00,7,\n", "line 2: failure \"\" must have 1 to 100 bytes"},
		{"a long name", "PdM_machines.csv", "machineID,model,age\n7," + strings.Repeat("m", 101) + ",1\n", "PdM_machines.csv: line 2: model"},
		{"an age in words", "PdM_machines.csv", "machineID,model,age\n7,model1,old\n", `line 2: age "old" is no number of years`},
		{"an age of a thousand", "PdM_machines.csv", "machineID,model,age\n7,model1,1000\n", `line 2: age "1000" is no number of years`},
		{"a negative machine", "PdM_machines.csv", "machineID,model,age\n-7,model1,1\n", `line 2: machineID "-7" is no whole number`},
		{"a machine twice", "PdM_machines.csv", "machineID,model,age\n7,model1,1\n7,model2,1\n", "machine 7 is listed twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ReadFleet(files(test.file, test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	folder := files()
	delete(folder, "PdM_maint.csv")
	if _, err := ReadFleet(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}

func FuzzReadFleet(f *testing.F) {
	for name, file := range files() {
		f.Add(name == "PdM_machines.csv", file.Data)
	}
	f.Fuzz(func(t *testing.T, machines bool, text []byte) {
		folder, name := files(), "PdM_maint.csv"
		if machines {
			name = "PdM_machines.csv"
		}
		folder[name] = &fstest.MapFile{Data: text}
		fleet, err := ReadFleet(folder)
		if err != nil {
			return
		}
		for _, h := range fleet {
			for _, e := range h.Services {
				if e.Time < 0 || e.Name == "" || len(e.Name) > maxFleetName {
					t.Fatalf("read %+v", e)
				}
			}
			if !slices.IsSortedFunc(h.Services, func(a, b FleetEvent) int { return int(a.Time - b.Time) }) {
				t.Fatalf("not sorted: %+v", h.Services)
			}
		}
	})
}

func TestADayKnowsNothingOfItself(t *testing.T) {
	h := MachineHistory{Failures: []FleetEvent{{9, "a"}, {10, "b"}, {10, "c"}, {11, "d"}}, Services: []FleetEvent{{10, "b"}}}
	was := h.Before(10)
	if len(was.Failures) != 1 || len(was.Services) != 0 || len(h.Failures) != 4 {
		t.Errorf("before 10: %+v", was)
	}
	_ = append(was.Failures, FleetEvent{12, "e"}) // must not reach the whole history
	if h.Failures[1].Name != "b" {
		t.Error("a cut history shares what was cut off")
	}
}

// simulatedFleet makes machines of two models whose parts wear.
func simulatedFleet(seed uint64) []MachineHistory {
	d := newDraws(seed, 0)
	fleet := make([]MachineHistory, 24)
	first := time.Date(2021, time.March, 1, 0, 0, 0, 0, time.UTC).Unix()
	for i := range fleet {
		h := MachineHistory{ID: int64(i), Model: fmt.Sprint("m", i%2), Age: d.below(20)}
		replaced := [2]int{}
		for day := range 370 {
			for part := range replaced {
				e := FleetEvent{first + int64(day)*secondsOfDay + 3600, fmt.Sprint("p", part)}
				worn := day - replaced[part]
				switch {
				case worn > 20 && d.below(1000) < 6+12*(i%2):
					h.Failures = append(h.Failures, e)
				case worn < 60 || d.below(10) > 0:
					continue
				}
				h.Services = append(h.Services, e)
				replaced[part] = day
			}
		}
		h.Errors = []FleetEvent{{first, "e"}, {first + 369*secondsOfDay, "e"}}
		fleet[i] = h
	}
	return fleet
}

// Each method is asked about unseen machines that know their future, and about the same
// machines after another future.
func TestNothingOfAMachinesFutureIsForetoldFrom(t *testing.T) {
	fleet := simulatedFleet(1)
	start, _ := watched(fleet)
	training, unseen := halves(fleet, 1)
	const fifth = firstCutoff + 4*horizon
	cut := start + fifth*secondsOfDay
	other := slices.Clone(unseen)
	for i := range other {
		// From the very second of the fifth cut-off on, all is different.
		was := unseen[i].Before(cut)
		was.Failures = append(was.Failures, FleetEvent{cut, "p0"}, FleetEvent{cut + 1, "p1"})
		was.Services = append(was.Services, FleetEvent{cut, "p0"})
		was.Errors = append(was.Errors, FleetEvent{cut, "e"})
		other[i] = was
	}
	for _, m := range mechanics() {
		a, err := diagnose(m, training, unseen, start)
		if err != nil {
			t.Fatal(err)
		}
		b, err := diagnose(m, training, other, start)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.probabilities {
			if i%cutoffs <= 4 && a.probabilities[i] != b.probabilities[i] {
				t.Errorf("%s: machine %d on day %d: %v, and %v if its future is another", m.name, a.subjects[i], firstCutoff+i%cutoffs*horizon, a.probabilities[i], b.probabilities[i])
			}
		}
		if m.name == Ours && slices.Equal(a.probabilities, b.probabilities) {
			t.Error("what happened on the fifth day makes no difference afterwards either")
		}
	}
}

func TestNumbersOfMachinesMakeNoDifference(t *testing.T) {
	fleet := simulatedFleet(2)
	start, _ := watched(fleet)
	training, unseen := halves(fleet, 1)
	renumber := func(machines []MachineHistory) []MachineHistory {
		out := slices.Clone(machines)
		for i := range out {
			out[i].ID = 1000 - 7*out[i].ID
		}
		return out
	}
	for _, m := range mechanics() {
		a, err := diagnose(m, training, unseen, start)
		if err != nil {
			t.Fatal(err)
		}
		b, err := diagnose(m, renumber(training), renumber(unseen), start)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.probabilities, b.probabilities) {
			t.Errorf("%s says something else when machines have other numbers", m.name)
		}
	}
}

func TestHalvesShareNoMachine(t *testing.T) {
	fleet := simulatedFleet(1)
	training, unseen := halves(fleet, 101)
	if len(training) != 12 || len(unseen) != 12 {
		t.Fatalf("%d and %d", len(training), len(unseen))
	}
	for _, h := range training {
		if slices.ContainsFunc(unseen, func(u MachineHistory) bool { return u.ID == h.ID }) {
			t.Errorf("machine %d is learnt from and asked about", h.ID)
		}
	}
}

func TestAFleetThatIsTooSmall(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, files()); err != nil {
		t.Fatal(err)
	}
	_, err := MachineMaintenance{Dir: dir, Seeds: []uint64{1}}.Run(t.Context(), func(int, int) {})
	if err == nil || !strings.Contains(err.Error(), "2 machines watched for 63 days: want 10 and 360 at least") {
		t.Errorf("got %v", err)
	}
}

// The figures of docs/EVALUATION.md.
func TestMachineMaintenance(t *testing.T) {
	fleet, err := ReadFleet(os.DirFS(shared.Path(t, "data", "azure-pdm")))
	if err != nil {
		t.Fatal(err)
	}
	start, _ := watched(fleet)
	for _, m := range mechanics() {
		var f forecast
		for _, seed := range []uint64{101, 102, 103} {
			training, unseen := halves(fleet, seed)
			g, err := diagnose(m, training, unseen, start)
			if err != nil {
				t.Fatal(err)
			}
			f.append(g)
		}
		auc, brier, ece := AUC(f.probabilities, f.happened), Brier(f.probabilities, f.happened), ECE(f.probabilities, f.happened)
		t.Logf("%s, %d moments: AUC %.4f, Brier %.4f, ECE %.4f", m.name, len(f.happened), auc, brier, ece)
		if m.name == Ours && (auc < .65 || brier > .240 || ece > .05) {
			t.Errorf("AUC %.4f, Brier %.4f, ECE %.4f: want 0.65 at least, 0.240 and 0.05 at most", auc, brier, ece)
		}
	}
}

func TestPublicDataThatIsNotThereIsNamed(t *testing.T) {
	table, err := Evaluate(t.Context(), PublicData(t.TempDir(), []uint64{1}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 0 || len(table.Absent) != 2 || table.Absent[0].Task != "otc" || table.Absent[1].Task != "maintenance" {
		t.Errorf("%+v", table)
	}
	// Networks that lie beside are found, and one may be given.
	dir := t.TempDir()
	if err := os.CopyFS(dir, fstest.MapFS{"bitcoin-alpha/soc-sign-bitcoinalpha.csv": {Data: []byte("1,2,3\n")}}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, task := range PublicData(dir, nil, "elsewhere/kept-back.csv") {
		names = append(names, task.Name())
	}
	if want := []string{"otc", "soc-sign-bitcoinalpha", "kept-back", "maintenance"}; !slices.Equal(names, want) {
		t.Errorf("tasks %q, want %q", names, want)
	}
}
