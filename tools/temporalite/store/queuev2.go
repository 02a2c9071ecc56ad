package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
)

// queueV2 contains named queues, for example the history tasks that failed permanently.
type queueV2 struct{ *database }

func queueV2Key(t table, queueType p.QueueV2Type, name string) key {
	return t.key().int(int64(queueType)).str(name)
}

func (q queueV2) CreateQueue(_ context.Context, r *p.InternalCreateQueueRequest) (*p.InternalCreateQueueResponse, error) {
	k := queueV2Key(queuesV2, r.QueueType, r.QueueName)
	err := q.update(k, func(b *pebble.Batch) error {
		if _, found, err := q.get(k); err != nil {
			return err
		} else if found {
			return fmt.Errorf("%w: queue type %v and name %v", p.ErrQueueAlreadyExists, r.QueueType, r.QueueName)
		}
		return putQueue(b, k, &persistencespb.Queue{Partitions: map[int32]*persistencespb.QueuePartition{0: {MinMessageId: p.FirstQueueMessageID}}})
	})
	return &p.InternalCreateQueueResponse{}, err
}

func putQueue(b *pebble.Batch, k key, q *persistencespb.Queue) error {
	data, err := q.Marshal()
	put(b, k, row{blob: &commonpb.DataBlob{EncodingType: enumspb.ENCODING_TYPE_PROTO3, Data: data}})
	return err
}

func decodeQueue(r row) (*persistencespb.Queue, error) {
	q := &persistencespb.Queue{}
	if err := q.Unmarshal(r.blob.Data); err != nil {
		return nil, serialization.NewDeserializationError(enumspb.ENCODING_TYPE_PROTO3, err)
	}
	return q, nil
}

func (q queueV2) queue(queueType p.QueueV2Type, name string) (*persistencespb.Queue, error) {
	r, found, err := q.get(queueV2Key(queuesV2, queueType, name))
	if err == nil && !found {
		err = p.NewQueueNotFoundError(queueType, name)
	}
	if err != nil {
		return nil, err
	}
	return decodeQueue(r)
}

func (q queueV2) EnqueueMessage(_ context.Context, r *p.InternalEnqueueMessageRequest) (*p.InternalEnqueueMessageResponse, error) {
	if _, err := q.queue(r.QueueType, r.QueueName); err != nil {
		return nil, err
	}
	id, err := q.enqueue(queueV2Key(queueMessagesV2, r.QueueType, r.QueueName), p.FirstQueueMessageID, r.Blob)
	return &p.InternalEnqueueMessageResponse{Metadata: p.MessageMetadata{ID: id}}, err
}

func (q queueV2) ReadMessages(_ context.Context, r *p.InternalReadMessagesRequest) (*p.InternalReadMessagesResponse, error) {
	if r.PageSize <= 0 {
		return nil, p.ErrNonPositiveReadQueueMessagesPageSize
	}
	queue, err := q.queue(r.QueueType, r.QueueName)
	if err != nil {
		return nil, err
	}
	first, err := p.GetMinMessageIDToReadForQueueV2(r.QueueType, r.QueueName, r.NextPageToken, queue)
	if err != nil {
		return nil, err
	}
	messages := queueV2Key(queueMessagesV2, r.QueueType, r.QueueName)
	response := &p.InternalReadMessagesResponse{}
	var invalid error
	_, err = q.scan(messages.int(first), messages.end(), page{size: r.PageSize}, func(k key, r row) {
		if _, known := enumspb.EncodingType_name[int32(r.blob.EncodingType)]; !known {
			invalid = serialization.NewUnknownEncodingTypeError(r.blob.EncodingType.String())
		}
		id, _ := k[len(messages):].cutInt()
		response.Messages = append(response.Messages, p.QueueV2Message{MetaData: p.MessageMetadata{ID: id}, Data: r.blob})
	})
	if err == nil {
		err = invalid
	}
	response.NextPageToken = p.GetNextPageTokenForReadMessages(response.Messages)
	return response, err
}

func (q queueV2) RangeDeleteMessages(_ context.Context, r *p.InternalRangeDeleteMessagesRequest) (*p.InternalRangeDeleteMessagesResponse, error) {
	if r.InclusiveMaxMessageMetadata.ID < p.FirstQueueMessageID {
		return nil, fmt.Errorf("%w: id is %d but must be >= %d", p.ErrInvalidQueueRangeDeleteMaxMessageID, r.InclusiveMaxMessageMetadata.ID, p.FirstQueueMessageID)
	}
	messages := queueV2Key(queueMessagesV2, r.QueueType, r.QueueName)
	response := &p.InternalRangeDeleteMessagesResponse{}
	err := q.update(messages, func(b *pebble.Batch) error {
		queue, err := q.queue(r.QueueType, r.QueueName)
		if err != nil {
			return err
		}
		partition, err := p.GetPartitionForQueueV2(r.QueueType, r.QueueName, queue)
		if err != nil {
			return err
		}
		last, found, err := q.lastMessage(messages)
		if err != nil || !found {
			return err
		}
		deleted, ok := p.GetDeleteRange(p.DeleteRequest{
			LastIDToDeleteInclusive: r.InclusiveMaxMessageMetadata.ID,
			ExistingMessageRange:    p.InclusiveMessageRange{MinMessageID: partition.MinMessageId, MaxMessageID: last},
		})
		if !ok {
			return nil
		}
		if _, err := q.deleteRows(b, messages.int(deleted.MinMessageID), messages.int(deleted.MaxMessageID+1), 0); err != nil {
			return err
		}
		partition.MinMessageId, response.MessagesDeleted = deleted.NewMinMessageID, deleted.MessagesToDelete
		return putQueue(b, queueV2Key(queuesV2, r.QueueType, r.QueueName), queue)
	})
	return response, err
}

func (q queueV2) ListQueues(_ context.Context, r *p.InternalListQueuesRequest) (*p.InternalListQueuesResponse, error) {
	if r.PageSize <= 0 {
		return nil, p.ErrNonPositiveListQueuesPageSize
	}
	offset, err := p.GetOffsetForListQueues(r.NextPageToken)
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, p.ErrNegativeListQueuesOffset
	}
	all := queuesV2.key().int(int64(r.QueueType))
	var names []string
	var rows []row
	if _, err := q.scan(all, all.end(), page{size: int(offset) + r.PageSize}, func(k key, r row) {
		name, _ := k[len(all):].cutStr()
		names, rows = append(names, name), append(rows, r)
	}); err != nil {
		return nil, err
	}
	response := &p.InternalListQueuesResponse{}
	for i := int(offset); i < len(names); i++ {
		info := p.QueueInfo{QueueName: names[i]}
		if info.MessageCount, info.LastMessageID, err = q.count(r.QueueType, names[i], rows[i]); err != nil {
			return nil, err
		}
		response.Queues = append(response.Queues, info)
	}
	if len(response.Queues) > 0 {
		response.NextPageToken = p.GetNextPageTokenForListQueues(offset + int64(len(response.Queues)))
	}
	return response, nil
}

func (q queueV2) count(queueType p.QueueV2Type, name string, r row) (count, last int64, err error) {
	last, found, err := q.lastMessage(queueV2Key(queueMessagesV2, queueType, name))
	if err != nil || !found {
		return 0, p.EmptyQueueMessageID, err
	}
	queue, err := decodeQueue(r)
	if err != nil {
		return 0, 0, err
	}
	partition, err := p.GetPartitionForQueueV2(queueType, name, queue)
	return last - partition.GetMinMessageId() + 1, last, err
}
