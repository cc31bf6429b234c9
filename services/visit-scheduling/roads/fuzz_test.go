package roads

import "testing"

// Whatever a server answers, it is an error or a block of the size asked for with
// ways of no less than nothing, or none.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"code":"Ok","durations":[[0,61.5],[null,0]]}`))
	f.Add([]byte(`{"sources_to_targets":[[{"time":0,"from_index":0,"to_index":0},{"time":61}],[null,{"time":null}]]}`))
	f.Add([]byte(`{"sources_to_targets":{"durations":[[0,1],[1e300,0]]}}`))
	f.Add([]byte(`{"times":[[0,60],[59.99999,1e-300]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, kind := range map[string]api{"osrm": osrm{}, "valhalla": valhalla{}, "graphhopper": graphhopper{}} {
			block, err := kind.read(body, 2, 2)
			if err != nil {
				continue
			}
			if len(block) != 2 || len(block[0]) != 2 || len(block[1]) != 2 {
				t.Fatalf("%s: %v", name, block)
			}
			for _, row := range block {
				for _, m := range row {
					if m < -1 || m > mostMinutes {
						t.Fatalf("%s: a way of %d minutes", name, m)
					}
				}
			}
		}
	})
}
