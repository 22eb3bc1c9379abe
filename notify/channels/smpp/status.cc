// SPDX-License-Identifier: Apache-2.0
#include "notify/channels/smpp/status.h"

#include <algorithm>
#include <array>

namespace linli::notify::smpp {
namespace {

enum class Fault : std::uint8_t { ours, peers };

struct Row {
  std::uint32_t status;
  OutcomeKind kind;
  Fault fault;
  const char* name;
};

using enum OutcomeKind;
// SMPP 3.4 §5.1.3, those that can answer a submit_sm. `peers` counts for the breaker.
constexpr std::array kRows = {
    Row{0x01, permanent_content, Fault::ours, "ESME_RINVMSGLEN"},
    Row{0x02, permanent_config, Fault::ours, "ESME_RINVCMDLEN"},
    Row{0x03, permanent_config, Fault::ours, "ESME_RINVCMDID"},
    Row{0x04, retry_after, Fault::peers, "ESME_RINVBNDSTS"},
    Row{0x06, permanent_config, Fault::ours, "ESME_RINVPRTFLG"},
    Row{0x07, permanent_config, Fault::ours, "ESME_RINVREGDLVFLG"},
    Row{0x08, retry_after, Fault::peers, "ESME_RSYSERR"},
    Row{0x0A, permanent_config, Fault::ours, "ESME_RINVSRCADR"},
    Row{0x0B, invalid_endpoint, Fault::ours, "ESME_RINVDSTADR"},
    Row{0x0E, permanent_config, Fault::ours, "ESME_RINVPASWD"},
    Row{0x0F, permanent_config, Fault::ours, "ESME_RINVSYSID"},
    Row{0x14, throttled, Fault::ours, "ESME_RMSGQFUL"},
    Row{0x15, permanent_config, Fault::ours, "ESME_RINVSERTYP"},
    Row{0x42, permanent_config, Fault::ours, "ESME_RINVSUBREP"},
    Row{0x43, permanent_config, Fault::ours, "ESME_RINVESMCLASS"},
    // One number's or one text's refusal at most peers, said without a reason.
    Row{0x45, retry_after, Fault::ours, "ESME_RSUBMITFAIL"},
    Row{0x48, permanent_config, Fault::ours, "ESME_RINVSRCTON"},
    Row{0x49, permanent_config, Fault::ours, "ESME_RINVSRCNPI"},
    Row{0x50, permanent_config, Fault::ours, "ESME_RINVDSTTON"},
    Row{0x51, permanent_config, Fault::ours, "ESME_RINVDSTNPI"},
    Row{0x53, permanent_config, Fault::ours, "ESME_RINVSYSTYP"},
    Row{0x54, permanent_config, Fault::ours, "ESME_RINVREPFLAG"},
    Row{0x58, throttled, Fault::ours, "ESME_RTHROTTLED"},
    Row{0x61, permanent_config, Fault::ours, "ESME_RINVSCHED"},
    Row{0x62, permanent_config, Fault::ours, "ESME_RINVEXPIRY"},
    Row{0x63, permanent_config, Fault::ours, "ESME_RINVDFTMSGID"},
    Row{0xC0, permanent_config, Fault::ours, "ESME_RINVOPTPARSTREAM"},
    Row{0xC1, permanent_config, Fault::ours, "ESME_ROPTPARNOTALLWD"},
    Row{0xC2, permanent_config, Fault::ours, "ESME_RINVPARLEN"},
    Row{0xC3, permanent_config, Fault::ours, "ESME_RMISSINGOPTPARAM"},
    Row{0xC4, permanent_config, Fault::ours, "ESME_RINVOPTPARAMVAL"},
    Row{0xFE, retry_after, Fault::ours, "ESME_RDELIVERYFAILURE"},
    Row{0xFF, retry_after, Fault::peers, "ESME_RUNKNOWNERR"},
};

}  // namespace

Outcome outcome_of(std::uint32_t status, const StatusOverrides& overrides) {
  const auto* row = std::ranges::find(kRows, status, &Row::status);
  Outcome out{.kind = retry_after, .is_peer_fault = true};
  out.reason = status_text(status);
  if (row != kRows.end()) {
    out.kind = row->kind;
    out.is_peer_fault = row->fault == Fault::peers;
    out.reason += std::string(" ") + row->name;
  }
  if (const auto known = overrides.find(status); known != overrides.end()) {
    out.kind = known->second;
    out.is_peer_fault = false;
  }
  return out;
}

bool is_config_fault(std::uint32_t bind_status) noexcept {
  return bind_status == kStatusBadPassword || bind_status == kStatusBadSystemId ||
         bind_status == kStatusBindFailed ||
         outcome_of(bind_status).kind == OutcomeKind::permanent_config;
}

std::string status_text(std::uint32_t status) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out = "smpp 0x";
  for (int shift = 28; shift >= 0; shift -= 4) out += kDigits[status >> shift & 0xF];
  return out;
}

}  // namespace linli::notify::smpp
