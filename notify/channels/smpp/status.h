// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "notify/outcome.h"

namespace linli::notify::smpp {

/// command_status values that the code names [5.1.3].
inline constexpr std::uint32_t kStatusOk = 0x00;
inline constexpr std::uint32_t kStatusBadLength = 0x02;
inline constexpr std::uint32_t kStatusBadCommand = 0x03;
inline constexpr std::uint32_t kStatusWrongBindState = 0x04;
inline constexpr std::uint32_t kStatusAlreadyBound = 0x05;
inline constexpr std::uint32_t kStatusBindFailed = 0x0D;
inline constexpr std::uint32_t kStatusBadPassword = 0x0E;
inline constexpr std::uint32_t kStatusBadSystemId = 0x0F;
inline constexpr std::uint32_t kStatusThrottled = 0x58;
inline constexpr std::uint32_t kStatusPermanentError = 0x65;

/// What the operator knows better about this peer: status -> outcome.
using StatusOverrides = std::map<std::uint32_t, OutcomeKind>;

/// What a command_status that is not 0, in answer to submit_sm, means for the delivery. A status
/// that is in no table is retry_after with a peer's fault: an answer with an error says that the
/// message was not taken [4.4.2], so a second try cannot duplicate it; who gets it for every
/// message is stopped by the breaker.
Outcome outcome_of(std::uint32_t status, const StatusOverrides& overrides = {});

/// Whether a refused bind is our configuration's fault, so that binding again will not help.
bool is_config_fault(std::uint32_t bind_status) noexcept;

/// "smpp 0x00000058", for operators.
std::string status_text(std::uint32_t status);

}  // namespace linli::notify::smpp
