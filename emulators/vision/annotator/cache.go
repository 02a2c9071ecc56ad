package annotator

import (
	"crypto/sha256"
	"image"
	"sync"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

const maxCached = 100

// A cache contains the detections of recent pictures.
type cache struct {
	mu    sync.Mutex
	found map[cacheKey]*detections
}

type cacheKey struct {
	pixels                  [sha256.Size]byte
	size                    image.Point
	faces, objects, colours int // limits
}

var sharedCache = &cache{found: map[cacheKey]*detections{}}

// CacheDetections makes the server run the neural networks only once for the same pixels. All servers of a process that
// call it share the cache, because the end-to-end tests of a package send the same photograph to several servers. Call
// CacheDetections before Serve.
func (s *Server) CacheDetections() { s.cache = sharedCache }

func newCacheKey(picture *image.RGBA, limits resultLimits) cacheKey {
	return cacheKey{sha256.Sum256(picture.Pix), picture.Rect.Size(), limits.forDetector(visionpb.Feature_FACE_DETECTION),
		limits.forDetector(visionpb.Feature_OBJECT_LOCALIZATION), limits.forDetector(visionpb.Feature_IMAGE_PROPERTIES)}
}

func (c *cache) read(key cacheKey) *detections {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found[key]
}

func (c *cache) write(key cacheKey, found *detections) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.found) == maxCached {
		clear(c.found)
	}
	c.found[key] = found
}
