// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "notify/channel.h"

namespace linli::notify {

/// A channel that is a program of the operator: JSON lines to its standard input, outcomes and
/// receipts from its standard output (notify/channels/exec/README.md). The host starts it, without
/// a shell, when the first line is sent.
///
/// Settings: `medium`, `timeout_s`, `window_max`, `receipts`, `after_unknown`, `part_price`,
/// `length_max`; `program` is the host's.
/// Errors: invalid_argument naming the key.
Result<std::unique_ptr<Adapter>> make_exec_channel(const AdapterParts& parts);

}  // namespace linli::notify
