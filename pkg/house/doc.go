// Package house holds the rules of the house that a compiler does not: which way
// imports run, that domain code does no I/O and reads no clock, that tests do not
// sleep, and that no fault or log line is made of a person's data. It is tests
// alone, over the source of every module.
package house
