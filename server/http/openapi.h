// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "server/http/endpoint.h"

namespace linli::http {

/// An OpenAPI 3.1 document of all endpoints, with paths below /c/{slug}. Made from the same table
/// that the router dispatches.
Json openapi_document(const EndpointTable& table, std::string_view version);

}  // namespace linli::http
