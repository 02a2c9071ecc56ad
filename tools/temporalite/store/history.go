package store

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

func branchKey(t table, shardID int32, treeID, branchID string) key {
	return t.key().int(int64(shardID)).str(treeID, branchID)
}

// nodeKey sorts the newest of several transactions that wrote the same node first, as the server expects.
func nodeKey(branch key, nodeID, transactionID int64) key {
	return branch.int(nodeID).int(-transactionID)
}

func (s *executionStore) AppendHistoryNodes(_ context.Context, r *p.InternalAppendHistoryNodesRequest) error {
	branch := branchKey(historyNodes, r.ShardID, r.BranchInfo.TreeId, r.BranchInfo.BranchId)
	return s.update(branch, func(b *pebble.Batch) error {
		appendNodes(b, []*p.InternalAppendHistoryNodesRequest{r})
		return nil
	})
}

func appendNodes(b *pebble.Batch, requests []*p.InternalAppendHistoryNodesRequest) {
	for _, r := range requests {
		branch := branchKey(historyNodes, r.ShardID, r.BranchInfo.TreeId, r.BranchInfo.BranchId)
		put(b, nodeKey(branch, r.Node.NodeID, r.Node.TransactionID), row{version: r.Node.PrevTransactionID, blob: r.Node.Events})
		if r.IsNewBranch {
			put(b, branchKey(historyTrees, r.ShardID, r.BranchInfo.TreeId, r.BranchInfo.BranchId), row{blob: r.TreeInfo})
		}
	}
}

func (s *executionStore) DeleteHistoryNodes(_ context.Context, r *p.InternalDeleteHistoryNodesRequest) error {
	if r.NodeID < p.GetBeginNodeID(r.BranchInfo) {
		return &p.InvalidPersistenceRequestError{Msg: "the node belongs to an ancestor of the branch"}
	}
	branch := branchKey(historyNodes, r.ShardID, r.BranchInfo.TreeId, r.BranchInfo.BranchId)
	return s.update(branch, func(b *pebble.Batch) error {
		node := nodeKey(branch, r.NodeID, r.TransactionID)
		markErased(b, node)
		return b.Delete(node, nil)
	})
}

func (s *executionStore) ReadHistoryBranch(_ context.Context, r *p.InternalReadHistoryBranchRequest) (*p.InternalReadHistoryBranchResponse, error) {
	info, err := s.GetHistoryBranchUtil().ParseHistoryBranchInfo(r.BranchToken)
	if err != nil {
		return nil, err
	}
	branch := branchKey(historyNodes, r.ShardID, info.TreeId, r.BranchID)
	response := &p.InternalReadHistoryBranchResponse{}
	pageOfNodes := page{size: r.PageSize, token: r.NextPageToken, reverse: r.ReverseOrder}
	response.NextPageToken, err = s.scan(branch.int(r.MinNodeID), branch.int(r.MaxNodeID), pageOfNodes, func(k key, r row) {
		nodeID, rest := k[len(branch):].cutInt()
		transactionID, _ := rest.cutInt()
		node := p.InternalHistoryNode{NodeID: nodeID, TransactionID: -transactionID, PrevTransactionID: r.version, Events: r.blob}
		response.Nodes = append(response.Nodes, node)
	})
	return response, err
}

func (s *executionStore) ForkHistoryBranch(_ context.Context, r *p.InternalForkHistoryBranchRequest) error {
	return s.write(branchKey(historyTrees, r.ShardID, r.ForkBranchInfo.TreeId, r.NewBranchID), row{blob: r.TreeInfo})
}

func (s *executionStore) DeleteHistoryBranch(_ context.Context, r *p.InternalDeleteHistoryBranchRequest) error {
	tree := branchKey(historyTrees, r.ShardID, r.BranchInfo.TreeId, r.BranchInfo.BranchId)
	return s.update(tree, func(b *pebble.Batch) error {
		for _, deleted := range r.BranchRanges {
			branch := branchKey(historyNodes, r.ShardID, r.BranchInfo.TreeId, deleted.BranchId)
			if _, err := s.deleteRows(b, branch.int(deleted.BeginNodeId), branch.end(), 0); err != nil {
				return err
			}
		}
		markErased(b, tree)
		return b.Delete(tree, nil)
	})
}

func (s *executionStore) GetHistoryTreeContainingBranch(_ context.Context, r *p.InternalGetHistoryTreeContainingBranchRequest) (*p.InternalGetHistoryTreeContainingBranchResponse, error) {
	info, err := s.GetHistoryBranchUtil().ParseHistoryBranchInfo(r.BranchToken)
	if err != nil {
		return nil, err
	}
	tree := historyTrees.key().int(int64(r.ShardID)).str(info.TreeId)
	response := &p.InternalGetHistoryTreeContainingBranchResponse{}
	_, err = s.scan(tree, tree.end(), page{}, func(_ key, r row) { response.TreeInfos = append(response.TreeInfos, r.blob) })
	return response, err
}

func (s *executionStore) GetAllHistoryTreeBranches(_ context.Context, r *p.GetAllHistoryTreeBranchesRequest) (_ *p.InternalGetAllHistoryTreeBranchesResponse, err error) {
	if r.PageSize <= 0 {
		return nil, serviceerror.NewInvalidArgumentf("the page size is %d", r.PageSize)
	}
	all := historyTrees.key()
	response := &p.InternalGetAllHistoryTreeBranchesResponse{}
	response.NextPageToken, err = s.scan(all, all.end(), page{size: r.PageSize, token: r.NextPageToken}, func(k key, r row) {
		_, rest := k[len(all):].cutInt() // the shard
		tree, rest := rest.cutStr()
		branch, _ := rest.cutStr()
		detail := p.InternalHistoryBranchDetail{TreeID: tree, BranchID: branch, Data: r.blob.Data, Encoding: r.blob.EncodingType.String()}
		response.Branches = append(response.Branches, detail)
	})
	return response, err
}
