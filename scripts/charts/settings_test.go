package charts

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/scripts/charts/values"
	"github.com/hearthfps/hearth/services/notification"
	resourcedirectory "github.com/hearthfps/hearth/services/resource-directory"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
)

// What a chart's settings may say is what the service reads: a setting that is new
// in the code is new in the chart's schema.yaml too.
func TestSettings_AreThoseTheServiceReads(t *testing.T) {
	code := map[string][]string{
		"notification":       fields(reflect.TypeFor[notification.Settings](), ""),
		"resource-directory": fields(reflect.TypeFor[resourcedirectory.Settings](), ""),
		"visit-scheduling":   fields(reflect.TypeFor[visitscheduling.Settings](), ""),
	}
	// A folder of mail in place of a mail server is for development; a pod writes nowhere.
	code["notification"] = slices.DeleteFunc(code["notification"], func(s string) bool { return s == "inbox_dir" })
	for _, chart := range values.Services() {
		s, err := values.Of(root, chart)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := s.Rows()
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, row := range rows {
			if name, ok := strings.CutPrefix(row.Path, "settings."); ok {
				said = append(said, name)
			}
		}
		slices.Sort(said)
		if diff := cmp.Diff(code[chart], said); diff != "" {
			t.Errorf("%s: settings: -code +helm/%s/schema.yaml\n%s", chart, chart, diff)
		}
		var set []string
		for _, text := range []string{everySetting[chart], otherwise[chart]} {
			checked, _ := over(t, text, map[string]any{})["settings"].(map[string]any)
			set = append(set, paths(checked, "")...)
		}
		slices.Sort(set)
		if diff := cmp.Diff(code[chart], slices.Compact(set)); diff != "" {
			t.Errorf("%s: settings: -code +everySetting and otherwise, whose check the service makes\n%s", chart, diff)
		}
	}
}

// paths are the leaves of a map of maps.
func paths(of map[string]any, path string) []string {
	var all []string
	for name, value := range of {
		if below, ok := value.(map[string]any); ok {
			all = append(all, paths(below, path+name+".")...)
			continue
		}
		all = append(all, path+name)
	}
	slices.Sort(all)
	return all
}

// fields are the settings that a struct reads, as paths of their YAML names.
func fields(of reflect.Type, path string) []string {
	var all []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		below := f.Type
		if below.Kind() == reflect.Pointer {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct {
			all = append(all, fields(below, path+name+".")...)
			continue
		}
		all = append(all, path+name)
	}
	slices.Sort(all)
	return all
}
