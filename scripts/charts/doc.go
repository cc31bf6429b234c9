// Package charts renders the charts of helm/ as Helm does, in process, and reads
// from what is rendered who may talk to whom. Its tests are the proof of the charts
// that needs no cluster:
//
//  1. Helm's own lint finds nothing, and wrong values are refused by name.
//  2. Every object of a matrix of values files is one that Kubernetes knows: decoded
//     strictly into its Go types and valid by the OpenAPI files of three versions;
//     what is not Kubernetes' own, by the definitions of whose it is.
//  3. Every pod is restricted, probed, bounded and stoppable; no secret is in a
//     ConfigMap; no policy lets anything talk to everything.
//  4. Every configuration file is good by the service's own --check-config, and every
//     secret it names is mounted where it is looked for.
//  5. What the charts say of a service (whom it asks, what it takes in, its path) is
//     what its code says, and the network policies allow just that.
package charts
