package charts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// Edge says that one may open connections to the other. Names are a service's
// ("intake"), a service's job ("intake/migrations", "intake/test"), or that of a
// part outside the suite: postgresql, kafka, redis, oidc, otlp, dns.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Ports are those of the pods it may reach, in order.
	Ports []int32 `json:"ports"`
}

// Graph is who may talk to whom, in order of From and To.
type Graph []Edge

const (
	nameLabel      = "app.kubernetes.io/name"
	componentLabel = "app.kubernetes.io/component"
	partOfLabel    = "app.kubernetes.io/part-of"
)

// Outside names the parts outside the suite by their pods' labels, as the charts'
// default values have them.
var outside = map[string]string{
	"postgresql": "postgresql", "kafka": "kafka", "redis": "redis", "keycloak": "oidc", "opentelemetry-collector": "otlp",
}

// pod is a kind of pod that the objects make.
type pod struct {
	name   string
	labels labels.Set
}

// WhoMayTalk reads the graph from rendered objects: what a policy of the one's lets
// out and, between pods of the suite, a policy of the other's lets in too. A pod
// that no policy selects may talk to all, and so is an error; so is egress to what
// has no name here.
func WhoMayTalk(objects []Object) (Graph, error) {
	pods, policies, err := inhabitants(objects)
	if err != nil {
		return nil, err
	}
	reach := map[[2]string]map[int32]bool{}
	for _, from := range pods {
		out := selecting(policies, from, networking.PolicyTypeEgress)
		if len(out) == 0 {
			return nil, fmt.Errorf("no policy selects %s: it may talk to all", from.name)
		}
		for _, policy := range out {
			for _, rule := range policy.Spec.Egress {
				if err := add(reach, from, rule, pods, policies); err != nil {
					return nil, fmt.Errorf("NetworkPolicy %s: %w", policy.Name, err)
				}
			}
		}
	}
	var graph Graph
	for pair, ports := range reach {
		graph = append(graph, Edge{pair[0], pair[1], slices.Sorted(maps.Keys(ports))})
	}
	graph.sort()
	return graph, nil
}

func (g Graph) sort() {
	slices.SortFunc(g, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}

// add follows one egress rule to all it reaches.
func add(reach map[[2]string]map[int32]bool, from pod, rule networking.NetworkPolicyEgressRule, pods []pod, policies []networking.NetworkPolicy) error {
	if len(rule.To) == 0 || len(rule.Ports) == 0 {
		return fmt.Errorf("an egress rule of %s names no peer or no port", from.name)
	}
	for _, peer := range rule.To {
		names, err := reached(peer, pods)
		if err != nil {
			return err
		}
		for _, to := range names {
			for _, port := range rule.Ports {
				number := port.Port.IntVal
				if to.labels != nil && !admits(policies, from, to, number) {
					continue
				}
				pair := [2]string{from.name, to.name}
				if reach[pair] == nil {
					reach[pair] = map[int32]bool{}
				}
				reach[pair][number] = true
			}
		}
	}
	return nil
}

// reached are the pods of the suite that a peer selects, or the part outside it
// that it stands for, without labels.
func reached(peer networking.NetworkPolicyPeer, pods []pod) ([]pod, error) {
	if peer.NamespaceSelector != nil && peer.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == "kube-system" {
		return []pod{{name: "dns"}}, nil
	}
	if peer.PodSelector == nil || peer.NamespaceSelector != nil {
		return nil, fmt.Errorf("%s has no name: give its pods' label %s in this namespace", peer.String(), nameLabel)
	}
	selector, err := metav1.LabelSelectorAsSelector(peer.PodSelector)
	if err != nil {
		return nil, err
	}
	var found []pod
	for _, p := range pods {
		if selector.Matches(p.labels) {
			found = append(found, p)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if name := outside[peer.PodSelector.MatchLabels[nameLabel]]; name != "" {
		return []pod{{name: name}}, nil
	}
	if peer.PodSelector.MatchLabels[partOfLabel] == "hearth" { // a service that is not among the objects
		return []pod{{name: peer.PodSelector.MatchLabels[nameLabel]}}, nil
	}
	return nil, fmt.Errorf("nobody knows who has the labels %v", peer.PodSelector.MatchLabels)
}

// admits says whether a policy of to lets from in on a port.
func admits(policies []networking.NetworkPolicy, from, to pod, port int32) bool {
	for _, policy := range selecting(policies, to, networking.PolicyTypeIngress) {
		for _, rule := range policy.Spec.Ingress {
			open := slices.ContainsFunc(rule.Ports, func(p networking.NetworkPolicyPort) bool { return p.Port.IntVal == port })
			named := slices.ContainsFunc(rule.From, func(p networking.NetworkPolicyPeer) bool {
				return p.NamespaceSelector == nil && p.PodSelector != nil && matches(p.PodSelector, from.labels)
			})
			if open && named {
				return true
			}
		}
	}
	return false
}

func selecting(policies []networking.NetworkPolicy, p pod, direction networking.PolicyType) []networking.NetworkPolicy {
	var found []networking.NetworkPolicy
	for _, policy := range policies {
		if slices.Contains(policy.Spec.PolicyTypes, direction) && matches(&policy.Spec.PodSelector, p.labels) {
			found = append(found, policy)
		}
	}
	return found
}

func matches(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

// inhabitants are the pods that the objects make, and the policies among them.
func inhabitants(objects []Object) ([]pod, []networking.NetworkPolicy, error) {
	var pods []pod
	var policies []networking.NetworkPolicy
	for _, o := range objects {
		var set map[string]string
		switch o.GetKind() {
		case "NetworkPolicy":
			var policy networking.NetworkPolicy
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &policy); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", o, err)
			}
			policies = append(policies, policy)
			continue
		case "Pod":
			set = o.GetLabels()
		case "Deployment", "Job":
			set = templateLabels(o)
		default:
			continue
		}
		name := set[nameLabel]
		if component := set[componentLabel]; component != "server" {
			name += "/" + component
		}
		pods = append(pods, pod{name, set})
	}
	return pods, policies, nil
}

func templateLabels(o Object) map[string]string {
	set := map[string]string{}
	spec, _ := o.Object["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	metadata, _ := template["metadata"].(map[string]any)
	all, _ := metadata["labels"].(map[string]any)
	for name, value := range all {
		set[name] = fmt.Sprint(value)
	}
	return set
}

// JSON is the graph as data, an edge a line.
func (g Graph) JSON() ([]byte, error) {
	var out strings.Builder
	out.WriteString("[\n")
	for i, edge := range g {
		line, err := json.Marshal(edge)
		if err != nil {
			return nil, err
		}
		out.WriteString("  ")
		out.Write(line)
		if i < len(g)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	return []byte(out.String()), nil
}

// Services are the edges between services and to the parts outside, without jobs.
func (g Graph) Services() Graph {
	return slices.DeleteFunc(slices.Clone(g), func(e Edge) bool { return strings.Contains(e.From, "/") })
}

// Mermaid is the graph as a diagram. DNS, which all ask, is left out.
func (g Graph) Mermaid() string {
	var out strings.Builder
	out.WriteString("flowchart LR\n")
	for _, e := range g {
		if e.To == "dns" {
			continue
		}
		ports := strings.Trim(strings.ReplaceAll(fmt.Sprint(e.Ports), " ", ", "), "[]")
		fmt.Fprintf(&out, "  %s -- %s --> %s\n", strings.ReplaceAll(e.From, "/", "_"), ports, e.To)
	}
	return out.String()
}
