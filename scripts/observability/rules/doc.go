// Package rules is Hearth's alerting: service level objectives with burn-rate
// alerts, and alerts on causes, as data. Files renders them as Prometheus rule
// files, one for each service and one for the suite.
//
// An objective is about families: their referral was accepted, screened in time,
// a message went out, an alarm was raised. It has an error ratio over seven
// windows and two alerts by the figures of the SRE workbook (Beyer et al. 2018,
// table 5-8): fast, that 2 % of a month's error budget went in an hour or 5 % in
// six (14.4 and 6 times the sustainable rate), which wakes somebody; and slow,
// 10 % in a day or in three (3 and 1 times), which is for the next working day.
// Each is confirmed by a window of a twelfth, so that it ends soon after the fault.
//
// A cause alert names a part that does not work, before an objective suffers.
package rules
