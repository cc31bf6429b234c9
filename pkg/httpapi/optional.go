package httpapi

// OrNil is v for an optional field of an answer: nil, so left out, for the zero value.
func OrNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// OrZero is what an optional field of a request says: the zero value when it is absent.
func OrZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
