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
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// The names are those of Temporal's samples.
const (
	encryptedEncoding = "binary/encrypted"
	keyIDMetadata     = "encryption-key-id"
)

// Codec encrypts payloads with AES-256-GCM, so that Temporal stores neither signed URLs nor annotations in clear. The
// first key encrypts, and every key decrypts. A payload that no key can decrypt stays encrypted.
type Codec struct {
	current string // ID of the first key
	keys    map[string]cipher.AEAD
	large   converter.PayloadCodec
	strict  bool // Decode turns a plain payload into one that no key decrypts
}

// ParseKeys parses `ID:KEY,ID:KEY…`, where each KEY is 32 bytes in base64 (key rotation: see terraform/README.md).
func ParseKeys(list string) (*Codec, error) {
	c := &Codec{keys: map[string]cipher.AEAD{}, large: converter.NewZlibCodec(converter.ZlibCodecOptions{})}
	for entry := range strings.SplitSeq(list, ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(entry), ":")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !found || id == "" || err != nil || len(key) != 32 {
			return nil, errors.New("TRIPTYCH_PAYLOAD_KEYS must be ID:KEY,ID:KEY…, with the base64 of 32 random bytes as each KEY (openssl rand -base64 32)")
		}
		if c.keys[id] != nil {
			return nil, fmt.Errorf("TRIPTYCH_PAYLOAD_KEYS contains two keys with the ID %q: give each key its own ID", id)
		}
		block, _ := aes.NewCipher(key) // fails only for other key lengths
		c.keys[id], _ = cipher.NewGCMWithRandomNonce(block)
		if c.current == "" {
			c.current = id
		}
	}
	return c, nil
}

// Larger payloads are compressed. Otherwise, sending an annotation of 2 MB to Temporal over a slow connection could
// exceed the heartbeat timeout. Temporal would then repeat annotate, and Google would charge twice.
const largePayload = 128 << 10 // bytes

func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encrypted := make([]*commonpb.Payload, len(payloads))
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
		id := []byte(c.current)
		encrypted[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encryptedEncoding), keyIDMetadata: id},
			Data:     c.keys[c.current].Seal(nil, nil, plain, id),
		}
	}
	return encrypted, nil
}

func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decrypted := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		decrypted[i] = c.decrypt(p)
	}
	return c.large.Decode(decrypted)
}

func (c *Codec) decrypt(p *commonpb.Payload) *commonpb.Payload {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != encryptedEncoding {
		if c.strict {
			return &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encryptedEncoding)}}
		}
		return p
	}
	id := string(p.GetMetadata()[keyIDMetadata])
	decrypted := new(commonpb.Payload)
	if key := c.keys[id]; key != nil {
		if plain, err := key.Open(nil, nil, p.GetData(), []byte(id)); err == nil && proto.Unmarshal(plain, decrypted) == nil {
			return decrypted
		}
	}
	return p
}

// If no key decrypts a payload, WorkerConverter makes Temporal retry the workflow task or activity. The default converter
// would fail the workflow.
func WorkerConverter() converter.DataConverter {
	return converter.NewCompositeDataConverter(converter.NewNilPayloadConverter(), converter.NewByteSlicePayloadConverter(),
		converter.NewProtoJSONPayloadConverter(), converter.NewProtoPayloadConverter(), converter.NewJSONPayloadConverter(), undecryptable{})
}

type undecryptable struct{}

func (undecryptable) FromPayload(p *commonpb.Payload, _ any) error {
	panic(fmt.Sprintf("The worker has no key %q that decrypts this: correct TRIPTYCH_PAYLOAD_KEYS and restart the worker, or start the workflow through the codec", p.GetMetadata()[keyIDMetadata]))
}
func (undecryptable) ToPayload(any) (*commonpb.Payload, error) { return nil, nil }
func (undecryptable) ToString(*commonpb.Payload) string        { return "" }
func (undecryptable) Encoding() string                         { return encryptedEncoding }

// Interceptors also decrypt the histories that the web program reads. A data converter would not.
func encryption(codec converter.PayloadCodec) ([]grpc.UnaryClientInterceptor, error) {
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
	hiding, err := proxy.NewFailureVisitorInterceptor(proxy.FailureVisitorInterceptorOptions{Inbound: &proxy.VisitFailuresOptions{Visitor: hideMessage}})
	if err != nil {
		return nil, fmt.Errorf("preparing the decryption of failures: %w", err)
	}
	return []grpc.UnaryClientInterceptor{cloneRequest, failures, hiding, payloads}, nil // the last one sees a response first
}

// cloneRequest prevents double encryption when the SDK sends the same request again after an error.
func cloneRequest(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if m, ok := req.(proto.Message); ok {
		req = proto.Clone(m)
	}
	return invoke(ctx, method, req, reply, conn, options...)
}
