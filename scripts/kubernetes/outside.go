package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// services are the six, by name.
var services = []string{"intake", "assessment", "planning", "visit-scheduling", "resource-directory", "notification"}

// Tags of the suite's images: what is installed first, and what it is upgraded to.
const (
	firstTag  = "first"
	secondTag = "second"
)

// outside is the half on the machine: cluster, programs, images; then the other half.
func outside(ctx context.Context, s settings, args []string) (err error) {
	for _, p := range []*string{&s.k8s, &s.root, &s.dir} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	c := cluster{filepath.Join(s.k8s, "cluster")}
	if _, err := os.Stat(c.script); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the scripts of the test cluster are not in %s: say where they are, make e2e-kubernetes K8S=FOLDER", s.k8s)
	}
	file := filepath.Join(s.dir, "report.json")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r, err := openReport(file)
	if err != nil {
		return err
	}
	started, err := bringUp(ctx, r, c)
	if started && !s.keep {
		defer func() {
			err = errors.Join(err, r.step("cluster down", func() (Figures, error) { return nil, c.do(context.WithoutCancel(ctx), "down") }))
		}()
	}
	if err != nil {
		return err
	}
	if err := pack(ctx, r, c, s); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args = append(args, "--inside", "--k8s", s.k8s, "--root", s.root, "--dir", s.dir, fmt.Sprintf("--going=%t", started && !s.keep))
	failed := c.do(ctx, append([]string{"exec", "--", self}, args...)...)
	if r2, err := openReport(file); err == nil { // with what the other half added
		r.Steps = r2.Steps
	}
	r.print()
	return failed
}

// bringUp starts the cluster unless one is up, and reports whether it did.
func bringUp(ctx context.Context, r *report, c cluster) (started bool, err error) {
	if exec.CommandContext(ctx, c.script, "status").Run() == nil {
		say("a cluster is up: it is used, and left up")
		return false, nil
	}
	err = r.step("cluster up", func() (Figures, error) {
		for _, command := range []string{"install", "build", "up"} {
			if err := c.do(ctx, command); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return true, err
}

// pack builds the programs and imports all images.
func pack(ctx context.Context, r *report, c cluster, s settings) error {
	bin := filepath.Join(s.dir, "bin")
	err := r.step("build the programs", func() (Figures, error) {
		return nil, build(ctx, s.root, bin, "./scripts/kubernetes/issuer", "./scripts/kubernetes/lag")
	})
	if err != nil {
		return err
	}
	first := bin
	if s.old != "" {
		first = filepath.Join(s.dir, "bin-old")
		err := r.step("build the programs of "+s.old, func() (Figures, error) { return nil, buildOld(ctx, s, first) })
		if err != nil {
			return err
		}
	}
	return r.step("pack the images", func() (Figures, error) {
		for _, name := range services {
			for tag, from := range map[string]string{firstTag: first, secondTag: bin} {
				if err := c.do(ctx, "image", image(name)+":"+tag, filepath.Join(from, name)); err != nil {
					return nil, err
				}
			}
		}
		for _, name := range []string{"issuer", "lag"} {
			if err := c.do(ctx, "image", "local/hearth-"+name+":1", filepath.Join(bin, name)); err != nil {
				return nil, err
			}
		}
		jars := filepath.Join(s.root, ".cache", "kafka", "libs")
		for _, command := range [][]string{{"pg-image"}, {"redis-image"}, {"kafka-image", jars}} {
			if err := c.do(ctx, command...); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// image is the name of a service's image in the test cluster.
func image(service string) string { return "local/hearth/" + service }

// build compiles static programs: those of the services, and more.
func build(ctx context.Context, root, bin string, more ...string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	packages := more
	for _, name := range services {
		packages = append(packages, "./services/"+name+"/cmd/"+name)
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", bin + "/"}, packages...)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

// buildOld compiles the services of an older commit, from a worktree that is
// removed afterwards.
func buildOld(ctx context.Context, s settings, bin string) (err error) {
	tree := filepath.Join(s.dir, "old")
	git := func(ctx context.Context, args ...string) error {
		_, err := command(ctx, nil, "git", append([]string{"-C", s.root, "worktree"}, args...)...)
		return err
	}
	if err := git(ctx, "add", "--force", "--detach", tree, s.old); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, git(context.WithoutCancel(ctx), "remove", "--force", tree)) }()
	return build(ctx, tree, bin)
}

// cluster is the script that runs the test cluster.
type cluster struct{ script string }

func (c cluster) do(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, c.script, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Asked to end, the other half tidies up first.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cluster %s: %w", args[0], err)
	}
	return nil
}
