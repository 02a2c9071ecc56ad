package store

import (
	"context"
	"math"

	"github.com/cockroachdb/pebble/v2"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

// A queue contains messages for the replication of namespaces. Its dead-letter queue has the negative number.
type queue struct {
	*database
	number int64
}

func (q queue) dlq() queue { return queue{q.database, -q.number} }

func (q queue) metadata() key { return queueMetadata.key().int(q.number) }
func (q queue) messages() key { return queueMessages.key().int(q.number) }

func (q queue) Init(_ context.Context, blob *commonpb.DataBlob) error {
	for _, k := range []key{q.metadata(), q.dlq().metadata()} {
		err := q.update(k, func(b *pebble.Batch) error {
			_, found, err := q.get(k)
			if err == nil && !found {
				put(b, k, row{blob: blob})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (q queue) EnqueueMessage(_ context.Context, blob *commonpb.DataBlob) error {
	_, err := q.enqueue(q.messages(), p.EmptyQueueMessageID+1, blob)
	return err
}

func (q queue) EnqueueMessageToDLQ(_ context.Context, blob *commonpb.DataBlob) (int64, error) {
	return q.enqueue(q.dlq().messages(), p.EmptyQueueMessageID+1, blob)
}

// enqueue adds a message after the last one.
func (d *database) enqueue(messages key, firstID int64, blob *commonpb.DataBlob) (id int64, err error) {
	err = d.update(messages, func(b *pebble.Batch) error {
		last, found, err := d.lastMessage(messages)
		id = firstID
		if found {
			id = last + 1
		}
		put(b, messages.int(id), row{blob: blob})
		return err
	})
	return id, err
}

func (d *database) lastMessage(messages key) (id int64, found bool, err error) {
	_, err = d.scan(messages, messages.end(), page{size: 1, reverse: true}, func(k key, _ row) {
		id, _ = k[len(messages):].cutInt()
		found = true
	})
	return id, found, err
}

func (q queue) ReadMessages(_ context.Context, lastMessageID int64, maxCount int) ([]*p.QueueMessage, error) {
	messages, _, err := q.read(lastMessageID, math.MaxInt64-1, page{size: maxCount})
	return messages, err
}

func (q queue) ReadMessagesFromDLQ(_ context.Context, firstMessageID, lastMessageID int64, pageSize int, pageToken []byte) ([]*p.QueueMessage, []byte, error) {
	return q.dlq().read(firstMessageID, lastMessageID, page{size: pageSize, token: pageToken})
}

// read returns the messages after one ID, up to and with another.
func (q queue) read(after, last int64, some page) (messages []*p.QueueMessage, token []byte, err error) {
	token, err = q.scan(q.messages().int(after+1), q.messages().int(last+1), some, func(k key, r row) {
		id, _ := k[len(q.messages()):].cutInt()
		message := &p.QueueMessage{QueueType: p.QueueType(q.number), ID: id, Data: r.blob.Data, Encoding: r.blob.EncodingType.String()}
		messages = append(messages, message)
	})
	return messages, token, err
}

func (q queue) DeleteMessagesBefore(_ context.Context, messageID int64) error {
	return q.deleteMessages(0, messageID)
}

func (q queue) DeleteMessageFromDLQ(_ context.Context, messageID int64) error {
	return q.dlq().deleteMessages(messageID, messageID+1)
}

func (q queue) RangeDeleteMessagesFromDLQ(_ context.Context, firstMessageID, lastMessageID int64) error {
	return q.dlq().deleteMessages(firstMessageID+1, lastMessageID+1) // without the first, as in the SQL stores
}

func (q queue) deleteMessages(first, end int64) error {
	return q.update(q.messages(), func(b *pebble.Batch) error {
		_, err := q.deleteRows(b, q.messages().int(first), q.messages().int(end), 0)
		return err
	})
}

func (q queue) UpdateAckLevel(_ context.Context, metadata *p.InternalQueueMetadata) error {
	return q.update(q.metadata(), func(b *pebble.Batch) error {
		old, found, err := q.get(q.metadata())
		if err != nil {
			return err
		}
		if !found || old.version != metadata.Version {
			return &p.ConditionFailedError{Msg: "the queue's acknowledgement level was changed at the same time"}
		}
		put(b, q.metadata(), row{version: metadata.Version + 1, blob: metadata.Blob})
		return nil
	})
}

func (q queue) GetAckLevels(context.Context) (*p.InternalQueueMetadata, error) {
	metadata, found, err := q.get(q.metadata())
	if err == nil && !found {
		err = serviceerror.NewUnavailable("the queue does not exist")
	}
	return &p.InternalQueueMetadata{Blob: metadata.blob, Version: metadata.version}, err
}

func (q queue) UpdateDLQAckLevel(ctx context.Context, metadata *p.InternalQueueMetadata) error {
	return q.dlq().UpdateAckLevel(ctx, metadata)
}

func (q queue) GetDLQAckLevels(ctx context.Context) (*p.InternalQueueMetadata, error) {
	return q.dlq().GetAckLevels(ctx)
}
