package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
)

// config names the text search configuration of each language.
var config = map[string]string{"en": "english", "fi": "finnish", "sv": "swedish"}

// SearchAfter is the last hit of the page before.
type SearchAfter struct {
	Score     float64 `json:"s"`
	ServiceID string  `json:"i"`
}

// Score, in words: how well the text fits (rank of word forms, plus a little for
// a hit inside a compound word), more for a stated language, divided by a factor
// that doubles at 50 km. A service without a position counts as 50 km away.
//
// Row-level security keeps text operators from using an index of their own, so a
// search reads the agency's services. It reads that one table: what else a page
// shows is looked up for the page alone, so that no plan depends on statistics.
const (
	found = `
SELECT s.service_id, s.name, s.status, s.organization_id, left(coalesce(s.document->>'description', ''), 400) AS description,
       s.minimum_age, s.maximum_age, to_jsonb(s.languages) AS languages, %s AS distance_km, %s AS fit
  FROM service s WHERE %s`

	scored = `
SELECT service_id, name, status, organization_id, description, minimum_age, maximum_age, languages, distance_km,
       round((%s)::numeric, 9)::float8 AS score
  FROM (%s) found`

	shown = `
SELECT hit.service_id, hit.name, hit.status, hit.organization_id, hit.description, hit.minimum_age, hit.maximum_age, hit.languages, hit.distance_km, hit.score,
       coalesce((SELECT o.name FROM organization o WHERE o.organization_id = hit.organization_id), '') AS organization_name,
       coalesce((SELECT l.city FROM service_at_location l WHERE l.service_id = hit.service_id
                  ORDER BY %s NULLS LAST, l.service_at_location_id LIMIT 1), '') AS city
  FROM (%s) hit ORDER BY hit.score DESC, hit.service_id`
)

// Search finds services, best first; equal scores by id.
func Search(ctx context.Context, tx *postgres.Tx, q directory.Query, after *SearchAfter, limit int) ([]directory.Hit, error) {
	c := conditions{postgres.Conditions{Where: []string{"s.status = $1"}, Args: []any{q.Status}}}
	var fits []string
	if q.Text != "" {
		rank, where := c.text(q.Text)
		fits, c.Where = append(fits, rank), append(c.Where, where)
	}
	if q.Need != nil {
		rank, where := c.need(*q.Need)
		fits, c.Where = append(fits, rank), append(c.Where, where)
	}
	if len(fits) == 0 {
		fits = append(fits, "1")
	}
	fit := "(" + strings.Join(fits, " + ") + ")"
	if q.Language != "" {
		fit = "(" + fit + " + 0.3 * (" + c.Arg(q.Language) + " = ANY(s.languages))::int)"
	}
	if q.Age != nil {
		age := c.Arg(*q.Age)
		c.Where = append(c.Where, "(s.minimum_age IS NULL OR s.minimum_age <= "+age+") AND (s.maximum_age IS NULL OR s.maximum_age >= "+age+")")
	}
	score, distance, nearest := "fit", "NULL::float8", "NULL::float8"
	var page postgres.Conditions
	if q.Near != nil {
		nearest = haversine(c.Arg(q.Near.Latitude), c.Arg(q.Near.Longitude))
		distance = "(SELECT min(" + nearest + ") FROM unnest(s.latitudes, s.longitudes) AS l(latitude, longitude))"
		score = "fit / (1 + coalesce(distance_km, 50) / 50)"
		if q.WithinKm > 0 {
			page.Where = append(page.Where, "distance_km <= "+c.Arg(q.WithinKm))
		}
	}
	if after != nil {
		at := c.Arg(after.Score) + "::float8"
		page.Where = append(page.Where, "(score < "+at+" OR (score = "+at+" AND service_id > "+c.Arg(after.ServiceID)+"))")
	}
	hits := fmt.Sprintf(scored, score, fmt.Sprintf(found, distance, fit, strings.Join(c.Where, " AND ")))
	hits = "SELECT service_id, name, status, organization_id, description, minimum_age, maximum_age, languages, distance_km, score FROM (" + hits + ") scored" + page.SQL() + " ORDER BY score DESC, service_id LIMIT " + strconv.Itoa(limit)
	return read(ctx, tx, fmt.Sprintf(shown, nearest, hits), c.Args)
}

func read(ctx context.Context, tx *postgres.Tx, query string, args []any) ([]directory.Hit, error) {
	var rows []struct {
		directory.Hit
		Languages json.RawMessage `db:"languages"`
	}
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("search services: %w", err)
	}
	hits := make([]directory.Hit, len(rows))
	for i, r := range rows {
		hits[i] = r.Hit
		if err := json.Unmarshal(r.Languages, &hits[i].Languages); err != nil {
			return nil, fmt.Errorf("search services: languages: %w", err)
		}
	}
	return hits, nil
}

// conditions also ask for words and needs.
type conditions struct{ postgres.Conditions }

// text matches all words of a person's query, read by the rules of each language
// or as plain words without accents, or each word as a part of a longer one. What
// does not depend on the row stands in a SELECT of its own, which is run once.
func (c *conditions) text(text string) (rank, where string) {
	arg := c.Arg(text) + "::text"
	query := "(SELECT plainto_tsquery('english', " + arg + ") || plainto_tsquery('finnish', " + arg + ") || plainto_tsquery('swedish', " + arg + ") || plainto_tsquery('simple', unaccent(" + arg + ")))"
	inPlain, inName := []string{}, []string{}
	for _, word := range words(text) {
		like := "(SELECT '%' || lower(unaccent(" + c.Arg(escapeLike(word)) + "::text)) || '%')"
		inPlain = append(inPlain, "s.plain LIKE "+like)
		inName = append(inName, "s.plain_name LIKE "+like)
	}
	parts, partsInName := "false", "false"
	if len(inPlain) > 0 {
		parts, partsInName = "("+strings.Join(inPlain, " AND ")+")", "("+strings.Join(inName, " AND ")+")"
	}
	return "ts_rank('{0.1,0.3,0.6,1}', s.words, " + query + ") + 0.05 * " + parts + "::int + 0.4 * " + partsInName + "::int",
		"(s.words @@ " + query + " OR " + parts + ")"
}

// need matches any phrase, stem or taxonomy term of a need.
func (c *conditions) need(n directory.Need) (rank, where string) {
	var phrases []string
	for _, lang := range directory.Languages {
		for _, p := range n.Phrases[lang] {
			phrases = append(phrases, "phraseto_tsquery('"+config[lang]+"', "+c.Arg(p)+"::text)")
		}
	}
	query := "(SELECT " + strings.Join(phrases, " || ") + ")"
	hits := []string{"s.words @@ " + query}
	rank = "ts_rank('{0.1,0.3,0.6,1}', s.words, " + query + ")"
	for _, stem := range n.Stems {
		like := "(SELECT lower(unaccent(" + c.Arg("%"+escapeLike(stem)+"%") + "::text)))"
		hits = append(hits, "s.plain LIKE "+like)
		rank += " + 0.1 * (s.plain LIKE " + like + ")::int + 0.3 * (s.plain_name LIKE " + like + ")::int"
	}
	if len(n.Terms) > 0 {
		terms := "s.term_ids && " + c.Arg(n.Terms)
		hits = append(hits, terms)
		rank += " + (" + terms + ")::int"
	}
	return "(" + rank + ")", "(" + strings.Join(hits, " OR ") + ")"
}

// words are the words of a query to look for inside others. Two letters of the
// end of a long one are left open: Finnish changes them in ways its stemmer does
// not see through (vanhemmuus, vanhemmuuteen).
func words(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' }) {
		letters := []rune(w)
		switch {
		case len(letters) >= 8:
			out = append(out, string(letters[:len(letters)-2]))
		case len(letters) >= 2:
			out = append(out, w)
		}
	}
	return out
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func escapeLike(s string) string { return likeEscaper.Replace(s) }

// haversine is the great-circle distance in km from the given point to the row's,
// on a sphere of the Earth's mean radius 6371.0088 km (IUGG).
func haversine(lat, lon string) string {
	return `2 * 6371.0088 * asin(least(1, sqrt(
           power(sin(radians(l.latitude - ` + lat + `::float8) / 2), 2) +
           cos(radians(` + lat + `::float8)) * cos(radians(l.latitude)) * power(sin(radians(l.longitude - ` + lon + `::float8) / 2), 2))))`
}
