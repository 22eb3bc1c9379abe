// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sync/protocol/frames.h"

namespace linli::test {

template <class Frame>
struct Sample {
  /// For people: what is special about it.
  std::string name;
  Frame frame;
};

/// Every frame at least once; members with a default once absent and once present.
std::vector<Sample<sync::ServerFrame>> server_samples();
std::vector<Sample<sync::ClientFrame>> client_samples();
std::vector<Sample<sync::HelloBody>> hello_body_samples();

}  // namespace linli::test
