// Package remote is the client of the distribution protocol (opencontainers/distribution-spec) that fills and reads
// registries for package registry. It owns HTTP, authentication, mirrors, retries and resumed downloads, and knows
// nothing of the store.
//
// # Credentials
//
// They come from docker's config.json and its credential helpers, or from sbx's own config.json, and go only to the
// registry they were stored for: never to a redirect's target, a foreign layer's URL, an upload location on another
// host, or a token server of another site, unless config.json names that server under "auth-realms".
//
// # Why not go-containerregistry's remote
//
// It cannot go on with a blob that broke off, sends credentials to whatever https host a challenge names, and links
// docker's command-line configuration. Its registry (pkg/registry) serves in the tests here.
//
// Lock order: Client.mu > endpoint.mu. Neither is held during a request, except endpoint.mu for the first probe and for
// token requests, which all requests of that endpoint need.
package remote
