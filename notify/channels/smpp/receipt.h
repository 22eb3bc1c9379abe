// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "notify/channels/smpp/pdu.h"
#include "notify/channels/smpp/settings.h"
#include "notify/outcome.h"

/// What a deliver_sm says: a delivery receipt, or a person's own message.
namespace linli::notify::smpp {

/// The id as Outcome::provider_ids and Receipt::provider_id carry it. Numbers become decimal
/// without leading zeros whichever way they were written; what is no number of 64 bits, and every
/// id in IdForm::text, is lower-cased and loses blanks and leading zeros (notify.md §5 trap 13).
std::string normal_id(std::string_view id, IdForm form);

/// Whether the message is a receipt: by esm_class or by the parameter receipted_message_id, never
/// by its text, which a phone could write.
bool is_receipt(const ShortMessage& message);

/// Reads the parameters receipted_message_id and message_state [5.3.2.12, 5.3.2.35], and where they
/// are missing the text form "id:… sub:… done date:… stat:… err:… text:…" [appendix B]; every field
/// may be missing.
Receipt read_receipt(const ShortMessage& message, const Settings& settings);

/// A person's message: an opt-out word, a reply code of digits, or other words.
Receipt read_reply(const ShortMessage& message, const Settings& settings);

/// Destination of an endpoint; nullopt when it is no telephone number of 3 to 20 digits.
std::optional<Address> to_address(std::string_view endpoint, const Settings& settings);
/// A number of the peer's in the form of endpoints, with a plus when it is international.
std::string to_endpoint(const Address& address, const Settings& settings);

}  // namespace linli::notify::smpp
