// Package roads asks servers of road distances for travel times: OSRM, Valhalla,
// GraphHopper. Nobody makes one of its clients unless the operator has set a
// provider.
//
//  1. A request holds rounded places and nothing else: no name, no id, no agency.
//  2. Errors, logs and traces hold no place and no key, though URLs may.
//  3. A request ends by its timeout; no more than Parallel are under way at once,
//     and who comes meanwhile waits no longer than the timeout.
//  4. After Failures failures in a row nobody is asked for Pause; then one request
//     tries again.
//  5. Redirections are not followed: places go where the operator said and nowhere
//     else.
package roads
