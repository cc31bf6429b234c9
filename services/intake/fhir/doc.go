// Package fhir reads and writes what FHIR R4's operation Patient/$match speaks of:
// Parameters in, a searchset Bundle or an OperationOutcome out
// (https://hl7.org/fhir/R4/patient-operation-match.html). It is pure.
//
// It is tolerant of what it does not need (elements it does not know are left
// aside) and strict with what it reads: an element of the wrong type, an unknown
// code, a birth date that is none, a modifier extension, are told with their place.
package fhir
