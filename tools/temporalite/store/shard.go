package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

type shardStore struct {
	p.ShardStore
	*database
}

func (s shardStore) GetOrCreateShard(_ context.Context, r *p.InternalGetOrCreateShardRequest) (*p.InternalGetOrCreateShardResponse, error) {
	k := shards.key().int(int64(r.ShardID))
	var shard row
	err := s.update(k, func(b *pebble.Batch) (err error) {
		var found bool
		if shard, found, err = s.get(k); err != nil || found {
			return err
		}
		if r.CreateShardInfo == nil {
			return serviceerror.NewNotFoundf("shard %d does not exist", r.ShardID)
		}
		if shard.version, shard.blob, err = r.CreateShardInfo(); err != nil {
			return serviceerror.NewUnavailablef("creating the information of shard %d: %v", r.ShardID, err)
		}
		put(b, k, shard)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &p.InternalGetOrCreateShardResponse{ShardInfo: shard.blob}, nil
}

func (s shardStore) UpdateShard(_ context.Context, r *p.InternalUpdateShardRequest) error {
	return s.updateShard(r.ShardID, r.PreviousRangeID, func(b *pebble.Batch) error {
		put(b, shards.key().int(int64(r.ShardID)), row{version: r.RangeID, blob: r.ShardInfo})
		return nil
	})
}

// updateShard is update for the owner of a shard.
func (d *database) updateShard(shardID int32, rangeID int64, change func(*pebble.Batch) error) error {
	return d.updateOwned(shards.key().int(int64(shardID)), rangeID, func(message string) error {
		return &p.ShardOwnershipLostError{ShardID: shardID, Msg: message}
	}, change)
}

// updateOwned is update for the owner of a shard or task queue: rangeID must be the version of its row.
func (d *database) updateOwned(k key, rangeID int64, lost func(message string) error, change func(*pebble.Batch) error) error {
	return d.update(k, func(b *pebble.Batch) error {
		owned, found, err := d.get(k)
		switch {
		case err != nil:
			return err
		case !found:
			return lost("it does not exist")
		case owned.version != rangeID:
			return lost(fmt.Sprintf("its range ID is %d, not %d", owned.version, rangeID))
		}
		return change(b)
	})
}
