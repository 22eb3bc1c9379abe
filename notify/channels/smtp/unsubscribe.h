// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "notify/model.h"

/// One-click unsubscribing (RFC 8058): links that name one delivery and cannot be invented.
namespace linli::notify::smtp {

/// `secret` has at least 32 bytes. 32 characters of base64url.
std::string unsubscribe_token(const Secret& secret, DeliveryId delivery);
/// The delivery of a token that we made; nothing for any other text.
std::optional<DeliveryId> read_unsubscribe_token(const Secret& secret, std::string_view token);
/// Whether a POST body says List-Unsubscribe=One-Click, in either form encoding.
bool is_one_click(std::string_view body);
/// What a GET shows: a button. Mail scanners follow links, so opening one changes nothing
/// (notify.md §5 trap 32).
std::string_view unsubscribe_page();

}  // namespace linli::notify::smtp
