package registry

import (
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ImageConfig is the configuration of an image: OCI's (image-spec, config.md) with what docker adds to it.
type ImageConfig struct {
	ocispec.Image
	Config ContainerConfig `json:"config"`
}

// ContainerConfig is how containers of an image start.
type ContainerConfig struct {
	ocispec.ImageConfig
	Healthcheck *Healthcheck `json:",omitempty"`
	OnBuild     []string     `json:",omitempty"` // Dockerfile instructions for images that are built from this one
	Shell       []string     `json:",omitempty"` // of the shell form of RUN, CMD and ENTRYPOINT
}

// Healthcheck is how a container is asked whether it works. Zero times and counts mean docker's defaults.
type Healthcheck struct {
	// Test is empty to inherit, {"NONE"} for none, {"CMD", ARG…} for a program, {"CMD-SHELL", LINE} for the shell.
	Test          []string      `json:",omitempty"`
	Interval      time.Duration `json:",omitempty"`
	Timeout       time.Duration `json:",omitempty"`
	StartPeriod   time.Duration `json:",omitempty"`
	StartInterval time.Duration `json:",omitempty"`
	Retries       int           `json:",omitempty"`
}
