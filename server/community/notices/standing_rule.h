// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/community/rows.h"

/// The standing rule (RAIN-7): verified red warnings go out by themselves after a veto time, once
/// two people have signed that they shall. Off until then; every step is in the rule's history and
/// in that of the notice.
namespace linli::community::notices {

/// Time in which anybody at the desk may say no (decision M22).
inline constexpr std::chrono::seconds kVetoTime{120};

/// At most so long from the first countdown, however often the text changes.
inline constexpr std::chrono::seconds kVetoMax{300};

/// Row `warning` gets `veto_until` when the rule holds for what came, and loses it otherwise: for a
/// draft that waits, and for a worse colour of what is out already. An exercise that the rule would
/// have covered counts down as a drill of it, whether the rule is signed or not; it ends with a
/// note in the row, and nothing goes out.
void start_veto(MutatorContext& ctx, const std::string& incident, bool by_rule, Json& row);
/// Nothing goes out by itself for this incident any more.
void stop_veto(MutatorContext& ctx, const std::string& incident, Json& row);

void declare_standing_rule(sync::Registry& registry);

}  // namespace linli::community::notices
