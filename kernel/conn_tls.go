package kernel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// TLS says how a guest's connection is encrypted on its behalf: the guest's own
// authorities decide, never the host's.
type TLS struct {
	Roots    []byte // certificates in PEM that may sign the server's
	Insecure bool   // takes any certificate
}

// TLSError is why there is no encrypted connection. As an errno it is EACCES
// when the certificate is not to be trusted, otherwise EPROTO.
type TLSError struct {
	Cert bool // about the certificate
	Err  error
}

func (e *TLSError) Error() string { return strings.TrimPrefix(e.Err.Error(), "tls: ") }

// Unwrap gives the errno.
func (e *TLSError) Unwrap() error {
	if e.Cert {
		return linux.EACCES
	}
	return linux.EPROTO
}

// handshake makes an encrypted connection of a bare one, which it closes on
// failure.
func (o *TLS) handshake(ctx context.Context, clock Clock, c net.Conn, host string) (net.Conn, error) {
	roots := x509.NewCertPool() // never nil: that would mean the host's
	roots.AppendCertsFromPEM(o.Roots)
	s := tls.Client(c, &tls.Config{
		ServerName: strings.TrimSuffix(host, "."), RootCAs: roots, InsecureSkipVerify: o.Insecure,
		NextProtos: []string{"http/1.1"}, Time: clock.Now,
	})
	err := s.HandshakeContext(ctx)
	if err == nil {
		return &tlsConn{s}, nil
	}
	_ = c.Close()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return nil, &TLSError{Cert: true, Err: cert.Err}
	}
	return nil, &TLSError{Err: err}
}

// tlsConn closes at once: the goodbye of TLS may wait for a peer that does not
// read.
type tlsConn struct{ *tls.Conn }

func (c *tlsConn) Close() error { return c.NetConn().Close() }
