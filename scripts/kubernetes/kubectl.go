package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// kube runs kubectl and helm, as a platform team would.
type kube struct{ namespace string }

// do runs kubectl in the namespace and returns what it printed.
func (k kube) do(ctx context.Context, args ...string) (string, error) {
	return command(ctx, nil, "kubectl", append([]string{"--namespace", k.namespace}, args...)...)
}

// apply applies manifests.
func (k kube) apply(ctx context.Context, manifests []byte) error {
	_, err := command(ctx, manifests, "kubectl", "--namespace", k.namespace, "apply", "--filename", "-")
	return err
}

// helm runs helm in the namespace and returns what it printed.
func (k kube) helm(ctx context.Context, args ...string) (string, error) {
	return command(ctx, nil, "helm", append([]string{"--namespace", k.namespace}, args...)...)
}

// secret makes or replaces a Secret.
func (k kube) secret(ctx context.Context, name string, values map[string]string) error {
	manifest, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name}, "stringData": values,
	})
	if err != nil {
		return err
	}
	return k.apply(ctx, manifest)
}

// list reads the objects of a kind that a selector picks.
func list[T any](ctx context.Context, k kube, kind, selector string) ([]T, error) {
	out, err := k.do(ctx, "get", kind, "--selector", selector, "--output", "json")
	if err != nil {
		return nil, err
	}
	var found struct {
		Items []T `json:"items"`
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return nil, fmt.Errorf("read the list of %s: %w", kind, err)
	}
	return found.Items, nil
}

// pod is what is looked at of a pod.
type pod struct {
	Metadata struct {
		Name              string            `json:"name"`
		Labels            map[string]string `json:"labels"`
		DeletionTimestamp string            `json:"deletionTimestamp"`
	} `json:"metadata"`
	Status struct {
		Phase      string `json:"phase"`
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions"`
		ContainerStatuses []struct {
			RestartCount int `json:"restartCount"`
		} `json:"containerStatuses"`
	} `json:"status"`
}

func (p pod) ready() bool {
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True" && p.Metadata.DeletionTimestamp == ""
		}
	}
	return false
}

// command runs a program and returns what it printed; what it complained about is in the error.
func command(ctx context.Context, stdin []byte, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(errs.String())
		if len(said) > 4000 {
			said = "..." + said[len(said)-4000:]
		}
		return out.String(), fmt.Errorf("%s %s: %w", name, verb(args), errors.Join(err, errors.New(said)))
	}
	return out.String(), nil
}

// verb is the arguments without values that may be long or secret.
func verb(args []string) string {
	if len(args) > 6 {
		args = args[:6]
	}
	return strings.Join(args, " ")
}
