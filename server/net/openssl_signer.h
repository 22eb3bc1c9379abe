// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/signer.h"

namespace linli::net {

/// Signer over OpenSSL 3. Threads: any; each keeps its own scratch.
class OpensslSigner final : public Signer {
 public:
  [[nodiscard]] Result<std::unique_ptr<P256Key>> load_p256(ByteView key) const override;
  [[nodiscard]] Result<P256Share> agree_once(ByteView peer) const override;
  [[nodiscard]] Result<std::unique_ptr<RsaKey>> load_rsa(ByteView pem) const override;
  [[nodiscard]] Result<void> aes128gcm_seal(std::span<const std::uint8_t, kAesKeyBytes> key,
                                            std::span<const std::uint8_t, kAesNonceBytes> nonce,
                                            ByteView plain, std::string& out) const override;
};

}  // namespace linli::net
