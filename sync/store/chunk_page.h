// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "sync/model/row.h"

namespace linli::sync {

/// Cuts the page of StoreReader::chunk() the same way in every store.
///
/// The cursor between pages is a ver, so a page never ends inside one: it ends before the first ver
/// that would pass a bound. Only a first ver that is too large by itself passes the bounds
/// (a mutation touches at most limits::kMutationRowsMax rows).
class ChunkPage {
 public:
  ChunkPage(std::size_t rows_max, std::size_t bytes_max)
      : rows_max_(rows_max), bytes_max_(bytes_max) {}

  /// `op` in ascending ver. False: the page has ended and holds whole vers only; add no more.
  bool add(Op op) {
    const std::size_t bytes =
        op.row.tbl.size() + op.row.key.size() + (op.data == nullptr ? 0 : op.data->size());
    if (!ops_.empty() && op.ver != ops_.back().ver) ver_start_ = ops_.size();
    const bool over = ops_.size() + 1 > rows_max_ || bytes_ + bytes > bytes_max_;
    if (over && ver_start_ > 0) {
      ops_.resize(ver_start_);
      return false;
    }
    bytes_ += bytes;
    ops_.push_back(std::move(op));
    return true;
  }

  std::vector<Op> take() { return std::move(ops_); }

 private:
  // Constant after construction.
  std::size_t rows_max_;
  std::size_t bytes_max_;

  std::vector<Op> ops_;
  /// Index of the first op of the newest ver; 0 while the page holds one ver.
  std::size_t ver_start_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace linli::sync
