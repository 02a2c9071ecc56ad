package pipeline

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// The metadata of an encrypted payload. Temporal's own samples use the same encoding name.
const (
	encryptedEncoding = "binary/encrypted"
	keyIDMetadata     = "encryption-key-id"
)

// Codec encrypts payloads with AES-256-GCM, so that Temporal stores neither signed URLs nor annotations in clear. It
// encrypts with the first key and decrypts with all keys. It leaves a payload that it cannot decrypt unchanged; the
// workflow or activity that needs the payload then fails with an error that names the encoding, and is retried.
type Codec struct {
	current string // the ID of the first key
	keys    map[string]cipher.AEAD
	large   converter.PayloadCodec
}

// ParseKeys returns the codec for a list of keys in the form ID:KEY,ID:KEY…, where KEY is the base64 of 32 bytes. Keep an
// old key in the list for as long as Temporal retains histories, because a payload states the ID of its key.
func ParseKeys(list string) (*Codec, error) {
	c := &Codec{keys: map[string]cipher.AEAD{}, large: converter.NewZlibCodec(converter.ZlibCodecOptions{})}
	for entry := range strings.SplitSeq(list, ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(entry), ":")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !found || id == "" || err != nil || len(key) != 32 {
			return nil, errors.New("TRIPTYCH_PAYLOAD_KEYS must be ID:KEY,ID:KEY…, each KEY the base64 of 32 random bytes (openssl rand -base64 32)")
		}
		if c.keys[id] != nil {
			return nil, fmt.Errorf("TRIPTYCH_PAYLOAD_KEYS has two keys with the ID %q: give every key its own ID", id)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("preparing the payload key %q: %w", id, err)
		}
		if c.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("preparing the payload key %q: %w", id, err)
		}
		if c.current == "" {
			c.current = id
		}
	}
	return c, nil
}

// largePayload is the size in bytes of the smallest payload that is compressed before its encryption. An uncompressed
// result of annotate has up to 2 MB. On a slow connection, its upload could exceed the heartbeat timeout; Temporal would
// then repeat annotate, and Google would bill the picture twice.
const largePayload = 128 << 10

// Encode implements converter.PayloadCodec.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if len(p.GetData()) >= largePayload {
			compressed, err := c.large.Encode([]*commonpb.Payload{p})
			if err != nil {
				return nil, fmt.Errorf("compressing a payload: %w", err)
			}
			p = compressed[0]
		}
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encoding a payload: %w", err)
		}
		encoded[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encryptedEncoding), keyIDMetadata: []byte(c.current),
			},
			Data: c.keys[c.current].Seal(nil, nil, plain, []byte(c.current)),
		}
	}
	return encoded, nil
}

// Decode implements converter.PayloadCodec.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		decoded[i] = c.decode(p)
	}
	return c.large.Decode(decoded)
}

// decode returns p unchanged if p is not encrypted, or if none of the keys can decrypt it.
func (c *Codec) decode(p *commonpb.Payload) *commonpb.Payload {
	id := string(p.GetMetadata()[keyIDMetadata])
	key := c.keys[id]
	if string(p.GetMetadata()[converter.MetadataEncoding]) != encryptedEncoding || key == nil {
		return p
	}
	plain, err := key.Open(nil, nil, p.GetData(), []byte(id))
	if err != nil {
		return p
	}
	decrypted := new(commonpb.Payload)
	if proto.Unmarshal(plain, decrypted) != nil {
		return p
	}
	return decrypted
}

// encryption returns gRPC interceptors that encrypt the payloads and failures of each request and decrypt those of each
// response. Interceptors are used instead of a data converter so that code that reads histories gets them decrypted too.
func encryption(codec *Codec) ([]grpc.UnaryClientInterceptor, error) {
	failures, err := converter.NewFailureGRPCClientInterceptor(converter.NewFailureGRPCClientInterceptorOptions{EncodeCommonAttributes: true})
	if err != nil {
		return nil, fmt.Errorf("preparing the encryption of failures: %w", err)
	}
	payloads, err := converter.NewPayloadCodecGRPCClientInterceptor(converter.PayloadCodecGRPCClientInterceptorOptions{
		Codecs: []converter.PayloadCodec{codec},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the encryption of payloads: %w", err)
	}
	return []grpc.UnaryClientInterceptor{cloneRequest, failures, payloads}, nil
}

// cloneRequest passes on a copy of the request. The interceptors after it change the request in place. The SDK repeats a
// failed call with the same request, which would otherwise be encrypted twice.
func cloneRequest(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if m, ok := req.(proto.Message); ok {
		req = proto.Clone(m)
	}
	return invoke(ctx, method, req, reply, conn, options...)
}
