// Command kubernetes proves Hearth on a real Kubernetes: it brings a cluster up
// (or uses one that is up), packs the images, installs stand-ins for the
// infrastructure and the six charts, sends referrals in through the Services, and
// has the independent checker of scripts/chaos look for anything lost or doubled.
//
// It has two halves. The outer one runs on the machine, where images are built;
// the inner one runs in the cluster's network, where Services have names. The
// outer half starts the inner one by `cluster exec`, and both report to one file.
//
// Parts of the proof, by name (--only):
//
//	install   install the charts, helm test, the week's stream and its ledger
//	trouble   while referrals flow: rolling upgrade of every service, helm rollback,
//	          pods deleted, the node drained, PostgreSQL restarted
//	scale     a consumer scaled out and in by its lag, offsets never going back
//	drill     a backup taken under load, restored into empty parts, and its ledger
package main
