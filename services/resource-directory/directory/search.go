package directory

// Point is a place, in degrees (WGS 84). Searches take coarse points only.
type Point struct{ Latitude, Longitude float64 }

// Query asks for services. Need and Text narrow when given; the rest as told.
type Query struct {
	Need     *Need
	Text     string
	Near     *Point
	WithinKm float64 // 0: anywhere
	Age      *float64
	Language string // ISO 639-1; services that state it come first
	Status   string
}

// Hit is a service that was found.
type Hit struct {
	ServiceID        string   `db:"service_id"`
	Name             string   `db:"name"`
	Status           string   `db:"status"`
	OrganizationID   string   `db:"organization_id"`
	OrganizationName string   `db:"organization_name"`
	Description      string   `db:"description"`
	City             string   `db:"city"`
	MinimumAge       *float64 `db:"minimum_age"`
	MaximumAge       *float64 `db:"maximum_age"`
	Languages        []string `db:"-"`
	Score            float64  `db:"score"`
	DistanceKm       *float64 `db:"distance_km"`
}
