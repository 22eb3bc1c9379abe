// SPDX-License-Identifier: Apache-2.0
// The server asks for Trusted Types: addresses of workers come from one policy. A policy may be
// made once only, so everything that starts a worker on a page takes it from here.

interface Policy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}

let policy: Policy | undefined;

/** `url`, an address of this program's own files, in the form that the browser asks for. */
export function scriptUrl(url: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  policy ??= types?.createPolicy('linli-script-url', { createScriptURL: (own) => own });
  return policy ? policy.createScriptURL(url) : url;
}
