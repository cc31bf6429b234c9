package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearthfps/hearth/services/intake/match"
)

// roles a column can play, as written in --map.
var roles = []string{
	"id", "given", "family", "name", "birth_date", "sex", "place", "postcode", "street",
	"phone", "email", "identifier", "other", "household",
}

// columnMap says which columns of a file play which role, in order.
type columnMap map[string][]string

// parseMap reads role=column pairs: given=first_name,family=surname. A role
// may be repeated, or take several columns joined by +.
func parseMap(s string) (columnMap, error) {
	m := columnMap{}
	for _, item := range strings.Split(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		role, columns, ok := strings.Cut(item, "=")
		if !ok {
			return nil, fmt.Errorf("--map: %q: want role=column, for example given=first_name", item)
		}
		role = strings.TrimSpace(role)
		if !slices.Contains(roles, role) {
			return nil, fmt.Errorf("--map: role %q is not one of %s", role, strings.Join(roles, ", "))
		}
		for _, c := range strings.Split(columns, "+") {
			c = strings.Trim(strings.TrimSpace(c), `"'`)
			if c == "" {
				return nil, fmt.Errorf("--map: role %s names no column", role)
			}
			if slices.Contains(m[role], c) {
				return nil, fmt.Errorf("--map: column %q is twice in role %s", c, role)
			}
			m[role] = append(m[role], c)
		}
	}
	if len(m) == 0 {
		return nil, errors.New("--map: empty; say which columns are what, for example given=first_name,family=surname")
	}
	return m, nil
}

// table is a CSV file with named columns.
type table struct {
	header []string
	rows   [][]string
}

func readTable(r io.Reader) (*table, error) {
	cr := csv.NewReader(r)
	cr.TrimLeadingSpace = true
	cr.FieldsPerRecord = -1
	cr.LazyQuotes = true
	rows, err := cr.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read CSV: %w", err)
	}
	if len(rows) == 0 {
		return nil, errors.New("read CSV: no header line")
	}
	t := &table{header: rows[0], rows: rows[1:]}
	for i, h := range t.header {
		t.header[i] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
	}
	for i, row := range t.rows {
		if len(row) != len(t.header) {
			return nil, fmt.Errorf("read CSV: line %d has %d fields, the header has %d", i+2, len(row), len(t.header))
		}
	}
	return t, nil
}

func (t *table) column(name string) (int, error) {
	if i := slices.Index(t.header, name); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("no column %q; the file has %s", name, strings.Join(t.header, ", "))
}

// persons reads every row as a person. Text that is no date in a birth date
// column is counted and left unknown.
func (t *table) persons(m columnMap) (people []match.Person, badDates int, err error) {
	type col struct {
		role, name string
		at         int
	}
	var cols []col
	for _, role := range roles {
		for _, name := range m[role] {
			at, err := t.column(name)
			if err != nil {
				return nil, 0, fmt.Errorf("--map: %s: %w", role, err)
			}
			cols = append(cols, col{role, name, at})
		}
	}
	people = make([]match.Person, len(t.rows))
	for i, row := range t.rows {
		p := &people[i]
		var address match.Address
		for _, c := range cols {
			v := strings.TrimSpace(row[c.at])
			if v == "" {
				continue
			}
			switch c.role {
			case "id":
				p.ID = v
			case "given":
				p.Given = append(p.Given, v)
			case "family":
				p.Family = strings.TrimSpace(p.Family + " " + v)
			case "name":
				addFullName(p, v)
			case "birth_date":
				d, err := match.ParseDate(v)
				if err != nil {
					badDates++
				}
				if p.BirthDate.IsZero() {
					p.BirthDate = d
				}
			case "sex":
				p.Sex = match.ParseSex(v)
			case "place":
				if address.City == "" && c.name == m["place"][0] {
					address.City = v
				} else {
					p.Attributes = append(p.Attributes, match.Attribute{Name: c.name, Value: v})
				}
			case "postcode":
				if address.PostalCode == "" {
					address.PostalCode = v
				}
			case "street":
				address.Lines = append(address.Lines, v)
			case "phone":
				p.Contacts = append(p.Contacts, match.Contact{Kind: match.Phone, Value: v})
			case "email":
				p.Contacts = append(p.Contacts, match.Contact{Kind: match.Email, Value: v})
			case "identifier":
				p.Identifiers = append(p.Identifiers, match.Identifier{System: c.name, Value: v})
			case "other":
				p.Attributes = append(p.Attributes, match.Attribute{Name: c.name, Value: v})
			case "household":
				p.Household = v
			}
		}
		if address.City != "" || address.PostalCode != "" || len(address.Lines) > 0 {
			p.Addresses = []match.Address{address}
		}
	}
	return people, badDates, nil
}

// addFullName takes a whole name: "family, given" or "given … family". Where
// given and family columns are mapped too it adds the names they lack.
func addFullName(p *match.Person, v string) {
	var given []string
	family := ""
	if last, first, ok := strings.Cut(v, ","); ok {
		family, given = strings.TrimSpace(last), strings.Fields(first)
	} else {
		words := strings.Fields(v)
		if n := len(words); n > 1 {
			given, family = words[:n-1], words[n-1]
		} else {
			given = words
		}
	}
	if len(p.Given) == 0 && p.Family == "" {
		p.Given, p.Family = given, family
		return
	}
	for _, g := range given {
		if !slices.Contains(p.Given, g) && g != p.Family {
			p.Given = append(p.Given, g)
		}
	}
}
