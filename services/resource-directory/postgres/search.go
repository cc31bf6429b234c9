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
// search reads the agency's services: milliseconds for thousands of them.
const searchBase = `
SELECT service_id, name, status, organization_id, organization_name, description, minimum_age, maximum_age, languages, city, distance_km, score FROM (
  SELECT s.service_id, s.name, s.status, s.organization_id, coalesce(o.name, '') AS organization_name,
         left(coalesce(s.document->>'description', ''), 400) AS description, s.minimum_age, s.maximum_age, to_jsonb(s.languages) AS languages,
         coalesce(near.city, '') AS city, near.distance_km, round((%s)::numeric, 9)::float8 AS score
    FROM service s
    LEFT JOIN organization o ON o.organization_id = s.organization_id AND o.agency_id = s.agency_id
    LEFT JOIN LATERAL (
      SELECT l.city, %s AS distance_km
        FROM service_at_location l WHERE l.service_id = s.service_id AND l.agency_id = s.agency_id
       ORDER BY 2 NULLS LAST, l.service_at_location_id LIMIT 1) near ON true
   WHERE %s) hit
`

// Search finds services, best first; equal scores by id.
func Search(ctx context.Context, tx *postgres.Tx, q directory.Query, after *SearchAfter, limit int) ([]directory.Hit, error) {
	c := conditions{where: []string{"s.status = $1"}, args: []any{q.Status}}
	score := []string{}
	if q.Text != "" {
		rank, where := c.text(q.Text)
		score, c.where = append(score, rank), append(c.where, where)
	}
	if q.Need != nil {
		rank, where := c.need(*q.Need)
		score, c.where = append(score, rank), append(c.where, where)
	}
	if len(score) == 0 {
		score = append(score, "1")
	}
	total := "(" + strings.Join(score, " + ") + ")"
	if q.Language != "" {
		total = "(" + total + " + 0.3 * (" + c.arg(q.Language) + " = ANY(s.languages))::int)"
	}
	distance := "NULL::float8"
	if q.Near != nil {
		distance = haversine(c.arg(q.Near.Latitude), c.arg(q.Near.Longitude))
		total += " / (1 + coalesce(near.distance_km, 50) / 50)"
		if q.WithinKm > 0 {
			c.where = append(c.where, "near.distance_km <= "+c.arg(q.WithinKm))
		}
	}
	if q.Age != nil {
		age := c.arg(*q.Age)
		c.where = append(c.where, "(s.minimum_age IS NULL OR s.minimum_age <= "+age+") AND (s.maximum_age IS NULL OR s.maximum_age >= "+age+")")
	}
	query := fmt.Sprintf(searchBase, total, distance, strings.Join(c.where, " AND "))
	if after != nil {
		s := c.arg(after.Score) + "::float8"
		query += " WHERE score < " + s + " OR (score = " + s + " AND service_id > " + c.arg(after.ServiceID) + ")"
	}
	query += " ORDER BY score DESC, service_id LIMIT " + strconv.Itoa(limit)

	var rows []struct {
		directory.Hit
		Languages json.RawMessage `db:"languages"`
	}
	if err := tx.SelectContext(ctx, &rows, query, c.args...); err != nil {
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

// text matches all words of a person's query, read by the rules of each language
// or as plain words without accents, or each word as a part of a longer one.
func (c *conditions) text(text string) (rank, where string) {
	arg := c.arg(text) + "::text"
	query := "(plainto_tsquery('english', " + arg + ") || plainto_tsquery('finnish', " + arg + ") || plainto_tsquery('swedish', " + arg + ") || plainto_tsquery('simple', unaccent(" + arg + ")))"
	inPlain, inName := []string{}, []string{}
	for _, word := range words(text) {
		like := "'%' || lower(unaccent(" + c.arg(escapeLike(word)) + "::text)) || '%'"
		inPlain = append(inPlain, "s.plain LIKE "+like)
		inName = append(inName, "s.plain_name LIKE "+like)
	}
	parts, partsInName := "false", "false"
	if len(inPlain) > 0 {
		parts, partsInName = "("+strings.Join(inPlain, " AND ")+")", "("+strings.Join(inName, " AND ")+")"
	}
	return "ts_rank_cd('{0.1,0.3,0.6,1}', s.words, " + query + ") + 0.05 * " + parts + "::int + 0.4 * " + partsInName + "::int",
		"(s.words @@ " + query + " OR " + parts + ")"
}

// need matches any phrase, stem or taxonomy term of a need.
func (c *conditions) need(n directory.Need) (rank, where string) {
	var phrases []string
	for _, lang := range directory.Languages {
		for _, p := range n.Phrases[lang] {
			phrases = append(phrases, "phraseto_tsquery('"+config[lang]+"', "+c.arg(p)+"::text)")
		}
	}
	query := "(" + strings.Join(phrases, " || ") + ")"
	hits := []string{"s.words @@ " + query}
	rank = "ts_rank_cd('{0.1,0.3,0.6,1}', s.words, " + query + ")"
	for _, stem := range n.Stems {
		like := "lower(unaccent(" + c.arg("%"+escapeLike(stem)+"%") + "::text))"
		hits = append(hits, "s.plain LIKE "+like)
		rank += " + 0.1 * (s.plain LIKE " + like + ")::int + 0.3 * (s.plain_name LIKE " + like + ")::int"
	}
	if len(n.Terms) > 0 {
		terms := "s.term_ids && " + c.arg(n.Terms)
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
